"""State of a PPO run at a boundary for its archive, and its restoration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from envs.action import ActionConfig
from lagrl.errors import InputError
from policies.checkpoint import Checkpoint
from policies.config import PolicyConfig
from policies.network import DiagonalPrecondNet
from train.archive import add_prefix, load_optimizer_state, optimizer_state, rng_state, select_prefix, set_rng_state
from train.candidate import TrainingCandidate
from train.ppo.config import PPOConfig
from train.ppo.run import PPORun

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor


def run_state(run: PPORun) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the state that `restored_run` needs: arrays by name, and plain JSON values.

    The rollout buffer is not part of it: it is empty at a boundary.
    """
    model = run.model
    assert model._last_episode_starts is not None
    random_arrays, random_record = rng_state()
    optimizer_arrays, optimizer_record = optimizer_state(model.policy.optimizer)
    env_record, env_arrays = run.batch_env.state()
    baseline_record, baseline_arrays = run.baseline.state() if run.baseline is not None else (None, {})
    arrays: dict[str, Any] = random_arrays | optimizer_arrays | add_prefix("weights/", run.net.state_dict())
    arrays |= add_prefix("env/", env_arrays) | add_prefix("expert/", baseline_arrays)
    if run.start is not None:
        arrays |= add_prefix("start/", run.start.net.state_dict())
    record = {
        "config": run.config.to_json(),
        "policy": run.policy.to_json(),
        "start": None if run.start is None else _start_record(run.start),
        "expert": run.expert_name,
        "num_timesteps": model.num_timesteps,
        "n_updates": model._n_updates,
        "episode_starts": [bool(start) for start in model._last_episode_starts],
        "last_update": model.last_update,
        "rng": random_record,
        "optimizer": optimizer_record,
        "env": env_record,
        "baseline": baseline_record,
        "rewards": run.env.state(),
        "curriculum": run.curriculum.state(),
        "first": None,
        "best": None,
        "seconds": run.seconds,
    }
    for name, candidate in (("first", run.first), ("best", run.best)):
        if candidate is not None:
            candidate_arrays, record[name] = candidate.state(name)
            arrays |= candidate_arrays
    return arrays, record


def restored_run(arrays: Mapping[str, Tensor], record: Mapping[str, Any], *, device: str) -> PPORun:
    """Return the run of an archive, at the same boundary.

    Raises
    ------
    InputError
        If this version cannot read the configuration, or an entry is missing.
    """
    try:
        return _restored_run(arrays, record, device)
    except (KeyError, RuntimeError) as error:  # RuntimeError: torch's, for weights of other names or shapes
        raise InputError(f"is not the archive of a PPO run ({error})", remedy="start a new run") from error


def _restored_run(arrays: Mapping[str, Tensor], record: Mapping[str, Any], device: str) -> PPORun:
    config = PPOConfig.from_json(record["config"])
    start = None
    if record["start"] is not None:
        policy = PolicyConfig.from_json(record["start"]["policy"])
        net = DiagonalPrecondNet(policy)
        net.load_state_dict(select_prefix("start/", arrays))
        start = Checkpoint(net, policy, ActionConfig.from_json(record["start"]["action"]), record["start"]["card"])
    run = PPORun(config, start, device=device)
    model = run.model
    run.net.load_state_dict(select_prefix("weights/", arrays))
    load_optimizer_state(model.policy.optimizer, arrays, record["optimizer"])
    run.batch_env.load_state(record["env"], _numpy("env/", arrays))
    if run.baseline is not None:
        run.baseline.load_state(record["baseline"], _numpy("expert/", arrays))
    run.env.load_state(record["rewards"])
    run.curriculum.load_state(record["curriculum"])
    run.first, run.best = (
        None if record[name] is None else TrainingCandidate.from_state(name, arrays, record[name], config.budgets)
        for name in ("first", "best")
    )
    run.seconds = float(record["seconds"])
    model.num_timesteps, model._n_updates = int(record["num_timesteps"]), int(record["n_updates"])
    model._last_obs = run.batch_env.observations()
    model._last_episode_starts = np.array(record["episode_starts"], dtype=bool)
    model.last_update = dict(record["last_update"])
    model._update_current_progress_remaining(model.num_timesteps, config.total_timesteps)
    set_rng_state(arrays, record["rng"])  # last: everything above may have drawn random numbers
    return run


def _numpy(prefix: str, arrays: Mapping[str, Tensor]) -> dict[str, np.ndarray[Any, Any]]:
    return {name: array.numpy() for name, array in select_prefix(prefix, arrays).items()}


def _start_record(start: Checkpoint) -> dict[str, Any]:
    return {"policy": start.policy.to_json(), "action": start.action.to_json(), "card": start.card}
