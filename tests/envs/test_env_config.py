"""Configurations: presets, strict JSON, and errors."""

from __future__ import annotations

import json
from typing import Any

import pytest

from envs.action import ActionConfig
from envs.config import CurriculumConfig, EnvConfig, RewardWeights
from lagrl.errors import InputError, UnknownNameError


@pytest.mark.parametrize(
    "config",
    [EnvConfig(), EnvConfig.preset("reference"), EnvConfig.preset("routes"), EnvConfig(min_steps=10, n_max=250)],
)
def test_json_and_back(config: EnvConfig) -> None:
    """A configuration survives a JSON file unchanged."""
    assert EnvConfig.from_json(json.loads(json.dumps(config.to_json()))) == config


def test_the_reference_preset_is_the_reference() -> None:
    """λ starts at 0 in [−400, 800], all phases, the published weights and constants."""
    config = EnvConfig.preset("reference")
    assert (config.start, config.bounds, config.phases) == ("zero", (-400.0, 800.0), (1, 2, 3))
    assert config.rewards == RewardWeights(3.0, 3.0, 0.10, 0.01)
    assert config.curriculum == CurriculumConfig(30, 0.65, 0.20, least_episodes=0)
    assert (config.max_steps, config.decode_every, config.tour_decoded) == (200, 2, False)


def damaged(**changes: Any) -> dict[str, Any]:
    """The default's record with entries changed; None removes one."""
    record = EnvConfig().to_json() | changes
    return {name: value for name, value in record.items() if value != "removed"}


@pytest.mark.parametrize(
    ("record", "message"),
    [
        (damaged(colour=1), "unknown colour; known: "),
        (damaged(n_max="removed"), "environment: lacks n_max"),
        (damaged(n_max="a hundred"), r"environment\.n_max"),
        (damaged(n_max=True), r"environment\.n_max"),
        (damaged(n_max=100.5), r"environment\.n_max"),
        (damaged(n_customers=[20]), r"environment\.n_customers"),
        (damaged(seedings=["sweep", 3]), r"environment\.seedings\[1\]"),
        (damaged(action={"mode": "diagonal"}), r"environment\.action"),
        (damaged(action=7), "environment.action: 7 is not an object"),
        (damaged(bounds=[0, 1, 2]), r"environment\.bounds"),
        (damaged(start="middle"), r"unknown start .middle."),
    ],
)
def test_damaged_records_are_refused(record: dict[str, Any], message: str) -> None:
    """Unknown, missing and mistyped entries are named."""
    with pytest.raises(InputError, match=message):
        EnvConfig.from_json(record)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"n_customers": (20, 101)}, "raise n_max"),
        ({"n_customers": (1, 50)}, "n_customers"),
        ({"n_customers": (50, 40)}, "n_customers"),
        ({"max_steps": 201}, "max_steps"),
        ({"max_steps": 50, "min_steps": 60}, "min_steps"),
        ({"n_max": 40_000}, "n_max"),
        ({"decode_every": 0}, "decode_every"),
        ({"route_every": 0}, "route_every"),
        ({"shots": 0}, "shots"),
        ({"bounds": (1.0, 1.0)}, "bounds"),
        ({"phases": ()}, "phases"),
        ({"phases": (3, 2)}, "phases"),
        ({"phases": (2, 4)}, "phases"),
        ({"seedings": ()}, "seedings"),
        ({"seedings": ("kmeans", "cheapest:0")}, "give the number of seedings, 1 or more"),
        ({"seed_choices": 0}, "seed_choices: 0 given"),
        ({"reference_evaluations": -1}, "reference_evaluations: -1 given"),
        ({"most_load": 0}, "most_load: 0 given"),
        ({"relaxation": "ng", "sampler": "qaoa"}, "sampler: 'qaoa' given; use 'exact'"),
        ({"relaxation": "ng", "judge": "samples"}, "judge: 'samples' given; use 'exact'"),
        ({"relaxation": "paths", "seeding": "choose"}, "seeding: 'choose' given; use 'draw'"),
        ({"relaxation": "paths", "bounds": (0.0, 9.0)}, "no meaning with relaxation='paths'"),
    ],
)
def test_impossible_values_are_refused(fields: dict[str, Any], message: str) -> None:
    """The error message names the field."""
    with pytest.raises(InputError, match=message):
        EnvConfig(**fields)


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"judge": "x"}, r"environment.judge: 'x' is not 'exact' or 'samples'; see envs.EnvConfig$"),
        ({"shot": 8}, r"environment: unknown shot; known: .*; see envs.EnvConfig$"),
    ],
)
def test_wrong_overrides_point_to_the_configuration(overrides: dict[str, Any], message: str) -> None:
    """An argument that does not fit is not called a record of another version."""
    with pytest.raises(InputError, match=message):
        EnvConfig().changed(overrides)


def test_unknown_names_are_refused() -> None:
    """Unknown seedings, starts and presets are errors."""
    with pytest.raises(UnknownNameError, match="sweep"):
        EnvConfig(seedings=("swep",))
    with pytest.raises(UnknownNameError, match="unknown seeding 'chose'; did you mean 'choose'"):
        EnvConfig(seeding="chose")
    with pytest.raises(UnknownNameError, match="unknown relaxation 'path'; did you mean 'paths'"):
        EnvConfig(relaxation="path")
    with pytest.raises(UnknownNameError, match="linear"):
        EnvConfig(start="middle")
    with pytest.raises(UnknownNameError, match="reference"):
        EnvConfig.preset("refrence")
    for bad in (lambda: RewardWeights(gap=-1.0), lambda: CurriculumConfig(window=0), lambda: CurriculumConfig(gap=2.0)):
        with pytest.raises(InputError):
            bad()


def test_a_record_of_the_first_version_keeps_its_episodes() -> None:
    """What 0.1 did not record becomes what it did: no tours of decoded selections, its features, no least length."""
    record = EnvConfig().to_json()
    for name in ("tour_decoded", "recombine", "judge", "observation", "relaxation", "most_load"):
        del record[name]
    del record["curriculum"]["least_episodes"]
    read = EnvConfig.from_json(record)
    assert (read.tour_decoded, read.recombine, read.judge, read.observation) == (False, False, "exact", 1)
    assert read.curriculum.least_episodes == 0
    assert read.relaxation == "assignment"


def test_a_judge_is_exact_or_fresh_samples() -> None:
    """Another judge is an error that names both."""
    with pytest.raises(UnknownNameError, match=r"judge.*exact"):
        EnvConfig(judge="luck")


def test_changes_may_be_partial() -> None:
    """Nested records are merged, dataclasses replace, and the rest stays."""
    changed = EnvConfig().changed({"action": {"mode": "direction"}, "rewards": RewardWeights(gap=1.0), "n_max": 120})
    assert changed.action == ActionConfig(mode="direction")
    assert changed.rewards == RewardWeights(gap=1.0)
    assert (changed.n_max, changed.max_steps) == (120, 200)
    with pytest.raises(InputError, match="colour"):
        EnvConfig().changed({"colour": 1})
