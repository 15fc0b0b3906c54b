"""Controllers: rules that choose the next multipliers, one rule per file.

Examples
--------
>>> import lagrl
>>> problem = lagrl.read("G-n16-k3")
>>> lagrl.solve(problem, controller=lagrl.controllers.Volume, evaluations=50).cost
5098.0
"""

from lagrl.controllers.adam import Adam
from lagrl.controllers.base import Controller, Feedback, Finishing, Rule
from lagrl.controllers.bundle import ProximalBundle
from lagrl.controllers.camerini import CameriniFrattaMaffioli
from lagrl.controllers.constant import ConstantStep
from lagrl.controllers.dantzig_wolfe import ColumnGeneration
from lagrl.controllers.held_wolfe_crowder import HeldWolfeCrowder
from lagrl.controllers.perturbed import Perturbed
from lagrl.controllers.polyak import Polyak
from lagrl.controllers.registry import CONTROLLERS, controller_factory, make_controller
from lagrl.controllers.volume import Volume

__all__ = [
    "CONTROLLERS",
    "Adam",
    "CameriniFrattaMaffioli",
    "ColumnGeneration",
    "ConstantStep",
    "Controller",
    "Feedback",
    "Finishing",
    "HeldWolfeCrowder",
    "Perturbed",
    "Polyak",
    "ProximalBundle",
    "Rule",
    "Volume",
    "controller_factory",
    "make_controller",
]
