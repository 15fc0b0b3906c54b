"""The configuration of the search environment refuses what cannot be."""

from __future__ import annotations

import json
from typing import Any

import pytest

from envs.search.config import SearchEnvConfig
from lagrl.errors import InputError, UnknownNameError


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"choices": 0}, "choices: 0 given; give 1 or more"),
        ({"max_moves": 0}, "max_moves: 0 given"),
        ({"evaluations": 0}, "evaluations: 0 given"),
        ({"freed": 0}, "freed: 0 given"),
        ({"noise": float("nan")}, "noise"),
        ({"n_customers": (20, 101)}, "n_customers: 101 given; raise n_max"),
        ({"n_max": 1, "n_customers": (1, 1)}, "n_max: 1 given"),
        ({"nonsense": 1}, "nonsense"),
    ],
)
def test_values_out_of_range_are_named(changes: dict[str, Any], message: str) -> None:
    """One line with the field, its value and the remedy."""
    with pytest.raises(InputError, match=message) as caught:
        SearchEnvConfig().changed(changes)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("field", ["action", "start", "reward", "unit"])
def test_unknown_names_are_refused(field: str) -> None:
    """With the known names."""
    with pytest.raises((UnknownNameError, InputError), match="best"):
        SearchEnvConfig().changed({field: "bets"} if field == "reward" else {"reward": "bets"})
    with pytest.raises(UnknownNameError, match="nothing"):
        SearchEnvConfig(**{field: "nothing"})


def test_records_are_read_back() -> None:
    """Through JSON; a file may not name a sampler of the user's."""
    config = SearchEnvConfig(action="choice", choices=3, n_customers=(10, 30), sampler="qaoa")
    assert SearchEnvConfig.from_json(json.loads(json.dumps(config.to_json()))) == config
    with pytest.raises(InputError, match="sampler"):
        SearchEnvConfig.from_json(config.to_json() | {"sampler": "my_module:Sampler"})
