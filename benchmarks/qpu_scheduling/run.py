"""Dual steps over several simulated quantum computers: how fast, what faults cost, and that nothing is lost or twice.

    python -m benchmarks.qpu_scheduling.run --out docs/rows/qpu_scheduling.jsonl          # 160 seconds, one thread
    python -m benchmarks.qpu_scheduling.run --report docs/rows/qpu_scheduling.jsonl

Waiting is simulated (`VirtualLoop`), so that hours take seconds and every figure but `overhead` is the same for a seed.

* Throughput: the 25 vehicles of one step of X-n101-k25, a circuit of 12 qubits with 256 shots each, over 1, 2, 4 and 8
  quantum computers; one circuit a job, or each one's share as one job; and one job after the other without a scheduler.
* Faults: 6 quantum computers, 4 steps one after the other. A piece of work is lost if it has neither strings of a
  quantum computer, all that were asked for, nor a reason why not, with which the product state stands in.
* Drift: see `qpu_drift`.

A simulated quantum computer takes 1 s to submit, has a queue of median 2 s (σ of its logarithm 0.5) for every job on
its own, and runs jobs one after the other: 2 s of overhead and 250 µs a shot each. The last two are what IBM tells of
its devices (the overhead of a workload of a few circuits, and the default delay between shots); queues are short, as
for a reservation or a dedicated device. A second setting has queues of median 30 s.
"""

from __future__ import annotations

from benchmarks.harness import one_thread, read_rows, write_rows

if __name__ == "__main__":
    one_thread()  # before numpy, numba and torch are loaded

import asyncio
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.qpu_scheduling.drift import drift_rows
from benchmarks.qpu_scheduling.report import report
from lagrl.bench.provenance import git_revision, versions
from lagrl.errors import InputError, LagrlError
from lagrl.io.atomic import require_writable
from lagrl.quantum.circuits.ansatz import make_ansatz
from lagrl.quantum.circuits.backend import Pub
from lagrl.quantum.scheduling import machine, scheduler
from lagrl.quantum.scheduling.scheduler import Scheduler
from lagrl.quantum.scheduling.tasks import Candidate, Task, TaskResult
from lagrl.relaxation.sampler import SampleContext
from lagrl.testing.simulated_machines import Behaviour, RandomStrings, SimulatedMachine
from lagrl.testing.virtual_time import run_virtually

USUAL = Behaviour()
SETTINGS = {"queue 2 s": USUAL, "queue 30 s": replace(USUAL, queue_seconds=30.0)}
FLAKY = replace(USUAL, failures=0.3)
CLOSES = replace(USUAL, windows=((0.0, 15.0),))
RUNS_OUT = replace(USUAL, plan_seconds=10.0)
FAULTS: dict[str, tuple[Behaviour, ...]] = {
    "none": (USUAL,) * 6,
    "30 % of jobs fail": (FLAKY,) * 6,
    "one dead": (replace(USUAL, is_dead=True), *(USUAL,) * 5),
    "one hanging": (replace(USUAL, hangs=True), *(USUAL,) * 5),
    "one closes": (CLOSES, *(USUAL,) * 5),
    "one plan runs out": (RUNS_OUT, *(USUAL,) * 5),
    "all of these": (
        replace(USUAL, is_dead=True),
        replace(USUAL, hangs=True),
        *(replace(own, failures=0.3) for own in (USUAL, CLOSES, RUNS_OUT, USUAL)),
    ),
}


@dataclass(frozen=True)
class Args:
    """What to measure, or to report.

    Attributes
    ----------
    seeds
        Of waits and failures.
    vehicles, width, shots
        Circuits of a step.
    fault_steps
        Steps of every run with faults.
    drift_steps
        Steps of every run with a learning bandit; half of them after the drift.
    drift_seeds
        Such runs.
    out
        JSONL file of rows.
    report
        Rows to report instead of measuring.
    """

    seeds: int = 30
    vehicles: int = 25
    width: int = 12
    shots: int = 256
    fault_steps: int = 4
    drift_steps: int = 24
    drift_seeds: int = 20
    out: Path | None = None
    report: Path | None = None

    def __post_init__(self) -> None:
        if (self.out is None) == (self.report is None):
            raise InputError("both or neither given", field="--out, --report", remedy="give one of them")
        if min(self.seeds, self.vehicles, self.width, self.shots, self.fault_steps, self.drift_seeds) < 1:
            raise InputError("nothing to do", field="--seeds …", remedy="give 1 or more of each")
        if self.drift_steps < 2:
            raise InputError(f"{self.drift_steps} given", field="--drift-steps", remedy="give 2 or more")

    @property
    def all_seeds(self) -> range:
        """Not those below: the scheduler's defaults were chosen on them."""
        return range(1000, 1000 + self.seeds)


