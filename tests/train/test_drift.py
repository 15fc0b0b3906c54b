"""What a tiny training makes, compared with committed numbers."""

from __future__ import annotations

import copy
import json

import pytest

from benchmarks.shipped_policies.drift import RECORD, TOLERANCE, differences, trained
from lagrl.bench.provenance import versions


def test_training_makes_what_it_made() -> None:
    """Instances, labelled states and the columns of the curves are the same; weights and scores within a tolerance.

    If this fails, the shipped policies are not what their commands make today: see `benchmarks.shipped_policies`.
    """
    wanted = json.loads(RECORD.read_text(encoding="utf-8"))
    lines = differences(wanted, trained())
    assert lines == [], f"committed with {wanted['versions']}, found with {versions('torch')}"


@pytest.mark.parametrize(
    ("part", "name", "change"),
    [
        ("exact", "states", lambda value: value + 1),
        ("exact", "instances", lambda value: value[::-1]),
        ("near", "bc 4 loss", lambda value: value + 2 * TOLERANCE),
        ("near", "ppo weights/head.bias mean", lambda value: None),
    ],
)
def test_every_kind_of_drift_is_a_line(part: str, name: str, change: object) -> None:
    """A count, a digest, a number beyond the tolerance and a missing number are each named."""
    wanted = json.loads(RECORD.read_text(encoding="utf-8"))
    found = copy.deepcopy(wanted)
    assert differences(wanted, found) == []
    found[part][name] = change(found[part][name])
    (line,) = differences(wanted, found)
    assert line.startswith(f"{name}: ")


def test_the_last_bits_do_not_count() -> None:
    """Numbers within the tolerance are equal."""
    wanted = json.loads(RECORD.read_text(encoding="utf-8"))
    found = copy.deepcopy(wanted)
    found["near"] = {name: value and value + TOLERANCE / 2 for name, value in found["near"].items()}
    assert differences(wanted, found) == []
