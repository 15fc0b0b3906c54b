"""Crash safety: commands killed at random moments and repeated, compared with undisturbed ones.

    python -m benchmarks.torture.run --kills 500 --out docs/rows/torture.jsonl

Every command runs in a process forked from this one, in which everything is imported, and gets SIGKILL after a random
time. It is started again until it ends by itself; what was finished before a kill must be there after it, and the
result must be that of an undisturbed run. Trainings write an archive at every step instead of every minute. Linux and
macOS only: Windows cannot fork.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from benchmarks.harness import Row, append_rows, one_thread, origin

if __name__ == "__main__":
    one_thread()  # before numpy, numba and torch are loaded

import tyro

from benchmarks.torture.kinds import WORKS, Work

_PATIENCE = 120.0  # seconds after which an undisturbed start counts as hanging


def main(
    out: Path, kills: int = 500, kinds: tuple[str, ...] = tuple(WORKS), seed: int = 0, longest: float = 0.7
) -> int:
    """Kill and repeat the commands; write one row per sequence of starts; return 1 if a result differs.

    Parameters
    ----------
    out
        File of rows, to which new ones are appended.
    kills
        Kills over all kinds, at least.
    kinds
        Works to kill.
    seed
        Seed of the moments.
    longest
        Longest time before a kill, as a share of an undisturbed run's.
    """
    _warm_up(kinds)
    moments = random.Random(seed)
    bad = 0
    with tempfile.TemporaryDirectory() as name:
        for kind in kinds:
            work, root = WORKS[kind], Path(name) / kind
            seconds, wanted = _undisturbed(work, root / "undisturbed")
            done = number = 0
            while done < kills / len(kinds):
                times = (moments.uniform(0.0, longest) * seconds for _ in count())
                row = {"kind": kind, "compared": work.compared, "seconds": seconds, "seed": seed}
                row |= _sequence(work, root / str(number), wanted, times)
                append_rows(out, [row | origin()])
                done, number = done + len(row["kills"]), number + 1
                bad += not (row["equal"] and not row["lost"] and not row["doubled"] and not row["failed"])
                print(f"{kind}: {done} kills in {number} sequences, {bad} bad", file=sys.stderr)
    return 1 if bad else 0


def _undisturbed(work: Work, folder: Path) -> tuple[float, object]:
    """Run a command twice undisturbed; return the seconds of the second, and the result, which must be equal."""
    results = []
    for part in ("first", "second"):
        (folder / part).mkdir(parents=True)
        started = time.monotonic()
        code = _start(work, folder / part, None)
        seconds = time.monotonic() - started
        if code != 0:
            raise SystemExit(f"the undisturbed command ended with {code}: {work.arguments}")
        results.append(work.result(folder / part))
    if results[0] != results[1]:
        raise SystemExit(f"two undisturbed runs differ: {work.arguments}")
    return seconds, results[0]


def _sequence(work: Work, folder: Path, wanted: object, moments: Iterator[float]) -> Row:
    """Start, kill and repeat a command until it ends; return what happened."""
    folder.mkdir(parents=True)
    kills: list[list[float]] = []
    before: list[str] = []
    lost = failed = 0
    while True:
        after = next(moments)
        code = _start(work, folder, after)
        finished = work.finished(folder)
        lost += len(set(before) - set(finished))
        before = finished
        if code != -signal.SIGKILL:
            failed += code != 0
            break
        kills.append([round(after, 4), len(finished)])
    is_equal = failed == 0 and work.result(folder) == wanted
    return {
        "kills": kills,
        "finished": len(before),
        "lost": lost,
        "doubled": len(before) - len(set(before)),
        "failed": failed,
        "equal": is_equal,
    }


def _start(work: Work, folder: Path, kill_after: float | None) -> int:
    """Run the next start of a command in a forked process; return its exit code, negative for a signal."""
    child = os.fork()
    if child == 0:
        code = 70
        try:
            code = _run(work, folder)
        finally:
            os._exit(code)
    deadline = time.monotonic() + (_PATIENCE if kill_after is None else kill_after)
    while time.monotonic() < deadline:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.001)
    os.kill(child, signal.SIGKILL)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def _run(work: Work, folder: Path) -> int:
    """Run a command in this process without output."""
    from lagrl.cli.entry import run_guarded

    null = os.open(os.devnull, os.O_RDWR)
    log = os.open(folder / "log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(null, 1)
    os.dup2(log, 2)
    os.chdir(folder)
    program = importlib.import_module(work.program)
    return run_guarded("torture", lambda: program.main(work.command(Path())))


def _warm_up(kinds: tuple[str, ...]) -> None:
    """Import what the commands need, and compile kernels; torch computes no gradient before a fork, it cannot after."""
    import lagrl
    import lagrl.bench.collect
    import lagrl.bench.run
    import lagrl.cli.evaluate
    import lagrl.cli.solve
    import lagrl.cli.traces
    from lagrl.cli.entry import main as command

    lagrl.solve(lagrl.read("G-n16-k3"), evaluations=10)
    for kind in {"traces", "journal"} & set(kinds):
        with tempfile.TemporaryDirectory() as folder, contextlib.chdir(folder):
            command(WORKS[kind].command(Path()))
    if any(kind.startswith("train") for kind in kinds):
        import train.saved_steps
        from envs.config import EnvConfig
        from envs.core import EpisodeBatch

        for program in ("train.bc.command", "train.ppo.command"):
            importlib.import_module(program)
        train.saved_steps.SAVE_SECONDS = 0.0
        EpisodeBatch(EnvConfig(n_max=12, n_customers=(6, 12), route_sampler="exact"), 2)


if __name__ == "__main__":
    sys.exit(tyro.cli(main))
