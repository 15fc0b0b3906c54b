"""Fuzzing of all readers: mutations of valid files must be read, or refused by an error of lagrl, in time and memory.

    python -m benchmarks.fuzz.run --seconds 600 --out fuzz.jsonl

`make fuzz SECONDS=600` does the same; `--table fuzz.jsonl` prints the table of rows. Every reader runs in a process of
its own, one after the other. An input that
causes another error, takes more than 2 s of CPU time or needs more than 1 GB above the loaded process is kept in the
folder of findings, and the exit code is 1. Where atheris is installed, coverage guides the mutations.
"""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING

import tyro

from benchmarks.fuzz import record_readers, text_readers, training_readers
from benchmarks.harness import Row, append_rows, origin, read_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from benchmarks.fuzz.reader import Reader

READERS: dict[str, Callable[[], Reader]] = {
    "instance": text_readers.instance,
    "solution": text_readers.solution,
    "rows": text_readers.rows,
    "report": text_readers.reports,
    "answers": text_readers.answers,
    "options": text_readers.options,
    "journal": record_readers.journal,
    "journal-file": record_readers.journal_file,
    "traces": record_readers.traces,
    "bandit-state": record_readers.bandit_state,
    "checkpoint-record": training_readers.checkpoint_record,
    "checkpoint-weights": training_readers.checkpoint_weights,
    "route-policy": training_readers.route_policy,
    "archive-record": training_readers.archive_record,
    "dataset": training_readers.dataset,
}
_MOST_SILENCE = 300.0  # seconds without a new execution; a child on a busy machine may wait long for a processor
_ATTEMPTS = 20  # processes for a reader, of which each found something that ends a process


def main(
    seconds: float = 60.0,
    readers: tuple[str, ...] = (),
    out: Path | None = None,
    findings: Path = Path("fuzz-findings"),
    seed: int = 0,
    table: Path | None = None,
) -> int:
    """Fuzz readers and print one line each; return 1 if there is a finding.

    Parameters
    ----------
    seconds
        Time for all readers together; each has the same.
    readers
        Names of readers; all by default.
    out
        File to which one row a reader is appended; none by default.
    findings
        Folder for inputs that are findings.
    seed
        Random seed of the mutations.
    table
        Rows of an earlier run, whose table is printed instead.
    """
    if table is not None:
        print_table(read_rows(table))
        return 0
    names = readers or tuple(READERS)
    n_found = n_executions = 0
    for name in names:
        row = fuzz(name, seconds / len(names), seed, findings)
        n_found, n_executions = n_found + len(row["findings"]), n_executions + row["executions"]
        print(
            f"{name:<18} {row['executions']:>9} executions, {row['read']:>8} read, {row['seconds']:>7.1f} s, "
            f"slowest {row['slowest_seconds']:.2f} s, {row['peak_mb']} MB, {len(row['findings'])} findings",
            flush=True,
        )
        for finding, count in row["findings"].items():
            print(f"    {finding} ({count} times)")
        if out is not None:
            append_rows(out, [{**row, **origin()}])
    print(f"{n_executions} executions, {n_found} findings{f', inputs in {findings}' if n_found else ''}")
    return 1 if n_found else 0


def print_table(rows: Iterable[Row]) -> None:
    """Print one line for each reader, runs of the same reader added up."""
    totals: dict[str, Row] = {}
    for row in rows:
        total = totals.setdefault(row["reader"], {"findings": set()})
        total["findings"] |= row["findings"].keys()
        for field in ("executions", "read", "seconds"):
            total[field] = total.get(field, 0) + row[field]
        for field in ("slowest_seconds", "peak_mb"):
            total[field] = max(total.get(field, 0), row[field])
    print("| reader | executions | read | seconds | slowest, s | largest process, MB | findings |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |")
    for name, total in totals.items():
        sizes = f"{total['seconds']:.0f} | {total['slowest_seconds']:.2f} | {total['peak_mb']}"
        print(f"| {name} | {total['executions']:,} | {total['read']:,} | {sizes} | {len(total['findings'])} |")
    executions, seconds = (sum(total[field] for total in totals.values()) for field in ("executions", "seconds"))
    print(
        f"| all | {executions:,} | | {seconds:.0f} | | | {sum(len(total['findings']) for total in totals.values())} |"
    )


def fuzz(name: str, seconds: float, seed: int, findings: Path) -> Row:
    """Fuzz one reader; a process that ends before its time is a finding, and another continues."""
    row: Row = {
        **{"reader": name, "seed": seed, "is_guided": importlib.util.find_spec("atheris") is not None},
        **{"executions": 0, "read": 0, "refused": 0, "seconds": 0.0, "slowest_seconds": 0.0, "peak_mb": 0},
        "findings": {},
    }
    for attempt in range(_ATTEMPTS):
        if row["seconds"] >= 0.9 * seconds:
            break
        with tempfile.TemporaryDirectory(prefix="fuzz-", dir=_fast_folder()) as text:
            folder, left = Path(text), seconds - row["seconds"]
            problem = _run_child(name, left, seed + 1000 * attempt, folder)
            status = json.loads((folder / "status.json").read_text()) if (folder / "status.json").exists() else {}
            for field in ("executions", "read", "refused"):
                row[field] += status.get(field, 0)
            row["seconds"] += status.get("seconds", left)
            for field in ("slowest_seconds", "peak_mb"):
                row[field] = max(row[field], status.get(field, 0))
            found = [(finding, n, f"finding-{i}") for i, (finding, n) in enumerate(status.get("findings", {}).items())]
            found += [(problem, 1, "current")] if problem else []
            for finding, count, file in found:
                if finding not in row["findings"] and (folder / file).exists():
                    findings.mkdir(parents=True, exist_ok=True)
                    (findings / f"{name}-{seed}-{len(row['findings'])}").write_bytes((folder / file).read_bytes())
                row["findings"][finding] = row["findings"].get(finding, 0) + count
    return row


def _run_child(name: str, seconds: float, seed: int, folder: Path) -> str:
    """Run a child; return why it ended before its time, empty if it did not."""
    command = [sys.executable, "-m", "benchmarks.fuzz.child", name, str(seconds), str(seed), str(folder)]
    with (folder / "log").open("w+") as log:
        child = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        while True:
            try:
                code = child.wait(timeout=5.0)
                break
            except subprocess.TimeoutExpired:
                if time.time() - _latest(folder) < _MOST_SILENCE:
                    continue
            child.kill()
            child.wait()
            return "hang: the process was ended"
        log.seek(0)
        last = (log.read().strip().splitlines() or [""])[-1]
    return "" if code == 0 else f"exit code {code}: {last[:200]}"


def _latest(folder: Path) -> float:
    """Return when the child last began an execution; before the first one, when it started."""
    current = folder / "current"
    return current.stat().st_mtime if current.exists() else folder.stat().st_mtime


def _fast_folder() -> str | None:
    return "/dev/shm" if os.access("/dev/shm", os.W_OK) else None


if __name__ == "__main__":
    sys.exit(tyro.cli(main))
