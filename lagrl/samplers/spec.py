"""How a sampler is called: `NAME[:ARGUMENT][+option=value …]`, such as `qaoa+width=8` or `noisy:FakeKingston`."""

from __future__ import annotations

from dataclasses import dataclass
from types import NoneType
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_type_hints

from lagrl.errors import InputError, UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Mapping

Options = TypeVar("Options")

_WANTED = {bool: "true or false", int: "a whole number", float: "a number"}

WHOSE = {"replay": "sampler"}  # the option whose value is another sampler's whole name, to the end

_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


@dataclass(frozen=True)
class SamplerSpec:
    """A sampler's name taken apart.

    Attributes
    ----------
    text
        As the user wrote it.
    name
        Which family.
    argument
        What follows the colon (a backend, a file); empty if nothing does.
    options
        What follows the plus signs.
    """

    text: str
    name: str
    argument: str
    options: Mapping[str, str]

    @classmethod
    def parse(cls, text: str) -> SamplerSpec:
        """Take a name apart; after `replay:FILE+sampler=` everything is the other sampler's name.

        Raises
        ------
        InputError
            If an option is not `name=value`, or given twice.
        """
        name = text.partition("+")[0].partition(":")[0]
        options: dict[str, str] = {}
        if name in WHOSE:
            head, marked, whose = text.partition(f"+{WHOSE[name]}=")
            if marked and whose and "=" not in head.partition("+")[2]:
                return cls(text, name, head.partition(":")[2], {WHOSE[name]: whose})
        head, *rest = text.split("+")
        argument = head.partition(":")[2]
        for part in rest:
            key, equals, value = part.partition("=")
            if not equals or not key or not value:
                raise InputError(f"{part!r} given", field=f"sampler {text}", remedy="write options as +name=value")
            if key in options:
                raise InputError(f"{key} given twice", field=f"sampler {text}", remedy="give it once")
            options[key] = value
        return cls(text, name, argument, options)

    def flag(self, key: str, default: bool) -> bool:
        """Return an option that is true or false; the default where it is left out, or neither (`read` tells that)."""
        return _TRUTH.get(self.options.get(key, "").lower(), default)

    def read(self, kind: type[Options]) -> Options:
        """Return the options as a dataclass of `kind`, each converted to the type of its field.

        Raises
        ------
        UnknownNameError
            If an option is none of its fields.
        InputError
            If a value cannot be converted.
        """
        known = get_type_hints(kind)
        values: dict[str, Any] = {}
        for key, text in self.options.items():
            if key not in known:
                raise UnknownNameError.of(f"option of sampler {self.name}", key, known)
            of_key = next(t for t in get_args(known[key]) or (known[key],) if t is not NoneType)
            values[key] = self._converted(key, text, of_key)
        return kind(**values)

    def _converted(self, key: str, text: str, kind: type) -> Any:
        try:
            return _TRUTH[text.lower()] if kind is bool else kind(text)
        except (KeyError, ValueError):
            raise InputError(
                f"{text!r} given", field=f"sampler {self.text}, {key}", remedy=f"give {_WANTED[kind]}"
            ) from None
