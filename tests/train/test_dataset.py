"""Datasets: shards are read back complete, and missing or damaged ones are named."""

from __future__ import annotations

import errno
import hashlib
import io
import json
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import numpy as np
import pytest
import torch
from labelled import random_states

from lagrl.errors import InputError, OutputError
from lagrl.io.records import to_record
from train.batches import batch_of
from train.dataset import MANIFEST_FILE, States, add_shard, read_states
from train.manifest import Manifest

if TYPE_CHECKING:
    from collections.abc import Callable


def assert_equal(one: States, other: States) -> None:
    for field in fields(States):
        first, second = getattr(one, field.name), getattr(other, field.name)
        assert first.dtype == second.dtype
        assert np.array_equal(first, second), field.name


def two_shards(folder: Path) -> Manifest:
    manifest = add_shard(folder, Manifest(), random_states([3, 5]))
    return add_shard(folder, manifest, random_states([4], seed=1, first_episode=2))


def test_shards_come_back_in_order(tmp_path: Path) -> None:
    """The states of all shards, the first one first; the manifest on the disk is the one returned."""
    manifest = two_shards(tmp_path)
    assert json.loads((tmp_path / MANIFEST_FILE).read_text()) == to_record(manifest)
    assert [shard.states for shard in manifest.shards] == [2, 1]
    wanted = States.joined([random_states([3, 5]), random_states([4], seed=1, first_episode=2)])
    assert_equal(read_states(tmp_path, manifest), wanted)
    assert len(wanted) == 3


def test_same_states_same_bytes(tmp_path: Path) -> None:
    """Shards contain no time, so that a resumed run has the checksums of an undisturbed one."""
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert two_shards(tmp_path / "a") == two_shards(tmp_path / "b")


def test_what_the_manifest_does_not_name_is_replaced(tmp_path: Path) -> None:
    """A shard that no archive lists, of a killed run, is replaced."""
    manifest = add_shard(tmp_path, Manifest(), random_states([3]))
    add_shard(tmp_path, manifest, random_states([9], seed=2))
    again = add_shard(tmp_path, manifest, random_states([4], seed=3))
    assert_equal(read_states(tmp_path, again), States.joined([random_states([3]), random_states([4], seed=3)]))


def _forge(folder: Path, manifest: Manifest, data: bytes) -> Manifest:
    """Replace the second shard by other bytes with a matching checksum."""
    (folder / "shard-0001.npz").write_bytes(data)
    first, second = manifest.shards
    return replace(manifest, shards=(first, replace(second, sha256=hashlib.sha256(data).hexdigest())))


def _pickled() -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **{field.name: np.array([{}], dtype=object) for field in fields(States)})
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (lambda folder, manifest: (folder / "shard-0001.npz").unlink(), "missing"),
        (lambda folder, manifest: (folder / "shard-0001.npz").write_bytes(b"PK"), "checksum"),
        (lambda folder, manifest: _forge(folder, manifest, b"nonsense"), "no shard"),
        (lambda folder, manifest: _forge(folder, manifest, _pickled()), "no shard"),
    ],
)
def test_bad_shards_are_named(tmp_path: Path, harm: Callable[[Path, Manifest], object], said: str) -> None:
    """A missing, damaged, foreign or pickled shard is named, with a remedy."""
    manifest = two_shards(tmp_path)
    forged = harm(tmp_path, manifest)
    manifest = forged if isinstance(forged, Manifest) else manifest
    with pytest.raises(InputError, match=rf"shard-0001\.npz.*{said}.*; put back") as caught:
        read_states(tmp_path, manifest)
    assert "shard-0000" not in str(caught.value)


def test_full_disk_keeps_earlier_shards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A shard that does not fit leaves the others and their manifest unchanged."""
    manifest = add_shard(tmp_path, Manifest(), random_states([3]))

    def full(*args: object) -> NoReturn:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        with pytest.raises(OutputError, match="No space left"):
            add_shard(tmp_path, manifest, random_states([4]))
    assert json.loads((tmp_path / MANIFEST_FILE).read_text()) == to_record(manifest)
    assert_equal(read_states(tmp_path, manifest), random_states([3]))
    assert sorted(path.name for path in tmp_path.iterdir()) == [MANIFEST_FILE, "shard-0000.npz"]


def test_batches_hold_the_chosen_states_padded() -> None:
    """Row b of a batch is state `indices[b]`, then zeros."""
    states = random_states([3, 6, 2])
    batch = batch_of(states, np.array([2, 0]))
    assert batch.labels.shape == (2, 3)
    assert batch.observation["node_mask"].tolist() == [[1, 1, 0], [1, 1, 1]]
    first = slice(9, 11)
    assert np.array_equal(batch.observation["nodes"][0, :2], states.nodes[first])
    assert np.array_equal(batch.observation["neighbours"][0, :2], states.neighbours[first])
    assert np.array_equal(batch.labels[0, :2], states.labels[first])
    assert np.array_equal(batch.is_labelled[1], states.is_labelled[:3])
    assert not batch.observation["nodes"][0, 2].any()
    assert not batch.is_labelled[0, 2]
    assert batch.observation["neighbours"].dtype == torch.int16
