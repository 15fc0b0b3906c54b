"""Loading and calling a user's own classes."""

from __future__ import annotations

import importlib
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lagrl.errors import InputError, LagrlError

if TYPE_CHECKING:
    from collections.abc import Callable


def import_attribute(kind: str, spec: str) -> Any:
    """Import the attribute that `spec` (`module:attribute`) names; `kind` ("controller", …) is for the message.

    Raises InputError if the module cannot be imported, for whatever reason, or lacks the attribute.
    """
    module_name, _, attribute = spec.partition(":")
    if not module_name or module_name.startswith(".") or not attribute:
        raise InputError(f"{spec!r} is not module:attribute", field=kind, remedy="write it as in mine:MyClass")
    try:
        module = importlib.import_module(module_name)
    except Exception as error:  # a user's module may raise anything
        raise InputError(
            f"cannot import {module_name!r} ({type(error).__name__}: {error})",
            field=f"{kind} {spec}",
            remedy="run where the module can be imported, or correct it",
        ) from error
    if not hasattr(module, attribute):
        raise InputError(
            f"module {module_name!r} has no {attribute!r}", field=f"{kind} {spec}", remedy="check the spelling"
        )
    return getattr(module, attribute)


def checked_factory(kind: str, spec: str, factory: Any, protocol: Any, methods: str) -> Callable[[], Any]:
    """Return a user's factory after making one object with it, so that a wrong class is refused before any work.

    Parameters
    ----------
    kind, spec
        Kind of object ("controller", …) and the user's name for it, for the message.
    factory
        Called without arguments.
    protocol
        Type of the object it must make, checked by `isinstance`.
    methods
        The methods of that type, for the message.

    Raises
    ------
    InputError
        If the factory cannot be called, or makes something else.
    """
    remedy = f"it must take no arguments and give an object with {methods}"
    try:
        made = factory()
    except Exception as error:  # a user's class may raise anything
        raise InputError(
            f"cannot be made ({type(error).__name__}: {error})", field=f"{kind} {spec}", remedy=remedy
        ) from error
    if not isinstance(made, protocol):
        raise InputError(f"makes a {type(made).__name__}", field=f"{kind} {spec}", remedy=remedy)
    found: Callable[[], Any] = factory
    return found


def call_plugin(name: str, call: Callable[[], Any]) -> Any:
    """Call a user's code; `name` ("controller MyRule", …) is for the message.

    Raises InputError with file and line, if the code raises anything except lagrl's own errors, which are passed on.
    """
    try:
        return call()
    except LagrlError:
        raise
    except Exception as error:
        place = traceback.extract_tb(error.__traceback__)[-1]
        raise InputError(
            f"{type(error).__name__}: {error}", source=name, field=f"{Path(place.filename).name} line {place.lineno}"
        ) from error
