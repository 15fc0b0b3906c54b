"""Rules that choose the next multipliers, one rule per file."""

from lagrl.controllers.base import Controller, Feedback, Finishing, Rule
from lagrl.controllers.registry import CONTROLLERS, controller_factory

__all__ = ["CONTROLLERS", "Controller", "Feedback", "Finishing", "Rule", "controller_factory"]
