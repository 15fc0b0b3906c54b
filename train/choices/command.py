"""The commands `python -m train.sets` and `python -m train.seeds`: make or resume a run, and report its result."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from lagrl.printable import say
from policies.card import hardware, model_card
from train.archive import RECORD_FILE
from train.choices.archive import restored_run, run_state
from train.choices.config import SeedsConfig, SetsConfig
from train.choices.run import ChoiceRun
from train.command_line import LabelledRunOptions, RunOptions, run_folder
from train.paths import RunPaths, default_out, open_archive
from train.progress import readable
from train.run import run_command

if TYPE_CHECKING:
    import torch

    from train.choices.config import ChoiceConfig
    from train.given_again import GivenAgain
    from train.stop import Stop

_ABOUT = {
    "sets": "Train a network that chooses which customers a move of the search frees, by looks one move ahead.",
    "seeds": "Train a network that chooses among seedings before any evaluation, by the routes of their ascents.",
}
_FIGURES = {
    "sets": "mean decrease of the current cost by the chosen set, mean arcs",
    "seeds": "route cost of the chosen seeding below the mean of the candidates, %",
}
_LIMITATIONS = (
    "Trained on generated instances. It chooses where a search looks next, and has no influence on whether routes or "
    "bounds are valid."
)


def main_sets(arguments: list[str], prog: str = "lagrl train sets") -> int:
    """Start or resume a training of freed sets; return the exit code."""
    return _run(arguments, prog, SetsConfig)


def main_seeds(arguments: list[str], prog: str = "lagrl train seeds") -> int:
    """Start or resume a training of seedings; return the exit code."""
    return _run(arguments, prog, SeedsConfig)


def _run(arguments: list[str], prog: str, config_type: type[ChoiceConfig]) -> int:
    choice = config_type.CHOICE

    def start(
        config: ChoiceConfig, options: RunOptions, device: torch.device, command: str
    ) -> tuple[ChoiceRun, RunPaths]:
        folder = run_folder(options, f"{choice}-{config.seed}")
        paths = RunPaths(
            folder, options.out or default_out(folder), command, options.threads, tensorboard=options.tensorboard
        )
        return ChoiceRun(config), paths.create()

    def resume(options: RunOptions, device: torch.device, given: GivenAgain) -> tuple[ChoiceRun, RunPaths]:
        paths, arrays, record = open_archive(options, choice)
        return restored_run(arrays, record, config_type, source=str(paths.folder / RECORD_FILE)), paths

    run_command(
        arguments,
        prog=prog,
        about=_ABOUT[choice],
        config_type=config_type,
        options_type=LabelledRunOptions,
        start=start,
        resume=resume,
        state=run_state,
        card=_card,
        report=_report,
    )
    return 0


def _card(run: ChoiceRun, paths: RunPaths) -> dict[str, Any]:
    config, candidate = run.config, run.candidate
    low, high = config.customers
    return model_card(
        name=paths.out.name,
        kind="other",
        description=_ABOUT[config.CHOICE].replace("Train a", "A"),
        command=paths.command,
        config=config.to_json(),
        training={
            "instances": f"generated X-type instances (Uchoa et al. 2017) of {low} to {high} customers; no CVRPLIB "
            "instance",
            "seed": config.seed,
            "steps": run.rounds,
            "seconds": round(run.seconds, 1),
            "hardware": hardware(),
            "parent": None,
            "choices": 0 if run.labels is None else len(run.labels),
        },
        selection={
            "instances": f"{config.validation_instances} generated ones, seed {config.validation_seed}",
            "figure": _FIGURES[config.CHOICE],
            "policy": {name: round(score, 4) for name, score in candidate.scores.items()},
            "round": candidate.step,
        },
        limitations=_LIMITATIONS,
    )


def _report(run: ChoiceRun, paths: RunPaths, stop: Stop, prog: str) -> None:
    """Print the paths, the validation result, and how to continue."""
    candidate = run.candidate
    say(f"{paths.out}: network of round {candidate.step}, {readable(run.seconds)} of training")
    for name, score in candidate.scores.items():
        say(f"  {name}: {score:.4f}, {_FIGURES[run.config.CHOICE]}, generated instances")
    if not run.is_complete:
        say(f"{stop.reason or 'ended early'}: {run.rounds} of {run.total_steps} rounds are done and saved")
        say(f"resume with: {paths.resume_command(prog, run.rules())}")
