"""Strict records, and JSON of bounded size and depth."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import pytest

from lagrl.errors import InputError
from lagrl.io.json_text import parse_json, read_json
from lagrl.io.records import AnyNumber, Check, from_record, may_lack, to_record


@dataclass(frozen=True)
class _Shard:
    file: Annotated[str, Check(bool, "a file name")]
    states: int


@dataclass(frozen=True)
class _Head:
    kind: Literal["states"]
    shards: list[_Shard]
    scores: dict[str, AnyNumber]
    pairs: tuple[tuple[int, float], ...]
    limits: Annotated[list[int], Check(lambda value: len(value) == 2, "two whole numbers")]
    parent: str | None
    seed: int | str
    free: Any
    rate: float = 0.5
    note: str | None = may_lack(None)
    version: int = may_lack(2, formerly=1)

    def __post_init__(self) -> None:
        if self.rate > 1:
            raise InputError(f"{self.rate} given", field="rate", remedy="give at most 1")


def _record(**changes: Any) -> dict[str, Any]:
    record = {
        "kind": "states",
        "shards": [{"file": "a.npz", "states": 3}],
        "scores": {"10": 1, "25": math.nan},
        "pairs": [[1, 2]],
        "limits": [1, 2],
        "parent": None,
        "seed": "x",
        "free": {"a": [1]},
        "rate": 1,
    }
    return record | changes


def test_a_record_becomes_nested_dataclasses_of_the_right_types() -> None:
    """Lists, objects, tuples, unions and free values arrive, and a field that may lack has its default."""
    head = from_record(_Head, _record())
    assert head.shards == [_Shard("a.npz", 3)]
    assert head.pairs == ((1, 2.0),)
    assert type(head.pairs[0][1]) is float
    assert type(head.rate) is float
    assert type(head.scores["10"]) is float
    assert math.isnan(head.scores["25"])
    assert (head.seed, head.free, head.note) == ("x", {"a": [1]}, None)
    assert from_record(_Shard, to_record(_Shard("b", 1))) == _Shard("b", 1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"shards": [{"file": "a", "states": 3}, {"file": "a", "states": 2.5}]}, "head.shards[1].states: 2.5 is not"),
        ({"shards": [{"file": "", "states": 3}]}, "head.shards[0].file: '' is not a file name"),
        ({"shards": {"file": "a"}}, "head.shards: {'file': 'a'} is not a list"),
        ({"shards": [[]]}, "head.shards[0]: [] is not an object"),
        ({"scores": {"10": "1"}}, "head.scores.10: '1' is not a number"),
        ({"scores": {"10": 10**400}}, "is not a number"),
        ({"pairs": [[1, 2, 3]]}, "head.pairs[0]: [1, 2, 3] is not a list of 2"),
        ({"pairs": [[1, math.inf]]}, "head.pairs[0][1]: inf is not a finite number"),
        ({"pairs": [[2**63, 0]]}, "head.pairs[0][0]: 9223372036854775808 is not a whole number"),
        ({"limits": [1]}, "head.limits: [1] is not two whole numbers"),
        ({"limits": [True, 2]}, "head.limits[0]: True is not a whole number"),
        ({"kind": "rows"}, "head.kind: 'rows' is not 'states'"),
        ({"parent": 3}, "head.parent: 3 is not text"),
        ({"seed": 1.5}, "head.seed: 1.5 is not text"),
        ({"rate": 2}, "f.json: rate: 2.0 given; do this"),
        ({"other": 3}, "head: unknown other; known: kind"),
        ({f"k{i}" * 99: 3 for i in range(999)}, "and 991 more; known"),
    ],
)
def test_a_record_of_another_form_is_refused_in_a_short_line(changes: dict[str, Any], message: str) -> None:
    """The message has file, path of the field, value and remedy, and stays short for any value."""
    with pytest.raises(InputError) as caught:
        from_record(_Head, _record(**changes), "head", source="f.json", remedy="do this")
    text = str(caught.value)
    assert message in text
    assert text.startswith("f.json: ")
    assert text.endswith("; do this")
    assert len(text) < 1000


def test_a_missing_field_and_a_long_value_are_named() -> None:
    """A default does not make a field optional; a value is cut."""
    record = _record()
    del record["rate"]
    with pytest.raises(InputError, match="_Head: lacks rate"):
        from_record(_Head, record)
    with pytest.raises(InputError) as caught:
        from_record(_Head, _record(parent=["x" * 10**6]))
    assert len(str(caught.value)) < 200
    assert from_record(_Head, _record(other=3), allow_others=True).parent is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[" * 33 + "]" * 33, "nested deeper than 32 levels"),
        ('{"a":' * 100_000, "nested deeper than 32 levels"),
        ("NaN", "NaN is not a JSON number; repair it"),
        ("[NaN]", r"\[0\]: NaN is not a JSON number; repair it"),
        ('{"a": {"b": [1e999, -Infinity]}, "c": NaN}', r"a\.b\[1\]: -Infinity is not a JSON number"),
        ('{"a": NaN, "a": 1}', "NaN is not a JSON number"),
        ("[NaN", "is not JSON"),
        (b"\xff", "is not JSON"),
        ("{", "is not JSON"),
        ("[" + "9" * 5000 + "]", "is not JSON"),
    ],
)
def test_json_is_bounded(text: str | bytes, message: str) -> None:
    """Deep nesting, constants, and damage are input errors that name the source, and the field of a constant."""
    with pytest.raises(InputError, match=f"^f: {message}"):
        parse_json(text, source="f", remedy="repair it")


def test_json_within_the_bounds_is_returned(tmp_path) -> None:
    """32 levels are read, NaN if it is allowed; a larger file is refused before it is parsed."""
    assert parse_json("[" * 32 + "]" * 32)
    assert math.isnan(parse_json("NaN", allow_nan=True))
    path = tmp_path / "f.json"
    path.write_text(json.dumps({"a": 1}), encoding="utf-8")
    assert read_json(path, remedy="repair it", largest=8) == {"a": 1}
    with pytest.raises(InputError, match="is larger than 7 bytes; repair it"):
        read_json(path, remedy="repair it", largest=7)
    with pytest.raises(InputError, match="cannot be read"):
        read_json(tmp_path, remedy="repair it")
