"""Archives: they restore what was saved, and an old one survives a failed write of a new one."""

from __future__ import annotations

import errno
import json
import random
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch

from lagrl.errors import InputError, OutputError
from lagrl.io.records import from_record
from train.archive import (
    RECORD_FILE,
    load_archive,
    load_optimizer_state,
    optimizer_state,
    rng_state,
    save_archive,
    set_rng_state,
)
from train.archive_record import GeneratorsRecord, OptimizerRecord

if TYPE_CHECKING:
    from collections.abc import Callable


def draw() -> tuple[float, float, list[float]]:
    return random.random(), float(np.random.rand()), torch.rand(3).tolist()  # noqa: NPY002 - its state is restored too


def test_arrays_and_record_come_back(tmp_path: Path) -> None:
    """Every type and shape, floats to the last bit, and no file of the earlier archive is left."""
    arrays = {
        "weights": torch.randn(3, 2),
        "transposed": torch.randn(4, 5).T,
        "empty": torch.zeros(0, 4),
        "numbers": np.arange(5),
        "mask": np.array([True, False]),
        "double": np.array([0.1, 1e-300]),
    }
    save_archive(tmp_path, {"old": torch.ones(1)}, {"epoch": 1})
    save_archive(tmp_path, arrays, {"epoch": 2, "loss": 0.1 + 0.2, "best": None, "names": ["λ"]})
    found, record = load_archive(tmp_path)
    assert record == {"epoch": 2, "loss": 0.1 + 0.2, "best": None, "names": ["λ"]}
    assert found.keys() == arrays.keys()
    for name, array in arrays.items():
        assert torch.equal(found[name], torch.as_tensor(np.ascontiguousarray(array))), name
    assert len(list(tmp_path.iterdir())) == 2


def test_saving_the_same_twice_keeps_it(tmp_path: Path) -> None:
    """The name of the arrays' file depends on its content: saving the same arrays again must not remove it."""
    for _ in range(2):
        save_archive(tmp_path, {"weights": torch.ones(2)}, {"epoch": 1})
    assert torch.equal(load_archive(tmp_path)[0]["weights"], torch.ones(2))


def test_generators_go_on_where_they_were(tmp_path: Path) -> None:
    """Python, numpy and torch draw equal numbers after the archive was written and read."""
    random.gauss(0, 1)  # leaves half a pair behind
    arrays, record = rng_state()
    save_archive(tmp_path, arrays, record)
    first = (*draw(), random.gauss(0, 1))
    arrays, record = load_archive(tmp_path)
    set_rng_state(arrays, from_record(GeneratorsRecord, record))
    assert (*draw(), random.gauss(0, 1)) == first


@pytest.mark.parametrize(
    "make", [lambda p: torch.optim.Adam(p, lr=0.1), lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9)]
)
def test_optimiser_goes_on_where_it_was(
    tmp_path: Path, make: Callable[[list[torch.nn.Parameter]], torch.optim.Optimizer]
) -> None:
    """Two steps, an archive and two more steps give the same bits as four steps."""

    def steps(parameter: torch.nn.Parameter, optimizer: torch.optim.Optimizer, count: int) -> None:
        for _ in range(count):
            optimizer.zero_grad()
            (parameter**4).sum().backward()
            optimizer.step()

    whole = torch.nn.Parameter(torch.tensor([1.0, -2.0]))
    steps(whole, make([whole]), 4)
    half = torch.nn.Parameter(torch.tensor([1.0, -2.0]))
    optimizer = make([half])
    steps(half, optimizer, 2)
    arrays, record = optimizer_state(optimizer)
    save_archive(tmp_path, arrays | {"parameter": half}, record)
    arrays, record = load_archive(tmp_path)
    again = torch.nn.Parameter(arrays["parameter"])
    optimizer = make([again])
    load_optimizer_state(optimizer, arrays, from_record(OptimizerRecord, record))
    steps(again, optimizer, 2)
    assert torch.equal(again, whole)


def test_optimiser_of_other_parameters_is_refused() -> None:
    """A state of two parameters does not fit an optimiser of one."""
    two = torch.optim.Adam([torch.nn.Parameter(torch.ones(1)), torch.nn.Parameter(torch.ones(1))])
    arrays, record = optimizer_state(two)
    with pytest.raises(InputError, match="optimiser"):
        load_optimizer_state(
            torch.optim.Adam([torch.nn.Parameter(torch.ones(1))]), arrays, from_record(OptimizerRecord, record)
        )


@pytest.mark.parametrize("full_after", [0, 1])
def test_full_disk_keeps_the_earlier_archive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, full_after: int) -> None:
    """If the arrays or the record do not fit, the error is typed and the earlier archive can be read."""
    save_archive(tmp_path, {"weights": torch.ones(2)}, {"epoch": 1})
    writes = 0

    def full(write: Callable[..., int]) -> Callable[..., int]:
        def attempt(path: Path, *args: object, **kwargs: object) -> int:
            nonlocal writes
            writes += 1
            if writes > full_after:
                raise OSError(errno.ENOSPC, "No space left on device")
            return write(path, *args, **kwargs)

        return attempt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full(Path.write_bytes))
        patch.setattr(Path, "write_text", full(Path.write_text))
        with pytest.raises(OutputError, match="No space left"):
            save_archive(tmp_path, {"weights": torch.zeros(2)}, {"epoch": 2})
    arrays, record = load_archive(tmp_path)
    assert record == {"epoch": 1}
    assert torch.equal(arrays["weights"], torch.ones(2))
    save_archive(tmp_path, {"weights": torch.zeros(2)}, {"epoch": 2})
    assert len(list(tmp_path.iterdir())) == 2


def _truncate(folder: Path) -> None:
    (path,) = folder.glob("*.safetensors")
    path.write_bytes(path.read_bytes()[:-1])


def _flip(folder: Path) -> None:
    (path,) = folder.glob("*.safetensors")
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(bytes(data))


def _edit(folder: Path, **entries: object) -> None:
    path = folder / RECORD_FILE
    path.write_text(json.dumps(json.loads(path.read_text()) | entries))


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (_truncate, "checksum"),
        (_flip, "checksum"),
        (lambda folder: next(folder.glob("*.safetensors")).unlink(), "cannot be read"),
        (lambda folder: (folder / RECORD_FILE).unlink(), "no archive there"),
        (lambda folder: (folder / RECORD_FILE).write_text("{"), "not JSON"),
        (lambda folder: (folder / RECORD_FILE).write_text("[]"), "not an archive of training"),
        (lambda folder: _edit(folder, kind="other"), "not an archive of training"),
        (lambda folder: _edit(folder, schema_version=2), "schema_version: 2 is not 1"),
    ],
)
def test_bad_archives_are_told(tmp_path: Path, harm: Callable[[Path], object], said: str) -> None:
    """Missing, truncated, damaged, foreign or of another version: each names the file and what is wrong."""
    save_archive(tmp_path, {"weights": torch.ones(2)}, {"epoch": 1})
    harm(tmp_path)
    with pytest.raises(InputError, match=said) as caught:
        load_archive(tmp_path)
    assert str(tmp_path) in str(caught.value)
