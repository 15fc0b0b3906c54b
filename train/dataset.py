"""Labelled states: what an expert would do in states that a learner visits; stored in shards on the disk.

States are stored without padding, one after the other. A manifest lists every shard with its checksum, so that a
missing or damaged shard is an error.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from envs.observation import FEATURES, N_NEIGHBOURS
from lagrl.errors import InputError
from lagrl.io.atomic import replacing, write_text
from lagrl.io.records import to_record
from train.manifest import Manifest, Shard

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

MANIFEST_FILE = "manifest.json"


@dataclass(frozen=True)
class States:
    """S labelled states with M customers in total.

    Attributes
    ----------
    nodes
        [M, F] float32 features.
    neighbours
        [M, 5] int16, customer indices within the state.
    labels
        [M] float32, the expert's actions, 0 where not labelled.
    is_labelled
        [M] bool, true where the action has an effect.
    sizes
        [S] int32, number of customers of each state.
    episodes
        [S] int32, number of each state's episode within the run.
    """

    nodes: NDArray[np.float32]
    neighbours: NDArray[np.int16]
    labels: NDArray[np.float32]
    is_labelled: NDArray[np.bool_]
    sizes: NDArray[np.int32]
    episodes: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.sizes)

    @classmethod
    def single(
        cls,
        observation: Mapping[str, NDArray[Any]],
        labels: NDArray[np.float32],
        is_labelled: NDArray[np.bool_],
        episode: int = 0,
    ) -> States:
        """Return one state from a padded observation, its labels [n] and their mask [n]."""
        n = len(labels)
        return cls(
            nodes=observation["nodes"][:n],
            neighbours=observation["neighbours"][:n],
            labels=labels,
            is_labelled=is_labelled,
            sizes=np.array([n], dtype=np.int32),
            episodes=np.array([episode], dtype=np.int32),
        )

    @classmethod
    def joined(cls, parts: Sequence[States]) -> States:
        """Concatenate the states of several parts, in order."""
        return cls(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)))


def add_shard(folder: Path, manifest: Manifest, states: States) -> Manifest:
    """Write one more shard and the extended manifest; return that manifest.

    Parameters
    ----------
    folder
        Folder of the dataset; it must exist.
    manifest
        The current manifest. A file that it does not list, left by a killed run, is replaced.
    states
        States of the new shard.

    Raises
    ------
    OutputError
        If the folder cannot be written or is full; the listed shards stay unchanged.
    """
    buffer = io.BytesIO()
    np.savez(buffer, **{field.name: getattr(states, field.name) for field in fields(states)})
    data = buffer.getvalue()
    name = f"shard-{len(manifest.shards):04d}.npz"
    with replacing(folder / name) as temporary:
        temporary.write_bytes(data)
    shard = Shard(name, len(states), hashlib.sha256(data).hexdigest())
    extended = replace(manifest, shards=(*manifest.shards, shard))
    write_text(folder / MANIFEST_FILE, json.dumps(to_record(extended), indent=1))
    return extended


def read_states(folder: Path, manifest: Manifest) -> States:
    """Return the states of all shards in a manifest, in order.

    Raises
    ------
    InputError
        Naming the first shard that is missing or damaged.
    """
    return States.joined([_read_shard(folder / shard.file, shard) for shard in manifest.shards])


def _read_shard(path: Path, shard: Shard) -> States:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise InputError("the shard is missing", source=str(path), remedy=_REMEDY) from None
    except OSError as error:
        raise InputError(f"the shard cannot be read ({error.strerror})", source=str(path), remedy=_REMEDY) from error
    if hashlib.sha256(data).hexdigest() != shard.sha256:
        raise InputError("the shard is damaged: its checksum differs", source=str(path), remedy=_REMEDY)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            states = States(**{name: _read_array(archive, name, *kind) for name, kind in _ARRAYS.items()})
        _require_consistent(states, shard.states)
    except (EOFError, KeyError, ValueError, NotImplementedError, RuntimeError, zipfile.BadZipFile) as error:
        raise InputError(f"is no shard of expert states ({error})", source=str(path), remedy=_REMEDY) from error
    return states


def _read_array(archive: zipfile.ZipFile, name: str, dtype: type[np.generic], columns: int) -> NDArray[Any]:
    """Return an array of rows [rows, columns], or [rows] for no columns, that needs no more memory than its file."""
    entry = archive.getinfo(f"{name}.npy")
    if entry.compress_type != zipfile.ZIP_STORED:
        raise ValueError(f"{name} is compressed")
    stream = io.BytesIO(archive.read(entry))
    if np.lib.format.read_magic(stream) != (1, 0):
        raise ValueError(f"{name} has another version")
    shape, is_fortran, kind = np.lib.format.read_array_header_1_0(stream)
    data = stream.read()
    rows = len(data) // (np.dtype(dtype).itemsize * (columns or 1))
    wanted = (rows, columns) if columns else (rows,)
    if kind != dtype or is_fortran or shape != wanted or len(data) != rows * (columns or 1) * kind.itemsize:
        raise ValueError(f"{name} is {kind} {list(shape)} in {len(data)} bytes")
    return np.frombuffer(data, dtype=dtype).reshape(wanted).copy()


def _require_consistent(states: States, n_states: int) -> None:
    """Refuse states of another number, or whose arrays do not fit together.

    Raises
    ------
    ValueError
        Saying what does not fit.
    """
    m, sizes = len(states.nodes), states.sizes.astype(np.int64)
    if not len(sizes) == len(states.episodes) == n_states:
        raise ValueError(f"{len(sizes)} states and {len(states.episodes)} episodes, {n_states} listed")
    if (sizes < 1).any() or not sizes.sum() == m == len(states.neighbours) == len(states.labels) == len(
        states.is_labelled
    ):
        raise ValueError("its arrays have different numbers of customers")
    if (states.neighbours < 0).any() or (states.neighbours >= np.repeat(sizes, sizes)[:, None]).any():
        raise ValueError("a neighbour is no customer of its state")
    if not (np.isfinite(states.nodes).all() and np.isfinite(states.labels).all()):
        raise ValueError("a number is not finite")


_ARRAYS: dict[str, tuple[type[np.generic], int]] = {
    "nodes": (np.float32, len(FEATURES)),
    "neighbours": (np.int16, N_NEIGHBOURS),
    "labels": (np.float32, 0),
    "is_labelled": (np.bool_, 0),
    "sizes": (np.int32, 0),
    "episodes": (np.int32, 0),
}
_REMEDY = "put back a copy of it, or start a new run; checkpoints written so far are kept"
