"""Fuzzing reads its own seeds, finds planted faults, and repeats itself."""

from __future__ import annotations

import gzip
import json
import random
import signal
from typing import TYPE_CHECKING

import pytest

from benchmarks.fuzz import child
from benchmarks.fuzz.mutation import MOST_BYTES, mutated
from benchmarks.fuzz.reader import Reader
from benchmarks.fuzz.run import READERS, fuzz, print_table
from lagrl.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LIGHT = [name for name in READERS if not name.startswith(("checkpoint", "archive", "dataset", "options"))]


@pytest.fixture(autouse=True)
def no_alarm() -> Iterator[None]:
    """Leave no timer of a test behind."""
    before = signal.getsignal(signal.SIGPROF)
    yield
    signal.setitimer(signal.ITIMER_PROF, 0.0)
    signal.signal(signal.SIGPROF, before)


@pytest.mark.parametrize("name", LIGHT)
def test_seeds_are_valid_and_mutations_are_read_or_refused(name: str, tmp_path: Path) -> None:
    """The first seed of every reader is read; some mutations are refused, none ends in another error."""
    reader = READERS[name]()
    reader.read(reader.seeds[0], tmp_path)
    executions, rng = child.Executions(reader, tmp_path), random.Random(0)
    for _ in range(30):
        executions.run(mutated(rng.choice(reader.seeds), reader.seeds, rng))
    assert executions.findings == {}
    assert executions.counts["executions"] == 30
    assert executions.counts["read"] + executions.counts["refused"] == 30


@pytest.mark.slow
def test_seeds_of_training_are_valid(tmp_path: Path) -> None:
    """Checkpoints, archives, labelled states and options of the environment are read too."""
    pytest.importorskip("torch")
    pytest.importorskip("gymnasium")
    for name in READERS.keys() - set(LIGHT):
        reader = READERS[name]()
        reader.read(reader.seeds[0], tmp_path)


def test_planted_faults_are_found_and_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another error, a hang and a message with escape sequences are findings; an error of lagrl is not."""
    monkeypatch.setattr(child, "MOST_SECONDS", 0.05)

    class WrongError(InputError):
        def __str__(self) -> str:
            return "\x1b[2J"

    def read(data: bytes, folder: Path) -> None:
        if data == b"other":
            raise KeyError(data)
        if data == b"refused":
            raise InputError("no")
        if data == b"message":
            raise WrongError("no")
        while data == b"hang":
            pass

    executions = child.Executions(Reader(read, [b"fine"]), tmp_path)
    for data in (b"fine", b"refused", b"other", b"other", b"hang", b"message"):
        executions.run(data)
    executions.write()
    status = json.loads((tmp_path / "status.json").read_text())
    assert [finding.split(":")[0] for finding in status["findings"]] == ["KeyError", "HangError", "message"]
    assert list(status["findings"].values()) == [2, 1, 1]
    assert [(tmp_path / f"finding-{i}").read_bytes() for i in range(3)] == [b"other", b"hang", b"message"]
    assert (status["executions"], status["read"], status["refused"]) == (6, 1, 2)


def test_mutations_are_equal_for_equal_seeds_and_reach_every_kind_of_file() -> None:
    """They change nearly every input, depend on the seed only, and are limited in size."""
    seeds = [b'{"a": [1, {"b": null}]}\n{"c": 2.5}\n', b"A : 1\n1 2 3\n", gzip.compress(b"x", mtime=0), b""]
    made = [[mutated(seed, seeds, random.Random(i)) for i in range(300)] for seed in seeds for _ in range(2)]
    for first, second, seed in zip(made[::2], made[1::2], seeds, strict=True):
        assert first == second
        assert len(set(first)) > 20
        assert sum(data != seed for data in first) > 50
        assert max(map(len, first)) <= MOST_BYTES


@pytest.mark.slow
def test_a_process_of_its_own_makes_a_row(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The parent counts what a child under limits did, and the table adds up rows."""
    row = fuzz("solution", 1.0, 0, tmp_path)
    assert row["findings"] == {}
    assert row["executions"] > 20
    print_table([row, row])
    assert f"| solution | {2 * row['executions']:,} |" in capsys.readouterr().out
