"""Options of commands: their types, instances, and the options that come from the fields of a configuration."""

from __future__ import annotations

import inspect
import re
from dataclasses import MISSING, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, cast, get_type_hints

import tyro

from lagrl.cli.arguments import RefusedError
from lagrl.errors import InputError, LagrlError, UnknownNameError
from lagrl.problems.cvrp import CVRP
from lagrl.problems.fleet import Fleet

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping


def _names(text: str) -> tuple[str, ...]:
    return tuple(name for name in (part.strip() for part in text.split(",")) if name)


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(map(int, _names(text)))


def _fleet(text: str) -> Fleet:
    return cast("Fleet", _or_refused(Fleet.parse, text))


def _or_refused(make: Callable[..., Any], *values: Any, **named: Any) -> Any:
    try:
        return make(*values, **named)
    except LagrlError as error:
        raise RefusedError(error) from error


def _read_as(read: Callable[[str], Any], metavar: str) -> Any:
    """Return the tyro rule of an option whose one word `read` turns into a value; a list is written with commas."""
    return tyro.constructors.PrimitiveConstructorSpec(
        nargs=1,
        metavar=metavar,
        instance_from_str=lambda words: read(words[0]),
        is_instance=lambda value: value is None or not isinstance(value, str),
        str_from_instance=lambda value: [",".join(map(str, value)) if isinstance(value, tuple) else str(value)],
    )


def _unmarked(metavar: str, **more: Any) -> Any:
    """Return the annotation of an option whose help states the default itself."""
    return tyro.conf.arg(metavar=metavar, help_behavior_hint="", **more)


NAMES, NUMBERS, FLEET = _read_as(_names, "A,B,…"), _read_as(_numbers, "N,N,…"), _read_as(_fleet, "RULE")

Names = Annotated[tuple[str, ...], NAMES]
Numbers = Annotated[tuple[int, ...], NUMBERS]
FleetRule = Annotated[Fleet | None, FLEET, _unmarked("RULE")]
File = Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="FILE")]
Files = Annotated[tuple[str, ...], tyro.conf.Positional, _unmarked("FILES…")]
Count = Annotated[int | None, _unmarked("N")]
Text = Annotated[str | None, _unmarked("TEXT")]
Folder = Annotated[Path | None, _unmarked("DIR")]
OutFile = Annotated[Path | None, _unmarked("FILE")]
Rate = Annotated[float | None, _unmarked("RATE")]
Shard = Annotated[str | None, _unmarked("I/N")]
Ray = Annotated[str | None, _unmarked("ADDRESS")]
Plot = Annotated[Path | None, _unmarked("FILE")]
"""A file for a picture: .svg, .pdf or .png; `lagrl.plot.picture_style.require_picture` checks it before the work."""

_METAVARS = {int | None: "N", float | None: "X", str: "TEXT", str | None: "TEXT", Path | None: "FILE"}
_RULES: dict[Any, Any] = {tuple[str, ...]: NAMES, tuple[int, ...]: NUMBERS, Fleet | None: FLEET}


def options(
    config: type,
    *,
    build: Callable[..., Any] | None = None,
    fixed: Mapping[str, object] | None = None,
    names: Mapping[str, str] | None = None,
    aliases: Mapping[str, str] | None = None,
    texts: Mapping[str, str] | None = None,
) -> Any:
    """Return the tyro annotation of a command's field that holds a configuration: each of its fields is an option.

    Type and default are the field's; the help is its entry under *Attributes* in the class's docstring.

    Parameters
    ----------
    config
        A dataclass.
    build
        Function of the values, instead of `config` itself: `dict` where the command has values to add.
    fixed
        Fields that are no options here, and their values.
    names
        Options that are not called like their field.
    aliases
        Second names of options, by field.
    texts
        Help of options that mean something else here than in the docstring, by field.

    Raises
    ------
    KeyError
        If the docstring does not describe a field.
    """
    fixed, names, aliases = fixed or {}, names or {}, aliases or {}
    texts = {**attribute_texts(config), **(texts or {})}
    hints = get_type_hints(config, localns={"Path": Path, "Fleet": Fleet, "CVRP": CVRP})  # not imported at run time
    parameters = []
    for field in fields(config):
        if field.name in fixed:
            continue
        hint = hints[field.name]
        is_stated = field.default in (None, "", ())  # the help says what is done without the option
        argument = tyro.conf.arg(
            name=names.get(field.name),
            help=_as_help(texts[field.name]),
            metavar=_METAVARS.get(hint),
            aliases=[aliases[field.name]] if field.name in aliases else None,
            help_behavior_hint="" if is_stated else None,
        )
        kind = _RULES.get(hint)
        annotation = Annotated[(hint, argument) if kind is None else (hint, kind, argument)]  # type: ignore[valid-type]  # made at run time
        default = inspect.Parameter.empty if field.default is MISSING else field.default
        parameters.append(
            inspect.Parameter(field.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=annotation)
        )

    def make(**values: Any) -> Any:
        return _or_refused(build or config, **fixed, **values)

    make.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # tyro reads it
    make.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    return tyro.conf.arg(name="", constructor=make)


