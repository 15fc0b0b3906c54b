"""The part of a run's state that cloning and PPO archive alike, and its restoration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from lagrl.io.records import from_record
from policies.checkpoint_files import require_same_tensors
from policies.network import tensor_types, types_of
from train.archive import DAMAGED, add_prefix, load_optimizer_state, optimizer_state, select_prefix, set_rng_state
from train.archive_record import RunRecord, upgraded_candidate
from train.candidate import TrainingCandidate
from train.config import TrainingConfig

if TYPE_CHECKING:
    from collections.abc import Mapping

    import torch
    from torch import Tensor

    from policies.network import TensorType
    from train.archive_record import GeneratorsRecord
    from train.given_again import GivenAgain
    from train.run import TrainingRun

R = TypeVar("R", bound=RunRecord)
C = TypeVar("C", bound=TrainingConfig)


def common_state(
    run: TrainingRun[Any], optimizer: torch.optim.Optimizer, prefix: str
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the state that `restore` needs, except the generators: arrays by name, and the fields of `RunRecord`.

    Parameters
    ----------
    run, optimizer
        The run and its optimiser.
    prefix
        Begins the names of the network's arrays.
    """
    optimizer_arrays, optimizer_record = optimizer_state(optimizer)
    best_arrays, best_record = run.best.state("best") if run.best is not None else ({}, None)
    arrays: dict[str, Any] = add_prefix(prefix, run.net.state_dict()) | best_arrays | optimizer_arrays
    record = {
        "config": run.config.to_json(),
        "optimizer": optimizer_record,
        "best": best_record,
        "seconds": run.seconds,
    }
    return arrays, record


def read_record(
    record_type: type[R],
    config_type: type[C],
    record: Mapping[str, Any],
    *,
    source: str | None,
    given: GivenAgain | None,
) -> tuple[R, C]:
    """Return the checked record of a run, and its configuration.

    Parameters
    ----------
    record_type, config_type
        Types of both.
    record
        JSON values, also of version 0.1.
    source
        File of the record, for messages.
    given
        Rules of the user's that the record may name.

    Raises
    ------
    InputError
        If a field is missing or of another type, or names a rule that is neither built in nor given.
    """
    plain = {**record, "best": upgraded_candidate(record.get("best"))}
    found = from_record(record_type, plain, "record.run", source=source, remedy=DAMAGED, allow_others=True)
    return found, config_type.from_json(found.config, source=source, given=given)


def network_weights(
    arrays: Mapping[str, Tensor], prefix: str, wanted: Mapping[str, TensorType], source: str | None
) -> dict[str, Tensor]:
    """Return the arrays of a network, whose names begin with `prefix`.

    Raises
    ------
    InputError
        Naming the first that is missing, or differs in type or shape.
    """
    weights = select_prefix(prefix, arrays)
    require_same_tensors(types_of(weights), wanted, source=source, remedy=DAMAGED, prefix=prefix)
    return weights


def restore(
    run: TrainingRun[Any],
    optimizer: torch.optim.Optimizer,
    arrays: Mapping[str, Tensor],
    found: RunRecord,
    generators: GeneratorsRecord,
    *,
    weights: Mapping[str, Tensor],
) -> None:
    """Restore the return values of `common_state`, then the generators; call it last, since other parts use these.

    Parameters
    ----------
    run, optimizer
        A new run and its optimiser.
    arrays, found, generators
        Arrays of the archive, its record, and that of the generators.
    weights
        Tensors of the network.

    Raises
    ------
    InputError
        If an array is missing or does not fit.
    """
    run.net.load_state_dict(weights)
    load_optimizer_state(optimizer, arrays, found.optimizer)
    if found.best is not None:
        wanted = tensor_types(run.policy)
        run.best = TrainingCandidate.from_state("best", arrays, found.best, run.config, wanted)
    run.seconds = found.seconds
    set_rng_state(arrays, generators)
