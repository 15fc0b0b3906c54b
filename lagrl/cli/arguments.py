"""Arguments of a command: tyro reads them, and a mistake becomes an error of one line in the words of that command."""

from __future__ import annotations

import contextlib
import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import tyro

from lagrl.errors import InputError, LagrlError, nearest

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

T = TypeVar("T")

# what a value must be, by the metavar of its option
_NUMBERS: dict[str, tuple[Callable[[str], Any], str]] = {
    **dict.fromkeys(("INT", "N"), (int, "a whole number")),
    **dict.fromkeys(("FLOAT", "X", "RATE", "M"), (float, "a number")),
    "N,N,…": (
        lambda text: [int(part) for part in text.split(",") if part.strip()],
        "a list of whole numbers; separate them by commas, as in 10,25",
    ),
}
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_BOX = re.compile(r"[│╭╮╰╯─]|^ *-{3,}.*$", re.MULTILINE)


class RefusedError(Exception):
    """Carries a typed error through tyro, which would print any ValueError in a box of its own."""

    def __init__(self, error: LagrlError) -> None:
        self.error = error


def parse_arguments(
    command: type[T], arguments: Sequence[str], *, prog: str, description: str = "", config: Sequence[Any] = ()
) -> T:
    """Return the command that the arguments make.

    Parameters
    ----------
    command
        A dataclass with one field per option.
    arguments
        What follows the name of the program.
    prog, description
        Name and description of the program on its help page.
    config
        Markers of `tyro.conf` besides `FlagCreatePairsOff`.

    Raises
    ------
    InputError
        If the arguments cannot be read, or a configuration refuses a value.
    SystemExit
        After the help page.
    """
    printed = io.StringIO()

    def read(words: Sequence[str]) -> T:
        with contextlib.redirect_stderr(printed):
            markers = (tyro.conf.FlagCreatePairsOff, *config)
            return tyro.cli(command, args=list(words), prog=prog, description=description, config=markers)

    try:
        return read(arguments)
    except RefusedError as refused:
        raise refused.error from None
    except SystemExit as stop:
        if not stop.code:
            raise
    page = io.StringIO()
    with contextlib.redirect_stdout(page), contextlib.suppress(SystemExit):
        read(["--help"])
    hint = f"{prog} --help lists the options"
    faults = _faults(_options(_COLOUR.sub("", page.getvalue())), arguments, hint)
    raise next(faults, None) or _reported(_COLOUR.sub("", printed.getvalue()), hint)


@dataclass(frozen=True)
class _Option:
    """An option, or an argument without a name, as the help page states it; `metavar` is empty if it has no value."""

    names: tuple[str, ...]
    metavar: str
    is_required: bool

    @property
    def n_values(self) -> int | None:
        """Number of values; None if it is open."""
        return None if self.metavar.startswith("[") else len(self.metavar.split())

    def fault(self, name: str, value: str, metavar: str, hint: str) -> InputError | None:
        """Return what is wrong with a value, if that can be seen from the help page."""
        known = metavar[1:-1].split(",") if re.fullmatch(r"{[^{}]*}", metavar) else []
        if known and value not in known:
            remedy = f"{nearest(value, known)}give {' or '.join(known)}; {hint}"
            return InputError(f"{value!r} given", field=name, remedy=remedy)
        as_number, kind = _NUMBERS.get(metavar.removeprefix("{None}|"), (str, ""))
        try:
            as_number(value)
        except ValueError:
            return None if value == "None" else InputError(f"{value!r} is not {kind}", field=name, remedy=hint)
        return None


def _options(page: str) -> list[_Option]:
    """Return what a help page lists: the arguments without a name, then the options."""
    unnamed = re.search(r"positional arguments(.*?)^\W*options\b", page, re.DOTALL | re.MULTILINE)
    metavars = re.findall(r"^[│| ]{1,3}(\w\S*)", unnamed[1], re.MULTILINE) if unnamed else []
    found = [_Option((), metavar, not metavar.endswith("…")) for metavar in metavars]
    for entry in re.split(r"^[│| ]{1,3}(?=-)", page, flags=re.MULTILINE)[1:]:
        head = re.split(r"\s{2,}|[│|]\s*$", entry, maxsplit=1, flags=re.MULTILINE)[0]
        if head.startswith("---"):  # a line of a box on a terminal without Unicode
            continue
        spelled = [part.partition(" ") for part in re.split(r", (?=-)", head.strip())]
        found.append(_Option(tuple(name for name, _, _ in spelled), spelled[0][2].strip(), "(required)" in entry))
    return found


def _faults(options: Sequence[_Option], arguments: Sequence[str], hint: str) -> Iterator[InputError]:
    """Yield what is wrong with the arguments, in their order; required ones that are missing come last."""
    by_name = {name: option for option in options for name in option.names}
    unnamed = [option for option in options if not option.names]
    free = len(unnamed)
    is_open = any(option.metavar.endswith("…") for option in unnamed)
    given: set[_Option] = set()
    latest = ""
    words = list(arguments)
    while words:
        word = words.pop(0)
        if not re.match(r"--?[A-Za-z]", word):
            if not free and not is_open:
                yield InputError(f"unexpected argument {word!r}", remedy=_list_hint(by_name.get(latest), word) or hint)
            free = max(0, free - 1)
            given.update(unnamed)
            continue
        is_open = is_open and given.isdisjoint(unnamed)  # they stand in one place
        name, is_joined, value = word.partition("=")
        latest = name.replace("_", "-")
        if latest not in by_name:
            yield InputError(f"unknown option {name}", remedy=f"{nearest(latest, by_name)}{hint}")
            return
        option = by_name[latest]
        given.add(option)
        count = option.n_values
        if count is None:
            count = next((place for place, other in enumerate(words) if other.startswith("--")), len(words))
        values = [value] if is_joined else words[:count]
        if len(values) < count:
            yield InputError("no value given", field=latest, remedy=f"give {option.metavar}; {hint}")
        words = words[0 if is_joined else count :]
        metavars = option.metavar.split() if option.n_values else [""] * count
        for value, metavar in zip(values, metavars, strict=False):
            fault = option.fault(latest, value, metavar, hint)
            if fault is not None:
                yield fault
    lacking = [option for option in options if option.is_required and option not in given]
    if lacking:
        names = ", ".join((*option.names, option.metavar)[0] for option in lacking)
        yield InputError(f"missing: {names}", remedy=hint)


def _list_hint(option: _Option | None, word: str) -> str:
    """Return how a list is written, if an argument too many follows an option that takes one."""
    is_list = option is not None and option.metavar.endswith(",…")
    return f"separate the values of {option.names[0]} by commas: …,{word}" if option and is_list else ""


def _reported(printed: str, hint: str) -> InputError:
    """Return what tyro printed as one error without its box: the value of an option could not be read."""
    text = " ".join(_BOX.sub(" ", printed.partition("\n")[2]).split())
    for end in ("Argument helptext:", "Got errors:", "For full helptext"):
        text = text.partition(end)[0]
    return InputError(re.sub(r"^Error parsing (\S+):", r"\1:", text).strip(), remedy=hint)
