"""Archives of training runs, from which a run resumes with bit-equal results.

An archive is one safetensors file of arrays and one JSON file that names it. The JSON file is renamed into place last,
so that after any interruption a reader finds the old archive or the new one.
"""

from __future__ import annotations

import hashlib
import json
import random
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from lagrl.errors import InputError
from lagrl.io.atomic import replacing
from lagrl.io.json_text import read_json
from lagrl.io.records import from_record
from train.archive_record import ArchiveFile, GeneratorsRecord, OptimizerRecord

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray
    from torch import Tensor

SCHEMA_VERSION = 1
RECORD_FILE = "archive.json"

DAMAGED = "the archive is damaged; start a new run"
"""Remedy where an archive is not as it was written."""

_KIND = "lagrl training run"
_ARRAYS = "archive-{}.safetensors"


@dataclass(frozen=True)
class PackedArchive:
    """An archive in memory, which later steps of the run do not change: arrays as safetensors, and the record."""

    arrays: bytes = field(repr=False)
    record: str = field(repr=False)


def pack_archive(arrays: Mapping[str, Tensor | NDArray[Any]], record: dict[str, Any]) -> PackedArchive:
    """Return a copy of a run's state.

    Parameters
    ----------
    arrays
        Arrays by name, of any shape, with float, int, uint8 or bool entries.
    record
        Everything else, as JSON values. Floats are stored exactly; NaN and infinity are allowed.
    """
    return PackedArchive(save({name: _tensor(array) for name, array in arrays.items()}), json.dumps(record))


def write_archive(folder: Path, packed: PackedArchive) -> None:
    """Write an archive in `folder`, which must exist; it replaces the earlier one.

    Raises
    ------
    OutputError
        If the folder cannot be written or is full; the earlier archive then stays complete.
    """
    digest = hashlib.sha256(packed.arrays).hexdigest()
    name = _ARRAYS.format(digest[:16])
    if not (folder / name).exists():
        with replacing(folder / name) as temporary:
            temporary.write_bytes(packed.arrays)
    record = json.loads(packed.record)
    content = {"kind": _KIND, "schema_version": SCHEMA_VERSION, "arrays": name, "sha256": digest, "record": record}
    text = json.dumps(content | {"record_sha256": _record_digest(record)})
    with replacing(folder / RECORD_FILE) as temporary:
        temporary.write_text(text, encoding="utf-8")
    for old in folder.glob(_ARRAYS.format("*")):
        if old.name != name:
            old.unlink(missing_ok=True)


def save_archive(folder: Path, arrays: Mapping[str, Tensor | NDArray[Any]], record: dict[str, Any]) -> None:
    """Pack and write an archive; see `pack_archive` and `write_archive`."""
    write_archive(folder, pack_archive(arrays, record))