@dataclass
class Machines:
    """Quantum computers of one run, and its work."""

    args: Args
    qpus: list[SimulatedMachine]
    pub: Pub
    answers: list[TaskResult] = field(default_factory=list)

    @staticmethod
    def of(args: Args, behaviours: Sequence[Behaviour], seed: int) -> Machines:
        """Make one of each behaviour."""
        template = make_ansatz("qaoa", 1).template(args.width)
        qpus = [
            SimulatedMachine(RandomStrings(f"q{i}", args.width), own, np.random.default_rng([seed, i]))
            for i, own in enumerate(behaviours)
        ]
        return Machines(args, qpus, Pub(template, np.zeros((1, template.n_parameters))))

    def tasks(self, step: int, sizes: Sequence[int]) -> list[Task]:
        """Return a step's tasks: `sizes` are the vehicles of each job; all may go anywhere."""
        return [
            Task(
                f"{step} {j}",
                tuple(Candidate.of(qpu.name, [self.pub] * size) for qpu in self.qpus),
                self.args.shots,
                SampleContext("run", step),
                j,
            )
            for j, size in enumerate(sizes)
        ]

    async def steps(self, n_steps: int, sizes: Sequence[int]) -> float:
        """Answer steps one after the other; return the seconds."""
        made = Scheduler(self.qpus)
        for step in range(n_steps):
            self.answers += await made.run(self.tasks(step, sizes))
        return asyncio.get_running_loop().time()

    async def one_by_one(self) -> float:
        """Send each job when the one before is back; return the seconds."""
        for task in self.tasks(0, [1] * self.args.vehicles):
            await self.qpus[0].run(task.job(task.candidates[0]))
        return asyncio.get_running_loop().time()

    def executions(self, key: str) -> int:
        """Count how often a piece of work was executed to its end."""
        return sum(qpu.executed.get(key, 0) for qpu in self.qpus)


def throughput_rows(args: Args) -> Iterator[dict[str, Any]]:
    """One step over more and more quantum computers."""
    for setting, behaviour in SETTINGS.items():
        for seed in args.all_seeds:
            alone = run_virtually(Machines.of(args, [behaviour], seed).one_by_one())
            yield {
                "kind": "throughput",
                "setting": setting,
                "jobs": "serial",
                "qpus": 1,
                "seed": seed,
                "seconds": alone,
            }
            for n_qpus in (1, 2, 4, 8):
                shares = [len(part) for part in np.array_split(np.arange(args.vehicles), n_qpus) if len(part)]
                for jobs, sizes in (("a circuit each", [1] * args.vehicles), ("a share each", shares)):
                    seconds = run_virtually(Machines.of(args, [behaviour] * n_qpus, seed).steps(1, sizes))
                    shown = {"kind": "throughput", "setting": setting, "jobs": jobs, "qpus": n_qpus, "seed": seed}
                    yield {**shown, "seconds": round(seconds, 6)}


def fault_rows(args: Args) -> Iterator[dict[str, Any]]:
    """Some steps under each fault."""
    for fault, behaviours in FAULTS.items():
        for seed in args.all_seeds:
            machines = Machines.of(args, behaviours, seed)
            seconds = run_virtually(machines.steps(args.fault_steps, [1] * args.vehicles))
            times = [machines.executions(answer.key) for answer in machines.answers]
            by_qpu = [answer for answer in machines.answers if _is_whole(answer, args.shots)]
            by_product = [answer for answer in machines.answers if answer.codes is None and answer.why]
            answered = {answer.key for answer in (*by_qpu, *by_product)}
            yield {
                "kind": "fault",
                "fault": fault,
                "seed": seed,
                "pieces": args.fault_steps * args.vehicles,
                "by_qpu": len(by_qpu),
                "by_product": len(by_product),
                "lost": args.fault_steps * args.vehicles - len(answered),
                "twice": sum(n > 1 for n in times),
                "attempts": sum(len(answer.attempts) for answer in machines.answers),
                "seconds": round(seconds, 6),
            }


def _is_whole(answer: TaskResult, shots: int) -> bool:
    """Whether a quantum computer gave every string of a piece of one circuit."""
    return answer.codes is not None and [codes.shape for codes in answer.codes] == [(1, shots)]


def overhead_row(args: Args, n_pieces: int = 1000, n_qpus: int = 8) -> dict[str, Any]:
    """Real seconds a piece of work costs, the simulation of the quantum computers included."""
    taken = []
    for seed in range(5):
        machines = Machines.of(args, [USUAL] * n_qpus, seed)
        started = time.perf_counter()
        run_virtually(machines.steps(1, [1] * n_pieces))
        taken.append((time.perf_counter() - started) / n_pieces)
    return {"kind": "overhead", "pieces": n_pieces, "qpus": n_qpus, "real_seconds_per_piece": float(np.median(taken))}


def main(args: Args) -> None:
    """Measure and write rows, or print tables of them."""
    if args.report is not None:
        report(read_rows(args.report))
        return
    assert args.out is not None
    require_writable(args.out)
    options = {name.lower(): getattr(scheduler, name) for name in ("TIMEOUT", "PATIENCE", "LEAST_TIMEOUT", "RETRIES")}
    options |= {name.lower(): getattr(machine, name) for name in ("QUEUE_LENGTH", "THRESHOLD", "PAUSE")}
    head = {"kind": "head", "options": options, "versions": versions("qiskit")}
    head |= {"vehicles": args.vehicles, "width": args.width, "shots": args.shots, "git_revision": git_revision()}
    rows = [head, *throughput_rows(args), *fault_rows(args), overhead_row(args)]
    for seed in range(args.drift_seeds):
        rows += drift_rows(seed, args.drift_steps)
        print(f"drift {seed + 1}/{args.drift_seeds}", file=sys.stderr, flush=True)
    write_rows(args.out, rows)


if __name__ == "__main__":
    import tyro

    try:
        main(tyro.cli(Args, description=__doc__))
    except LagrlError as error:
        sys.exit(f"qpu_scheduling: {error}")
