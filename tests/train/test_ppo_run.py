from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import torch
from ppo_runs import TINY, NowAndThen, clone, weights

from envs.core import EpisodeBatch
from lagrl.errors import InputError
from policies.controller import PolicyController
from train.archive import load_archive, save_archive
from train.candidate import TrainingCandidate
from train.curves import Curves, read_curves
from train.ppo.archive import restored_run, run_state
from train.ppo.config import PPOConfig
from train.ppo.run import PPORun
from train.progress import Progress
from train.validation import measure

if TYPE_CHECKING:
    from pathlib import Path

CONFIGS = {
    "plain": TINY,
    "baseline": replace(TINY, baseline=True),
    "scratch": replace(TINY, imitation=(0.0, 0.0), learn_log_std=True),
    "phases": replace(TINY, env=replace(TINY.env, phases=(1, 2, 3), start="zero")),
}


def carried_out(run: PPORun, folder: Path, *, boundaries: int | None = None, resumed: bool = False) -> PPORun:
    """Train to the end, or past a number of boundaries, with an archive at each."""
    folder.mkdir(exist_ok=True)

    def save() -> None:
        save_archive(folder, *run_state(run))

    with (folder / "progress").open("w") as stream, Curves(folder, run.steps_done if resumed else None) as curves:
        progress = Progress("ppo", run.config.rollouts, stream=stream)
        run.learn(NowAndThen(boundaries), curves, progress, save, resumed=resumed)
    return run


def rows(folder: Path) -> list[dict[str, Any]]:
    return [
        {name: value for name, value in row.items() if name != "seconds"}
        for row in read_curves(folder / "curves.jsonl")
    ]


@pytest.mark.parametrize("name", CONFIGS)
def test_resumed_run_equals_an_undisturbed_one(name: str, tmp_path: Path) -> None:
    """Two rollouts, an archive and two more rollouts give the same bits as four."""
    start = None if name == "scratch" else clone()
    whole = carried_out(PPORun(CONFIGS[name], start, device="cpu"), tmp_path / "whole")
    carried_out(PPORun(CONFIGS[name], start, device="cpu"), tmp_path / "parts", boundaries=3)
    assert [row["step"] for row in rows(tmp_path / "parts")] == [0, 1, 2]
    torch.manual_seed(12345)
    parts = restored_run(*load_archive(tmp_path / "parts"), device="cpu")
    assert parts.steps_done == 2
    carried_out(parts, tmp_path / "parts", resumed=True)
    assert rows(tmp_path / "parts") == rows(tmp_path / "whole")
    assert [row["step"] for row in rows(tmp_path / "whole")] == [0, 1, 2, 3, 4]
    first, second = weights(whole.model.net), weights(parts.model.net)
    assert all(torch.equal(first[key], second[key]) for key in first)
    (one, told), (two, retold) = (load_archive(tmp_path / part) for part in ("whole", "parts"))
    assert one.keys() == two.keys()
    assert all(torch.equal(one[key], two[key]) for key in one)
    told["seconds"] = retold["seconds"] = 0.0
    assert told == retold


def test_archives_of_version_0_1_are_resumed(tmp_path: Path) -> None:
    """An archive with the names of version 0.1 resumes to the same weights and candidates as an undisturbed run."""
    whole = carried_out(PPORun(TINY, clone(), device="cpu"), tmp_path / "whole")
    carried_out(PPORun(TINY, clone(), device="cpu"), tmp_path / "old", boundaries=3)
    arrays, record = load_archive(tmp_path / "old")
    record["env"]["lanes"] = record["env"].pop("episodes")
    for name in ("first", "best"):
        record[name] = {"rollout": record[name]["step"]}
    parts = carried_out(restored_run(arrays, record, device="cpu"), tmp_path / "old", resumed=True)
    first, second = weights(whole.net), weights(parts.net)
    assert all(torch.equal(first[key], second[key]) for key in first)
    assert rows(tmp_path / "old") == rows(tmp_path / "whole")
    for one, other in ((whole.first, parts.first), (whole.best, parts.best)):
        assert one is not None
        assert other is not None
        assert (one.step, one.scores, one.merit) == (other.step, other.scores, other.merit)


