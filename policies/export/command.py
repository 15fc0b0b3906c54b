"""The command `python -m policies.export`: writes a saved model of Stable-Baselines3 as a checkpoint."""

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from envs.action import ActionConfig
from lagrl.cli.arguments import parse_arguments
from lagrl.printable import say
from policies.export.model import NOT_RECORDED, export_checkpoint
from policies.locate import CheckpointFiles

_PROG = "python -m policies.export"
_ABOUT = (
    "Write a model that Stable-Baselines3 or RL Baselines3 Zoo saved as a checkpoint of lagrl. Its policy must be "
    "policies.DiagonalPrecondPolicy. Nothing in the file is executed."
)
_ACTION = ActionConfig()


@dataclass(frozen=True)
class ExportCommand:
    """Arguments of the export."""

    model: Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="MODEL.zip")]
    """file that model.save wrote"""
    out: Annotated[Path, tyro.conf.arg(metavar="checkpoints/NAME")]
    """path of the checkpoint, two files: .safetensors and .json"""
    mode: Literal["diagonal", "direction"]
    """action mode of the environment that it was trained in; the file does not contain it"""
    base_step: float = _ACTION.base_step
    """base step of that environment's actions, in units of the dual's cost scale (mode diagonal)"""
    decades: float = _ACTION.decades
    """decades that an action of that environment spans (mode diagonal)"""
    reach: float = _ACTION.reach
    """longest move of that environment's actions, in units of the dual's cost scale (mode direction)"""
    instances: Annotated[str, tyro.conf.arg(metavar="TEXT")] = NOT_RECORDED
    """description of the instances that it was trained on, for the model card"""


def run(arguments: Sequence[str]) -> None:
    """Export the model that the arguments name, and print the next command.

    Raises
    ------
    InputError
        If the arguments cannot be read, or the model cannot become a checkpoint.
    OutputError
        If the checkpoint cannot be written.
    """
    given = parse_arguments(ExportCommand, arguments, prog=_PROG, description=_ABOUT)
    action = ActionConfig(given.mode, given.base_step, given.decades, given.reach)
    command = f"{_PROG} {shlex.join(arguments)}"
    given.out.parent.mkdir(parents=True, exist_ok=True)
    export_checkpoint(given.model, given.out, action=action, instances=given.instances, command=command)
    path = str(CheckpointFiles.from_path(given.out).record.with_suffix(""))
    say(f"checkpoint: {path}")
    say(f"next: lagrl solve G-n51-k6 --controller {shlex.quote(path if '/' in path else f'./{path}')}")
