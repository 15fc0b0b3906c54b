"""Loading and calling a user's own classes, and the decision which names a file may choose."""

from __future__ import annotations

import importlib
import shlex
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lagrl.errors import InputError, LagrlError
from lagrl.printable import VALUE, one_line, shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


@dataclass(frozen=True)
class NamedRule:
    """A controller, sampler or expert that a file names.

    Attributes
    ----------
    field
        Its field in the file; `env.route_sampler` is the option `--env.route-sampler`.
    name
        The name in the file.
    is_built_in
        Whether the name is of a rule of lagrl that needs no code, file or account of the user's.
    """

    field: str
    name: str
    is_built_in: bool

    @property
    def option(self) -> str:
        """The option that gives the name on the command line."""
        return f"--{self.field.replace('_', '-')}"


def require_trusted(
    rules: Iterable[NamedRule], given: Mapping[str, str] | None = None, *, source: str | None = None
) -> None:
    """Refuse rules that a file names unless they are built in, or the user gives the same name now.

    Every name of a controller, sampler or expert from a file (checkpoint, archive, configuration, row) passes here
    before it is used: another name may import code, read or write files, or use an account.

    Parameters
    ----------
    rules
        The names in the file.
    given
        Names that the user gives now, by field.
    source
        The file, for messages.

    Raises
    ------
    InputError
        If a name is neither, or the user gives another one than the file has.
    """
    given = given or {}
    for rule in rules:
        if rule.field in given and given[rule.field] != rule.name:
            problem = f"{shown(given[rule.field])} given, the file has {shown(rule.name)}"
            raise InputError(problem, source=source, field=rule.option, remedy="leave it out")
        if rule.field not in given and not rule.is_built_in:
            raise InputError(
                f"{shown(rule.name)} is not built in, and a file may not choose it",
                source=source,
                field=rule.field,
                remedy=f"if you trust it, give it on the command line: {rule.option} {_argument(rule.name)}",
            )


def _argument(name: str) -> str:
    """Return a name as an argument for the shell, for a message."""
    return shlex.quote(one_line(name, VALUE))


def import_attribute(kind: str, spec: str) -> Any:
    """Import the attribute that `spec` (`module:attribute`) names; `kind` ("controller", …) is for the message.

    Raises InputError if the module cannot be imported, for whatever reason, or lacks the attribute.
    """
    module_name, _, attribute = spec.partition(":")
    if not module_name or module_name.startswith(".") or not attribute:
        raise InputError(f"{shown(spec)} is not module:attribute", field=kind, remedy="write it as in mine:MyClass")
    try:
        module = importlib.import_module(module_name)
    except Exception as error:  # a user's module may raise anything
        raise InputError(
            f"cannot import {shown(module_name)} ({type(error).__name__}: {error})",
            field=f"{kind} {spec}",
            remedy="run where the module can be imported, or correct it",
        ) from error
    if not hasattr(module, attribute):
        raise InputError(
            f"module {shown(module_name)} has no {shown(attribute)}",
            field=f"{kind} {spec}",
            remedy="check the spelling",
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