def test_saving_more_often_changes_nothing(tmp_path: Path) -> None:
    """The times of checkpoints do not change the training."""

    card = clone().card

    trained = []
    for often in (False, True):
        run, folder = PPORun(TINY, clone(), device="cpu"), tmp_path / str(often)
        folder.mkdir()
        save = partial(run.save_checkpoint, tmp_path / "best", card) if often else (lambda: None)
        with (folder / "progress").open("w") as stream, Curves(folder) as curves:
            run.learn(NowAndThen(), curves, Progress("ppo", TINY.rollouts, stream=stream), save)
        trained.append(weights(run.model.net))
    assert trained[0].keys() == trained[1].keys()
    assert all(torch.equal(trained[0][name], trained[1][name]) for name in trained[0])


def test_training_changes_the_weights(tmp_path: Path) -> None:
    """After the warm-up all weights of actor and critic differ from the clone's, which are unchanged."""
    start = clone()
    before = weights(start.net)
    run = carried_out(PPORun(TINY, start, device="cpu"), tmp_path)
    after = weights(run.model.net)
    spread = {"log_std", "shared_log_std"}
    assert all(not torch.equal(before[name], after[name]) for name in before.keys() - spread)
    kept = weights(run.model.clone)
    assert all(torch.equal(before[name], kept[name]) for name in before.keys() - spread)


def test_clone_is_the_first_candidate(tmp_path: Path) -> None:
    """The clone is validated before the first rollout, and kept unless a rollout is better beyond noise."""
    start = clone()
    run = carried_out(PPORun(TINY, start, device="cpu"), tmp_path)
    scores = [row["validation"] for row in rows(tmp_path) if "validation" in row]
    assert len(scores) == 3  # at 0, 2 and 4
    assert run.first is not None
    assert run.best is not None
    assert run.first.scores == measure(lambda: PolicyController(start), run.problems, TINY.budgets).means
    assert run.first.merit == scores[0]
    gains = [scores[0] - score for score in scores[1:]]
    assert run.best is run.first or (run.gain(run.best).low > 0 and run.first.merit - run.best.merit == max(gains))


def test_action_constants_are_the_checkpoints() -> None:
    """By default the environment has the checkpoint's constants; other values are an error."""
    start = clone(base_step=0.05)
    assert PPORun(TINY, start, device="cpu").config.env.action.base_step == 0.05
    other = replace(TINY, env=replace(TINY.env, action=replace(TINY.env.action, base_step=0.01)))
    with pytest.raises(InputError, match=r"env.action: .*0\.01.* is not the checkpoint's"):
        PPORun(other, start, device="cpu")


def test_expert_is_the_one_that_was_cloned() -> None:
    """The checkpoint's card names the expert; without a card the configuration must."""
    named = replace(TINY, expert=None)
    assert PPORun(named, clone(), device="cpu").expert_name == "hwc"
    with pytest.raises(InputError, match="expert: no expert to imitate"):
        PPORun(named, None, device="cpu")
    assert PPORun(replace(named, imitation=(0.0, 0.0)), None, device="cpu").expert_name is None


@pytest.mark.parametrize(("preset", "has_circuits"), [("small", False), ("reference", True)])
def test_the_preset_small_rewards_the_routes_of_a_solve(preset: str, has_circuits: bool) -> None:
    """Its routes are those of toured evaluations; the preset `reference` has those of circuits, as published."""
    config = PPOConfig.preset(preset).env
    batch = EpisodeBatch(replace(config, min_steps=None, max_steps=10), 1)
    batch.reset(0, np.random.default_rng(0), "G-n51-k6")
    backends, is_toured = set(), []
    for _ in range(10):
        batch.step(np.zeros((1, config.n_max), dtype=np.float32))
        last = batch.episodes[0].step
        assert last is not None
        backends.add(last.route_sampling.backend)
        is_toured.append(np.isfinite(last.columns_cost))
    assert ("statevector" in backends) == has_circuits
    assert all(is_toured) == (not has_circuits)


