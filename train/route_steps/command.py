"""The commands `python -m train.route_bc` and `python -m train.route_ppo`: make or resume a run, and report it."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING, Any

from lagrl.printable import say
from policies.card import hardware, model_card
from train.archive import RECORD_FILE
from train.command_line import RunOptions, run_folder
from train.paths import RunPaths, default_out, open_archive
from train.progress import readable
from train.route_steps.config import RouteBCConfig, RoutePPOConfig
from train.route_steps.expert_steps import RouteBCRun
from train.route_steps.ppo import RoutePPORun
from train.run import run_command
from train.unroll.archive import restored_run, run_state
from train.unroll.run import REFERENCE_EVALUATIONS

if TYPE_CHECKING:
    import torch

    from train.given_again import GivenAgain
    from train.route_steps.run import StepsRun
    from train.stop import Stop

_LIMITATIONS = (
    "Its steps were trained on small generated instances. It moves multipliers of route relaxations: every value is a "
    "valid lower bound whatever the network answers, but not always a high one."
)


def main_bc(arguments: list[str], prog: str = "lagrl train route-bc") -> int:
    """Start or resume a cloning of a rule's steps; return the exit code."""
    about = "Clone the steps of a classical rule on route relaxations, with DAgger."
    return _run(arguments, prog, about, RouteBCConfig, RouteBCRun)


def main_ppo(arguments: list[str], prog: str = "lagrl train route-ppo") -> int:
    """Start or resume a training of a route policy's steps by PPO; return the exit code."""
    about = "Train the steps of a route policy with PPO in the environment."
    return _run(arguments, prog, about, RoutePPOConfig, RoutePPORun)


def _run(arguments: list[str], prog: str, about: str, config_type: Any, run_type: Any) -> int:
    def start(config: Any, options: RunOptions, device: torch.device, command: str) -> tuple[StepsRun, RunPaths]:
        run: StepsRun = run_type(config)
        folder = run_folder(options, f"{run.name}-{config.seed}")
        paths = RunPaths(
            folder,
            options.out or default_out(folder),
            command,
            options.threads,
            init=config.init,
            tensorboard=options.tensorboard,
        )
        return run, paths.create()

    def resume(options: RunOptions, device: torch.device, given: GivenAgain) -> tuple[StepsRun, RunPaths]:
        def make(config: dict[str, Any], source: str) -> StepsRun:
            run: StepsRun = run_type(config_type.from_json(config, source=source))
            return run

        trainer = "route-bc" if run_type is RouteBCRun else "route-ppo"
        paths, arrays, record = open_archive(options, trainer)
        return restored_run(arrays, record, make, source=str(paths.folder / RECORD_FILE)), paths

    run_command(
        arguments,
        prog=prog,
        about=about,
        config_type=config_type,
        options_type=RunOptions,
        start=start,
        resume=resume,
        state=run_state,
        card=_card,
        report=_report,
    )
    return 0


def _card(run: StepsRun, paths: RunPaths) -> dict[str, Any]:
    config, candidate = run.config, run.candidate
    (low, high), (least, most) = config.customers, config.validation_customers
    return model_card(
        name=paths.out.name,
        kind="route",
        description=f"Multipliers of route relaxations: the start of {config.init}, and steps {_source(run)}.",
        command=paths.command,
        config=config.to_json(),
        training={
            "instances": f"generated X-type instances (Uchoa et al. 2017) and instances by road, {low} to {high} "
            "customers; no CVRPLIB instance",
            "seed": config.seed,
            "steps": run.updates,
            "seconds": round(run.seconds, 1),
            "hardware": hardware(),
            "parent": config.init,
        },
        selection={
            "instances": f"{config.validation_instances} generated ones of {least} to {most} customers, "
            f"seed {config.validation_seed}",
            "figure": _figure(run),
            "policy": {str(budget): round(score, 4) for budget, score in candidate.scores.items()},
            "update": candidate.step,
        },
        limitations=_LIMITATIONS,
    )


def _source(run: StepsRun) -> str:
    if isinstance(run.config, RouteBCConfig):
        return f"cloned from the rule {run.config.expert!r}"
    assert isinstance(run.config, RoutePPOConfig)
    return f"trained by PPO in phase {run.config.phase}"


def _figure(run: StepsRun) -> str:
    if isinstance(run.config, RoutePPOConfig) and run.config.phase == 3:
        return "mean cost of the environment's routes in % of Clarke and Wright's"
    return f"mean gap in % to the bound of the bundle method in {REFERENCE_EVALUATIONS} evaluations"


def _report(run: StepsRun, paths: RunPaths, stop: Stop, prog: str) -> None:
    """Print the paths, the validation result, and the next command."""
    candidate = run.candidate
    say(f"{paths.out}: route policy of update {candidate.step}, {readable(run.seconds)} of training")
    say(f"  {_figure(run)}, generated instances (lower is better):")
    for budget, score in candidate.scores.items():
        say(f"  {budget} evaluations: {score:.2f} %")
    if not run.is_complete:
        say(f"{stop.reason or 'ended early'}: {run.updates} of {run.total_steps} updates are done and saved")
        say(f"resume with: {paths.resume_command(prog, run.rules())}")
    elif isinstance(run, RouteBCRun):
        say(f"next: {prog.removesuffix('bc')}ppo --init {shlex.quote(str(paths.out))}")
    else:
        say(f"next: lagrl bound G-n51-k6 --controller {shlex.quote(f'learned:{paths.out}')}")
