"""Readers of checkpoints, archives of training and labelled states; checksums of arrays are made after mutation."""

from __future__ import annotations

import contextlib
import hashlib
import json
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.fuzz.reader import Reader, temporary_folder, written
from lagrl.io.records import from_record


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


def route_policy() -> Reader:
    """Return the reader of route policies."""
    from lagrl.bounds.route_checkpoint import ROUTES, load_route_policy, save_route_policy
    from lagrl.controllers.graph_attention import NetworkSize
    from lagrl.controllers.policy_checkpoint import tensor_shapes

    policy = NetworkSize(hidden=4, layers=1, heads=2, step_hidden=4, step_layers=1)
    weights = {name: np.zeros(shape, np.float32) for name, shape in tensor_shapes(ROUTES, policy).items()}
    with temporary_folder() as text:
        save_route_policy(Path(text) / "a", weights, policy, {"name": "a"})
        seed = (Path(text) / "a.safetensors").read_bytes()

    def read(data: bytes, folder: Path) -> None:
        load_route_policy(written(folder / "in.safetensors", data))

    return Reader(read, [seed])


def archive_record() -> Reader:
    """Return the reader of archives of cloning runs, beside fitting arrays, up to the configuration of the run."""
    import torch

    from envs.config import EnvConfig
    from policies.config import PolicyConfig
    from train.archive import RECORD_FILE, load_archive, save_archive
    from train.bc.archive import run_state
    from train.bc.cloning_record import CloningRecord
    from train.bc.config import BCConfig
    from train.bc.run import BCRun

    env = EnvConfig(n_max=12, n_customers=(6, 10), min_steps=3, max_steps=6)
    policy = PolicyConfig(hidden=8, layers=1, heads=2, critic_hidden=8)
    config = BCConfig(policy=policy, env=env, validation_instances=1, validation_sizes=(6, 6), budgets=(3,))
    with temporary_folder() as text:
        _, record = run_state(BCRun(config, Path(text), torch.device("cpu")))
        save_archive(Path(text), {"net/a": torch.zeros(3)}, record)
        seed = (Path(text) / RECORD_FILE).read_bytes()
        (arrays,) = Path(text).glob("*.safetensors")
        name, content = arrays.name, arrays.read_bytes()

    def read(data: bytes, folder: Path) -> None:
        with contextlib.suppress(ValueError, RecursionError):
            plain = json.loads(data)
            if isinstance(plain, dict):
                plain["record_sha256"] = hashlib.sha256(json.dumps(plain.get("record")).encode()).hexdigest()
                data = json.dumps(plain).encode()
        written(folder / name, content)
        written(folder / RECORD_FILE, data)
        _, found = load_archive(folder)
        BCConfig.from_json(from_record(CloningRecord, found, "record", allow_others=True).config)

    return Reader(read, [seed])


def dataset() -> Reader:
    """Return the reader of shards of labelled states."""
    from envs.observation import FEATURES, N_NEIGHBOURS
    from train.dataset import States, add_shard, read_states
    from train.manifest import Manifest

    states = States(
        nodes=np.zeros((4, len(FEATURES)), np.float32),
        neighbours=np.zeros((4, N_NEIGHBOURS), np.int16),
        labels=np.zeros(4, np.float32),
        is_labelled=np.ones(4, np.bool_),
        sizes=np.array([4], np.int32),
        episodes=np.array([0], np.int32),
    )
    with temporary_folder() as text:
        manifest = add_shard(Path(text), Manifest(), states)
        (shard,) = manifest.shards
        seed = (Path(text) / shard.file).read_bytes()

    def read(data: bytes, folder: Path) -> None:
        written(folder / shard.file, data)
        listed = replace(shard, sha256=hashlib.sha256(data).hexdigest())
        read_states(folder, replace(manifest, shards=(listed,)))

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
