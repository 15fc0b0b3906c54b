"""Logs of decisions are read as written, continued after interruptions, and refused if they are something else."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from small_logs import log, screened

from lagrl.errors import InputError, OutputError
from lagrl.io.line_format import TornLineWarning
from lagrl.quantum.bandit.traces import Trace, TraceLog, content_digest, read_traces
from lagrl.relaxation.sampler import SampleContext

if TYPE_CHECKING:
    from pathlib import Path


def note(file: TraceLog, traces: list[Trace]) -> None:
    """Log traces, each as a separate call."""
    for trace in traces:
        file.note(SampleContext(trace.run, trace.step), [trace.decision])


def same(first: list[Trace], second: list[Trace]) -> bool:
    """Whether two logs are equal, arms and profiles included."""
    return len(first) == len(second) and all(
        (a.run, a.step, a.decision.knapsack, a.decision.chosen, a.decision.executed, a.decision.reward)
        == (b.run, b.step, b.decision.knapsack, b.decision.chosen, b.decision.executed, b.decision.reward)
        and a.decision.propensity == b.decision.propensity
        and vars(a.decision.screened)["profiles"] == vars(b.decision.screened)["profiles"]
        and a.decision.screened.arms == b.decision.screened.arms
        and a.decision.screened.objections == b.decision.screened.objections
        for a, b in zip(first, second, strict=True)
    )


def test_what_is_written_is_read(tmp_path: Path) -> None:
    """Logged decisions are read back, gzipped too; equal arms have one line, also with several writers."""
    path = tmp_path / "traces.jsonl"
    traces = log(5) + log(4, width=3, forbidden=("poor",))
    note(TraceLog(path), traces[:6])
    note(TraceLog(path), traces[6:] + log(2))  # the first ones' arms again, as other objects
    assert same(read_traces([path]), traces + log(2))
    kinds = [json.loads(line)["kind"] for line in path.read_text().splitlines()]
    assert (kinds.count("arms"), kinds.count("decision")) == (2, 11)
    packed = tmp_path / "traces.jsonl.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    assert same(read_traces([packed]), traces + log(2))
    assert content_digest(packed) == content_digest(path)
    with pytest.raises(InputError, match="gzipped files cannot be appended to"):
        TraceLog(packed)
    packed.write_bytes(packed.read_bytes()[:-20])
    with pytest.raises(InputError, match="cannot be read"):
        read_traces([packed])


def test_numbers_of_arms_go_on(tmp_path: Path) -> None:
    """New arms get a number above all others, also after a gap."""
    path = tmp_path / "traces.jsonl"
    note(TraceLog(path), log(1) + log(1, width=3))
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    for line in lines:
        for name in {"number", "arms"} & set(line):
            if line[name] == 1:
                line[name] = 7
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    note(TraceLog(path), log(1, width=4))
    assert [t.decision.screened.width for t in read_traces([path])] == [5, 3, 4]
    assert [json.loads(line).get("number") for line in path.read_text().splitlines()] == [0, None, 7, None, 8, None]


def test_a_torn_line_is_cut_off(tmp_path: Path) -> None:
    """Wherever the writer was killed, the torn line is left out and the log is continued to the same bytes."""
    path = tmp_path / "traces.jsonl"
    traces = log(3)
    note(TraceLog(path), traces)
    whole = path.read_bytes()
    last = len(whole) - len(whole.splitlines()[-1]) - 1
    for cut in (last + 1, last + 40, len(whole) - 2):
        path.write_bytes(whole[:cut])
        with pytest.warns(TornLineWarning, match="left out"):
            assert same(read_traces([path]), traces[:2])
        with pytest.warns(TornLineWarning, match="cut off"):
            file = TraceLog(path)
        note(file, traces[2:])
        assert path.read_bytes() == whole
    path.write_bytes(whole[:-1])
    assert same(read_traces([path]), traces), "only the line's end was missing"
    TraceLog(path).close()
    assert path.read_bytes() == whole


def test_an_interrupted_run_is_removed(tmp_path: Path) -> None:
    """Decisions and arms after the last finished run are removed; other settings are refused."""
    path = tmp_path / "traces.jsonl"
    settings = {"shots": 8, "backends": ["a", "b"]}
    with TraceLog(path, settings, {"revision": "x"}) as file:
        note(file, log(2))
        file.finish("first", decisions=2)
        whole = path.read_bytes()
        note(file, log(2, width=3))
    for cut in (len(whole) + 30, path.stat().st_size - 5, path.stat().st_size):
        interrupted = path.read_bytes()
        path.write_bytes(interrupted[:cut])
        with TraceLog(path, settings, {"revision": "y"}) as again:
            assert path.read_bytes() == whole
            assert again.finished == {"first"}
            note(again, log(2, width=3))
            with pytest.raises(OutputError, match="writing to it"):
                TraceLog(path, settings)
    with TraceLog(path, settings) as again:
        note(again, log(2, width=3))
        again.finish("second", decisions=2)
    assert [t.decision.screened.width for t in read_traces([path])] == [5, 5, 3, 3]
    with pytest.raises(InputError, match="settings: was started with other settings: shots 8 there, 9 now"):
        TraceLog(path, settings | {"shots": 9})
    with pytest.raises(InputError, match="was started by lagrl traces"):
        TraceLog(path)
    path.write_bytes(b"")
    assert TraceLog(path, settings).finished == set()


@pytest.mark.parametrize("text", ["Dear diary", "Dear diary\nagain", '{"a": 1}\n', "[1]\n", '{"kind": "decision"}\n{'])
def test_other_files_are_left_alone(text: str, tmp_path: Path) -> None:
    """A file that is not a log is refused and stays unchanged."""
    path = tmp_path / "novel.txt"
    path.write_text(text)
    with pytest.raises(InputError, match=r"novel.txt"):
        TraceLog(path, {"shots": 1})
    assert path.read_text() == text
    with pytest.raises(InputError, match=r"novel.txt"):
        read_traces([path])


OTHER = [
    '{"kind": "poem", "x": 1}',
    '{"kind": "poem", "x": 1}\n',
    '{"crc32": "5c41a81e", "schema": "lagrl.journal/2", "kind": "header"}\n',
    '{"kind": "arms"}\n',
    '{"kind": "run", "name": "x"}\n',
    '{"kind": ["arms"]}\n',
]


@pytest.mark.parametrize("text", OTHER)
@pytest.mark.parametrize("settings", [None, {"shots": 1}])
@pytest.mark.parametrize("is_begun", [False, True])
def test_other_logs_are_left_alone(text: str, settings: dict | None, is_begun: bool, tmp_path: Path) -> None:
    """Lines of other programs are refused and not cut off, with or without settings, at the start or after ours."""
    path = tmp_path / "other.jsonl"
    before = ""
    if is_begun:
        with TraceLog(path, settings) as file:
            note(file, log(1))
        before = path.read_text()
    path.write_text(before + text)
    with pytest.raises(InputError, match=r"other\.jsonl: (line \d: not a decision trace|has no sett)"):
        TraceLog(path, settings)
    assert path.read_text() == before + text


@pytest.mark.parametrize(
    "change",
    [
        {"arm": "fine/line0/qaoa/3"},
        {"arms": 5},
        {"propensity": 0.0},
        {"propensity": 1.5},
        {"quality": None},
        {"baseline": float("nan")},
        {"knapsack": {"width": 3}},
        {"kind": "poem"},
    ],
)
def test_damaged_decisions_are_refused(change: dict, tmp_path: Path) -> None:
    """A damaged decision is refused with file and line."""
    path = tmp_path / "traces.jsonl"
    note(TraceLog(path), log(2))
    *first, last = path.read_text().splitlines()
    path.write_text("\n".join([*first, json.dumps(json.loads(last) | change)]) + "\n")
    with pytest.raises(InputError, match=r"traces.jsonl: line 3: not a decision trace"):
        read_traces([path])


def test_damaged_arms_are_refused(tmp_path: Path) -> None:
    """Arms with profiles of another version or number are refused."""
    path = tmp_path / "traces.jsonl"
    note(TraceLog(path), log(1))
    first, last = path.read_text().splitlines()
    for change in ({"profile": ["width"]}, {"profiles": []}, {"arms": ["x"]}):
        path.write_text(f"{json.dumps(json.loads(first) | change)}\n{last}\n")
        with pytest.raises(InputError, match="line 1: not a decision trace"):
            read_traces([path])


def test_missing_places(tmp_path: Path) -> None:
    """Missing files and missing folders are errors."""
    with pytest.raises(InputError, match=r"none\.jsonl: cannot be read"):
        read_traces([tmp_path / "none.jsonl"])
    with pytest.raises(OutputError, match="does not exist"):
        TraceLog(tmp_path / "none" / "traces.jsonl", {})
    assert np.isinf(screened().profiles[0].t1)
