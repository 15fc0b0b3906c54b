"""Archives of training runs, from which a run resumes with bit-equal results.

An archive is one safetensors file of arrays and one JSON file that names it. The JSON file is renamed into place last,
so that after any interruption a reader finds the old archive or the new one.
"""

from __future__ import annotations

import hashlib
import json
import random
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors import SafetensorError
from safetensors.torch import load, save

from lagrl.errors import InputError
from lagrl.io.atomic import replacing

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from torch import Tensor

SCHEMA_VERSION = 1
RECORD_FILE = "archive.json"

_KIND = "lagrl training run"
_ARRAYS = "archive-{}.safetensors"


def save_archive(folder: Path, arrays: Mapping[str, Tensor | NDArray[Any]], record: dict[str, Any]) -> None:
    """Write the archive in `folder`, replacing the earlier one.

    Parameters
    ----------
    folder
        The run's folder; it must exist.
    arrays
        Arrays by name, of any shape, with float, int, uint8 or bool entries.
    record
        Everything else, as JSON values. Floats are stored exactly; NaN and infinity are allowed.

    Raises
    ------
    OutputError
        If the folder cannot be written or is full; the earlier archive then stays complete.
    """
    data = save({name: _tensor(array) for name, array in arrays.items()})
    digest = hashlib.sha256(data).hexdigest()
    name = _ARRAYS.format(digest[:16])
    if not (folder / name).exists():
        with replacing(folder / name) as temporary:
            temporary.write_bytes(data)
    text = json.dumps(
        {"kind": _KIND, "schema_version": SCHEMA_VERSION, "arrays": name, "sha256": digest, "record": record}
    )
    with replacing(folder / RECORD_FILE) as temporary:
        temporary.write_text(text, encoding="utf-8")
    for old in (*folder.glob(_ARRAYS.format("*")), *folder.glob(f".{_ARRAYS.format('*')}.*.part")):
        if old.name != name:
            old.unlink(missing_ok=True)


def load_archive(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Return the arrays (on the CPU) and the record of the archive in `folder`.

    Raises
    ------
    InputError
        If there is none, or it is damaged, not an archive of training, or of another schema version.
    """
    path = Path(folder) / RECORD_FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(
            "no archive there", source=str(path), remedy="give the folder of an earlier run, such as runs/NAME"
        ) from None
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", source=str(path)) from error
    except ValueError as error:
        raise _damaged(path, "is not JSON", error) from error
    if not isinstance(content, dict) or content.get("kind") != _KIND:
        raise InputError("is not an archive of training", source=str(path), remedy="give the folder of a run")
    if content.get("schema_version") != SCHEMA_VERSION:
        raise InputError(
            f"{content.get('schema_version')!r} is not {SCHEMA_VERSION}",
            source=str(path),
            field="schema_version",
            remedy="resume with the version of the code that wrote it, or start a new run",
        )
    if not {"arrays", "sha256", "record"} <= content.keys():
        raise _damaged(path, "lacks entries")
    return _load_arrays(path.with_name(str(content["arrays"])), str(content["sha256"])), content["record"]


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


def set_rng_state(arrays: Mapping[str, Tensor], record: Mapping[str, Any]) -> None:
    """Restore the global generators from the return values of `rng_state`; other arrays are ignored."""
    version, words, gauss = record["python"]
    random.setstate((version, tuple(words), gauss))
    legacy = dict(record["numpy"])
    legacy["state"] = {"key": np.array(legacy["state"]["key"], dtype=np.uint32), "pos": legacy["state"]["pos"]}
    np.random.set_state(legacy)  # noqa: NPY002
    torch.set_rng_state(arrays["rng/torch"].cpu())
    if torch.cuda.is_available():
        for i in range(torch.cuda.device_count()):
            if f"rng/cuda/{i}" in arrays:
                torch.cuda.set_rng_state(arrays[f"rng/cuda/{i}"].cpu(), i)


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
    record: Mapping[str, Any],
    prefix: str = "optimizer/",
) -> None:
    """Restore an optimiser of the same parameters from the return values of `optimizer_state`.

    Raises
    ------
    InputError
        If its parameter groups differ.
    """
    state: dict[int, dict[str, Any]] = {int(index): dict(values) for index, values in record["numbers"].items()}
    for key, array in arrays.items():
        if key.startswith(prefix):
            index, _, name = key.removeprefix(prefix).partition("/")
            state.setdefault(int(index), {})[name] = array.clone()
    groups = [
        {name: tuple(value) if name == "betas" else value for name, value in group.items()}
        for group in record["groups"]
    ]
    try:
        optimizer.load_state_dict({"state": state, "param_groups": groups})
    except ValueError as error:
        raise InputError(
            str(error), field="optimiser", remedy="resume with the configuration and code of the run's start"
        ) from error


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
    return InputError(f"{problem}{detail}", source=str(path), remedy="the archive is damaged; start a new run")
