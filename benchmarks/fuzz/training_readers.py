"""Readers of checkpoints, archives of training and labelled states; checksums of arrays are made after mutation."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from benchmarks.fuzz.reader import Reader, temporary_folder, written


def checkpoint_record() -> Reader:
    """Return the reader of the records of checkpoints, beside fitting weights."""
    from policies.checkpoint import load_checkpoint

    record, weights = _checkpoint()

    def read(data: bytes, folder: Path) -> None:
        written(folder / "in.safetensors", weights)
        load_checkpoint(written(folder / "in.json", data))

    return Reader(read, [record])


def checkpoint_weights() -> Reader:
    """Return the reader of the weights of checkpoints."""
    from policies.checkpoint import load_checkpoint

    record, weights = _checkpoint()

    def read(data: bytes, folder: Path) -> None:
        written(folder / "in.safetensors", data)
        about = {**json.loads(record), "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}
        load_checkpoint(written(folder / "in.json", json.dumps(about).encode()))

    return Reader(read, [weights])


def archive_record() -> Reader:
    """Return the reader of archives of training, beside fitting arrays."""
    import torch

    from train.archive import RECORD_FILE, load_archive, save_archive

    record = {"config": {"epochs": 3, "name": "a"}, "epoch": 1, "scores": [[10, 1.5]], "seconds": 0.5, "best": None}
    with temporary_folder() as text:
        save_archive(Path(text), {"net/a": torch.zeros(3)}, record)
        seed = (Path(text) / RECORD_FILE).read_bytes()
        (arrays,) = Path(text).glob("*.safetensors")
        name, content = arrays.name, arrays.read_bytes()

    def read(data: bytes, folder: Path) -> None:
        written(folder / name, content)
        written(folder / RECORD_FILE, data)
        load_archive(folder)

    return Reader(read, [seed])


def dataset() -> Reader:
    """Return the reader of shards of labelled states."""
    import numpy as np

    from envs.observation import FEATURES, N_NEIGHBOURS
    from train.dataset import States, add_shard, new_manifest, read_states

    states = States(
        nodes=np.zeros((4, len(FEATURES)), np.float32),
        neighbours=np.zeros((4, N_NEIGHBOURS), np.int16),
        labels=np.zeros(4, np.float32),
        is_labelled=np.ones(4, np.bool_),
        sizes=np.array([4], np.int32),
        episodes=np.array([0], np.int32),
    )
    with temporary_folder() as text:
        manifest = add_shard(Path(text), new_manifest(), states)
        (entry,) = manifest["shards"]
        seed = (Path(text) / entry["file"]).read_bytes()

    def read(data: bytes, folder: Path) -> None:
        written(folder / entry["file"], data)
        read_states(folder, {**manifest, "shards": [{**entry, "sha256": hashlib.sha256(data).hexdigest()}]})

    return Reader(read, [seed])


def _checkpoint() -> tuple[bytes, bytes]:
    """Return record and weights of a small checkpoint."""
    import torch

    from envs.action import ActionConfig
    from policies.card import hardware, model_card
    from policies.checkpoint import save_checkpoint
    from policies.config import PolicyConfig
    from policies.network import DiagonalPrecondNet

    torch.manual_seed(0)
    training = {"instances": "X", "seed": 0, "steps": 10, "seconds": 1.5, "hardware": hardware(), "parent": None}
    card = model_card(name="a", kind="bc", description="d", command="c", config={"lr": 1e-3}, training=training)
    net = DiagonalPrecondNet(PolicyConfig(hidden=8, layers=1, heads=2, critic_hidden=8))
    with temporary_folder() as text:
        save_checkpoint(Path(text) / "a", net, ActionConfig(), card)
        return (Path(text) / "a.json").read_bytes(), (Path(text) / "a.safetensors").read_bytes()
