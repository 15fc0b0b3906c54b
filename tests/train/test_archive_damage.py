"""Archives with damaged or foreign content: one typed error, and nothing of the claimed size is made."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from ppo_runs import TINY, clone

from lagrl.errors import InputError
from train.archive import RECORD_FILE, load_archive, save_archive
from train.bc.archive import restored_run as restored_cloning
from train.bc.archive import run_state as cloning_state
from train.bc.config import BCConfig
from train.bc.run import BCRun
from train.candidate import TrainingCandidate
from train.command_line import RunOptions
from train.paths import open_archive
from train.ppo.archive import restored_run, run_state
from train.ppo.run import PPORun

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CPU = torch.device("cpu")
Arrays = dict[str, torch.Tensor]
State = tuple[Arrays, dict[str, Any]]


@pytest.fixture(scope="module")
def state() -> State:
    """Arrays and record of a PPO run with all of their parts."""
    run = PPORun(replace(TINY, imitation=(0.0, 0.0), baseline=True), clone(), device="cpu")
    run.model._last_episode_starts = np.ones(TINY.n_envs, dtype=bool)
    run.env.reset()
    run.model.last_update = {"loss": 0.5}
    for parameter in run.net.parameters():
        parameter.grad = torch.zeros_like(parameter)
    run.model.policy.optimizer.step()
    ratio = np.ones((TINY.validation_instances, len(TINY.budgets)))
    run.first = run.best = TrainingCandidate(0, {3: 1.0}, run.weights(), ratio, {"mse": float("nan")})
    arrays, record = run_state(run)
    return {name: torch.as_tensor(array) for name, array in arrays.items()}, json.loads(json.dumps(record))


@pytest.fixture(scope="module")
def cloning(tmp_path_factory: pytest.TempPathFactory) -> State:
    """Arrays and record of a cloning run."""
    config = BCConfig(policy=TINY.policy, env=TINY.env, validation_instances=1, validation_sizes=(6, 6), budgets=(3,))
    run = BCRun(config, tmp_path_factory.mktemp("run"), CPU)
    run.expert_scores = {3: 1.0}
    run.best = TrainingCandidate(0, {3: 1.0}, run.weights(), imitation={"mse": 1.0})
    arrays, record = cloning_state(run)
    return {name: torch.as_tensor(array) for name, array in arrays.items()}, json.loads(json.dumps(record))


def _paths(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Yield the paths of all values in a record; of a list, those of the first and last entry."""
    if path:
        yield path
    if isinstance(value, dict):
        for name in value:
            yield from _paths(value[name], (*path, name))
    if isinstance(value, list):
        for index in sorted({0, len(value) - 1}) if value else ():
            yield from _paths(value[index], (*path, index))


def _replaced(value: Any, path: tuple[Any, ...], other: Any) -> Any:
    """Return a record with another value at a path; the rest is shared."""
    if not path:
        return other
    changed = dict(value) if isinstance(value, dict) else list(value)
    changed[path[0]] = _replaced(value[path[0]], path[1:], other)
    return changed


def _wrong(record: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield records with one value replaced by one of another type or size, one for every value."""
    paths = [path for path in _paths(record) if path[:2] != ("start", "card")]  # free text; checked elsewhere
    for number, path in enumerate(paths):
        yield _replaced(record, path, WRONG[number % len(WRONG)])


WRONG = [None, "x", -1, 2.5, 10**30, float("inf"), [], {"a": {}}]


def test_every_wrong_field_of_a_record_is_a_typed_error(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each value of a PPO run's record, replaced by ones of other types, is refused by name or is a legal value."""

    class Built(Exception):
        """The record was accepted."""

    def build(*_: object, **__: object) -> None:
        raise Built

    monkeypatch.setattr("train.ppo.archive.PPORun", build)
    arrays, record = state
    refused = accepted = 0
    with pytest.raises(Built):
        restored_run(arrays, record, device="cpu")
    for wrong in _wrong(record):
        try:
            restored_run(arrays, wrong, device="cpu", source="archive.json")
        except InputError as error:
            assert str(error).startswith("archive.json: ")
            assert len(str(error)) < 600
            refused += 1
        except Built:
            accepted += 1
    assert refused > accepted > 0


def test_every_wrong_field_of_a_cloning_record_is_a_typed_error(
    cloning: State, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each value of a cloning run's record, replaced by ones of other types, is refused by name or is legal."""

    def build(*_: object, **__: object) -> None:
        raise ZeroDivisionError  # the record was accepted

    monkeypatch.setattr("train.bc.archive.BCRun", build)
    arrays, record = cloning
    refused = accepted = 0
    for wrong in _wrong(record):
        try:
            restored_cloning(arrays, wrong, tmp_path, CPU)
        except InputError as error:
            assert str(error).startswith(str(tmp_path / RECORD_FILE))
            refused += 1
        except ZeroDivisionError:
            accepted += 1
    assert refused > accepted > 0


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (("config", "n_envs"), 5000, "episode_starts: 3 entries for 5000 environments"),
        (("config", "policy", "hidden"), 4096, None),  # a clone has its own size
        (("start", "policy", "hidden"), 4096, r"start/attention.0.att: torch.float32 \[1, 2, 4\] found, .* wanted"),
        (("config", "validation_instances"), 10**9, "validation_instances"),
        (("config", "n_steps"), 10**12, "n_steps"),
        (("env", "episodes", 0, "rng", "state", "state"), 2**128, "128 bits"),
        (("rng", "python", 1, 624), 625, "a list of 624 words and a position"),
        (("optimizer", "groups", 0, "lr"), "fast", "other parameter groups"),
        (("curriculum", "phase"), 1, "1 is none of"),
        (("env", "config", "shots"), 65, "another configuration"),
        (("num_timesteps",), 7, "within a rollout"),
    ],
)
def test_sizes_are_those_of_the_arrays(state: State, path: tuple[Any, ...], value: object, message: str | None) -> None:
    """A size in the record that the arrays do not have is refused before anything is made."""
    arrays, record = state
    if message is None:
        assert restored_run(arrays, _replaced(record, path, value), device="cpu").policy.hidden == 8
        return
    with pytest.raises(InputError, match=message):
        restored_run(arrays, _replaced(record, path, value), device="cpu")


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("weights/head.bias", torch.zeros(2), "weights/head.bias"),
        ("weights/other", torch.zeros(2), "weights/other: is not part"),
        ("best/head.bias", None, "best/head.bias: is missing"),
        ("best-ratio", torch.zeros(2, 2), "best-ratio: float32"),
        ("env/return", torch.zeros(3), "env/return: is torch.float32"),
        ("env/0/multipliers", None, "env/0/multipliers: is missing"),
        ("env/0/multipliers", torch.zeros(10**4, 8, dtype=torch.float64), "env/0/multipliers: is"),
        ("env/0/multipliers", torch.zeros(1, 1, dtype=torch.float64), "multipliers"),
        ("env/0/multipliers", torch.full((1, 8), float("nan"), dtype=torch.float64), "env/0/multipliers"),
        ("expert/baseline/0", torch.zeros(2, 2, dtype=torch.float64), "expert/baseline/0: is"),
        ("rng/torch", torch.zeros(3, dtype=torch.uint8), "rng/torch: is not the state"),
        ("rng/torch", None, "rng/torch: is not the state"),
        ("optimizer/0/exp_avg", torch.zeros(7), "optimiser: state 0 does not have"),
        ("optimizer/999/exp_avg", torch.zeros(7), "optimiser: state 999 does not have"),
    ],
)
def test_wrong_arrays_are_typed_errors(state: State, name: str, array: torch.Tensor | None, message: str) -> None:
    """A missing array, or one of another type or shape, is named."""
    arrays, record = state
    changed = {key: value for key, value in (arrays | {name: array}).items() if value is not None}
    with pytest.raises(InputError, match=message):
        restored_run(changed, record, device="cpu")


