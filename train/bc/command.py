"""The command `python -m train.bc`: makes or resumes a run, and reports its result."""

from __future__ import annotations

import math
import shlex
from typing import TYPE_CHECKING, Any

from lagrl.printable import say
from train.bc.archive import restored_run, run_state
from train.bc.config import BCConfig
from train.bc.run import BCRun
from train.candidate import Scores, mean_score
from train.card import training_card
from train.command_line import LabelledRunOptions, RunOptions, run_folder
from train.paths import RunPaths, default_out, open_archive
from train.progress import readable
from train.run import run_command

if TYPE_CHECKING:
    import torch

    from train.given_again import GivenAgain
    from train.stop import Stop

_PROG = "lagrl train bc"
_ABOUT = (
    "Clone a controller with DAgger: the learner visits states, the expert labels them, the policy is fitted to the "
    "labels. --mode diagonal|direction is short for --env.action.mode."
)


def main(arguments: list[str], prog: str = _PROG) -> int:
    """Start or resume a training; return the exit code. `prog` is the form of the command that the user typed."""
    run_command(
        arguments,
        prog=prog,
        about=_ABOUT,
        config_type=BCConfig,
        options_type=LabelledRunOptions,
        start=_started,
        resume=_resumed,
        state=run_state,
        card=_card,
        report=_report,
    )
    return 0


def _started(config: BCConfig, options: RunOptions, device: torch.device, command: str) -> tuple[BCRun, RunPaths]:
    folder = run_folder(options, f"bc-{config.env.action.mode}-{config.seed}")
    run = BCRun(config, folder, device)  # errors of the configuration come before any folder is created
    out = options.out or default_out(folder)
    return run, RunPaths(folder, out, command, options.threads, tensorboard=options.tensorboard).create()


def _resumed(options: RunOptions, device: torch.device, given: GivenAgain) -> tuple[BCRun, RunPaths]:
    paths, arrays, record = open_archive(options, "bc")
    return restored_run(arrays, record, paths.folder, device, given), paths


def _card(run: BCRun, paths: RunPaths) -> dict[str, Any]:
    config, candidate = run.config, run.candidate
    low, high = config.validation_sizes
    selection = {
        "instances": f"{config.validation_instances} generated ones of {low} to {high} customers, "
        f"seed {config.validation_seed}",
        "figure": "mean route cost over Clarke and Wright's, method reference, exact sampler, by evaluations",
        "policy": _by_budget(candidate.scores),
        "expert": _by_budget(run.expert_scores),
        "epoch": candidate.step,
        "epochs_done": run.epoch,
        "states": sum(shard.states for shard in run.manifest.shards),
        "held_out": {name: round(value, 6) for name, value in candidate.imitation.items() if math.isfinite(value)},
    }
    description = f"A graph policy cloned from the controller {config.expert!r} by DAgger; the start of PPO."
    return training_card(run, paths, description=description, steps=run.updates, device=run.device, selection=selection)


def _by_budget(scores: Scores) -> dict[str, float]:
    return {str(budget): round(score, 6) for budget, score in scores.items()}


def _report(run: BCRun, paths: RunPaths, stop: Stop, prog: str) -> None:
    """Print the paths, the validation results, and the next command."""
    if run.best is None:
        say(f"{paths.out}: policy of epoch {run.epoch}, not validated yet")
    else:
        say(f"{paths.out}: policy of epoch {run.best.step}, {readable(run.seconds)} of training")
        say(
            "  validation, route cost over Clarke and Wright's (lower is better), "
            f"{len(run.problems)} generated instances:"
        )
        rows = [("policy", run.best.scores), (f"{run.config.expert} (expert)", run.expert_scores)]
        width = max(len("evaluations"), *(len(name) for name, _ in rows))
        say(f"  {'evaluations':<{width}} {'  '.join(f'{budget:>7}' for budget in run.best.scores)}     mean")
        for name, scores in rows:
            figures = "  ".join(f"{score:7.4f}" for score in scores.values())
            say(f"  {name:<{width}} {figures}  {mean_score(scores):7.4f}")
    if run.is_complete:
        mode = run.config.env.action.mode
        same = "" if mode == "diagonal" else f" --mode {mode}"
        say(f"next: {prog.removesuffix('bc')}ppo --init {shlex.quote(str(paths.out))}{same}")
    else:
        say(f"{stop.reason or 'ended early'}: {run.epoch} of {run.config.epochs} epochs are done and saved")
        say(f"resume with: {paths.resume_command(prog, run.rules())}")