def _as_help(text: str) -> str:
    """Return a docstring's text as the others of a help page: no capital at the start and no full stop."""
    return (text[:1].lower() if text[1:2].islower() else text[:1]) + text[1:].removesuffix(".")


def attribute_texts(config: type) -> dict[str, str]:
    """Return field name to its text under *Attributes* in a class's docstring (numpy's layout), line breaks removed."""
    section = (inspect.getdoc(config) or "").partition("Attributes\n----------\n")[2].partition("\n\n")[0]
    entries = re.findall(r"^(\w+(?:, \w+)*)\n((?:    .*\n?)+)", section, re.MULTILINE)
    return {name: " ".join(text.split()) for names, text in entries for name in names.split(", ")}


@dataclass(frozen=True)
class InstanceOptions:
    """One instance, its fleet rule and its rounding."""

    file: File
    """CVRPLIB .vrp file, or the name of a bundled instance or of one in --data"""
    fleet: FleetRule = None
    """fleet rule: exact:K, atleast:K, atmost:K or free (default: the rule of the benchmark family)"""
    rounding: Literal["auto", "nint", "none"] = "auto"
    """EUC_2D distances: rounded as in CVRPLIB (nint), exact (none), or as usual in the instance's set (auto)"""
    data: Folder = None
    """folder of CVRPLIB files (default: the environment variable LAGRL_DATA)"""

    def path(self) -> Path:
        """Return the instance's file."""
        from lagrl.problems.locate import resolve_instance

        return resolve_instance(self.file, self.data)

    def read(self) -> CVRP:
        """Return the instance under its fleet rule."""
        from lagrl.problems.cvrplib import read_instance

        return read_instance(self.path(), fleet=self.fleet, rounding=self.rounding)


@dataclass(frozen=True)
class InstancesOptions:
    """Several instances, by file or name, or as a suite."""

    files: Files = ()
    """CVRPLIB .vrp files, folders of them, or names of instances (default: those of --suite)"""
    suite: Text = None
    """suite of instances, in addition to files: paper30 or bundled (default: none)"""
    data: Folder = None
    """folder of CVRPLIB files (default: the environment variable LAGRL_DATA)"""

    def paths(self) -> tuple[Path, ...]:
        """Return the instances' files; empty if none is named."""
        from lagrl.bench.suites import suite
        from lagrl.controllers.registry import CONTROLLERS
        from lagrl.problems.locate import resolve_instances

        found: list[Path] = []
        for name in (*self.files, *(suite(self.suite) if self.suite else ())):
            try:
                found += resolve_instances(name, self.data)
            except UnknownNameError:
                if name not in CONTROLLERS and not name.isdigit():
                    raise
                remedy = "separate the values of a list by commas, as in --controllers cfm,volume or --budgets 25,50"
                raise InputError(f"{name!r} is no instance", field="FILES", remedy=remedy) from None
        return tuple(found)


OneInstance = Annotated[InstanceOptions, tyro.conf.arg(name="")]
ManyInstances = Annotated[InstancesOptions, tyro.conf.arg(name="")]
