"""The end of the curriculum's phases."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from envs.config import CurriculumConfig, EnvConfig
from envs.curriculum import Curriculum
from lagrl.errors import InputError

ALL = replace(EnvConfig(), phases=(1, 2, 3), curriculum=CurriculumConfig(window=3, share=0.65, gap=0.2))


def infos(phase: int, *values: float) -> list[dict[str, Any]]:
    """Infos whose share and gap are the values."""
    return [{"phase": phase, "share_served": value, "gap": value} for value in values]


def test_share_then_gap_then_nothing() -> None:
    """1→2 when the windowed mean share exceeds 0.65, 2→3 when the gap's falls below 0.20, and 3 stays."""
    curriculum = Curriculum(ALL)
    assert [curriculum.observe(infos(1, 0.6, 0.8)) for _ in range(3)] == [False, False, True]
    assert curriculum.phase == 2
    assert [curriculum.observe(infos(2, 0.3)) for _ in range(3)] == [False] * 3
    assert [curriculum.observe(infos(2, 0.1)) for _ in range(2)] == [False, True]
    assert curriculum.phase == 3
    assert not any(curriculum.observe(infos(3, 0.0)) for _ in range(9))


def test_thresholds_are_strict() -> None:
    """A mean share of exactly 0.65 is not above it, a gap of exactly 0.2 not below."""
    curriculum = Curriculum(replace(ALL, curriculum=CurriculumConfig(window=1, share=0.75, gap=0.25)))
    assert not curriculum.observe(infos(1, 0.75))
    assert curriculum.observe(infos(1, 0.76))
    assert not curriculum.observe(infos(2, 0.25))


def test_a_phase_begins_with_an_empty_window() -> None:
    """The average of a phase starts empty, and environments that are still in the last phase do not count."""
    curriculum = Curriculum(ALL)
    for _ in range(3):
        curriculum.observe(infos(1, 0.9))
    assert [curriculum.observe(infos(1, 0.0)) for _ in range(9)] == [False] * 9
    assert [curriculum.observe(infos(1, 0.9) + infos(2, 0.0)) for _ in range(3)] == [False, False, True]
    assert not curriculum.observe([{}, {}])


def test_one_phase_never_ends() -> None:
    """A single configured phase never ends."""
    curriculum = Curriculum(replace(ALL, phases=(2,)))
    assert not any(curriculum.observe(infos(2, 0.0)) for _ in range(9))


def test_a_state_goes_on() -> None:
    """Restored from JSON in the middle of a window, the phase ends at the same step."""
    curriculum, again = Curriculum(ALL), Curriculum(ALL)
    curriculum.observe(infos(1, 0.9))
    curriculum.observe(infos(1, 0.9))
    again.load_state(json.loads(json.dumps(curriculum.state())))
    assert again.observe(infos(1, 0.9))
    with pytest.raises(InputError, match="phase"):
        Curriculum(EnvConfig()).load_state({"phase": 1, "recent": []})
