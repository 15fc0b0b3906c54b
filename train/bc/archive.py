"""A cloning run taken apart into arrays and JSON values, and put together again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lagrl.errors import InputError
from train.archive import load_optimizer_state, optimizer_state, rng_state, set_rng_state
from train.bc.config import BCConfig
from train.bc.dataset import read_states
from train.bc.run import DATASET_FOLDER, BCRun, Candidate, Scores

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import torch
    from torch import Tensor


def take_apart(run: BCRun) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return everything that `put_together` needs: arrays by name, and JSON values.

    The dataset stays where it is; the manifest with its shards' checksums is part of the record.
    """
    arrays = {f"net/{name}": value for name, value in run.net.state_dict().items()}
    fitted, optimizer = optimizer_state(run.optimizer)
    drawn, generators = rng_state()
    best = None
    if run.best is not None:
        arrays |= {f"best/{name}": value for name, value in run.best.weights.items()}
        best = {"epoch": run.best.epoch, "scores": _pairs(run.best.scores), "imitation": run.best.imitation}
    record = {
        "config": run.config.to_json(),
        "epoch": run.epoch,
        "updates": run.updates,
        "manifest": run.manifest,
        "expert_scores": _pairs(run.expert_scores),
        "imitation": run.imitation,
        "best": best,
        "seconds": run.seconds,
        "optimizer": optimizer,
        "generators": generators,
    }
    return arrays | fitted | drawn, record


def put_together(arrays: Mapping[str, Tensor], record: Mapping[str, Any], folder: Path, device: torch.device) -> BCRun:
    """Return the run that `take_apart` was given.

    Parameters
    ----------
    arrays, record
        What `take_apart` returned.
    folder
        The run's, with the dataset in it.
    device
        Where to go on.

    Raises
    ------
    InputError
        If a shard of the dataset is missing or damaged, or the record is not one of a cloning run.
    """
    try:
        run = BCRun(BCConfig.from_json(record["config"]), folder, device)
        run.net.load_state_dict(_named(arrays, "net/"))
        load_optimizer_state(run.optimizer, arrays, record["optimizer"])
        run.epoch, run.updates, run.seconds = record["epoch"], record["updates"], record["seconds"]
        run.expert_scores = _scores(record["expert_scores"])
        run.imitation = dict(record["imitation"])
        run.manifest = record["manifest"]
        if record["best"] is not None:
            best = record["best"]
            weights = _named(arrays, "best/")
            run.best = Candidate(best["epoch"], _scores(best["scores"]), best["imitation"], weights)
        generators = record["generators"]
    except (KeyError, RuntimeError) as error:  # torch's, of weights of other names or shapes
        raise InputError(
            f"is not the archive of a cloning run ({error})", source=str(folder), remedy="start a new run"
        ) from error
    if run.manifest["shards"]:
        run.states = read_states(folder / DATASET_FOLDER, run.manifest)
    set_rng_state(arrays, generators)
    return run


def _named(arrays: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def _pairs(scores: Scores) -> list[list[float]]:
    """JSON has no numbers as keys."""
    return [[budget, score] for budget, score in scores.items()]


def _scores(pairs: list[list[float]]) -> Scores:
    return {int(budget): score for budget, score in pairs}
