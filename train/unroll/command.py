"""The commands `python -m train.start` and `python -m train.unroll`: make or resume a run, and report its result."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from lagrl.controllers.policy_checkpoint import load_policy
from lagrl.errors import InputError
from lagrl.printable import say
from policies.card import hardware, model_card
from train.archive import RECORD_FILE
from train.command_line import CheckpointPath, RunOptions, run_folder
from train.paths import RunPaths, default_out, open_archive
from train.progress import readable
from train.run import run_command
from train.unroll.archive import restored_run, run_state
from train.unroll.config import StartConfig, UnrollConfig
from train.unroll.dual_kinds import DUAL_KINDS
from train.unroll.run import REFERENCE_EVALUATIONS, UnrollRun

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

    from train.given_again import GivenAgain
    from train.stop import Stop

_INSTANCES = (
    "generated X-type instances (Uchoa et al. 2017) and instances by road, {} to {} customers, some of {} to {}; "
    "no CVRPLIB instance"
)
_LIMITATIONS = {
    "routes": "Trained on generated instances of up to {} customers. It moves multipliers of route relaxations: every "
    "value is a valid lower bound whatever the network answers, but not always a high one.",
    "assignment": "Trained on generated instances of up to {} customers, with exact knapsacks. It moves multipliers of "
    "the assignment dual, whose values bound the surrogate and not the CVRP, and does not route.",
}
_DESCRIPTION = {"routes": "Multipliers of route relaxations", "assignment": "Multipliers of the assignment dual"}
_FOLDER = {"routes": "route", "assignment": "assignment"}
_ABOUT = {
    "start": "Train the start of a policy: multipliers of route relaxations, or of the assignment dual, from features.",
    "unroll": "Train the ascent of a policy: unrolled ascents of 4 to 30 evaluations, exact gradient.",
}


@dataclass(frozen=True)
class UnrollOptions(RunOptions):
    """Options of a run besides its hyper-parameters."""

    init: CheckpointPath = None
    """policy to start from, such as one of train.start (default: random weights)"""


def main(arguments: list[str], prog: str = "lagrl train unroll") -> int:
    """Start or resume a training of ascents; return the exit code."""
    return _run(arguments, prog, "unroll", UnrollConfig)


def main_start(arguments: list[str], prog: str = "lagrl train start") -> int:
    """Start or resume a training of the start; return the exit code."""
    return _run(arguments, prog, "start", StartConfig)


def _run(arguments: list[str], prog: str, name: str, config_type: type[UnrollConfig]) -> int:
    run_command(
        arguments,
        prog=prog,
        about=_ABOUT[name],
        config_type=config_type,
        options_type=UnrollOptions if name == "unroll" else RunOptions,
        start=_starter(name),
        resume=_resumer(name, config_type),
        state=run_state,
        card=_card,
        report=_report,
    )
    return 0


def _starter(name: str) -> Callable[[UnrollConfig, RunOptions, torch.device, str], tuple[UnrollRun, RunPaths]]:
    def start(
        config: UnrollConfig, options: RunOptions, device: torch.device, command: str
    ) -> tuple[UnrollRun, RunPaths]:
        folder = run_folder(options, f"{_FOLDER[config.relaxation]}-{name}-{config.seed}")
        given = options.init if isinstance(options, UnrollOptions) else None
        initial = None
        if given is not None:
            checkpoint = load_policy(DUAL_KINDS[config.relaxation].kind, given)
            if replace(checkpoint.policy, steps=config.policy.steps) != config.policy:
                raise InputError(
                    f"a network of another size: {checkpoint.policy}",
                    source=str(given),
                    field="--init",
                    remedy="give the same --policy options as for its training",
                )
            initial = checkpoint.weights
        run = UnrollRun(config, name, initial)
        paths = RunPaths(
            folder,
            options.out or default_out(folder),
            command,
            options.threads,
            init=None if given is None else str(given),
            tensorboard=options.tensorboard,
        )
        return run, paths.create()

    return start


def _resumer(
    name: str, config_type: type[UnrollConfig]
) -> Callable[[RunOptions, torch.device, GivenAgain], tuple[UnrollRun, RunPaths]]:
    def resume(options: RunOptions, device: torch.device, given: GivenAgain) -> tuple[UnrollRun, RunPaths]:
        def make(config: dict[str, Any], source: str) -> UnrollRun:
            return UnrollRun(config_type.from_json(config, source=source), name)

        paths, arrays, record = open_archive(options, name)
        return restored_run(arrays, record, make, source=str(paths.folder / RECORD_FILE)), paths

    return resume


def _card(run: UnrollRun, paths: RunPaths) -> dict[str, Any]:
    config, candidate = run.config, run.candidate
    low, high = config.validation_customers
    return model_card(
        name=paths.out.name,
        kind="route" if config.relaxation == "routes" else "assignment",
        description=f"{_DESCRIPTION[config.relaxation]}: "
        + ("the start of an ascent." if run.name == "start" else "the start and the steps of an ascent."),
        command=paths.command,
        config=config.to_json(),
        training={
            "instances": _INSTANCES.format(*config.customers, *config.large_customers),
            "seed": config.seed,
            "steps": run.updates,
            "seconds": round(run.seconds, 1),
            "hardware": hardware(),
            "parent": paths.init,
        },
        selection={
            "instances": f"{config.validation_instances} generated ones of {low} to {high} customers, "
            f"seed {config.validation_seed}",
            "figure": f"mean gap in % to the bundle method in {REFERENCE_EVALUATIONS} evaluations",
            "policy": {str(budget): round(score, 4) for budget, score in candidate.scores.items()},
            "update": candidate.step,
        },
        limitations=_LIMITATIONS[config.relaxation].format(config.large_customers[1]),
    )


def _report(run: UnrollRun, paths: RunPaths, stop: Stop, prog: str) -> None:
    """Print the paths, the validation result, and the next command."""
    candidate, relaxation = run.candidate, run.config.relaxation
    say(f"{paths.out}: policy of update {candidate.step}, {readable(run.seconds)} of training")
    for budget, score in candidate.scores.items():
        say(f"  {budget} evaluations: {score:+.2f} % below {REFERENCE_EVALUATIONS} of the bundle, generated instances")
    if not run.is_complete:
        say(f"{stop.reason or 'ended early'}: {run.updates} of {run.total_steps} updates are done and saved")
        say(f"resume with: {paths.resume_command(prog, run.rules())}")
    elif run.name == "start":
        option = "" if relaxation == "routes" else f"--relaxation {relaxation} "
        say(f"next: {prog.removesuffix('start')}unroll {option}--init {shlex.quote(str(paths.out))}")
    else:
        use = DUAL_KINDS[relaxation].kind.use
        say(f"next: {use} G-n51-k6 --controller {shlex.quote(f'learned:{paths.out}')}")
