"""A tiny training of both kinds, whose numbers are committed, so that a change of what training makes is noticed.

    python -m benchmarks.shipped_policies.drift            # compare; exit code 1 if they differ
    python -m benchmarks.shipped_policies.drift --write    # replace drift.json

It takes seconds. After a change that is intended, write the numbers again, make the shipped policies again, or say in
their documentation that today's commands make others. Counts, instances and the labelled states are compared exactly,
weights and scores within a tolerance: the last bits of floating-point numbers depend on processor and versions.
"""

from __future__ import annotations

import hashlib
import json
import math
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import tyro

from lagrl.bench.provenance import versions
from policies.checkpoint import load_checkpoint
from train.archive import load_archive
from train.bc.command import main as clone
from train.bc.run import DATASET_FOLDER
from train.curves import read_curves
from train.dataset import read_states
from train.manifest import Manifest, Shard
from train.ppo.command import main as fine_tune
from train.validation import validation_set

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from torch import Tensor

RECORD = Path(__file__).with_name("drift.json")
TOLERANCE = 1e-3
"""Largest difference of two numbers, relative above 1; without AVX the largest one found was 3e-5."""

_SMALL = (
    "--validation-instances 4 --validation-sizes 8 16 --budgets 4 8 --policy.hidden 8 --policy.heads 2 "
    "--policy.layers 1 --policy.critic-hidden 8 --env.n-max 16 --env.n-customers 8 16 --env.min-steps 3 "
    "--env.max-steps 8 --device cpu --seed 7"
)
CLONE = (
    "--rounds 2 --epochs-per-round 2 --first-episodes 12 --episodes 8 --held-out 4 --n-envs 4 --batch-size 16 "
    f"--validate-every 2 {_SMALL}"
)
FINE_TUNE = (
    "--rollouts 2 --n-envs 4 --n-steps 16 --batch-size 32 --critic-warmup 1 --imitation-states 40 "
    f"--validate-every 1 {_SMALL}"
)


def trained() -> dict[str, Any]:
    """Train, and return what is compared: `exact` values, and `near` numbers by name."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for run, main, options in (("bc", clone, CLONE), ("ppo", fine_tune, f"{FINE_TUNE} --init {folder}/bc.out")):
            main([*options.split(), "--run", str(folder / run), "--out", str(folder / f"{run}.out")])
        exact = {"instances": instances_digest(), **states_record(folder / "bc")}
        near: dict[str, float] = {}
        for run in ("bc", "ppo"):
            exact[f"{run} rows"] = [sorted(row) for row in read_curves(folder / run / "curves.jsonl")]
            for row in read_curves(folder / run / "curves.jsonl"):
                near |= {f"{run} {row['step']} {key}": value for key, value in row.items() if key != "seconds"}
            arrays, _ = load_archive(folder / run)
            prefix = {"bc": "net/", "ppo": "weights/"}[run]
            near |= weights_record(f"{run} ", {key: array for key, array in arrays.items() if key.startswith(prefix)})
            near |= weights_record(f"{run} checkpoint ", load_checkpoint(folder / f"{run}.out").net.state_dict())
    return {"versions": versions("torch"), "exact": exact, "near": near}


def instances_digest() -> str:
    """Return a digest of the validation instances: demands, capacities and coordinates, all whole numbers."""
    digest = hashlib.sha256()
    for problem in validation_set(1_000_003, 4, (8, 16)):
        assert problem.coordinates is not None
        for array in (problem.demand, problem.coordinates, np.array(problem.capacity)):
            digest.update(np.rint(array).astype("<i8").tobytes())
    return digest.hexdigest()


def states_record(folder: Path) -> dict[str, Any]:
    """Return number and digest of a cloning run's labelled states: episodes, sizes, neighbours, labelled customers."""
    _, record = load_archive(folder)
    manifest = record["run"]["manifest"]
    shards = tuple(Shard(**{key: entry[key] for key in ("file", "states", "sha256")}) for entry in manifest["shards"])
    states = read_states(folder / DATASET_FOLDER, Manifest(shards=shards))
    digest = hashlib.sha256()
    whole: tuple[NDArray[Any], ...] = (states.sizes, states.episodes, states.neighbours, states.is_labelled)
    for array in whole:
        digest.update(array.astype("<i8").tobytes())
    return {"states": len(states), "labels": int(states.is_labelled.sum()), "states' digest": digest.hexdigest()}


def weights_record(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, float]:
    """Return mean and root mean square of each tensor, six significant digits."""
    found = {}
    for name, tensor in sorted(tensors.items()):
        values = tensor.to(torch.float64)
        found[f"{prefix}{name} mean"] = float(f"{values.mean().item():.6g}")
        found[f"{prefix}{name} rms"] = float(f"{values.square().mean().sqrt().item():.6g}")
    return found


def differences(wanted: Mapping[str, Any], found: Mapping[str, Any]) -> list[str]:
    """Return one line for each value of a record that another one does not have."""
    lines = [
        f"{name}: {found['exact'].get(name)!r:.80}, {wanted['exact'].get(name)!r:.80} committed"
        for name in sorted(wanted["exact"].keys() | found["exact"].keys())
        if found["exact"].get(name) != wanted["exact"].get(name)
    ]
    for name in sorted(wanted["near"].keys() | found["near"].keys()):
        one, other = wanted["near"].get(name), found["near"].get(name)
        if one is None or other is None:
            if one is not other:
                lines.append(f"{name}: {other}, {one} committed")
        elif not math.isclose(one, other, rel_tol=TOLERANCE, abs_tol=TOLERANCE):
            lines.append(f"{name}: {other:.7g}, {one:.7g} committed")
    return lines


def main(write: bool = False) -> int:
    """Compare with the committed record, or replace it; return the exit code.

    Parameters
    ----------
    write
        Whether to replace the committed record.
    """
    found = trained()
    if write:
        RECORD.write_text(json.dumps(found, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        return 0
    lines = differences(json.loads(RECORD.read_text(encoding="utf-8")), found)
    print("\n".join(lines) or "no difference")
    return int(bool(lines))


if __name__ == "__main__":
    sys.exit(tyro.cli(main, description=__doc__))
