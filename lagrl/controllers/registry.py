"""Controllers by name: the classical rules, `module:attribute`, and trained ones through entry points."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any

from lagrl.controllers.adam import Adam
from lagrl.controllers.base import Controller
from lagrl.controllers.camerini import CameriniFrattaMaffioli
from lagrl.controllers.constant import ConstantStep
from lagrl.controllers.held_wolfe_crowder import HeldWolfeCrowder
from lagrl.controllers.perturbed import Perturbed
from lagrl.controllers.polyak import Polyak
from lagrl.controllers.volume import Volume
from lagrl.errors import InputError, UnknownNameError

ENTRY_POINT_GROUP = "lagrl.controllers"

ControllerFactory = Callable[[], Controller]

CONTROLLERS: dict[str, ControllerFactory] = {
    "constant": ConstantStep,
    "polyak": Polyak,
    "hwc": HeldWolfeCrowder,
    "cfm": CameriniFrattaMaffioli,
    "volume": Volume,
    "adam": Adam,
    "perturbed": Perturbed,
}


def controller_factory(spec: str) -> ControllerFactory:
    """Find what makes the controllers called `spec`: a fresh one for every ascent.

    Parameters
    ----------
    spec
        A name in `CONTROLLERS` or of an installed entry point; `module:attribute`, where the attribute is called
        without arguments; or `checkpoints/NAME`, which the entry point `checkpoints` (from the package that holds
        the policies) is asked for.

    Raises
    ------
    UnknownNameError
        If no such controller is known, or checkpoints cannot be loaded here.
    InputError
        If `module:attribute` cannot be imported or does not make a controller.
    """
    if spec in CONTROLLERS:
        return CONTROLLERS[spec]
    installed = {point.name: point for point in entry_points(group=ENTRY_POINT_GROUP)}
    if spec.startswith("checkpoints/"):
        if "checkpoints" not in installed:
            raise UnknownNameError(
                f"nothing installed loads {spec!r}",
                field="controller",
                remedy="pip install 'lagrl[rl]' for trained controllers",
            )
        load: Callable[[str], ControllerFactory] = installed["checkpoints"].load()
        return load(spec)
    if ":" in spec:
        return _checked(spec, _imported(spec))
    if spec in installed:
        return _checked(spec, installed[spec].load())
    hint = "; or module:attribute for your own"
    raise UnknownNameError.of("controller", spec, {*CONTROLLERS, *installed}, hint=hint)


def _imported(spec: str) -> Any:
    module_name, _, attribute = spec.partition(":")
    try:
        module = importlib.import_module(module_name)
    except Exception as error:  # whatever a user's module raises, it is the user's to mend
        raise InputError(
            f"cannot import {module_name!r} ({type(error).__name__}: {error})",
            field=f"controller {spec}",
            remedy="run where the module can be imported, or install it",
        ) from error
    if not hasattr(module, attribute):
        raise InputError(
            f"module {module_name!r} has no {attribute!r}", field=f"controller {spec}", remedy="check the spelling"
        )
    return getattr(module, attribute)


def _checked(spec: str, factory: Any) -> ControllerFactory:
    """Make one controller now, so that a wrong class is refused before any work is done."""
    remedy = "it must take no arguments and give an object with start(...) and update(...)"
    try:
        made = factory()
    except TypeError as error:
        raise InputError(f"cannot be called ({error})", field=f"controller {spec}", remedy=remedy) from error
    if not isinstance(made, Controller):
        raise InputError(f"makes a {type(made).__name__}", field=f"controller {spec}", remedy=remedy)
    checked: ControllerFactory = factory
    return checked
