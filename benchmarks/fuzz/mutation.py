"""Mutations of files: bytes, lines, words and numbers of text, and values of JSON."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from random import Random

MOST_BYTES = 200_000

_NUMBER = re.compile(rb"-?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?")
_WORD = re.compile(rb"\s+|[^\s\w]|\w+")
_NUMBERS = [
    *(b"0", b"-1", b"1", b"2", b"-0", b"0.5", b"1e5", b"255", b"65536", b"2147483648", b"9223372036854775807"),
    *(b"9223372036854775808", b"-9223372036854775809", b"18446744073709551616", b"1e308", b"1e999", b"-1e999"),
    *(b"NaN", b"Infinity", b"1e-320", b"1" * 400, b"00", b"1.", b"0x1", b"1_0", "٣".encode()),
]
_WORDS = [b"EOF", b"null", b"true", b"[", b"{", b"}", b'"', b":", b",", b"\\", b"\x1b[2J", b"\x00", b"\xff", b"=1+1"]
_VALUES: list[Any] = [
    *(None, True, False, 0, -1, 1, 3, 2**31, 2**63, -(2**70), 10**400, 0.5, -0.0, 1e308, 1e-320, float("inf")),
    *("", "x", "\x1b[2J", "é" * 50, "a/b/c/1", "1", "../x", [], {}, [[]], [0], {"": 0}, ["a"] * 50, "9" * 5000),
]


def mutated(data: bytes, others: Sequence[bytes], rng: Random) -> bytes:
    """Return data with one to four mutations, most often one; `others` are spliced into it."""
    for _ in range(min(rng.choice((1, 1, 1, 2, 4)), 4)):
        data = rng.choice(_MUTATIONS)(data, others, rng)
    return data[:MOST_BYTES]


def _flip(data: bytes, others: Sequence[bytes], rng: Random) -> bytes:
    """Flip a bit, or replace a byte."""
    if not data:
        return b"\x00"
    changed, place = bytearray(data), rng.randrange(len(data))
    changed[place] = changed[place] ^ (1 << rng.randrange(8)) if rng.random() < 0.5 else rng.randrange(256)
    return bytes(changed)


def _cut(data: bytes, others: Sequence[bytes], rng: Random) -> bytes:
    """Remove a range, repeat it, or end there."""
    first, last = _range(data, rng)
    kept = rng.choice((b"", data[first:last] * rng.choice((2, 2, 3, 50))))
    return data[:first] + kept + (data[last:] if rng.random() < 0.9 else b"")


def _splice(data: bytes, others: Sequence[bytes], rng: Random) -> bytes:
    """Replace a range by one of another file."""
    other = rng.choice(others)
    (first, last), (begin, end) = _range(data, rng), _range(other, rng)
    return data[:first] + other[begin:end] + data[last:]


def _number(data: bytes, others: Sequence[bytes], rng: Random) -> bytes:
    """Replace a number by an edge value."""
    return _replaced(data, _NUMBER, rng, lambda old: rng.choice(_NUMBERS))


def _word(data: bytes, others: Sequence[bytes], rng: Random) -> bytes:
    """Remove a word, repeat it, or replace it by another."""
    choices: list[Callable[[bytes], bytes]] = [
        lambda old: b"",
        lambda old: old + b" " + old,
        lambda old: rng.choice(_WORDS),
        lambda old: _somewhere(rng.choice(others), rng),
    ]
    return _replaced(data, _WORD, rng, rng.choice(choices))


def _lines(data: bytes, others: Sequence[bytes], rng: Random) -> bytes:
    """Remove a line, repeat it, move it, or take one from another file."""
    lines = data.splitlines(keepends=True) or [b""]
    place, other = rng.randrange(len(lines)), rng.randrange(len(lines))
    foreign = rng.choice(rng.choice(others).splitlines(keepends=True) or [b""])
    match rng.randrange(4):
        case 0:
            del lines[place]
        case 1:
            lines.insert(place, lines[place])
        case 2:
            lines[place], lines[other] = lines[other], lines[place]
        case _:
            lines[place] = foreign
    return b"".join(lines)


def _json(data: bytes, others: Sequence[bytes], rng: Random) -> bytes:
    """Change a value, name or list in a JSON file, or in one line of a file of JSON lines."""
    lines = [data] if data.lstrip()[:1] == b"{" and data.count(b"\n{") == 0 else data.splitlines(keepends=True)
    if not lines:
        return data
    place = rng.randrange(len(lines))
    try:
        value = json.loads(lines[place])
    except (ValueError, RecursionError):
        return _number(data, others, rng)
    text = json.dumps(_changed(value, rng)).replace("Infinity", "1e999")
    if rng.random() < 0.02:
        text = text.replace("null", "[" * 2000 + "]" * 2000, 1)
    lines[place] = text.encode() + b"\n"
    return b"".join(lines)


def _changed(value: Any, rng: Random) -> Any:
    """Return a JSON value in which one value is changed; the way down is drawn at random."""
    if not isinstance(value, dict | list) or not value or rng.random() < 0.1:
        return rng.choice(_VALUES)
    places: list[Any] = list(value) if isinstance(value, dict) else list(range(len(value)))
    copy, place = value.copy(), rng.choice(places)
    if rng.random() < 0.75:
        copy[place] = _changed(value[place], rng)
    elif rng.random() < 0.4:
        del copy[place]
    elif isinstance(copy, dict):
        copy[rng.choice(("x", "", "\x1b", "kind", *places))] = rng.choice((*_VALUES, copy[place]))
    else:
        copy += copy[place:] * rng.choice((1, 1, 20))
    return copy


def _replaced(data: bytes, pattern: re.Pattern[bytes], rng: Random, new: Callable[[bytes], bytes]) -> bytes:
    """Replace a match of the pattern, the first behind a random place."""
    match = pattern.search(data, rng.randrange(len(data))) if data else None
    return data if match is None else data[: match.start()] + new(match[0]) + data[match.end() :]


def _range(data: bytes, rng: Random) -> tuple[int, int]:
    first = rng.randrange(len(data) + 1)
    return first, min(len(data), first + int(rng.expovariate(0.05)))


def _somewhere(data: bytes, rng: Random) -> bytes:
    first, last = _range(data, rng)
    return data[first:last]


_MUTATIONS: list[Callable[[bytes, Sequence[bytes], Random], bytes]] = [
    *(_flip, _cut, _splice, _number, _number, _word, _word, _lines),
    *(_json, _json, _json, _json),
]
