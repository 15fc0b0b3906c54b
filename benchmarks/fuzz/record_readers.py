"""Readers of journals, logs of decisions and states of bandits."""

from __future__ import annotations

import contextlib
import json
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.fuzz.reader import Reader, json_lines, temporary_folder, written
from lagrl.errors import InputError

JOB = "a" * 64


def journal() -> Reader:
    """Return the reader of journals of lines: their import, and `_read_all`. Checksums are made after mutation."""
    from lagrl.quantum.journal.journal import Journal

    def read(data: bytes, folder: Path) -> None:
        old, path = written(folder / "in.jsonl", b"".join(map(_checked, data.splitlines()))), folder / "in.sqlite"
        for leftover in folder.glob("in.sqlite*"):
            leftover.unlink()
        with Journal(path) as opened:
            opened.import_lines(old)
        _read_all(path)

    return Reader(read, [_journal_lines()])


def journal_file() -> Reader:
    """Return the reader of journals as they are on the disk. Checksums of rows are those before mutation."""
    from lagrl.quantum.journal.journal import Journal

    def read(data: bytes, folder: Path) -> None:
        for leftover in folder.glob("in.sqlite*"):
            leftover.unlink()
        _read_all(written(folder / "in.sqlite", data))

    with temporary_folder() as folder:
        path = Path(folder) / "seed.sqlite"
        lines = written(Path(folder) / "seed.jsonl", b"".join(map(_checked, _journal_lines().splitlines())))
        with Journal(path) as opened:
            opened.import_lines(lines)
        return Reader(read, [path.read_bytes()])


def _read_all(path: Path) -> None:
    """Read everything in a journal: summary, answers, plans, results of jobs."""
    from lagrl.quantum.bandit.arm_policies import StepPlan
    from lagrl.quantum.journal.journal import Journal
    from lagrl.quantum.journal.values import set_state

    with Journal(path, read_only=True) as opened:
        json.dumps(opened.summary().record(), allow_nan=False)
        for known in opened.calls():
            with contextlib.suppress(InputError):
                StepPlan.from_json(opened.kept_plan(known.key) or {}, (0, 1))
            answer = opened.answer(known)
            if answer is not None:
                set_state(np.random.default_rng(), answer.state)
                answer.samples.draw(2, np.random.default_rng(0))
    with Journal(path) as opened:
        opened.find_job(JOB)


def traces() -> Reader:
    """Return the reader of logs of decisions, with the model that is trained on them."""
    from lagrl.bench.trace_table import TraceTable
    from lagrl.bench.trace_training import best_static, fit
    from lagrl.quantum.bandit.traces import TraceLog, read_traces

    def read(data: bytes, folder: Path) -> None:
        path = written(folder / "in.jsonl", data)
        with contextlib.suppress(InputError):
            table = TraceTable.of(read_traces([path]))
            fit(table)
            best_static(table, often=0.1)
        TraceLog(path).close()

    names = ["width", "layers", "two_qubit_gates", "two_qubit_depth", "log_gates", "log_readout", "duration"]
    profiles = [[0, 0, 0, 0, 0.0, 0.0, 0.0, None, None, 0], [5, 1, 35, 15, -0.1, -0.25, 1e-6, 1e-4, 8e-5, 2]]
    arms = {
        **{"kind": "arms", "number": 0, "width": 5, "arms": ["product", "fine/line0/qaoa/1"], "profiles": profiles},
        **{"profile": [*names, "t1", "t2", "degree"], "objections": ["", ""]},
    }
    knapsack = {"width": 5, "binding": 1.5, "demand_variation": 0.2, "fill": 0.9, "sharpness": 0.4, "density": 0.2}
    decision = {
        **{"kind": "decision", "run": "i0/0/0", "step": 0, "vehicle": 0, "knapsack": knapsack, "arms": 0},
        **{"arm": "fine/line0/qaoa/1", "propensity": 0.5, "objection": "", "answered": "fine/line0/qaoa/1"},
        **{"quality": 0.75, "baseline": 0.25},
    }
    other = {**decision, "arm": "product", "answered": "product", "quality": 0.25, "run": "i1/0/0"}
    return Reader(read, [json_lines(arms, decision, other), json_lines(arms, other, decision, decision)])


def bandit_state() -> Reader:
    """Return the reader of learned states of bandits."""
    from lagrl.quantum.bandit.arm_policies import LinearModel
    from lagrl.quantum.bandit.features import NAMES, schema
    from lagrl.quantum.bandit.options import KIND, read_state

    def read(data: bytes, folder: Path) -> None:
        state, features = read_state(written(folder / "in.json", data)), np.ones((2, len(NAMES)))
        state.make().scores(features, ())
        state.model.update(features[0], 0.5)

    content = {
        **{"kind": KIND, "schema": schema(), "features": list(NAMES), "policy": "linucb", "parameter": 0.1},
        **{"epsilon": 0.1, "model": LinearModel(len(NAMES)).state()},
    }
    return Reader(read, [json.dumps(content).encode()])


def _journal_lines() -> bytes:
    from lagrl.quantum.journal.calls import Call
    from lagrl.quantum.journal.journal import Journal
    from lagrl.quantum.journal.lines import JOURNAL, packed_text
    from lagrl.relaxation.sampler import SampleContext, SampleQuery, Samples, SamplingCost

    rng = np.random.default_rng(0)
    knapsacks = np.ones((2, 3)), np.ones(3, int), np.ones(2, int)
    call = Call.of(SampleQuery(*knapsacks, 5, rng, SampleContext("G/0/0", 0)), "qaoa")
    samples = Samples(np.ones((2, 2, 3), np.uint8), np.ones((2, 2), int), SamplingCost(shots=4, backend="here"))
    step: dict[str, Any] = {"job_of": JOB, "at": 1.5}
    owner = {"run": "G/0/0", "step": 0, "owner": "host 1 2"}
    choices = [[0, "dev/line0/qaoa/1", 0.5, ""], [1, "product", 0.5, "gates"]]
    work = [{"vehicles": [0], "options": [["dev", "line0", ["dev/line0/qaoa/1"], 0, 1.0]]}]
    with temporary_folder() as folder, Journal(Path(folder) / "seed.sqlite") as opened:
        opened.record(call, samples, rng)
        opened.export_lines(Path(folder) / "seed.jsonl")
        line = (Path(folder) / "seed.jsonl").read_bytes().splitlines()[1]
    lines = [
        dict(JOURNAL.header or {}),
        {**JOURNAL.decode(line, Path(folder), 2), "owner": "host 1 2"},
        {"kind": "plan", "call": call.key, "plan": {"choices": choices, "work": work}},
        {"kind": "claimed", **step, **owner},
        {"kind": "intended", **step, **owner, "tag": "t"},
        {"kind": "submitted", **step, "job": "j"},
        {"kind": "finished", **step, "codes": [packed_text(np.array([[3, 1]]))], "cost": {"qpu_seconds": 2.5}},
        {"kind": "late", **step, "job": "i", "cost": {"shots": 3}},
    ]
    plain = replace(JOURNAL, has_checksum=False)
    return b"".join(map(plain.encode, lines))


def _checked(line: bytes) -> bytes:
    """Return a line with its checksum."""
    if line[:1] != b"{":
        return line + b"\n"
    return b'{"crc32": "%08x", ' % zlib.crc32(line[1:]) + line[1:] + b"\n"
