"""The parsed sampler string `NAME[:ARGUMENT][+option=value …]`, such as `qaoa+width=8` or `noisy:FakeKingston`."""

from __future__ import annotations

from dataclasses import dataclass, field
from types import NoneType
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_type_hints

from lagrl.errors import InputError, UnknownNameError
from lagrl.printable import shown

if TYPE_CHECKING:
    from collections.abc import Mapping

Options = TypeVar("Options")

_VALUES = {bool: "true or false", int: "a whole number", float: "a number"}
_TRUTH = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}

_OBJECT = "give lagrl.solve(problem, sampler=…) an object instead: "
REMOVED = {  # options that no measurement showed to be worth anything (docs/results/quantum-options.md)
    "gamma": _OBJECT + "QAOASampler(ramp=Ramp(…))",
    "beta": _OBJECT + "QAOASampler(ramp=Ramp(…))",
    "fill": _OBJECT + "QAOASampler(penalty=TiltedPenalty(fill=…))",
    "sweeps": _OBJECT + "AnnealingSampler(sweeps=…)",
    "policy": "omit it for linucb; alpha=0 for greedy, static=ARM for static, epsilon=1+learn=false for uniform",
    "fidelity": "omit it: limit the number of gates",
    "decay": "omit it: limit the number of gates",
    "spread": "omit it: other backends run a job after failures only",
    "sequence": "omit it for XpXm",
    "randomizations": "omit it for 8",
    "per_job": "omit it: the circuits on one line of qubits are one job",
    "save": "omit it: collect decisions by lagrl traces, and learn from them by lagrl train bandit",
}
NESTED = {"replay": "sampler"}  # the option whose value is another sampler's whole string, to the end


@dataclass(frozen=True)
class SamplerSpec:
    """A parsed sampler string.

    Attributes
    ----------
    text
        The string.
    name
        Name of the sampler.
    argument
        The part after the colon (a backend, a file); empty if there is none.
    options
        The options after the plus signs, unconverted.
    """

    text: str
    name: str
    argument: str
    options: Mapping[str, str] = field(hash=False)

    @classmethod
    def parse(cls, text: str | SamplerSpec) -> SamplerSpec:
        """Parse a sampler string; what is parsed already is returned.

        After `replay:FILE+sampler=` the rest is the other sampler's string. Raises InputError if an option is not
        `name=value`, or given twice.
        """
        if isinstance(text, SamplerSpec):
            return text
        name = text.partition("+")[0].partition(":")[0]
        options: dict[str, str] = {}
        if name in NESTED:
            head, found, nested = text.partition(f"+{NESTED[name]}=")
            if found and nested and "=" not in head.partition("+")[2]:
                return cls(text, name, head.partition(":")[2], {NESTED[name]: nested})
        head, *rest = text.split("+")
        argument = head.partition(":")[2]
        for part in rest:
            key, equals, value = part.partition("=")
            if not equals or not key or not value:
                raise InputError(f"{shown(part)} given", field=f"sampler {text}", remedy="write options as +name=value")
            if key in options:
                raise InputError(f"{key} given twice", field=f"sampler {text}", remedy="give it once")
            options[key] = value
        return cls(text, name, argument, options)

    def flag(self, key: str, default: bool) -> bool:
        """Return a true-or-false option; the default if it is absent or neither (`read` raises an error for that)."""
        return _TRUTH.get(self.options.get(key, "").lower(), default)

    def read(self, kind: type[Options]) -> Options:
        """Return the options as a dataclass of `kind`, each converted to the type of its field.

        Raises `UnknownNameError` if an option is not one of its fields, `InputError` if a value cannot be converted.
        """
        known = get_type_hints(kind)
        values: dict[str, Any] = {}
        for key, text in self.options.items():
            if key not in known and key in REMOVED:
                raise InputError("is no option any more", field=f"sampler {self.text}, {key}", remedy=REMOVED[key])
            if key not in known:
                raise UnknownNameError.of(f"option of sampler {self.name}", key, known)
            type_of_key = next(t for t in get_args(known[key]) or (known[key],) if t is not NoneType)
            try:
                values[key] = _TRUTH[text.lower()] if type_of_key is bool else type_of_key(text)
            except (KeyError, ValueError):
                field, remedy = f"sampler {self.text}, {key}", f"give {_VALUES[type_of_key]}"
                raise InputError(f"{shown(text)} given", field=field, remedy=remedy) from None
        return kind(**values)
