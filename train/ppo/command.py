"""The command `python -m train.ppo`: from arguments to a run, and from the run to a checkpoint."""

import shlex
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import torch
import tyro

from lagrl.errors import InputError
from lagrl.io.atomic import require_writable
from policies.card import hardware, model_card
from policies.checkpoint import load_checkpoint
from policies.locate import CheckpointFiles, find_checkpoint
from train.allocator import keep_memory
from train.archive import load_archive, save_archive
from train.command_line import RunOptions, long_form, parse, run_folder
from train.curves import Curves
from train.device import prepare
from train.ppo.archive import put_together, take_apart
from train.ppo.config import PPOConfig
from train.ppo.run import Candidate, PPORun, Scores
from train.progress import Progress, readable
from train.stop import Stop

_PROG = "python -m train.ppo"
_ABOUT = (
    "Fine-tune a cloned policy with PPO on the routes its multipliers lead to. "
    "--mode diagonal|direction is short for --env.action.mode."
)
_SAVE_SECONDS = 180.0


@dataclass(frozen=True)
class PPOOptions(RunOptions):
    """How a PPO run is carried out, and where it begins."""

    init: Annotated[str | None, tyro.conf.arg(metavar="checkpoints/NAME", help_behavior_hint="")] = None
    """the cloned policy to start from (train.bc makes one); none: from scratch"""


@dataclass(frozen=True)
class Place:
    """Where a run writes.

    Attributes
    ----------
    folder
        Archive, curves and TensorBoard.
    out
        The checkpoint, without suffix.
    init
        The checkpoint it began with, as the user gave it; None from scratch.
    command
        What the user typed to begin it.
    threads
        Threads of torch it was begun with.
    """

    folder: Path
    out: Path
    init: str | None
    command: str
    threads: int


def main(arguments: list[str]) -> int:
    """Train, or go on training; return the exit code."""
    arguments = long_form(arguments)
    config, options = parse(_PROG, _ABOUT, PPOConfig, PPOOptions, arguments)
    device = str(prepare(options.device, options.threads))
    keep_memory()
    with Stop(options.minutes) as stop:
        if options.resume is not None:
            run, place = _resumed(options, device)
        else:
            assert config is not None
            run, place = _new(config, options, device, shlex.join([*_PROG.split(), *arguments]))
        _train(run, place, stop, resumed=options.resume is not None)
    if run.is_complete:
        run.confirm()
        run.save_best(place.out, _card(run, place))
    _report(run, place, stop)
    return 0


def _new(config: PPOConfig, options: PPOOptions, device: str, command: str) -> tuple[PPORun, Place]:
    if options.init is None:
        raise InputError(
            "no policy to start from",
            field="--init",
            remedy="give a checkpoint of train.bc (--init checkpoints/NAME), or --init none to train from scratch",
        )
    init = None if options.init == "none" else options.init
    start = None if init is None else load_checkpoint(init, expect_mode=config.env.action.mode)
    folder = run_folder(options, "ppo")
    out = options.out or Path("checkpoints") / folder.name
    if init is not None and CheckpointFiles.at(out).record.resolve() == find_checkpoint(init).record.resolve():
        raise InputError(f"{out} is the checkpoint to start from", field="--out", remedy="give another name")
    run = PPORun(config, start, device=device)
    out.parent.mkdir(parents=True, exist_ok=True)
    require_writable(out.with_name(f"{out.name}.json"))
    folder.mkdir(parents=True, exist_ok=True)
    return run, Place(folder, out, init, command, options.threads)


def _resumed(options: PPOOptions, device: str) -> tuple[PPORun, Place]:
    assert options.resume is not None
    if options.init is not None or options.run is not None:
        raise InputError(
            "--init and --run are the run's own", field="--resume", remedy="leave them out, or begin a new run"
        )
    arrays, record = load_archive(options.resume)
    if record.get("trainer") != "ppo":
        raise InputError(
            f"a run of {record.get('trainer')!r}, not of ppo",
            source=str(options.resume),
            remedy="resume it with the command that began it",
        )
    run = put_together(arrays, record["run"], device=device)
    out = options.out or Path(record["out"])
    out.parent.mkdir(parents=True, exist_ok=True)
    return run, Place(options.resume, out, record["init"], record["command"], record["threads"])


