"""What an expert would have done where a learner went: states and labels, in shards on the disk.

States are kept without padding, one after the other. A manifest names every shard with its checksum, so that what is
missing or damaged is told and never silently left out.
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
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

MANIFEST_FILE = "manifest.json"
SCHEMA_VERSION = 1

_KIND = "lagrl expert states"


@dataclass(frozen=True)
class States:
    """S labelled states of M customers altogether.

    Attributes
    ----------
    nodes
        [M, 14] float32 features.
    neighbours
        [M, 5] int16, within the state.
    labels
        [M] float32, the expert's actions.
    is_labelled
        [M] bool, where a label means anything.
    sizes
        [S] int32 customers of each state.
    episodes
        [S] int32 number of the episode within the run.
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
    def joined(cls, parts: Sequence[States]) -> States:
        """Return all states of some parts, in order."""
        return cls(*(np.concatenate([getattr(part, field.name) for part in parts]) for field in fields(cls)))


def new_manifest() -> dict[str, Any]:
    """Return the manifest of a dataset without shards."""
    return {
        "kind": _KIND,
        "schema_version": SCHEMA_VERSION,
        "features": list(FEATURES),
        "n_neighbours": N_NEIGHBOURS,
        "shards": [],
    }


def add_shard(folder: Path, manifest: dict[str, Any], states: States) -> dict[str, Any]:
    """Write one more shard and the manifest that names it; return that manifest.

    Parameters
    ----------
    folder
        The dataset's; it must exist.
    manifest
        What there is. A file that it does not name, left by a run that was killed, is replaced.
    states
        The shard.

    Raises
    ------
    OutputError
        If the folder cannot be written or is full; what the manifest names is untouched.
    """
    buffer = io.BytesIO()
    np.savez(buffer, **{field.name: getattr(states, field.name) for field in fields(states)})  # type: ignore[arg-type]
    data = buffer.getvalue()
    name = f"shard-{len(manifest['shards']):04d}.npz"
    with replacing(folder / name) as temporary:
        temporary.write_bytes(data)
    entry = {"file": name, "states": len(states), "sha256": hashlib.sha256(data).hexdigest()}
    extended = manifest | {"shards": [*manifest["shards"], entry]}
    write_text(folder / MANIFEST_FILE, json.dumps(extended, indent=1))
    return extended


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return the manifest in a dataset's folder.

    Raises
    ------
    InputError
        If it is missing, damaged or of another program or version.
    """
    path = folder / MANIFEST_FILE
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", source=str(path), remedy=_REMEDY) from error
    except ValueError as error:
        raise InputError(f"is not JSON ({error})", source=str(path), remedy=_REMEDY) from error
    wanted = new_manifest()
    if not isinstance(manifest, dict) or manifest.keys() != wanted.keys():
        raise InputError("is not a manifest of expert states", source=str(path), remedy=_REMEDY)
    for name in ("kind", "schema_version", "features", "n_neighbours"):
        if manifest[name] != wanted[name]:
            problem = f"{manifest[name]!r} is not {wanted[name]!r}"
            raise InputError(problem, source=str(path), field=name, remedy="start a new run with this version")
    return manifest


def read_states(folder: Path, manifest: dict[str, Any]) -> States:
    """Return the states of all shards that a manifest names, in order.

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
        raise InputError("the shard is damaged: its checksum is another", source=str(path), remedy=_REMEDY)
    try:
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            states = States(**{field.name: arrays[field.name] for field in fields(States)})
    except (KeyError, ValueError, zipfile.BadZipFile) as error:
        raise InputError(f"is no shard of expert states ({error})", source=str(path), remedy=_REMEDY) from error
    return states


_REMEDY = "put back a copy of it, or start a new run; checkpoints written so far are kept"
