"""Errors in a user's input, in the user's terms.

A message names the file or option, the field, what is wrong with the value, and what to do. The command line prints
every `LagrlError` as one line on stderr and exits with code 2; in Python they are ordinary typed exceptions.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, NoReturn

from lagrl.printable import one_line, shown

if TYPE_CHECKING:
    from collections.abc import Iterable


_MOST = 600  # characters of a problem, whatever the length of the values in it


class LagrlError(Exception):
    """Base of every error that lagrl raises on purpose.

    Examples
    --------
    >>> import lagrl
    >>> try:
    ...     lagrl.read(3)
    ... except lagrl.LagrlError as error:
    ...     print(error)
    instance: 3 given; give the path of a .vrp file or an instance name, as in lagrl.read('G-n51-k6')
    """

    def __str__(self) -> str:
        """Return the message on one line, without characters that act on a terminal."""
        return one_line(super().__str__())


class InputError(LagrlError, ValueError):
    """A value the user gave cannot be used.

    Parameters
    ----------
    problem
        What is wrong, including the wrong value.
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
        self.problem = one_line(problem, _MOST)
        self.source = source
        self.field = field and one_line(field, 200)
        self.remedy = remedy
        place = ": ".join(part for part in (source, self.field) if part)
        text = f"{place}: {self.problem}" if place else self.problem
        super().__init__(f"{text}; {remedy}" if remedy else text)

    def __reduce__(self) -> tuple[object, ...]:
        """Pickle an error, as worker processes do; pickling alone would lose the keyword arguments."""
        return (_rebuild, (type(self), self.problem, self.source, self.field, self.remedy))


class InstanceError(InputError):
    """A problem instance (file or arrays) is malformed, unsupported or inconsistent."""


class FleetError(InstanceError):
    """The fleet rule cannot be met: too few vehicles, or more vehicles than customers."""


class SolutionError(InputError):
    """A solution file is malformed, or its routes do not solve the instance."""


class FetchError(InputError):
    """An instance cannot be downloaded, or the downloaded file is not the requested instance."""


class UnknownNameError(InputError):
    """A name (controller, sampler, suite, instance, …) is not one that lagrl knows."""

    @classmethod
    def of(cls, kind: str, name: str, known: Iterable[str], *, hint: str = "") -> UnknownNameError:
        """Build an error that suggests the closest known name and lists all of them."""
        choices = sorted(known)
        parts = [part for part in re.split(r"[\s;]+", name) if part]
        is_list = len(parts) > 1 and not set(parts).isdisjoint(choices)
        guess = f"separate names by commas: {','.join(parts)}; " if is_list else nearest(name, choices)
        return cls(f"unknown {kind} {shown(name)}", remedy=f"{guess}known: {', '.join(choices) or 'none'}{hint}")


class BudgetError(InputError):
    """A budget (evaluations, seconds, shots) does not allow a single evaluation."""


class OutputError(LagrlError, OSError):
    """A result cannot be written to the requested place."""


class WorkerError(LagrlError, RuntimeError):
    """A worker process failed, or ended unexpectedly."""


class MissingExtraError(LagrlError, ImportError):
    """An optional dependency is not installed."""

    @classmethod
    def of(cls, package: str, extra: str, purpose: str) -> MissingExtraError:
        """Build an error that names the extra with the missing package."""
        return cls(f"{purpose} needs {package}, which is not installed; {install_hint(extra)}")


def install_hint(extra: str) -> str:
    """Return the command of the README that installs an extra, with the tested versions."""
    return f"in the folder of lagrl's source: pip install -c constraints.txt '.[{extra}]'"


class InputWarning(UserWarning):
    """Something about an input is doubtful, but it is used.

    The command line prints each as one line on stderr; in Python, `warnings.filterwarnings` silences or raises them.
    """


def nearest(name: str, known: Iterable[str]) -> str:
    """Return the question "did you mean …? " for the known name that is closest, whatever its case; "" if none is."""
    by_case = {choice.casefold(): choice for choice in sorted(known, reverse=True)}
    wanted = name[:100].casefold()
    begun = sorted(choice for choice in by_case if len(wanted) > 2 and choice.startswith(wanted))
    close = begun or get_close_matches(wanted, by_case, n=1)
    return f"did you mean {by_case[close[0]]!r}? " if close else ""


def _rebuild(
    cls: type[InputError], problem: str, source: str | None, field: str | None, remedy: str | None
) -> InputError:
    return cls(problem, source=source, field=field, remedy=remedy)


def require_type(value: object, kind: Any, field: str, remedy: str) -> None:
    """Raise InputError if `value` is not of the type `kind` (as for `isinstance`)."""
    if not isinstance(value, kind):
        raise InputError(f"{value!r:.80} given", field=field, remedy=remedy)


def refuse(option: str, value: object, remedy: str) -> NoReturn:
    """Raise InputError for an option that would have no effect."""
    raise InputError(f"{one_line(str(value), 60)} given", field=option, remedy=remedy)