def load_archive(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the arrays (on the CPU) and the record of the archive in `folder`.

    Raises
    ------
    InputError
        If there is none, or it is damaged, not an archive of training, or of another schema version.
    """
    require_archive(folder)
    path = Path(folder) / RECORD_FILE
    content = read_json(path, remedy=DAMAGED, allow_nan=True)
    if not isinstance(content, dict) or content.get("kind") != _KIND:
        raise InputError("is not an archive of training", source=str(path), remedy="give the folder of a run")
    if content.get("schema_version") != SCHEMA_VERSION:
        raise InputError(
            f"{str(content.get('schema_version'))[:60]} is not {SCHEMA_VERSION}",
            source=str(path),
            field="schema_version",
            remedy="resume with the version of the code that wrote it, or start a new run",
        )
    file = from_record(ArchiveFile, content, "", source=str(path), remedy=DAMAGED)
    if file.record_sha256 not in (None, _record_digest(file.record)):
        raise InputError("does not have its checksum", source=str(path), field="record", remedy=DAMAGED)
    return _load_arrays(path.with_name(file.arrays), file.sha256), file.record


def require_archive(folder: Path) -> None:
    """Refuse a folder without an archive.

    Raises
    ------
    InputError
        If there is none.
    """
    path = Path(folder) / RECORD_FILE
    if not path.exists():
        raise InputError(
            "no archive there", source=str(path), remedy="give the folder of an earlier run, such as runs/NAME"
        )


@contextmanager
def naming(source: str | None) -> Iterator[None]:
    """Add the file to input errors that name none; for checks of what a record says, which know no file.

    Raises
    ------
    InputError
        With the file.
    """
    try:
        yield
    except InputError as error:
        if error.source is not None:
            raise
        raise InputError(error.problem, source=source, field=error.field, remedy=DAMAGED) from error


def _record_digest(record: dict[str, Any]) -> str:
    """Return the checksum of a record, which is the same after it was written and read."""
    return hashlib.sha256(json.dumps(record).encode()).hexdigest()


def _load_arrays(path: Path, digest: str) -> dict[str, Tensor]:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", source=str(path), remedy="start a new run") from error
    if hashlib.sha256(data).hexdigest() != digest:
        raise _damaged(path, f"{len(data)} bytes do not have the checksum in the archive")
    try:
        found: dict[str, Tensor] = load(data)
    except SafetensorError as error:
        raise _damaged(path, "is not safetensors", error) from error
    return found


def rng_state() -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the state of the global generators of Python, numpy and torch, with those of CUDA if available.

    Returns
    -------
    Arrays named `rng/…`, and a record, for `set_rng_state`.
    """
    version, words, gauss = random.getstate()
    legacy: dict[str, Any] = dict(np.random.get_state(legacy=False))  # noqa: NPY002 - other libraries may use it
    legacy["state"] = {"key": legacy["state"]["key"].tolist(), "pos": legacy["state"]["pos"]}
    arrays = {"rng/torch": torch.get_rng_state()}
    if torch.cuda.is_available():
        arrays |= {f"rng/cuda/{i}": state for i, state in enumerate(torch.cuda.get_rng_state_all())}
    return arrays, {"python": [version, list(words), gauss], "numpy": legacy}


def set_rng_state(arrays: Mapping[str, Tensor], record: GeneratorsRecord) -> None:
    """Restore the global generators from the return values of `rng_state`; other arrays are ignored.

    Raises
    ------
    InputError
        If an array is missing or is not the state of a generator.
    """
    legacy = asdict(record.numpy)
    legacy["state"]["key"] = np.array(record.numpy.state.key, dtype=np.uint32)
    random.setstate(record.python)
    np.random.set_state(legacy)  # noqa: NPY002 - as above
    try:
        torch.set_rng_state(arrays["rng/torch"].cpu())
        if torch.cuda.is_available():
            for i in range(torch.cuda.device_count()):
                if f"rng/cuda/{i}" in arrays:
                    torch.cuda.set_rng_state(arrays[f"rng/cuda/{i}"].cpu(), i)
    except (KeyError, RuntimeError, TypeError) as error:
        raise InputError(f"is not the state of a generator ({error})", field="rng/torch", remedy=DAMAGED) from error


def optimizer_state(
    optimizer: torch.optim.Optimizer, prefix: str = "optimizer/"
) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return an optimiser's state: arrays with `prefix`, and a record of its groups and plain numbers."""
    state = optimizer.state_dict()
    arrays: dict[str, Tensor] = {}
    numbers: dict[str, dict[str, Any]] = {}
    for index, entries in state["state"].items():
        for name, value in entries.items():
            if isinstance(value, torch.Tensor):
                arrays[f"{prefix}{index}/{name}"] = value
            else:
                numbers.setdefault(str(index), {})[name] = value
    return arrays, {"groups": state["param_groups"], "numbers": numbers}


def load_optimizer_state(
    optimizer: torch.optim.Optimizer,
    arrays: Mapping[str, Tensor],
    record: OptimizerRecord,
    prefix: str = "optimizer/",
) -> None:
    """Restore an optimiser of the same parameters from the return values of `optimizer_state`.

    Raises
    ------
    InputError
        If its parameter groups differ, or an array does not have its parameter's shape.
    """
    state: dict[int, dict[str, Any]] = {int(index): dict(values) for index, values in record.numbers.items()}
    for key, array in arrays.items():
        index, _, name = key.removeprefix(prefix).partition("/")
        if key.startswith(prefix) and index.isdecimal():
            state.setdefault(int(index), {})[name] = array.clone()
    own = optimizer.state_dict()["param_groups"]
    groups = [
        {name: tuple(value) if name == "betas" and isinstance(value, list) else value for name, value in group.items()}
        for group in record.groups
    ]
    remedy = "resume with the configuration and code of the run's start"
    if not all(map(_is_alike, own, groups)):
        raise InputError("has other parameter groups", field="optimiser", remedy=remedy)
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    for position, entries in state.items():
        shape = parameters[position].shape if position < len(parameters) else None
        if any(isinstance(value, torch.Tensor) and value.shape not in (shape, ()) for value in entries.values()):
            raise InputError(f"state {position} does not have its parameter's shape", field="optimiser", remedy=remedy)
    try:
        optimizer.load_state_dict({"state": state, "param_groups": groups})
    except ValueError as error:
        raise InputError(str(error), field="optimiser", remedy=remedy) from error


def _is_alike(own: Mapping[str, Any], group: Mapping[str, Any]) -> bool:
    """Whether a parameter group has values of the same types as an optimiser's own; older versions have fewer."""
    if "params" not in group or "lr" not in group:
        return False
    return all(_kind(value) == _kind(own[name]) for name, value in group.items() if name in own)


def _kind(value: Any) -> object:
    """Return what two values of a parameter group must have in common."""
    if isinstance(value, list | tuple):
        return [_kind(entry) for entry in value]
    return float if isinstance(value, int | float) and not isinstance(value, bool) else type(value)


def add_prefix(prefix: str, arrays: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arrays with `prefix` before their names."""
    return {f"{prefix}{name}": array for name, array in arrays.items()}


def select_prefix(prefix: str, arrays: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the arrays whose names begin with `prefix`, without it."""
    return {name.removeprefix(prefix): array for name, array in arrays.items() if name.startswith(prefix)}


def _tensor(array: Tensor | NDArray[Any]) -> Tensor:
    """Return a contiguous copy: safetensors refuses shared and strided tensors."""
    tensor = array.detach() if isinstance(array, torch.Tensor) else torch.from_numpy(np.array(array))
    return tensor.cpu().contiguous().clone()


def _damaged(path: Path, problem: str, error: Exception | None = None) -> InputError:
    detail = f" ({error})" if error else ""
    return InputError(f"{problem}{detail}", source=str(path), remedy=DAMAGED)
