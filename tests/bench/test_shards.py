"""Shards of a run, joined: the lines of an undivided run, and one line for each mistake."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest

from lagrl.bench.evaluation import Evaluation
from lagrl.bench.run import run
from lagrl.bench.shards import CellShard, merge
from lagrl.cli import entry as cli
from lagrl.errors import InputError
from lagrl.problems.bundled import bundled_names, bundled_path

if TYPE_CHECKING:
    from pathlib import Path

SMALL, MIDDLE = (bundled_path(name) for name in bundled_names()[:2])
QUICK = Evaluation((SMALL, MIDDLE), ("polyak", "cfm"), methods=("reference",), budgets=(3,), seeds=(0, 1))
N_SHARDS = 3


def timeless(path: Path) -> list[dict[str, Any]]:
    """The rows of a file in their order of fields, without what the clock says."""
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    kept = [{name: value for name, value in row.items() if not name.endswith("seconds")} for row in rows]
    return [row | {"history": [[n, cost] for n, _, cost in row["history"]]} for row in kept]


@pytest.fixture(scope="module")
def shards(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The rows of each shard of QUICK."""
    folder = tmp_path_factory.mktemp("shards")
    paths = [folder / f"{number}.jsonl" for number in range(1, N_SHARDS + 1)]
    made = [run(QUICK, path, shard=CellShard(number, N_SHARDS)) for number, path in enumerate(paths, 1)]
    assert made == [3, 3, 2]
    return paths


def test_joined_rows_are_those_of_an_undivided_run(shards: list[Path], tmp_path: Path) -> None:
    """The same rows, fields and order, whatever the order of the files; a gzipped file and a copy count as well."""
    whole, out, packed = tmp_path / "whole.jsonl", tmp_path / "merged.jsonl", tmp_path / "1.jsonl.gz"
    run(QUICK, whole)
    packed.write_bytes(gzip.compress(shards[0].read_bytes()))
    assert merge([*reversed(shards), packed], out) == 8
    expected, found = timeless(whole), timeless(out)
    assert found == expected
    assert [list(row) for row in found] == [list(row) for row in expected]


def test_a_joined_file_is_resumed_and_reported_as_any_other(shards: list[Path], tmp_path: Path) -> None:
    """The undivided command finds nothing to do in it; a repeated shard neither."""
    out = tmp_path / "merged.jsonl"
    assert cli.main(["merge", *map(str, shards), "--out", str(out)]) == 0
    assert run(QUICK, out) == 0
    assert run(QUICK, shards[1], shard=CellShard(2, N_SHARDS)) == 0
    assert cli.main(["report", str(out)]) == 0


def test_missing_mixed_and_overlapping_shards_are_refused(shards: list[Path], tmp_path: Path) -> None:
    """The message names what is missing or does not fit, and an existing file stays."""
    out = tmp_path / "merged.jsonl"
    out.write_text("old")
    short = tmp_path / "short.jsonl"
    short.write_text("".join(shards[0].read_text().splitlines(keepends=True)[:-1]))
    with pytest.raises(InputError, match="4 of 8 cells are missing, of --shard 1/3, 2/3; give their files, or run"):
        merge([short, shards[2], shards[2]], out)
    again = tmp_path / "again.jsonl"
    run(QUICK, again, shard=CellShard(2, N_SHARDS))  # other seconds
    with pytest.raises(InputError, match=r"again.jsonl: shard: shard 2/3 is also in .*2.jsonl, with other results"):
        merge([*shards, again], out)
    other = tmp_path / "other.jsonl"
    run(Evaluation((SMALL,), ("cfm",), budgets=(2, 3, 4)), other, shard=CellShard(2, N_SHARDS))
    with pytest.raises(InputError, match=r"other.jsonl: shard: 3 cells of configuration \w+, but .*1.jsonl has 8 of"):
        merge([*shards, other], out)
    halves = tmp_path / "halves.jsonl"
    run(QUICK, halves, shard=CellShard(1, 2))
    with pytest.raises(InputError, match=r"shard 1/2, but .*1.jsonl has 1/3; merge shards of one division"):
        merge([*shards, halves], out)
    plain = tmp_path / "plain.jsonl"
    run(Evaluation((SMALL,), ("cfm",), budgets=(2,)), plain)
    with pytest.raises(InputError, match=r"plain.jsonl: line 1: shard: made without --shard"):
        merge([plain], out)
    empty = tmp_path / "empty.jsonl"
    assert run(Evaluation((SMALL,), ("cfm",), budgets=(2,)), empty, shard=CellShard(2, 2)) == 0
    with pytest.raises(InputError, match="no finished row or run"):
        merge([empty], out)
    assert out.read_text() == "old"


@pytest.mark.parametrize("text", ["0/3", "4/3", "1", "a/b", "1/0", "-1/2", ""])
def test_a_wrong_shard_is_one_line(text: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2, a remedy, and no file."""
    out = tmp_path / "rows.jsonl"
    assert cli.main(["eval", str(SMALL), "--controllers", "cfm", "--out", str(out), f"--shard={text}"]) == 2
    said = capsys.readouterr().err
    assert "give I/N with I from 1 to N, as in 2/8" in said
    assert said.count("\n") == 1
    assert not out.exists()


def test_joined_decisions_are_those_of_an_undivided_collection(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Equal to the byte; rows beside decisions, and decisions under other settings, are refused."""
    pytest.importorskip("qiskit_aer", reason="needs the quantum extra")
    command = [
        *("traces", "--generated", "2", "--customers", "12,14", "--seed", "3", "--evaluations", "3", "--shots", "8"),
        *("--backends", "FakeMumbai", "--families", "qaoa", "--depths", "1", "--placements", "line0"),
        *("--widths", "3,2", "--seeds", "0,1,2"),
    ]
    whole, out = tmp_path / "whole.jsonl", tmp_path / "merged.jsonl"
    parts = [tmp_path / f"{number}.jsonl" for number in range(1, N_SHARDS + 1)]
    assert cli.main([*command, "--out", str(whole)]) == 0
    for number, part in enumerate(parts, 1):
        assert cli.main([*command, "--out", str(part), "--shard", f"{number}/{N_SHARDS}"]) == 0
    assert cli.main(["merge", *map(str, reversed(parts)), "--out", str(out)]) == 0
    assert out.read_bytes() == whole.read_bytes()
    capsys.readouterr()
    rows = tmp_path / "rows.jsonl"
    run(Evaluation((SMALL,), ("cfm",), budgets=(2,)), rows, shard=CellShard(1, 1))
    assert cli.main(["merge", str(rows), *map(str, parts), "--out", str(out)]) == 2
    assert "merge the files of one command at a time" in capsys.readouterr().err
    assert cli.main(["merge", *map(str, parts), "--out", str(parts[0])]) == 2
    assert "the result is made from this file" in capsys.readouterr().err
    other = tmp_path / "other.jsonl"
    changed = ["9" if word == "8" else word for word in command]
    assert cli.main([*changed, "--out", str(other), "--shard", "2/3"]) == 0
    capsys.readouterr()
    assert cli.main(["merge", str(parts[0]), str(other), str(parts[2]), "--out", str(out)]) == 2
    assert "merge shards of the same settings" in capsys.readouterr().err
    assert out.read_bytes() == whole.read_bytes()
