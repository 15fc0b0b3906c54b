"""Rules that choose the next multipliers, one rule a file."""

from lagrl.controllers.base import Controller, Feedback, Rule
from lagrl.controllers.registry import CONTROLLERS, controller_factory

__all__ = ["CONTROLLERS", "Controller", "Feedback", "Rule", "controller_factory"]