def _train(run: PPORun, place: Place, stop: Stop, *, resumed: bool) -> None:
    """Train to the end or to the stop, with an archive and a checkpoint every few minutes and at the end."""
    last = time.monotonic()
    written: Candidate | None = None

    def save(run: PPORun) -> None:
        nonlocal last, written
        due = time.monotonic() - last >= _SAVE_SECONDS
        if not (due or stop.requested or run.is_complete or run.rollouts_done == 0):
            return
        if run.best is not None and run.best is not written:
            run.save_best(place.out, _card(run, place))
            written = run.best
        arrays, record = take_apart(run)
        kept = {"out": str(place.out), "init": place.init, "command": place.command, "threads": place.threads}
        save_archive(place.folder, arrays, {"trainer": "ppo", "run": record} | kept)
        last = time.monotonic()

    done = run.rollouts_done
    with (
        Curves(place.folder, done if resumed else None) as curves,
        Progress("ppo", run.config.rollouts, done=done, unit="rollout") as progress,
    ):
        if torch.get_num_threads() != place.threads:
            progress.note(
                f"begun with --threads {place.threads}; with others, last bits differ from an undisturbed run"
            )
        run.learn(stop, curves, progress, save, resumed=resumed)


def _card(run: PPORun, place: Place) -> dict[str, Any]:
    config, best = run.config, run.best
    assert best is not None
    low, high = config.env.n_customers
    return model_card(
        name=place.out.name,
        kind="ppo",
        description=_description(place.init, run),
        command=place.command,
        config=config.to_json() | {"expert": run.expert_name, "init": place.init},
        training={
            "instances": f"generated, X type, {low} to {high} customers",
            "seed": config.seed,
            "steps": best.rollout * config.rollout_size,
            "seconds": round(run.seconds, 1),
            "hardware": hardware("CUDA" if run.model.device.type == "cuda" else None),
            "parent": place.init,
        },
        selection=_selection(run),
    )


def _description(init: str | None, run: PPORun) -> str:
    if init is None:
        return "A graph policy trained with PPO from scratch."
    if not _is_judged(run):
        return f"The clone {init} as it was: no rollout of PPO has been validated yet."
    if run.best is None or run.best.rollout == 0:
        return f"The clone {init} as it was: every rollout of PPO was worse."
    return "A graph policy cloned from an expert, then fine-tuned with PPO on the cost of decoded routes."


def _is_judged(run: PPORun) -> bool:
    """Whether any rollout but the initial policy was validated."""
    return run.is_complete or run.rollouts_done >= run.config.validate_every


def _selection(run: PPORun) -> dict[str, Any]:
    """Say how the weights were chosen: by validation, the initial policy being one of the candidates."""
    assert run.first is not None
    assert run.best is not None
    config = run.config
    record: dict[str, Any] = {
        "measured": "route cost over Clarke and Wright's, mean over generated validation instances; lower is better",
        "instances": config.validation_instances,
        "seed": config.validation_seed,
        "initial": _json(run.first.scores),
        "best": _json(run.best.scores),
        "rollout": run.best.rollout,
        "rollouts": run.rollouts_done,
    }
    if run.confirmed is not None:
        initial, best = run.confirmed
        others = {"seed": config.validation_seed + 1, "initial": _json(initial), "best": _json(best)}
        record["not_used_for_choosing"] = others
    return record


def _json(scores: Scores) -> dict[str, float]:
    return {str(budget): score for budget, score in scores.items()}


def _report(run: PPORun, place: Place, stop: Stop) -> None:
    first, best = run.first, run.best
    assert first is not None
    assert best is not None
    start = "clone" if place.init else "start"
    why = "every rollout was worse" if _is_judged(run) else "no rollout validated yet"
    winner = f"PPO, rollout {best.rollout}" if best.rollout else f"{start} again: {why}"
    print(
        f"route cost over Clarke and Wright's (lower is better), {run.config.validation_instances} generated instances"
    )
    _table("chosen by", [(start, first.scores), (winner, best.scores)])
    if run.confirmed is not None:
        initial, chosen = run.confirmed
        _table("others", [(start, initial), (winner, chosen)])
    print(f"checkpoint: {place.out} ({run.rollouts_done} rollouts, {readable(run.seconds)})")
    if run.is_complete:
        controllers = ",".join(_as_controller(name) for name in (place.init, str(place.out)) if name)
        print(f"next: lagrl eval --suite bundled --controllers {shlex.quote(controllers)} --out rows.jsonl")
    else:
        print(f"stopped ({stop.reason}); go on with: {_PROG} --resume {shlex.quote(str(place.folder))}")


def _as_controller(spec: str) -> str:
    """A bare name would be taken for one of a classical rule."""
    return spec if "/" in spec else f"./{spec}"


def _table(title: str, rows: list[tuple[str, Scores]]) -> None:
    budgets = list(rows[0][1])
    print(f"  {title:<12}" + "".join(f"{f'{budget} eval.':>11}" for budget in budgets))
    for label, scores in rows:
        print(f"  {'':<12}" + "".join(f"{scores[budget]:>11.4f}" for budget in budgets) + f"  {label}")
