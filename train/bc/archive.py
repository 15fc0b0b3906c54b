"""State of a cloning run for its archive, and its restoration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lagrl.io.records import from_record, to_record
from policies.checkpoint_files import require_same_tensors
from policies.network import tensor_types, types_of
from train.archive import (
    RECORD_FILE,
    add_prefix,
    load_optimizer_state,
    naming,
    optimizer_state,
    rng_state,
    select_prefix,
    set_rng_state,
)
from train.archive_record import upgraded_candidate
from train.bc.cloning_record import CloningRecord
from train.bc.config import BCConfig
from train.bc.run import DATASET_FOLDER, BCRun
from train.candidate import TrainingCandidate, score_pairs, scores_from_pairs
from train.dataset import read_states

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import torch
    from torch import Tensor

    from train.given_again import GivenAgain


def run_state(run: BCRun) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the state that `restored_run` needs: arrays by name, and JSON values.

    The record contains the manifest with the checksums of the dataset's shards, not the dataset.
    """
    optimizer_arrays, optimizer_record = optimizer_state(run.optimizer)
    random_arrays, random_record = rng_state()
    best_arrays, best_record = run.best.state("best") if run.best is not None else ({}, None)
    record = {
        "config": run.config.to_json(),
        "epoch": run.epoch,
        "updates": run.updates,
        "manifest": to_record(run.manifest),
        "expert_scores": score_pairs(run.expert_scores),
        "imitation": run.imitation,
        "best": best_record,
        "seconds": run.seconds,
        "optimizer": optimizer_record,
        "generators": random_record,
    }
    return add_prefix("net/", run.net.state_dict()) | best_arrays | optimizer_arrays | random_arrays, record


def restored_run(
    arrays: Mapping[str, Tensor],
    record: Mapping[str, Any],
    folder: Path,
    device: torch.device,
    given: GivenAgain | None = None,
) -> BCRun:
    """Return the run of an archive.

    Parameters
    ----------
    arrays, record
        Return values of `run_state`.
    folder
        Folder of the run, which contains the dataset.
    device
        Device of the network.
    given
        Rules of the user's that the record may name.

    Raises
    ------
    InputError
        If a shard of the dataset is missing or damaged, the record or an array is not one of a cloning run, or the
        record names a rule that is neither built in nor given.
    """
    source = str(folder / RECORD_FILE)
    with naming(source):
        plain = {**record, "best": upgraded_candidate(record.get("best"))}
        found = from_record(CloningRecord, plain, "record.run", source=source, remedy=_REMEDY, allow_others=True)
        config = BCConfig.from_json(found.config, source=source, given=given).resolved()
        weights, wanted = select_prefix("net/", arrays), tensor_types(config.policy)
        require_same_tensors(types_of(weights), wanted, source=source, remedy=_REMEDY, prefix="net/")
        run = BCRun(config, folder, device)
        run.net.load_state_dict(weights)
        load_optimizer_state(run.optimizer, arrays, found.optimizer)
        run.epoch, run.updates, run.seconds = found.epoch, found.updates, found.seconds
        run.expert_scores = scores_from_pairs(found.expert_scores)
        run.imitation = dict(found.imitation)
        run.manifest = found.manifest
        if found.best is not None:
            run.best = TrainingCandidate.from_state("best", arrays, found.best, config, wanted)
        if run.manifest.shards:
            run.states = read_states(folder / DATASET_FOLDER, run.manifest)
        set_rng_state(arrays, found.generators)
        return run


_REMEDY = "the archive is damaged; start a new run"
