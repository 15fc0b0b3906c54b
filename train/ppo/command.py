"""The command `python -m train.ppo`: makes or resumes a run, and reports its result."""

import shlex
from dataclasses import dataclass
from typing import Annotated, Any

import torch
import tyro

from lagrl.errors import InputError
from lagrl.printable import say
from policies.checkpoint import load_checkpoint
from policies.locate import CheckpointFiles, find_checkpoint
from train.archive import RECORD_FILE
from train.candidate import Scores, TrainingCandidate
from train.card import training_card
from train.command_line import RunOptions, run_folder
from train.given_again import GivenAgain
from train.paths import RunPaths, default_out, open_archive
from train.ppo.archive import restored_run, run_state
from train.ppo.config import PPOConfig
from train.ppo.run import PPORun
from train.ppo.start import require_same_network
from train.progress import readable
from train.run import run_command
from train.stop import Stop

_PROG = "lagrl train ppo"
_ABOUT = (
    "Fine-tune a cloned policy with PPO on the routes that its multipliers lead to. "
    "--mode diagonal|direction is short for --env.action.mode."
)


@dataclass(frozen=True)
class PPOOptions(RunOptions):
    """Options of a PPO run that do not change its hyper-parameters."""

    init: Annotated[str | None, tyro.conf.arg(metavar="checkpoints/NAME", help_behavior_hint="")] = None
    """initial policy, a checkpoint of train.bc; none: random weights (required)"""


def main(arguments: list[str], prog: str = _PROG) -> int:
    """Start or resume a training; return the exit code. `prog` is the form of the command that the user typed."""
    run_command(
        arguments,
        prog=prog,
        about=_ABOUT,
        config_type=PPOConfig,
        options_type=PPOOptions,
        start=_started,
        resume=_resumed,
        state=run_state,
        card=_card,
        report=_report,
    )
    return 0


def _started(config: PPOConfig, options: PPOOptions, device: torch.device, command: str) -> tuple[PPORun, RunPaths]:
    if options.init is None:
        raise InputError(
            "no initial policy",
            field="--init",
            remedy="give a checkpoint of train.bc (--init checkpoints/NAME), or --init none for random weights",
        )
    init = None if options.init == "none" else options.init
    mode, version = config.env.action.mode, config.env.observation
    start = None if init is None else load_checkpoint(init, expect_mode=mode, expect_observation=version)
    folder = run_folder(options, "ppo")
    out = options.out or default_out(folder)
    if init is not None and CheckpointFiles.from_path(out).record.resolve() == find_checkpoint(init).record.resolve():
        raise InputError(f"{out} is the initial checkpoint", field="--out", remedy="give another name")
    if start is not None:
        require_same_network(config, start, init or "")
    run = PPORun(config, start, device=str(device))
    return run, RunPaths(folder, out, command, options.threads, init, options.tensorboard).create()


def _resumed(options: PPOOptions, device: torch.device, given: GivenAgain) -> tuple[PPORun, RunPaths]:
    if options.init is not None:
        raise InputError("the initial policy is that of the run", field="--init", remedy="leave it out")
    paths, arrays, record = open_archive(options, "ppo")
    source = str(paths.folder / RECORD_FILE)
    return restored_run(arrays, record, device=str(device), source=source, given=given), paths


def _card(run: PPORun, paths: RunPaths) -> dict[str, Any]:
    return training_card(
        run,
        paths,
        description=_description(paths.init, run),
        steps=run.candidate.step * run.config.rollout_size,
        device=run.model.device,
        selection=_selection(run),
        expert=run.expert_name,
        init=paths.init,
    )


def _description(init: str | None, run: PPORun) -> str:
    if init is None:
        return "A graph policy trained with PPO from scratch."
    if not _is_judged(run):
        return f"The unchanged clone {init}: no rollout of PPO has been validated yet."
    if run.candidate.step == 0:
        return f"The unchanged clone {init}: no rollout of PPO was better beyond the noise of the validation."
    return "A graph policy cloned from an expert, then fine-tuned with PPO on the cost of decoded routes."


def _is_judged(run: PPORun) -> bool:
    """Return whether a rollout besides the initial policy was validated."""
    return run.is_complete or run.steps_done >= run.config.validate_every


def _selection(run: PPORun) -> dict[str, Any]:
    """Return how the weights were chosen: by validation, with the initial policy as one of the candidates."""
    if run.first is None or run.best is None:
        return {}
    config = run.config
    record: dict[str, Any] = {
        "measured": "route cost over Clarke and Wright's, mean over generated validation instances; lower is better",
        "rule": "a rollout replaces the initial policy if the lower limit of its paired gain is above 0; the interval "
        "is of 95 % for all validated rollouts together (Bonferroni)",
        "instances": config.validation_instances,
        "seed": config.validation_seed,
        "initial": _json(run.first.scores),
        "best": _json(run.best.scores),
        "rollout": run.best.step,
        "rollouts": run.steps_done,
    }
    if run.best.step and run.best.ratio is not None and run.first.ratio is not None:
        gain = run.gain(run.best)
        record["gain"] = {"mean": gain.mean, "low": gain.low, "high": gain.high}
    if run.confirmed is not None:
        initial, best = run.confirmed
        others = {"seed": config.validation_seed + 1, "initial": _json(initial), "best": _json(best)}
        record["not_used_for_choosing"] = others
    return record


def _json(scores: Scores) -> dict[str, float]:
    return {str(budget): score for budget, score in scores.items()}


def _report(run: PPORun, paths: RunPaths, stop: Stop, prog: str) -> None:
    """Print the validation results, the paths, and the next command."""
    if run.first is None or run.best is None:
        say(f"checkpoint: {paths.out}, the initial policy; not validated yet")
    else:
        _report_scores(run, run.first, run.best, "clone" if paths.init else "start")
        say(f"checkpoint: {paths.out} ({run.steps_done} rollouts, {readable(run.seconds)})")
    if run.is_finished:
        controllers = ",".join(_as_controller(name) for name in (paths.init, str(paths.out)) if name)
        say(f"next: lagrl eval --suite bundled --controllers {shlex.quote(controllers)} --out rows.jsonl")
    else:
        say(f"stopped ({stop.reason}); resume with: {paths.resume_command(prog, run.rules())}")


def _report_scores(run: PPORun, first: TrainingCandidate, best: TrainingCandidate, start: str) -> None:
    """Print the validation results of the initial and the best policy."""
    why = "no rollout was better beyond noise" if _is_judged(run) else "no rollout validated yet"
    winner = f"PPO, rollout {best.step}" if best.step else f"{start} again: {why}"
    say(f"route cost over Clarke and Wright's (lower is better), {run.config.validation_instances} generated instances")
    _table("chosen by", [(start, first.scores), (winner, best.scores)])
    if run.confirmed is not None:
        initial, chosen = run.confirmed
        _table("others", [(start, initial), (winner, chosen)])


def _as_controller(spec: str) -> str:
    """Return a checkpoint's path with a slash: a name without one means a classical rule."""
    return spec if "/" in spec else f"./{spec}"


def _table(title: str, rows: list[tuple[str, Scores]]) -> None:
    budgets = list(rows[0][1])
    say(f"  {title:<12}" + "".join(f"{f'{budget} eval.':>11}" for budget in budgets))
    for label, scores in rows:
        say(f"  {'':<12}" + "".join(f"{scores[budget]:>11.4f}" for budget in budgets) + f"  {label}")