def test_damage_of_the_record_does_not_load(tmp_path: Path) -> None:
    """A changed number has another checksum; a record of an earlier version without one is read."""
    save_archive(tmp_path, {"weights": torch.ones(2)}, {"loss": 0.1, "nan": float("nan"), "names": ["λ"]})
    path = tmp_path / RECORD_FILE
    text = path.read_text()
    path.write_text(text.replace("0.1", "0.2"))
    with pytest.raises(InputError, match="record: does not have its checksum; the archive is damaged"):
        load_archive(tmp_path)
    content = json.loads(text)
    del content["record_sha256"]
    path.write_text(json.dumps(content))
    assert load_archive(tmp_path)[1]["loss"] == 0.1


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"arrays": "../other/archive-0123456789abcdef.safetensors"}, "arrays: '../other"),
        ({"arrays": "archive-/x"}, "arrays: 'archive-/x' is not the name of the arrays' file"),
        ({"arrays": 3}, "arrays: 3 is not"),
        ({"sha256": None}, "sha256: null is not"),
        ({"record": []}, r"record: \[\] is not an object"),
        ({"other": 1}, "unknown other"),
        ({"schema_version": [1]}, "schema_version"),
    ],
)
def test_wrong_fields_of_the_file_are_named(tmp_path: Path, entries: dict[str, Any], message: str) -> None:
    """The fields around the record have their types, and the arrays lie beside it."""
    save_archive(tmp_path, {"weights": torch.ones(2)}, {"epoch": 1})
    path = tmp_path / RECORD_FILE
    path.write_text(json.dumps(json.loads(path.read_text()) | entries))
    with pytest.raises(InputError, match=message) as caught:
        load_archive(tmp_path)
    assert str(path) in str(caught.value)


def test_deeply_nested_archives_are_refused(tmp_path: Path) -> None:
    """Nesting that Python cannot parse, and nesting that it can, are errors of one line."""
    for text in ('{"a":' * 10**5, '{"a":' * 500 + "1" + "}" * 500):
        (tmp_path / RECORD_FILE).write_text(text)
        with pytest.raises(InputError, match="nested deeper than 32 levels"):
            load_archive(tmp_path)


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"threads": 0}, "record.threads: 0 is not a whole number from 1"),
        ({"threads": "1"}, "record.threads"),
        ({"out": 3}, "record.out: 3 is not text"),
        ({"command": None}, "record.command: null is not text"),
        ({"run": 3}, "record.run: 3 is not an object"),
        ({"trainer": ["bc"]}, "not of bc"),
    ],
)
def test_wrong_fields_of_a_run_are_named(tmp_path: Path, entries: dict[str, Any], message: str) -> None:
    """What both trainers write about a run has its types."""
    record = {"trainer": "bc", "run": {}, "out": "x", "command": "c", "threads": 1}
    save_archive(tmp_path, {"weights": torch.ones(2)}, record | entries)
    with pytest.raises(InputError, match=message):
        open_archive(RunOptions(resume=tmp_path, out=tmp_path / "out"), "bc")
