"""Controllers by name: the classical rules, `module:attribute`, and trained controllers through entry points."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib.metadata import entry_points

from lagrl.controllers.adam import Adam
from lagrl.controllers.base import Controller
from lagrl.controllers.bundle import ProximalBundle
from lagrl.controllers.camerini import CameriniFrattaMaffioli
from lagrl.controllers.constant import ConstantStep
from lagrl.controllers.dantzig_wolfe import ColumnGeneration
from lagrl.controllers.held_wolfe_crowder import HeldWolfeCrowder
from lagrl.controllers.perturbed import Perturbed
from lagrl.controllers.polyak import Polyak
from lagrl.controllers.volume import Volume
from lagrl.errors import UnknownNameError, require_type
from lagrl.plugins import checked_factory, import_attribute
from lagrl.printable import shown

ENTRY_POINT_GROUP = "lagrl.controllers"
LEARNED = "learned"
"""Name of the shipped policy of a dual; `learned:PATH` is another one."""

_METHODS = "start(dual, *, budget, rng, initial=None) and update(point, feedback=None)"

ControllerFactory = Callable[[], Controller]

CONTROLLERS: dict[str, ControllerFactory] = {
    "constant": ConstantStep,
    "polyak": Polyak,
    "hwc": HeldWolfeCrowder,
    "cfm": CameriniFrattaMaffioli,
    "volume": Volume,
    "adam": Adam,
    "bundle": ProximalBundle,
    "cg": ColumnGeneration,
    "perturbed": Perturbed,
}

SUMMARIES = {
    "constant": "supergradient step of constant length (Shor, 1962)",
    "polyak": "Polyak's step length towards an estimated optimum (Polyak, 1969)",
    "hwc": "Held-Wolfe-Crowder: Polyak's step towards the incumbent, halved when it stalls (1974)",
    "cfm": "Camerini-Fratta-Maffioli: supergradient deflected by the previous direction (1975)",
    "volume": "volume algorithm: step along an average of supergradients (Barahona and Anbil, 2000)",
    "adam": "Adam: moment averages of the supergradient (Kingma and Ba, 2015)",
    "bundle": "proximal bundle method with one cut per vehicle (Lemaréchal, 1978; Kiwiel, 1990)",
    "cg": "Dantzig-Wolfe column generation with smoothed prices",
    "perturbed": "random perturbations of the start, no ascent: the baseline that a learner must beat",
}
"""One line on each of `CONTROLLERS`, for `lagrl list controllers`."""


def controller_factory(spec: str) -> ControllerFactory:
    """Return the factory of the controllers called `spec`; it makes a new one for every ascent.

    Parameters
    ----------
    spec
        A name in `CONTROLLERS` or of an installed entry point; `learned`, the shipped assignment policy, or
        `learned:PATH`, another one; `module:attribute`, where the attribute is called without arguments; or
        `checkpoints/NAME` or any path with a slash, which the entry point `checkpoints` (of the package with the
        policies) loads.

    Raises
    ------
    UnknownNameError
        If no such controller is known, or checkpoints cannot be loaded here.
    InputError
        If `module:attribute` cannot be imported or does not make a controller, or a policy cannot be read.
    """
    remedy = "give a name, such as 'volume'; lagrl.solve(problem, controller=…) takes a class as well"
    require_type(spec, str, "controller", remedy)
    if spec in CONTROLLERS:
        return CONTROLLERS[spec]
    if spec.partition(":")[0] == LEARNED:
        return _learned(spec.partition(":")[2])
    installed = {point.name: point for point in entry_points(group=ENTRY_POINT_GROUP)}
    loader = installed.pop("checkpoints", None)  # not a controller
    if spec.startswith("checkpoints/") or ("/" in spec and ":" not in spec):
        if loader is None:
            raise UnknownNameError(
                f"nothing installed loads {shown(spec)}",
                field="controller",
                remedy=f"install a package with the entry point 'checkpoints' of {ENTRY_POINT_GROUP}",
            )
        load: Callable[[str], ControllerFactory] = loader.load()
        return load(spec)
    if ":" in spec:
        return checked_factory("controller", spec, import_attribute("controller", spec), Controller, _METHODS)
    if spec in installed:
        return checked_factory("controller", spec, installed[spec].load(), Controller, _METHODS)
    hint = "; or module:attribute for your own"
    known = {*CONTROLLERS, LEARNED, *installed, *(["checkpoints/NAME"] if loader else [])}
    raise UnknownNameError.of("controller", spec, known, hint=hint)


def _learned(path: str) -> ControllerFactory:
    """Return the factory of the controllers of an assignment policy; the shipped one if `path` is empty."""
    from lagrl.controllers.assignment_policy import ASSIGNMENT
    from lagrl.controllers.learned_multipliers import LearnedMultipliers
    from lagrl.controllers.policy_checkpoint import load_policy

    checkpoint = load_policy(ASSIGNMENT, path or None)
    factory = partial(LearnedMultipliers, checkpoint)
    factory.fingerprint = checkpoint.fingerprint  # type: ignore[attr-defined]  # recorded in result rows
    return factory


def is_built_in(name: str) -> bool:
    """Whether a name is of one of lagrl's rules or its shipped policy; see `lagrl.plugins.require_trusted`."""
    return name in CONTROLLERS or name == LEARNED


def make_controller(controller: Controller | type[Controller] | str) -> Controller:
    """Return a controller given as such, as its class, or by name (see `controller_factory`).

    Raises
    ------
    UnknownNameError, InputError
        If it is not known, or cannot be made.

    Examples
    --------
    >>> import lagrl
    >>> type(lagrl.controllers.make_controller("volume")).__name__
    'Volume'
    """
    if isinstance(controller, str):
        return controller_factory(controller)()
    if isinstance(controller, type):
        made: Controller = checked_factory("controller", controller.__name__, controller, Controller, _METHODS)()
        return made
    require_type(controller, Controller, "controller", f"give a name, a class or an object with {_METHODS}")
    return controller
