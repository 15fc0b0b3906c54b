"""The command `python -m train.study`: route policies for several seeds and variants, and their validation."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from lagrl.bounds.route_checkpoint import load_route_policy
from lagrl.cli.arguments import parse_arguments
from lagrl.errors import InputError, UnknownNameError
from lagrl.io.lock import result_lock
from lagrl.printable import say

if TYPE_CHECKING:
    from collections.abc import Sequence

_ROOT = Path(__file__).parents[2]
_ABOUT = (
    "Train route policies for several seeds and variants, each by the commands that it prints. A repeated call "
    "continues unfinished trainings and leaves out finished ones."
)

VARIANTS: dict[str, tuple[str | None, str | None]] = {
    "full": ("", None),
    "steps": ("", ""),
    "steps-alone": (None, ""),
    "mlp": ("--policy.nearest 0", None),
    "linear": ("--policy.layers 0", None),
    "no-neighbours": ("--without neighbours", None),
    "no-fleet": ("--without fleet", None),
    "small-instances": ("--customers 20 60 --large-share 0", None),
    "ng-only": ("--paths-share 0", None),
    "held-out": ("--held-out demand=SL depot=E", None),
}
"""Options of train.start and of train.unroll by variant; None: left out."""


@dataclass(frozen=True)
class StudyOptions:
    """What to train."""

    seeds: int = 5
    """number of seeds, from 0"""
    variants: Annotated[tuple[str, ...], tyro.conf.arg(metavar="NAME …")] = ("full",)
    """variants of the training"""
    folder: Path = Path("study")
    """folder in which everything is made"""
    jobs: int = 1
    """number of trainings at a time, one thread each"""
    options: str = ""
    """further options of both trainings, as in --options="--updates 100" (default: none)"""


def main(arguments: Sequence[str], prog: str = "lagrl train study") -> int:
    """Train what is missing, then list the validation of all; return the exit code."""
    study = parse_arguments(StudyOptions, arguments, prog=prog, description=_ABOUT)
    if study.seeds < 1 or study.jobs < 1:
        raise InputError("0 given", field="--seeds" if study.seeds < 1 else "--jobs", remedy="give 1 or more")
    for variant in study.variants:
        if variant not in VARIANTS:
            raise UnknownNameError.of("variant", variant, VARIANTS)
    study.folder.mkdir(parents=True, exist_ok=True)
    tasks = [(variant, seed) for seed in range(study.seeds) for variant in study.variants]
    starts = dict.fromkeys((start_of(variant), seed) for variant, seed in tasks if VARIANTS[variant][0] is not None)
    ascents = [(variant, seed) for variant, seed in tasks if VARIANTS[variant][1] is not None]
    with result_lock(study.folder, "wait for that process, or stop it"), ThreadPoolExecutor(study.jobs) as pool:
        list(pool.map(lambda task: train_start(study, *task), starts))
        list(pool.map(lambda task: train_ascent(study, *task), ascents))
    for variant, seed in tasks:
        card = load_route_policy(study.folder / checkpoint(variant, seed)).card
        figures = ", ".join(f"{budget}: {score:+.2f} %" for budget, score in card["selection"]["policy"].items())
        say(f"{variant} seed {seed}: {figures}, {card['training']['seconds']:.0f} s")
    return 0


def checkpoint(variant: str, seed: int) -> str:
    """Return the path of a policy in the study's folder, without suffix."""
    return f"checkpoints/{variant}-{seed}"


def start_of(variant: str) -> str:
    """Return the variant whose start a variant has: its own, or that of `full` where it changes nothing in it."""
    return variant if VARIANTS[variant][0] else "full"


def train_start(study: StudyOptions, variant: str, seed: int) -> None:
    """Train the start of a variant with a seed, or what is left of it."""
    options = f"{VARIANTS[variant][0] or ''} {study.options}".split()
    _stage(study, checkpoint(variant, seed), ["start", "--seed", str(seed), *options])


def train_ascent(study: StudyOptions, variant: str, seed: int) -> None:
    """Train the steps of a variant with a seed from its start, if it has one, or what is left of them."""
    of_start, of_ascent = VARIANTS[variant]
    initial = [] if of_start is None else ["--init", checkpoint(start_of(variant), seed)]
    options = f"{of_ascent or ''} {study.options}".split()
    _stage(study, checkpoint(variant, seed), ["unroll", *initial, "--seed", str(seed), *options])


def _stage(study: StudyOptions, out: str, words: list[str]) -> None:
    run = Path("runs") / Path(out).name
    finished = study.folder / f"{out}.finished"  # written after the last update: a checkpoint exists before that too
    if finished.exists():
        return
    if (study.folder / run / "archive.json").exists():
        words = [words[0], "--resume", str(run)]
    command = [sys.executable, "-m", f"train.{words[0]}", *words[1:], "--out", out]
    say(f"$ {' '.join(['python', *command[1:]])}", error=True)
    threads = {f"{library}_NUM_THREADS": "1" for library in ("OMP", "NUMBA", "MKL", "OPENBLAS")}
    environment = os.environ | threads | {"PYTHONPATH": str(_ROOT)}
    done = subprocess.run(command, cwd=study.folder, env=environment, stdout=sys.stderr, check=False)
    if done.returncode:
        raise InputError(f"exit code {done.returncode}", source=" ".join(command[1:]), remedy="call again to continue")
    finished.touch()
