"""The command `python -m train.study`: route policies for several seeds and variants, and their validation."""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from lagrl.bounds.route_checkpoint import load_route_policy
from lagrl.cli.arguments import parse_arguments
from lagrl.cli.options import Ray  # noqa: TC001 - tyro reads it at run time
from lagrl.cli.progress import counting_bar
from lagrl.errors import InputError, UnknownNameError
from lagrl.io.atomic import replacing
from lagrl.io.lock import result_lock
from lagrl.printable import say
from lagrl.processes import ONE_THREAD
from lagrl.ray_cluster import completed, connected
from train.archive import RECORD_FILE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from types import ModuleType

_ROOT = Path(__file__).parents[2]
_KEPT = (".safetensors", ".json", ".jsonl", ".svg", ".pdf", ".png")  # of a run and its checkpoint
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
    ray: Ray = None
    """train on a Ray cluster: HOST:PORT of its head, auto, or local to start one here (default: no cluster)"""
    options: str = ""
    """further options of both trainings, as in --options="--updates 100"; --plot NAME.svg draws the curves of each
    training in its folder, runs/VARIANT-SEED (default: none)"""


@dataclass(frozen=True)
class Training:
    """A training of the study: its command, to be called in the study's folder.

    Attributes
    ----------
    name
        Variant and seed, as in `full-0`.
    method
        `start` or `unroll`.
    options
        The words after the method, without the paths.
    start
        Checkpoint to begin with, without suffix; None: none.
    picture
        Name of a picture of the curves in the run's folder; None: none.
    """

    name: str
    method: str
    options: tuple[str, ...]
    start: str | None = None
    picture: str | None = None

    @property
    def out(self) -> str:
        """Checkpoint that is made, without suffix."""
        return f"checkpoints/{self.name}"

    @property
    def run(self) -> str:
        """Folder of the run."""
        return f"runs/{self.name}"

    def words(self, folder: Path) -> list[str]:
        """Return the command in a folder, which may have the run's archive, after `python`."""
        start = [] if self.start is None else ["--init", self.start]
        given = ["--resume", self.run] if (folder / self.run / RECORD_FILE).exists() else [*start, *self.options]
        plot = [] if self.picture is None else ["--plot", f"{self.run}/{self.picture}"]
        return ["-m", f"train.{self.method}", *given, *plot, "--out", self.out]

    def finished(self, folder: Path) -> Path:
        """Return the file that is made after the last update: a checkpoint exists before that too."""
        return folder / f"{self.out}.finished"

    def files(self, folder: Path) -> list[Path]:
        """Return the files in a folder that the training reads or has made, relative to it; the record comes last."""
        kept = [path for name in (self.out, self.start) if name for path in folder.glob(f"{name}.*")]
        kept += sorted((folder / self.run).glob("*"), key=lambda path: path.name == RECORD_FILE)
        return [path.relative_to(folder) for path in kept if path.suffix in _KEPT]


def main(arguments: Sequence[str], prog: str = "lagrl train study") -> int:
    """Train what is missing, then list the validation of all; return the exit code."""
    study = parse_arguments(StudyOptions, arguments, prog=prog, description=_ABOUT)
    if study.seeds < 1 or study.jobs < 1:
        raise InputError("0 given", field="--seeds" if study.seeds < 1 else "--jobs", remedy="give 1 or more")
    if study.ray is not None and study.jobs != 1:
        raise InputError("given with --ray", field="--jobs", remedy="leave it out: the cluster knows its cores")
    for word in study.options.split():
        if study.ray is not None and word.partition("=")[0] == "--tensorboard":
            problem, remedy = f"{word} given with --ray, whose nodes keep no such files", "leave one of them out"
            raise InputError(problem, field="--options", remedy=remedy)
    for variant in study.variants:
        if variant not in VARIANTS:
            raise UnknownNameError.of("variant", variant, VARIANTS)
    tasks = [(variant, seed) for seed in range(study.seeds) for variant in study.variants]
    starts = {(start_of(variant), seed): None for variant, seed in tasks if VARIANTS[variant][0] is not None}
    of_starts = [training_start(study, *task) for task in starts]
    of_ascents = [training_ascent(study, *task) for task in tasks if VARIANTS[task[0]][1] is not None]
    with contextlib.ExitStack() as stack:
        cluster = None if study.ray is None else stack.enter_context(connected(study.ray))
        study.folder.mkdir(parents=True, exist_ok=True)
        stack.enter_context(result_lock(study.folder, "wait for that process, or stop it"))
        for trainings in (of_starts, of_ascents):
            due = [training for training in trainings if not training.finished(study.folder).exists()]
            if cluster is None:
                train_here(study, due)
            else:
                train_on(cluster, study.folder, due)
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


