"""The command `python -m train.bc`: from arguments to a run, and from the run to a checkpoint."""

from __future__ import annotations

import math
import shlex
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from lagrl.errors import InputError
from lagrl.io.atomic import require_writable
from policies.checkpoint import save_checkpoint
from policies.network import DiagonalPrecondNet
from train.allocator import keep_memory
from train.archive import load_archive, save_archive
from train.bc.archive import put_together, take_apart
from train.bc.config import BCConfig
from train.bc.run import BCRun, Candidate, merit
from train.card import training_card
from train.command_line import RunOptions, long_form, parse, run_folder
from train.curves import Curves
from train.device import prepare
from train.progress import Progress, readable
from train.stop import Stop

_PROG = "python -m train.bc"
_ABOUT = (
    "Clone a controller: DAgger collects states where the learner goes, the expert labels them, the policy is fitted. "
    "--mode diagonal|direction is short for --env.action.mode."
)
_SAVE_SECONDS = 60.0
_DESCRIPTION = "A graph policy cloned from the controller {!r} by DAgger; what PPO starts from."


@dataclass(frozen=True)
class Place:
    """Where a run writes, and how it was called.

    Attributes
    ----------
    folder
        Archive, curves, TensorBoard and dataset.
    out
        The checkpoint, without suffix.
    arguments
        What the user gave when the run was begun.
    threads
        Threads of torch it was begun with.
    """

    folder: Path
    out: Path
    arguments: list[str]
    threads: int


def main(arguments: list[str]) -> int:
    """Train, or go on training; return the exit code."""
    arguments = long_form(arguments)
    config, options = parse(_PROG, _ABOUT, BCConfig, RunOptions, arguments)
    device = prepare(options.device, options.threads)
    keep_memory()
    with Stop(options.minutes) as stop:
        if config is None:
            run, place = _resumed(options, device)
        else:
            run, place = _new(config, options, device, arguments)
        _train(run, place, stop, is_resumed=config is None)
        _report(run, place, stop)
    return 0


def _new(config: BCConfig, options: RunOptions, device: torch.device, arguments: list[str]) -> tuple[BCRun, Place]:
    name = f"bc-{config.env.action.mode}-{config.seed}"
    folder = run_folder(options, name)
    run = BCRun(config, folder, device)  # whatever is wrong with the configuration is told before anything is made
    out = options.out or Path("checkpoints") / name
    out.parent.mkdir(parents=True, exist_ok=True)
    require_writable(out.with_name(f"{out.name}.json"))
    folder.mkdir(parents=True, exist_ok=True)
    return run, Place(folder, out, arguments, options.threads)


def _resumed(options: RunOptions, device: torch.device) -> tuple[BCRun, Place]:
    folder = options.resume
    assert folder is not None
    if options.run is not None:
        raise InputError("the run has its folder already", field="--run", remedy="leave it out")
    arrays, record = load_archive(folder)
    if record.get("trainer") != "bc":
        raise InputError(
            f"a run of {record.get('trainer')!r}, not of bc",
            source=str(folder),
            remedy="resume it with the command that began it",
        )
    run = put_together(arrays, record["run"], folder, device)
    out = options.out or Path(record["out"])
    out.parent.mkdir(parents=True, exist_ok=True)
    return run, Place(folder, out, record["arguments"], record["threads"])


def _train(run: BCRun, place: Place, stop: Stop, *, is_resumed: bool) -> None:
    """Train to the end or to the stop; archive and checkpoint are written every so often and at the end."""
    last = 0.0
    written = run.best if is_resumed else None

    def save(run: BCRun) -> None:
        nonlocal last, written
        if run.best is not None and run.best is not written:
            _save_checkpoint(run, place)
            written = run.best
        if time.monotonic() - last < _SAVE_SECONDS and not stop.requested and not run.is_complete:
            return
        arrays, record = take_apart(run)
        whole = {
            "trainer": "bc",
            "run": record,
            "out": str(place.out),
            "arguments": place.arguments,
            "threads": place.threads,
        }
        save_archive(place.folder, arrays, whole)
        last = time.monotonic()

    with (
        Curves(place.folder, run.epoch if is_resumed else None) as curves,
        Progress("bc", run.config.epochs, done=run.epoch) as progress,
    ):
        if torch.get_num_threads() != place.threads:
            progress.note(
                f"begun with --threads {place.threads}: with another number, last bits differ from an undisturbed run"
            )
        if not is_resumed:
            save(run)  # from here on there is something to go on from
        run.learn(stop, curves, progress, save)
    save(run)
    _save_checkpoint(run, place)  # the card tells the whole run's seconds and epochs


def _save_checkpoint(run: BCRun, place: Place) -> None:
    candidate = run.candidate
    net = DiagonalPrecondNet(run.config.policy)
    net.load_state_dict(candidate.weights)
    save_checkpoint(place.out, net, run.config.env.action, _card(run, place, candidate))


def _card(run: BCRun, place: Place, candidate: Candidate) -> dict[str, Any]:
    config = run.config
    low, high = config.validation_sizes
    selection = {
        "instances": f"{config.validation_instances} generated ones of {low} to {high} customers, "
        f"seed {config.validation_seed}",
        "figure": "mean route cost over Clarke and Wright's, cluster reconstruction, exact sampler, by evaluations",
        "policy": _by_budget(candidate.scores),
        "expert": _by_budget(run.expert_scores),
        "epoch": candidate.epoch,
        "epochs_done": run.epoch,
        "states": sum(entry["states"] for entry in run.manifest["shards"]),
        "held_out": {name: round(value, 6) for name, value in candidate.imitation.items() if math.isfinite(value)},
    }
    return training_card(
        name=place.out.name,
        kind="bc",
        description=_DESCRIPTION.format(config.expert),
        arguments=place.arguments,
        config=config.to_json(),
        steps=run.updates,
        seconds=run.seconds,
        device=run.device,
        selection=selection,
    )


def _by_budget(scores: dict[int, float]) -> dict[str, float]:
    return {str(budget): round(score, 6) for budget, score in scores.items()}


def _report(run: BCRun, place: Place, stop: Stop) -> None:
    """Say where everything is, how good it is, and what to type next."""
    if run.best is None:
        print(f"{place.out}: written as it is after {run.epoch} epochs, not validated yet")
    else:
        print(f"{place.out}: policy of epoch {run.best.epoch}, {readable(run.seconds)} of training")
        print(f"  validation, route cost over Clarke and Wright's (lower is better), {_size(run)}:")
        rows = [("policy", run.best.scores), (f"{run.config.expert} (expert)", run.expert_scores)]
        width = max(len("evaluations"), *(len(name) for name, _ in rows))
        print(f"  {'evaluations':<{width}} {'  '.join(f'{budget:>7}' for budget in run.best.scores)}     mean")
        for name, scores in rows:
            figures = "  ".join(f"{score:7.4f}" for score in scores.values())
            print(f"  {name:<{width}} {figures}  {merit(scores):7.4f}")
    if run.is_complete:
        mode = run.config.env.action.mode
        same = "" if mode == "diagonal" else f" --mode {mode}"
        print(f"next: python -m train.ppo --init {shlex.quote(str(place.out))}{same}")
    else:
        why = stop.reason or "ended early"
        print(f"{why}: {run.epoch} of {run.config.epochs} epochs are done and saved")
        print(f"go on with: {_PROG} --resume {shlex.quote(str(place.folder))}")


def _size(run: BCRun) -> str:
    return f"{len(run.problems)} generated instances"
