"""Everything that goes wrong because of what the user gave us, said in the user's terms.

A message names where the mistake is (file or option), which field, what is wrong with its value, and what to do.
The command line turns every `LagrlError` into one line on stderr and exit code 2; from Python they are ordinary
typed exceptions.
"""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Iterable


class LagrlError(Exception):
    """Base of every error that lagrl raises on purpose."""


class InputError(LagrlError, ValueError):
    """A value the user gave cannot be used.

    Parameters
    ----------
    problem
        What is wrong, including the offending value.
    source
        File name or option the value came from.
    field
        Field, section or parameter within the source.
    remedy
        What the user can do about it.
    """

    def __init__(
        self, problem: str, *, source: str | None = None, field: str | None = None, remedy: str | None = None
    ) -> None:
        self.problem = problem
        self.source = source
        self.field = field
        self.remedy = remedy
        place = ": ".join(part for part in (source, field) if part)
        text = f"{place}: {problem}" if place else problem
        super().__init__(f"{text}; {remedy}" if remedy else text)

    def __reduce__(self) -> tuple[object, ...]:
        """Worker processes send errors home by pickling, which knows nothing of keyword arguments."""
        return (_rebuild, (type(self), self.problem, self.source, self.field, self.remedy))


class InstanceError(InputError):
    """A problem instance (file or arrays) is malformed, unsupported or inconsistent."""


class FleetError(InstanceError):
    """The fleet rule cannot be met: too few vehicles, or more vehicles than customers."""


class SolutionError(InputError):
    """A solution file is malformed, or its routes do not solve the instance."""


class FetchError(InputError):
    """An instance cannot be downloaded, or what came is not the instance asked for."""


class UnknownNameError(InputError):
    """A name (controller, sampler, suite, instance, …) is not one that lagrl knows."""

    @classmethod
    def of(cls, kind: str, name: str, known: Iterable[str], *, hint: str = "") -> UnknownNameError:
        """Say which names are known, the closest first."""
        choices = sorted(known)
        close = get_close_matches(name, choices, n=1)
        guess = f"did you mean {close[0]!r}? " if close else ""
        return cls(f"unknown {kind} {name!r}", remedy=f"{guess}known: {', '.join(choices) or 'none'}{hint}")


class BudgetError(InputError):
    """A budget (evaluations, seconds, shots) does not allow a single evaluation."""


class OutputError(LagrlError, OSError):
    """A result cannot be written where the user asked for it."""


class MissingExtraError(LagrlError, ImportError):
    """An optional dependency is needed for what the user asked."""

    @classmethod
    def of(cls, package: str, extra: str, purpose: str) -> MissingExtraError:
        """Name the extra that brings the package."""
        return cls(f"{purpose} needs {package}, which is not installed; pip install 'lagrl[{extra}]'")


def _rebuild(
    cls: type[InputError], problem: str, source: str | None, field: str | None, remedy: str | None
) -> InputError:
    return cls(problem, source=source, field=field, remedy=remedy)


def refuse(option: str, value: object, remedy: str) -> NoReturn:
    """Refuse an option that would do nothing: who gave it expects that it does."""
    raise InputError(f"{value} given", field=option, remedy=remedy)
