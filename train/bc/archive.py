"""State of a cloning run for its archive, and its restoration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lagrl.errors import InputError
from train.archive import add_prefix, load_optimizer_state, optimizer_state, rng_state, select_prefix, set_rng_state
from train.bc.config import BCConfig
from train.bc.run import DATASET_FOLDER, BCRun
from train.candidate import TrainingCandidate, score_pairs, scores_from_pairs
from train.dataset import read_states

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import torch
    from torch import Tensor


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
        "manifest": run.manifest,
        "expert_scores": score_pairs(run.expert_scores),
        "imitation": run.imitation,
        "best": best_record,
        "seconds": run.seconds,
        "optimizer": optimizer_record,
        "generators": random_record,
    }
    return add_prefix("net/", run.net.state_dict()) | best_arrays | optimizer_arrays | random_arrays, record


def restored_run(arrays: Mapping[str, Tensor], record: Mapping[str, Any], folder: Path, device: torch.device) -> BCRun:
    """Return the run of an archive.

    Parameters
    ----------
    arrays, record
        Return values of `run_state`.
    folder
        Folder of the run, which contains the dataset.
    device
        Device of the network.

    Raises
    ------
    InputError
        If a shard of the dataset is missing or damaged, or the record is not one of a cloning run.
    """
    try:
        run = BCRun(BCConfig.from_json(record["config"]), folder, device)
        run.net.load_state_dict(select_prefix("net/", arrays))
        load_optimizer_state(run.optimizer, arrays, record["optimizer"])
        run.epoch, run.updates, run.seconds = record["epoch"], record["updates"], record["seconds"]
        run.expert_scores = scores_from_pairs(record["expert_scores"])
        run.imitation = dict(record["imitation"])
        run.manifest = record["manifest"]
        if record["best"] is not None:
            run.best = TrainingCandidate.from_state("best", arrays, record["best"], run.config.budgets)
        generators = record["generators"]
    except (KeyError, RuntimeError) as error:  # RuntimeError: torch's, for weights of other names or shapes
        raise InputError(
            f"is not the archive of a cloning run ({error})", source=str(folder), remedy="start a new run"
        ) from error
    if run.manifest["shards"]:
        run.states = read_states(folder / DATASET_FOLDER, run.manifest)
    set_rng_state(arrays, generators)
    return run
