"""State of a PPO run at a boundary for its archive, and its restoration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from envs.config import LONGEST
from lagrl.errors import InputError
from policies.card import checked_card
from policies.checkpoint import Checkpoint
from policies.network import DiagonalPrecondNet, tensor_types
from train.archive import DAMAGED, add_prefix, naming, rng_state, select_prefix
from train.archive_record import upgraded_candidate
from train.candidate import TrainingCandidate
from train.ppo.config import PPOConfig
from train.ppo.ppo_record import PPORecord, StartRecord
from train.ppo.run import PPORun
from train.ppo.start import policy_of
from train.restore import common_state, network_weights, read_record, restore

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from train.given_again import GivenAgain


def run_state(run: PPORun) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the state that `restored_run` needs: arrays by name, and plain JSON values.

    The rollout buffer is not part of it: it is empty at a boundary.
    """
    model = run.model
    assert model._last_episode_starts is not None
    arrays, common = common_state(run, model.policy.optimizer, _NETWORK)
    random_arrays, random_record = rng_state()
    env_record, env_arrays = run.batch_env.state()
    baseline_record, baseline_arrays = run.baseline.state() if run.baseline is not None else (None, {})
    arrays |= random_arrays | add_prefix("env/", env_arrays) | add_prefix("expert/", baseline_arrays)
    if run.start is not None:
        arrays |= add_prefix("start/", run.start.net.state_dict())
    first_arrays, first_record = run.first.state("first") if run.first is not None else ({}, None)
    record = common | {
        "policy": run.policy.to_json(),
        "start": None if run.start is None else _start_record(run.start),
        "expert": run.expert_name,
        "num_timesteps": model.num_timesteps,
        "n_updates": model._n_updates,
        "episode_starts": [bool(start) for start in model._last_episode_starts],
        "last_update": model.last_update,
        "rng": random_record,
        "env": env_record,
        "baseline": baseline_record,
        "rewards": run.env.state(),
        "curriculum": run.curriculum.state(),
        "first": first_record,
    }
    return arrays | first_arrays, record


def restored_run(
    arrays: Mapping[str, Tensor],
    record: Mapping[str, Any],
    *,
    device: str,
    source: str | None = None,
    given: GivenAgain | None = None,
) -> PPORun:
    """Return the run of an archive, at the same boundary.

    Parameters
    ----------
    arrays, record
        Return values of `run_state`.
    device
        See `PPORun`.
    source
        File of the record, for messages.
    given
        Rules of the user's that the record may name.

    Raises
    ------
    InputError
        If the record or an array is not one of a PPO run, or the record names a rule that is neither built in nor
        given.
    """
    with naming(source):
        plain = _upgraded(record)
        found, config = read_record(PPORecord, PPOConfig, plain, source=source, given=given)
        start = _start(found.start, arrays, source)
        wanted = tensor_types(policy_of(config, start))
        weights = network_weights(arrays, _NETWORK, wanted, source)
        _require_arrays(arrays, found, config, source)
        run = PPORun(config, start, device=device)
        model = run.model
        run.batch_env.load_state(plain["env"], _numpy("env/", arrays))
        if run.baseline is not None:
            run.baseline.load_state(plain["baseline"], _numpy("expert/", arrays))
        run.env.load_state(plain["rewards"])
        run.curriculum.load_state(plain["curriculum"])
        if found.first is not None:
            run.first = TrainingCandidate.from_state("first", arrays, found.first, config, wanted)
        model.num_timesteps, model._n_updates = found.num_timesteps, found.n_updates
        run.rollout = found.num_timesteps // config.rollout_size
        model._last_obs = run.batch_env.observations()
        model._last_episode_starts = np.array(found.episode_starts, dtype=bool)
        model.last_update = dict(found.last_update)
        model._update_current_progress_remaining(model.num_timesteps, config.total_timesteps)
        restore(run, model.policy.optimizer, arrays, found, found.rng, weights=weights)
        return run


def _upgraded(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record under the present names; version 0.1 had others for candidates and episodes."""
    plain = {**record, "first": upgraded_candidate(record.get("first"))}
    env = record.get("env")
    if isinstance(env, dict) and "lanes" in env:
        plain["env"] = {"episodes" if name == "lanes" else name: value for name, value in env.items()}
    return plain


def _start(record: StartRecord | None, arrays: Mapping[str, Tensor], source: str | None) -> Checkpoint | None:
    """Return the clone from which the run started."""
    if record is None:
        return None
    weights = network_weights(arrays, "start/", tensor_types(record.policy), source)
    net = DiagonalPrecondNet(record.policy)
    net.load_state_dict(weights)
    return Checkpoint(net, record.policy, record.action, checked_card(record.card, source=source))


def _require_arrays(
    arrays: Mapping[str, Tensor],
    found: PPORecord,
    config: PPOConfig,
    source: str | None,
) -> None:
    """Compare the sizes in the record with the arrays, before anything of these sizes is made.

    Raises
    ------
    InputError
        Naming the first that differs.
    """
    n = config.n_envs
    per_env = {
        "episode_starts": len(found.episode_starts),
        "env.episodes": len(found.env.episodes),
        "env.generators": len(found.env.generators),
        "rewards.returns": len(found.rewards.returns),
        "baseline.taken": n if found.baseline is None else len(found.baseline.taken),
    }
    for name, length in per_env.items():
        if length != n:
            problem = f"{length} entries for {n} environments"
            raise InputError(problem, source=source, field=f"record.run.{name}", remedy=DAMAGED)
    types = {"env/return": (torch.float64, (n,)), "env/length": (torch.int64, (n,))}
    steps = {f"env/{index}/multipliers" for index, episode in enumerate(found.env.episodes) if episode is not None}
    if config.baseline and found.baseline is not None:
        steps |= {f"expert/baseline/{index}" for index in range(n)}
    for name in sorted(types.keys() | steps):
        array = arrays.get(name)
        shape = None if array is None else (array.dtype, tuple(array.shape))
        dimensions = 2 if name.startswith("env/") else 1
        fits = shape == types[name] if name in types else array is not None and _is_per_step(array, dimensions)
        if not fits:
            problem = "is missing" if shape is None else f"is {shape[0]} {list(shape[1])}"
            raise InputError(problem, source=source, field=name, remedy=DAMAGED)
    if found.num_timesteps % config.rollout_size or (config.baseline and found.baseline is None):
        problem = "lacks the baseline" if found.baseline is None else f"{found.num_timesteps} is within a rollout"
        raise InputError(problem, source=source, field="record.run.num_timesteps", remedy=DAMAGED)


def _is_per_step(array: Tensor, dimensions: int) -> bool:
    """Whether an array has finite numbers for each step of an episode."""
    is_sized = array.dtype == torch.float64 and array.dim() == dimensions and len(array) <= LONGEST + 1
    return is_sized and bool(torch.isfinite(array).all())


def _numpy(prefix: str, arrays: Mapping[str, Tensor]) -> dict[str, np.ndarray[Any, Any]]:
    return {name: array.numpy() for name, array in select_prefix(prefix, arrays).items()}


def _start_record(start: Checkpoint) -> dict[str, Any]:
    return {"policy": start.policy.to_json(), "action": start.action.to_json(), "card": start.card}


_NETWORK = "weights/"