def test_config_is_read_back_strictly() -> None:
    """JSON gives the same configuration; an unknown entry is refused."""
    config = PPOConfig.preset("reference")
    record = json.loads(json.dumps(config.to_json()))
    assert PPOConfig.from_json(record) == config
    with pytest.raises(InputError, match="sede"):
        PPOConfig.from_json(record | {"sede": 1})


@pytest.mark.parametrize(
    ("field", "value"),
    [("rollouts", 0), ("gamma", 1.5), ("imitation", (-1.0, 0.0)), ("budgets", ()), ("batch_size", 1)],
)
def test_unusable_values_are_named(field: str, value: Any) -> None:
    """The error names the field."""
    with pytest.raises(InputError, match=field):
        replace(TINY, **{field: value})


def candidate(rollout: int, ratio: np.ndarray) -> TrainingCandidate:
    return TrainingCandidate(
        rollout, dict(zip((10, 25)[: ratio.shape[1]], ratio.mean(axis=0).tolist(), strict=True)), {}, ratio
    )


def test_a_gain_is_paired_by_instance() -> None:
    """A gain on every instance excludes 0; the same mean from one of several does not, nor does a single instance."""
    clone = candidate(0, np.ones((4, 2)))
    steady = candidate(1, np.array([[0.99], [0.989], [0.99], [0.991]]) * np.ones((4, 2)))
    lucky = candidate(2, np.ones((4, 2)) - np.array([[0.07], [-0.01], [-0.01], [-0.01]]))
    assert steady.gain_over(clone).mean == pytest.approx(lucky.gain_over(clone).mean) == pytest.approx(0.01)
    assert steady.gain_over(clone).low > 0
    assert lucky.gain_over(clone).low < 0 < lucky.gain_over(clone).high
    assert not candidate(1, np.full((1, 2), 0.9)).gain_over(candidate(0, np.ones((1, 2)))).excludes_zero


def test_more_comparisons_need_a_clearer_gain() -> None:
    """The interval of one of nine comparisons is wider, by the quantiles of the normal distribution."""
    clone, other = candidate(0, np.ones((4, 1))), candidate(1, np.array([[0.9], [1.0], [0.95], [0.97]]))
    one, nine = other.gain_over(clone), other.gain_over(clone, 9)
    assert (nine.mean - nine.low) / (one.mean - one.low) == pytest.approx(2.773 / 1.960, rel=1e-3)


def test_only_a_better_rollout_takes_the_clones_place() -> None:
    """A level and a worse rollout never replace the clone; among better ones the best is kept."""
    run = PPORun(TINY, clone(), device="cpu")
    noise = np.array([[0.001], [-0.001], [0.002], [-0.002]])
    start, level, better, best, worse = (
        candidate(rollout, np.full((4, 1), ratio) + (noise if rollout else 0))
        for rollout, ratio in ((0, 1.0), (1, 1.0), (2, 0.99), (3, 0.98), (4, 1.01))
    )
    run.first = run.best = start
    assert not run._is_preferred(level)
    assert not run._is_preferred(worse)
    assert run._is_preferred(better)
    run.best = better
    assert run._is_preferred(best)
    assert not run._is_preferred(level)
    run.best = best
    assert not run._is_preferred(better)


def test_an_archive_without_its_parts_is_refused() -> None:
    """A record with a missing entry is an error that names it."""
    run = PPORun(TINY, clone(), device="cpu")
    run.model._last_episode_starts = np.ones(TINY.n_envs, dtype=bool)
    run.env.reset()
    arrays, record = run_state(run)
    tensors = {name: torch.as_tensor(array) for name, array in arrays.items()}
    with pytest.raises(InputError, match="lacks curriculum"):
        restored_run(tensors, {name: value for name, value in record.items() if name != "curriculum"}, device="cpu")
