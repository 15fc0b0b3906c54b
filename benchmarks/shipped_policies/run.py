"""Make the shipped policies and the rows of their results again, by the commands that the documentation prints.

    python -m benchmarks.shipped_policies.run --data DIR             # or: make checkpoints DATA=DIR
    python -m benchmarks.shipped_policies.run --data DIR --install

Everything is made in a separate folder, where the commands run; `--install` then replaces the files of the repository.
An interrupted call continues: unfinished trainings are resumed, finished ones are left out, evaluations add the rows
that are missing. `--list` prints the commands.

The bandit is trained on the committed traces; the traces that validate it are made again.
"""

from __future__ import annotations

import gzip
import json
import os
import shlex
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from lagrl.errors import InputError

ROOT = Path(__file__).parents[2]
SEEDS = (0, 1, 2)
CLASSICAL = "constant,polyak,hwc,cfm,volume,perturbed"
ROWS = ("learned", "equal_seconds")
_PROGRAM = {"lagrl": ["-m", "lagrl"], "python": []}


@dataclass(frozen=True)
class Remake:
    """What to make again, and where."""

    data: Annotated[Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="")] = None
    """folder of the CVRPLIB instances (default: LAGRL_DATA)"""
    folder: Path = Path("shipped")
    """folder in which everything is made"""
    jobs: int = 2
    """number of trainings at a time, one thread each"""
    install: bool = False
    """replace the repository's checkpoints, curves and rows by the new ones at the end"""
    list: bool = False
    """print the commands and end"""


def checkpoint(kind: str, seed: int) -> str:
    """Return the name of a shipped policy; seed 0 has no suffix."""
    return f"{kind}-small" + (f"-seed{seed}" if seed else "")


def training(seed: int) -> list[str]:
    """Return the commands that train the two policies of a seed, in order."""
    clone, policy = (f"checkpoints/{checkpoint(kind, seed)}" for kind in ("bc", "ppo"))
    return [
        f"lagrl train bc --seed {seed} --out {clone}",
        f"lagrl train ppo --init {clone} --seed {seed} --out {policy}",
    ]


def bandit() -> list[str]:
    """Return the commands that train the bandit; those of docs/results/bandit-study.md without the training traces."""
    return [
        "lagrl traces --out docs/rows/bandit_validation.jsonl --generated 22 --customers 20,50 --seed 602 "
        "--placements line0/line1/line2/default "
        "--widths 4,6,8,10 --controllers cfm,hwc --evaluations 25 --shots 256",
        "lagrl train bandit --out checkpoints/bandit.json docs/rows/bandit_training.jsonl.gz "
        "--validate docs/rows/bandit_validation.jsonl",
    ]


def evaluations(data: str) -> list[str]:
    """Return the commands that make the rows of the comparisons with classical rules."""
    names = ",".join(f"checkpoints/{checkpoint(kind, seed)}" for kind in ("bc", "ppo") for seed in SEEDS)
    every = f"--controllers {CLASSICAL},{names} --budgets 10,25,50,200 --out docs/rows/learned.jsonl"
    samplers = ("--samplers exact --seeds 0,1", "--samplers qaoa --seeds 0")
    folder = f"--data {shlex.quote(data)}"
    return [
        *(f"lagrl eval --suite paper30 {folder} --method reference {sampler} {every}" for sampler in samplers),
        f"python -m benchmarks.learned_controllers.equal_seconds {folder} --out docs/rows/equal_seconds.jsonl",
    ]


def report() -> str:
    """Return the command that draws the pictures and writes the results into the cards."""
    return (
        "python -m benchmarks.learned_controllers.report --rows docs/rows/learned.jsonl --curves docs/rows/training "
        "--picture docs/pictures/learned.png --training-picture docs/pictures/training.png --record-command "
        "'lagrl eval --suite paper30 --method reference --budgets 10,25,50,200 (docs/results/learned-controllers.md)'"
    )


def main(remake: Remake) -> int:
    """Make everything that is missing; return the exit code."""
    data = remake.data or (Path(os.environ["LAGRL_DATA"]) if "LAGRL_DATA" in os.environ else None)
    if remake.list:
        commands = [*(command for seed in SEEDS for command in training(seed)), *bandit()]
        print("\n".join([*commands, *evaluations(str(data or "DIR")), report()]))
        return 0
    if data is None or not data.is_dir():
        raise InputError(f"{data} given", field="--data", remedy="give the folder of the CVRPLIB instances")
    prepare(remake.folder)
    with ThreadPoolExecutor(remake.jobs) as pool:
        for _ in pool.map(lambda seed: train(remake.folder, seed), SEEDS):
            pass
    if not (remake.folder / "checkpoints" / "bandit.json").exists():
        for command in bandit():
            call(remake.folder, command)
    for command in evaluations(str(data.resolve())):
        call(remake.folder, command)
    call(remake.folder, report())
    if remake.install:
        install(remake.folder, ROOT)
    return 0


def prepare(folder: Path) -> None:
    """Make the folders, with the traces that the bandit is trained on."""
    for part in ("checkpoints", "docs/rows/training", "docs/pictures"):
        (folder / part).mkdir(parents=True, exist_ok=True)
    traces = "docs/rows/bandit_training.jsonl.gz"
    shutil.copyfile(ROOT / traces, folder / traces)


def train(folder: Path, seed: int) -> None:
    """Train the two policies of a seed, or what is left of it."""
    for kind, command in zip(("bc", "ppo"), training(seed), strict=True):
        name = checkpoint(kind, seed)
        if is_trained(folder, kind, name):
            continue
        if (folder / "runs" / name / "archive.json").exists():
            command = f"lagrl train {kind} --resume runs/{name}"
        call(folder, command)
        shutil.copyfile(
            folder / "runs" / name / "curves.jsonl", folder / "docs" / "rows" / "training" / f"{name}.jsonl"
        )


def is_trained(folder: Path, kind: str, name: str) -> bool:
    """Return whether a policy's training has ended: its card then has the figures of the whole run."""
    path = folder / "checkpoints" / f"{name}.json"
    if not path.exists():
        return False
    card = json.loads(path.read_text(encoding="utf-8"))["card"]
    if kind == "ppo":
        return "not_used_for_choosing" in card["selection"]
    config = card["config"]
    return bool(card["selection"]["epochs_done"] == config["rounds"] * config["epochs_per_round"])


def call(folder: Path, command: str) -> None:
    """Run a command in a folder, with this repository's packages and one thread.

    Raises
    ------
    InputError
        If it fails.
    """
    program, *arguments = shlex.split(command)
    print(f"$ {command}", flush=True)
    threads = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "NUMBA", "MKL", "OPENBLAS")}
    environment = os.environ | threads | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, *_PROGRAM[program], *arguments], cwd=folder, env=environment, check=False)
    if done.returncode:
        raise InputError(f"exit code {done.returncode}", source=command, remedy="call again to continue")


def install(folder: Path, root: Path) -> None:
    """Copy checkpoints, curves, pictures and rows to the repository, rows gzipped."""
    for part in ("checkpoints", "docs/rows/training", "docs/pictures"):
        for path in sorted((folder / part).iterdir()):
            shutil.copyfile(path, root / part / path.name)
    for name in ROWS:
        packed = gzip.compress((folder / f"docs/rows/{name}.jsonl").read_bytes(), compresslevel=9, mtime=0)
        (root / f"docs/rows/{name}.jsonl.gz").write_bytes(packed)


if __name__ == "__main__":
    from lagrl.cli.entry import run_guarded

    sys.exit(run_guarded("shipped_policies", lambda: main(tyro.cli(Remake, description=__doc__))))