def training_start(study: StudyOptions, variant: str, seed: int) -> Training:
    """Return the training of a variant's start with a seed."""
    return _training(study, variant, seed, "start", VARIANTS[variant][0])


def training_ascent(study: StudyOptions, variant: str, seed: int) -> Training:
    """Return the training of a variant's steps with a seed, from its start if it has one."""
    of_start, of_ascent = VARIANTS[variant]
    start = None if of_start is None else checkpoint(start_of(variant), seed)
    return _training(study, variant, seed, "unroll", of_ascent, start)


def _training(
    study: StudyOptions, variant: str, seed: int, method: str, own: str | None, start: str | None = None
) -> Training:
    """Return the training of a variant by a method, with its own options and those of the study."""
    further, picture = without_picture(study.options.split())
    options = ("--seed", str(seed), *(own or "").split(), *further)
    return Training(f"{variant}-{seed}", method, options, start, picture)


def without_picture(words: Sequence[str]) -> tuple[list[str], str | None]:
    """Return options without `--plot`, and the name of its picture; None: no picture.

    Raises
    ------
    InputError
        If it is no name of a file: all trainings would draw in one file, and a node returns those of its folder only.
    """
    others, picture = [], None
    unread = iter(words)
    for word in unread:
        option, has_value, value = word.partition("=")
        if option != "--plot":
            others.append(word)
            continue
        picture = value if has_value else next(unread, "")
        if not picture or picture.startswith("-") or Path(picture).name != picture:
            problem = f"--plot {picture} given" if picture else "--plot given without a value"
            remedy = "give a name without a folder, as in --plot curves.svg: each training draws in its own folder"
            raise InputError(problem, field="--options", remedy=remedy)
    return others, picture


def train_here(study: StudyOptions, trainings: Sequence[Training]) -> None:
    """Train in processes of this machine, or what is left of the trainings."""

    def train(training: Training) -> None:
        words = training.words(study.folder)
        say(f"$ {' '.join(['python', *words])}", error=True)
        (study.folder / training.run).mkdir(parents=True, exist_ok=True)  # a picture is refused without its folder
        environment = os.environ | ONE_THREAD | {"PYTHONPATH": str(_ROOT)}
        done = subprocess.run(
            [sys.executable, *words], cwd=study.folder, env=environment, stdout=sys.stderr, check=False
        )
        if done.returncode:
            raise InputError(f"exit code {done.returncode}", source=" ".join(words), remedy="call again to continue")
        training.finished(study.folder).touch()

    with ThreadPoolExecutor(study.jobs) as pool:
        list(pool.map(train, trainings))


def train_on(cluster: ModuleType, folder: Path, trainings: Sequence[Training]) -> None:
    """Train on the nodes of a cluster, which get the files that they need; this process alone writes the folder.

    A training whose node ends is repeated on another, from the files of this folder.
    """
    calls = []
    for training in trainings:
        words = training.words(folder)
        say(f"$ {' '.join(['python', *words])}", error=True)
        stored = cluster.put({str(path): (folder / path).read_bytes() for path in training.files(folder)})
        calls.append((training, words, stored))
    with counting_bar("trainings") as (on_plan, advance):
        on_plan(len(trainings), 0)
        for number, files in completed(cluster, trained, calls):
            training = trainings[number]
            for path, content in files.items():
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                with replacing(folder / path) as temporary:
                    temporary.write_bytes(content)
            training.finished(folder).touch()
            advance(training.name)


def trained(training: Training, words: Sequence[str], files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Train in a temporary folder of this node, which has these files at first; return those at the end.

    The training runs in this process, which ends with its node and with the command.
    """
    _, module, *arguments = words
    said = io.StringIO()
    with tempfile.TemporaryDirectory() as name, contextlib.chdir(name):
        for path, content in files.items():
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            Path(path).write_bytes(content)
        Path(training.run).mkdir(parents=True, exist_ok=True)  # a picture is refused without its folder
        with contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
            code = importlib.import_module(module).main(arguments, prog=f"python -m {module}")
        if code:
            last = (said.getvalue().strip().splitlines() or [f"exit code {code}"])[-1]
            raise InputError(last, source=" ".join(words), remedy="call again to continue")
        return {str(path): path.read_bytes() for path in training.files(Path())}
