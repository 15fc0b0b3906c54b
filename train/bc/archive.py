"""State of a cloning run for its archive, and its restoration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lagrl.io.records import to_record
from policies.network import tensor_types
from train.archive import RECORD_FILE, naming, rng_state
from train.bc.cloning_record import CloningRecord
from train.bc.config import BCConfig
from train.bc.run import DATASET_FOLDER, BCRun
from train.candidate import score_pairs, scores_from_pairs
from train.dataset import read_states
from train.restore import common_state, network_weights, read_record, restore

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
    arrays, common = common_state(run, run.optimizer, _NETWORK)
    random_arrays, random_record = rng_state()
    record = common | {
        "epoch": run.epoch,
        "updates": run.updates,
        "manifest": to_record(run.manifest),
        "expert_scores": score_pairs(run.expert_scores),
        "imitation": run.imitation,
        "generators": random_record,
    }
    return arrays | random_arrays, record


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
        found, config = read_record(CloningRecord, BCConfig, record, source=source, given=given)
        weights = network_weights(arrays, _NETWORK, tensor_types(config.policy), source)
        run = BCRun(config, folder, device)
        run.epoch, run.updates = found.epoch, found.updates
        run.expert_scores = scores_from_pairs(found.expert_scores)
        run.imitation = dict(found.imitation)
        run.manifest = found.manifest
        if run.manifest.shards:
            run.states = read_states(folder / DATASET_FOLDER, run.manifest)
        restore(run, run.optimizer, arrays, found, found.generators, weights=weights)
        return run


_NETWORK = "net/"
