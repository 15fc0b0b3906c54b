"""Labelled states: what an expert would do in states that a learner visits; stored in shards on the disk.

States are stored without padding, one after the other. A manifest lists every shard with its checksum, so that a
missing or damaged shard is an error.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from envs.observation import FEATURES, N_NEIGHBOURS
from lagrl.errors import InputError
from lagrl.io.atomic import replacing, write_text

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

MANIFEST_FILE = "manifest.json"
SCHEMA_VERSION = 1

_KIND = "lagrl expert states"


@dataclass(frozen=True)
class States:
    """S labelled states with M customers in total.

    Attributes
    ----------
    nodes
        [M, 14] float32 features.
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


def new_manifest() -> dict[str, Any]:
    """Return the manifest of an empty dataset."""
    return {
        "kind": _KIND,
        "schema_version": SCHEMA_VERSION,
        "features": list(FEATURES),
        "n_neighbours": N_NEIGHBOURS,
        "shards": [],
    }


def add_shard(folder: Path, manifest: dict[str, Any], states: States) -> dict[str, Any]:
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
    name = f"shard-{len(manifest['shards']):04d}.npz"
    with replacing(folder / name) as temporary:
        temporary.write_bytes(data)
    entry = {"file": name, "states": len(states), "sha256": hashlib.sha256(data).hexdigest()}
    extended = manifest | {"shards": [*manifest["shards"], entry]}
    write_text(folder / MANIFEST_FILE, json.dumps(extended, indent=1))
    return extended


def read_states(folder: Path, manifest: dict[str, Any]) -> States:
    """Return the states of all shards in a manifest, in order.

    Raises
    ------
    InputError
        Naming the first shard that is missing or damaged.
    """
    return States.joined([_read_shard(folder / entry["file"], entry) for entry in manifest["shards"]])


def _read_shard(path: Path, entry: dict[str, Any]) -> States:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise InputError("the shard is missing", source=str(path), remedy=_REMEDY) from None
    except OSError as error:
        raise InputError(f"the shard cannot be read ({error.strerror})", source=str(path), remedy=_REMEDY) from error
    if hashlib.sha256(data).hexdigest() != entry["sha256"]:
        raise InputError("the shard is damaged: its checksum differs", source=str(path), remedy=_REMEDY)
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            states = States(**{field.name: arrays[field.name] for field in fields(States)})
    except (KeyError, ValueError, zipfile.BadZipFile) as error:
        raise InputError(f"is no shard of expert states ({error})", source=str(path), remedy=_REMEDY) from error
    return states


_REMEDY = "put back a copy of it, or start a new run; checkpoints written so far are kept"
