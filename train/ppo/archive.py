"""A PPO run at a boundary, taken apart for the archive and put together again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from envs.action import ActionConfig
from lagrl.errors import InputError
from policies.checkpoint import Checkpoint
from policies.config import PolicyConfig
from policies.network import DiagonalPrecondNet
from train.archive import load_optimizer_state, optimizer_state, rng_state, set_rng_state
from train.ppo.config import PPOConfig
from train.ppo.run import Candidate, PPORun

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor


def take_apart(run: PPORun) -> tuple[dict[str, Tensor | np.ndarray[Any, Any]], dict[str, Any]]:
    """Return everything a run needs to go on as if it had never stopped: arrays by name, and plain JSON values.

    The rollout buffer is not among them: it is empty at a boundary.
    """
    model = run.model
    random_arrays, random_record = rng_state()
    optimizer_arrays, optimizer_record = optimizer_state(model.policy.optimizer)
    env_record, env_arrays = run.batch_env.state()
    arrays: dict[str, Tensor | np.ndarray[Any, Any]] = {**random_arrays, **optimizer_arrays}
    arrays |= _named("weights/", model.net.state_dict())
    arrays |= _named("env/", env_arrays)
    baseline_record, baseline_arrays = run.baseline.state() if run.baseline is not None else (None, {})
    arrays |= _named("expert/", baseline_arrays)
    if run.start is not None:
        arrays |= _named("start/", run.start.net.state_dict())
    for name, candidate in (("first", run.first), ("best", run.best)):
        if candidate is not None:
            arrays |= _named(f"{name}/", candidate.weights) | {f"{name}-ratio": candidate.ratio}
    record = {
        "trainer": "ppo",
        "config": run.config.to_json(),
        "policy": run.policy.to_json(),
        "start": None if run.start is None else _start_record(run.start),
        "expert": run.expert_name,
        "num_timesteps": model.num_timesteps,
        "n_updates": model._n_updates,
        "episode_starts": [bool(start) for start in _starts(model._last_episode_starts)],
        "last_update": model.last_update,
        "rng": random_record,
        "optimizer": optimizer_record,
        "env": env_record,
        "baseline": baseline_record,
        "rewards": run.env.state(),
        "curriculum": run.curriculum.state(),
        "first": _candidate_record(run.first),
        "best": _candidate_record(run.best),
        "seconds": run.seconds,
    }
    return arrays, record


def put_together(arrays: Mapping[str, Tensor], record: Mapping[str, Any], *, device: str) -> PPORun:
    """Return the run that `take_apart` took apart, at the same boundary.

    Raises
    ------
    InputError
        If the archive's configuration cannot be read by this version, or something is missing in it.
    """
    try:
        return _put_together(arrays, record, device)
    except (KeyError, RuntimeError) as error:  # torch's, of weights of other names or shapes
        raise InputError(f"is not the archive of a PPO run ({error})", remedy="start a new run") from error


def _put_together(arrays: Mapping[str, Tensor], record: Mapping[str, Any], device: str) -> PPORun:
    config = PPOConfig.from_json(record["config"])
    start = None
    if record["start"] is not None:
        net = _net(PolicyConfig.from_json(record["start"]["policy"]), _under("start/", arrays))
        start = Checkpoint(
            net=net,
            policy=net.config,
            action=ActionConfig.from_json(record["start"]["action"]),
            card=record["start"]["card"],
        )
    run = PPORun(config, start, device=device)
    model = run.model
    model.net.load_state_dict(_under("weights/", arrays))
    load_optimizer_state(model.policy.optimizer, arrays, record["optimizer"])
    run.batch_env.load_state(record["env"], {name: array.numpy() for name, array in _under("env/", arrays).items()})
    if run.baseline is not None:
        expert_arrays = {name: array.numpy() for name, array in _under("expert/", arrays).items()}
        run.baseline.load_state(record["baseline"], expert_arrays)
    run.env.load_state(record["rewards"])
    run.curriculum.load_state(record["curriculum"])
    run.first, run.best = (_candidate(name, record[name], arrays, config.budgets) for name in ("first", "best"))
    run.seconds = float(record["seconds"])
    model.num_timesteps, model._n_updates = int(record["num_timesteps"]), int(record["n_updates"])
    model._last_obs = run.batch_env.batch.observations()
    model._last_episode_starts = np.array(record["episode_starts"], dtype=bool)
    model.last_update = dict(record["last_update"])
    model._update_current_progress_remaining(model.num_timesteps, config.total_timesteps)
    set_rng_state(arrays, record["rng"])  # last: everything above may have drawn
    return run


def _named(prefix: str, arrays: Mapping[str, Any]) -> dict[str, Any]:
    return {f"{prefix}{name}": array for name, array in arrays.items()}


def _under(prefix: str, arrays: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def _starts(starts: np.ndarray[Any, Any] | None) -> np.ndarray[Any, Any]:
    assert starts is not None
    return starts


def _net(config: PolicyConfig, weights: dict[str, Tensor]) -> DiagonalPrecondNet:
    net = DiagonalPrecondNet(config)
    net.load_state_dict(weights)
    return net


def _start_record(start: Checkpoint) -> dict[str, Any]:
    return {"policy": start.policy.to_json(), "action": start.action.to_json(), "card": start.card}


def _candidate_record(candidate: Candidate | None) -> dict[str, Any] | None:
    return None if candidate is None else {"rollout": candidate.rollout}


def _candidate(
    name: str, record: Mapping[str, Any] | None, arrays: Mapping[str, Tensor], budgets: tuple[int, ...]
) -> Candidate | None:
    if record is None:
        return None
    return Candidate(record["rollout"], arrays[f"{name}-ratio"].numpy(), budgets, _under(f"{name}/", arrays))
