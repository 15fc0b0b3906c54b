"""Files of cascade routing: what is written is read back, and what is wrong is refused in one line."""

from __future__ import annotations

import copy
import json
from dataclasses import fields
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_cascades import small_cascade

import lagrl
from lagrl.errors import InputError
from lagrl.problems.cascade.cascade_file import CascadeRecord, ModelRecord, TaskRecord, read_cascade, write_cascade
from lagrl.problems.cascade.generate_cascade import CascadeParams, generate_cascade

GOOD: dict[str, Any] = {
    "format": "lagrl-cascade",
    "version": 1,
    "name": "tiny",
    "variant": "quality",
    "budget_dollars": 2.0,
    "models": [
        {"name": "small", "dollars_per_million_in": 0.1, "dollars_per_million_out": 0.4, "quality": 0.5},
        {"name": "large", "dollars_per_million_in": 3.0, "dollars_per_million_out": 15, "quality": 0.9},
    ],
    "tasks": [
        {"name": "a", "tokens_in": 1000, "tokens_out": 500},
        {"name": "b", "tokens_in": 10, "tokens_out": 20, "scores": {"large": 0.95}, "dollars": {"small": 0.001}},
    ],
}


def changed(*path: Any, to: Any) -> dict[str, Any]:
    """Return the good file with one value replaced."""
    record = copy.deepcopy(GOOD)
    place: Any = record
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = to
    return record


def refused(tmp_path: Path, record: Any) -> str:
    """Return the message with which a file is refused."""
    path = tmp_path / "bad.json"
    path.write_text(json.dumps(record))
    with pytest.raises(InputError) as error:
        read_cascade(path)
    assert str(error.value).startswith(f"{path}: ")
    assert "\n" not in str(error.value)
    return str(error.value).removeprefix(f"{path}: ")


def test_a_file_gives_costs_and_scores(tmp_path: Path) -> None:
    """Costs follow from prices per million tokens and scores from the model, except those a task states."""
    path = tmp_path / "good.json"
    path.write_text(json.dumps(GOOD))
    cascade = read_cascade(path)
    np.testing.assert_allclose(cascade.dollars, [[0.0003, 0.001], [0.0105, 0.00033]])
    np.testing.assert_array_equal(cascade.quality, [[0.5, 0.5], [0.9, 0.95]])
    assert np.isinf(cascade.latency_limit_ms).all()
    assert cascade.context.tolist() == [1500, 30]


@pytest.mark.parametrize("variant", ["reference", "quality", "capacitated"])
def test_what_is_written_is_read_back(tmp_path: Path, variant: Any) -> None:
    """A written instance is read back to the bit, whatever its costs and scores follow from."""
    for cascade in (small_cascade(3, variant), generate_cascade(CascadeParams(30, 4, variant), 1)):
        write_cascade(cascade, tmp_path / "c.json")
        again = read_cascade(tmp_path / "c.json")
        for field in fields(cascade):
            np.testing.assert_array_equal(getattr(cascade, field.name), getattr(again, field.name))


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (
            ("models", 0, "dollars_per_million_in"),
            -1.0,
            "models[0].dollars_per_million_in: -1.0 is not a finite number",
        ),
        (("models", 1, "latency_ms"), -5, "models[1].latency_ms: -5 is not a finite number of 0 or more"),
        (("models", 1, "quality"), 1.5, "models[1].quality: 1.5 is not a number from 0 to 1"),
        (("models", 1, "context_tokens"), 0, "models[1].context_tokens: 0 is not a whole number of 1 or more"),
        (("models", 1, "name"), "small", "models: 'small' occurs twice; give each its own name"),
        (("tasks", 1, "name"), "a", "tasks: 'a' occurs twice"),
        (("tasks", 1, "scores"), {"larg": 0.5}, "tasks[1].scores: unknown model 'larg'; did you mean 'large'?"),
        (("tasks", 0, "dollars"), {"other": 0.5}, "tasks[0].dollars: unknown model 'other'; known: large, small"),
        (("tasks", 0, "tokens_in"), 1.5, "tasks[0].tokens_in: 1.5 is not a whole number"),
        (("tasks", 0, "tokens_in"), True, "tasks[0].tokens_in: True is not a whole number"),
        (("tasks", 0, "quality_floor"), float("nan"), "tasks[0].quality_floor: nan is not a number from 0 to 1"),
        (("tasks", 0, "tokens_in"), float("inf"), "tasks[0].tokens_in: inf is not a whole number"),
        (("tasks",), [], "tasks: none given; give 1 or more"),
        (("models",), [], "models: none given; give 1 or more"),
        (("budget_dollars",), None, "budget_dollars: no budget given; variant quality needs one"),
        (("mean_quality_floor",), 0.5, "mean_quality_floor: 0.5 given; variant quality maximises it"),
        (("variant",), "cheap", "variant: 'cheap' is not 'reference' or 'quality' or 'capacitated'"),
        (("version",), 2, "version: 2 is not 1"),
        (("price",), 2, "unknown price; known: format, version"),
    ],
)
def test_a_bad_value_is_named(tmp_path: Path, path: tuple[Any, ...], value: Any, words: str) -> None:
    """Each fault is one line with the file, the field, the value and a remedy."""
    assert words in refused(tmp_path, changed(*path, to=value))


def test_the_schema_has_the_fields_of_the_records() -> None:
    """The shipped JSON Schema and the reader know the same fields and require the same ones."""
    path = Path(lagrl.__file__).parent / "problems" / "data" / "cascade.schema.json"
    schema = json.loads(path.read_text(encoding="utf-8"))
    for record, part in (
        (CascadeRecord, schema),
        (ModelRecord, schema["$defs"]["model"]),
        (TaskRecord, schema["$defs"]["task"]),
    ):
        assert set(part["properties"]) == {field.name for field in fields(record)}
        assert set(part["required"]) == {field.name for field in fields(record) if "formerly" not in field.metadata}
        assert part["additionalProperties"] is False
