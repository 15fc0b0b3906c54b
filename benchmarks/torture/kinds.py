"""The works that are killed: their commands, what is finished so far, and their results without wall-clock times."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# the checkout may change meanwhile
_NOT_COMPARED = (
    "seconds",
    "quantum_seconds",
    "encoding_seconds",
    "recording_seconds",
    "decoding_seconds",
    "git_revision",
)
_TRAINING = (
    "--n-envs 2 --batch-size 8 --validate-every 1 --validation-instances 2 --validation-sizes 6 10 --budgets 2 4 "
    "--policy.hidden 8 --policy.heads 2 --policy.layers 1 --policy.critic-hidden 8 --device cpu --seed 3 "
    "--env.n-max 12 --env.n-customers 6 12 --env.min-steps 2 --env.max-steps 5 --env.route-sampler exact "
    "--run run --out trained"
)


@dataclass(frozen=True)
class Work:
    """A command that is killed and repeated.

    Attributes
    ----------
    program
        Module whose `main` takes the arguments.
    arguments
        Arguments of the first start.
    resume
        Arguments of a later start once `archive` exists; None: those of the first.
    archive
        File whose existence makes `resume` apply.
    finished
        Returns the finished parts in a folder, in order: keys of rows, calls, or steps.
    result
        Returns the whole result in a folder, without wall-clock times.
    compared
        What the result is, for the report.
    """

    program: str
    arguments: str
    finished: Callable[[Path], list[str]]
    result: Callable[[Path], Any]
    compared: str
    resume: str | None = None
    archive: str = "run/archive.json"

    def command(self, folder: Path) -> list[str]:
        """Return the arguments of the next start in a folder."""
        resumes = self.resume is not None and (folder / self.archive).exists()
        return (self.resume if resumes and self.resume else self.arguments).split()


def _lines(path: Path) -> list[dict[str, Any]]:
    """Return the objects of the whole lines of a file; none without a file."""
    data = path.read_bytes() if path.exists() else b""
    return [json.loads(line) for line in data[: data.rfind(b"\n") + 1].splitlines()]


def _eval_rows(folder: Path) -> list[Any]:
    rows = []
    for row in _lines(folder / "rows.jsonl"):
        history = [[evaluations, cost] for evaluations, _, cost in row["history"]]
        rows.append({name: value for name, value in row.items() if name not in _NOT_COMPARED} | {"history": history})
    return rows


def _calls(folder: Path) -> list[Any]:
    """Return the recorded calls of a journal: problem, and answer without its seconds."""
    from lagrl.errors import InputError
    from lagrl.quantum.journal.journal import Journal

    try:
        journal = Journal(folder / "journal.sqlite", read_only=True)
    except InputError:  # not yet made; damage would be found as lost calls
        return []
    with journal:
        return [
            [run, step, call.problem, samples.bitstrings.tolist(), samples.counts.tolist()]
            for run, steps in journal.steps().items()
            for step in steps
            for call in journal.recorded(run, step)
            for samples in [journal.answer(call).samples]
        ]


def _trace_lines(folder: Path) -> list[Any]:
    return [
        {name: value for name, value in line.items() if name not in ("seconds", "crc32")}
        for line in _lines(folder / "traces.jsonl")
    ]


def _steps(folder: Path) -> list[str]:
    """Return the steps that the archive of a training has."""
    path = folder / "run" / "archive.json"
    if not path.exists():
        return []
    run = json.loads(path.read_text(encoding="utf-8"))["record"]["run"]
    return [str(step) for step in range(run["epoch"] if "epoch" in run else run["num_timesteps"])]


def _training(folder: Path) -> Any:
    """Return digests of weights, arrays and data, and the curves."""
    content = json.loads((folder / "run" / "archive.json").read_text(encoding="utf-8"))
    curves = [
        {name: value for name, value in row.items() if name != "seconds"}
        for row in _lines(folder / "run" / "curves.jsonl")
    ]
    files = [folder / "trained.safetensors", *sorted((folder / "run" / "dataset").glob("*"))]  # hidden ones as well
    digests = [[path.name, hashlib.sha256(path.read_bytes()).hexdigest()] for path in files]
    return [content["sha256"], digests, curves]


WORKS: dict[str, Work] = {
    "eval": Work(
        "lagrl.cli.entry",
        "eval G-n16-k3 --controllers cfm,hwc,polyak,volume --budgets 4,8,12 --samplers exact --seeds 0,1 "
        "--out rows.jsonl",
        lambda folder: [row["key"] for row in _lines(folder / "rows.jsonl")],
        _eval_rows,
        "rows, in order",
    ),
    "journal": Work(
        "lagrl.cli.entry",
        "solve G-n16-k3 --sampler qaoa+width=6 --evaluations 40 --seed 3 --journal journal.sqlite --out routes.sol",
        lambda folder: [str(call[:3]) for call in _calls(folder)],
        lambda folder: [(folder / "routes.sol").read_text(encoding="utf-8"), _calls(folder)],
        "samples of every call, and routes",
    ),
    "traces": Work(
        "lagrl.cli.entry",
        "traces --generated 2 --customers 14,18 --evaluations 4 --shots 16 --backends FakeMumbai/FakeParis "
        "--families qaoa --depths 1 --placements line0 --controllers cfm,hwc --widths 3,4 --seeds 0 --out traces.jsonl",
        lambda folder: [line["key"] for line in _lines(folder / "traces.jsonl") if line["kind"] == "run"],
        _trace_lines,
        "decisions and runs, in order",
    ),
    "train.bc": Work(
        "train.bc.command",
        f"--rounds 2 --epochs-per-round 3 --first-episodes 6 --episodes 4 --held-out 3 {_TRAINING}",
        _steps,
        _training,
        "weights, optimiser, generators, data and curves",
        resume="--resume run --out trained --device cpu",
    ),
    "train.ppo": Work(
        "train.ppo.command",
        "--init none --expert hwc --rollouts 5 --n-steps 5 --n-epochs 2 --critic-warmup 1 --imitation-states 20 "
        f"--imitation-batch 4 {_TRAINING}",
        _steps,
        _training,
        "weights, optimiser, generators and curves",
        resume="--resume run --out trained --device cpu",
    ),
}
