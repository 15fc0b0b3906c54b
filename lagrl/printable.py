"""Text from files, names and services, made safe to print: no control characters, and a limit on its length.

Errors, warnings and printed lines of commands pass through here: a file could otherwise move the cursor of a terminal
or add lines that look like those of lagrl.
"""

from __future__ import annotations

import reprlib
import sys

VALUE = 60  # most characters of a value in a message
LINE = 2000  # most characters of a printed line


class _Repr(reprlib.Repr):
    """Short texts of large values, made without the whole text."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel, self.maxdict, self.maxlist, self.maxtuple = 3, 4, 8, 8
        self.maxstring = self.maxother = VALUE

    def repr_int(self, x: int, level: int) -> str:
        return super().repr_int(x, level) if x.bit_length() < 10_000 else f"a number of {x.bit_length()} bits"


_REPR = _Repr()


def shown(value: object, most: int = VALUE) -> str:
    """Return a value for a message as Python writes it, on one line of at most `most` characters; None is null."""
    return "null" if value is None else one_line(_REPR.repr(value), most)


def one_line(text: str, most: int = LINE) -> str:
    """Return text on one line of at most `most` characters, control characters escaped as in Python's strings."""
    text = escaped(" ".join(text[: 4 * most].split()))
    return text if len(text) <= most else f"{text[: most - 1]}…"


def escaped(text: str) -> str:
    """Return text with all characters escaped that are neither visible nor a space."""
    if text.isprintable():
        return text
    return "".join(character if character.isprintable() else repr(character)[1:-1] for character in text)


def say(*lines: object, error: bool = False) -> None:
    """Print lines on stdout or stderr, newlines within a line escaped too; each is cut after `LINE` characters."""
    for line in lines:
        print(escaped(str(line)[:LINE]), file=sys.stderr if error else sys.stdout)
