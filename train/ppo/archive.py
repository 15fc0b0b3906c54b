"""State of a PPO run at a boundary for its archive, and its restoration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from envs.config import LONGEST
from lagrl.errors import InputError
from lagrl.io.records import from_record
from policies.card import checked_card
from policies.checkpoint import Checkpoint
from policies.checkpoint_files import require_same_tensors
from policies.network import DiagonalPrecondNet, tensor_types, types_of
from train.archive import (
    add_prefix,
    load_optimizer_state,
    naming,
    optimizer_state,
    rng_state,
    select_prefix,
    set_rng_state,
)
from train.archive_record import upgraded_candidate
from train.candidate import TrainingCandidate
from train.ppo.config import PPOConfig
from train.ppo.ppo_record import PPORecord, StartRecord
from train.ppo.run import PPORun
from train.ppo.start import policy_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from policies.network import TensorType
    from train.given_again import GivenAgain


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
        found = from_record(PPORecord, plain, "record.run", source=source, remedy=_REMEDY, allow_others=True)
        config = PPOConfig.from_json(found.config, source=source, given=given)
        start = _start(found.start, arrays, source)
        wanted = tensor_types(policy_of(config, start))
        _require_arrays(arrays, found, config, wanted, source)
        run = PPORun(config, start, device=device)
        model = run.model
        run.net.load_state_dict(select_prefix("weights/", arrays))
        load_optimizer_state(model.policy.optimizer, arrays, found.optimizer)
        run.batch_env.load_state(plain["env"], _numpy("env/", arrays))
        if run.baseline is not None:
            run.baseline.load_state(plain["baseline"], _numpy("expert/", arrays))
        run.env.load_state(plain["rewards"])
        run.curriculum.load_state(plain["curriculum"])
        run.first, run.best = (
            None if own is None else TrainingCandidate.from_state(name, arrays, own, config, wanted)
            for name, own in (("first", found.first), ("best", found.best))
        )
        run.seconds = found.seconds
        model.num_timesteps, model._n_updates = found.num_timesteps, found.n_updates
        run.rollout = found.num_timesteps // config.rollout_size
        model._last_obs = run.batch_env.observations()
        model._last_episode_starts = np.array(found.episode_starts, dtype=bool)
        model.last_update = dict(found.last_update)
        model._update_current_progress_remaining(model.num_timesteps, config.total_timesteps)
        set_rng_state(arrays, found.rng)  # last: everything above may have drawn random numbers
        return run


def _upgraded(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a record under the present names; version 0.1 had others for candidates and episodes."""
    plain = {**record, **{name: upgraded_candidate(record.get(name)) for name in ("first", "best")}}
    env = record.get("env")
    if isinstance(env, dict) and "lanes" in env:
        plain["env"] = {"episodes" if name == "lanes" else name: value for name, value in env.items()}
    return plain


def _start(record: StartRecord | None, arrays: Mapping[str, Tensor], source: str | None) -> Checkpoint | None:
    """Return the clone from which the run started."""
    if record is None:
        return None
    weights = select_prefix("start/", arrays)
    wanted = tensor_types(record.policy)
    require_same_tensors(types_of(weights), wanted, source=source, remedy=_REMEDY, prefix="start/")
    net = DiagonalPrecondNet(record.policy)
    net.load_state_dict(weights)
    return Checkpoint(net, record.policy, record.action, checked_card(record.card, source=source))


def _require_arrays(
    arrays: Mapping[str, Tensor],
    found: PPORecord,
    config: PPOConfig,
    wanted: Mapping[str, TensorType],
    source: str | None,
) -> None:
    """Compare the sizes in the record with the arrays, before anything of these sizes is made.

    Raises
    ------
    InputError
        Naming the first that differs.
    """
    own = types_of(select_prefix("weights/", arrays))
    require_same_tensors(own, wanted, source=source, remedy=_REMEDY, prefix="weights/")
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
            raise InputError(problem, source=source, field=f"record.run.{name}", remedy=_REMEDY)
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
            raise InputError(problem, source=source, field=name, remedy=_REMEDY)
    if found.num_timesteps % config.rollout_size or (config.baseline and found.baseline is None):
        problem = "lacks the baseline" if found.baseline is None else f"{found.num_timesteps} is within a rollout"
        raise InputError(problem, source=source, field="record.run.num_timesteps", remedy=_REMEDY)


def _is_per_step(array: Tensor, dimensions: int) -> bool:
    """Whether an array has finite numbers for each step of an episode."""
    is_sized = array.dtype == torch.float64 and array.dim() == dimensions and len(array) <= LONGEST + 1
    return is_sized and bool(torch.isfinite(array).all())


def _numpy(prefix: str, arrays: Mapping[str, Tensor]) -> dict[str, np.ndarray[Any, Any]]:
    return {name: array.numpy() for name, array in select_prefix(prefix, arrays).items()}


def _start_record(start: Checkpoint) -> dict[str, Any]:
    return {"policy": start.policy.to_json(), "action": start.action.to_json(), "card": start.card}


_REMEDY = "the archive is damaged; start a new run"
