"""Command line of `python -m train.bc` and `python -m train.ppo`: shared options and their parser."""

import importlib
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, make_dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol, TypeVar

import tyro

from lagrl.cli.arguments import parse_arguments
from lagrl.cli.entry import run_guarded
from lagrl.cli.options import Plot, Ray
from lagrl.errors import InputError, MissingExtraError
from train.given_again import GivenAgain

_EXTRA = ("torch", "torch_geometric", "gymnasium", "stable_baselines3", "safetensors")

Minutes = Annotated[float | None, tyro.conf.arg(metavar="M", help_behavior_hint="")]
Folder = Annotated[Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="")]
CheckpointPath = Annotated[Path | None, tyro.conf.arg(metavar="checkpoints/NAME", help_behavior_hint="")]


class Configuration(Protocol):
    """Protocol of a frozen dataclass of hyper-parameters with named presets."""

    @classmethod
    def preset(cls, name: str) -> Any:
        """Return the configuration of a preset."""
        ...


C = TypeVar("C", bound=Configuration)
S = TypeVar("S", bound="RunOptions")


@dataclass(frozen=True)
class RunOptions:
    """Options of a run besides its hyper-parameters; they change at most the last bits of its results."""

    preset: Literal["small", "reference"] = "small"
    """settings: small, 3 (bc) or 5 (ppo) CPU minutes; reference, as published, 32 (bc) or 56 (ppo) CPU hours"""
    minutes: Minutes = None
    """end after the step in which this number of minutes is over; continue with --resume (default: no limit)"""
    out: CheckpointPath = None
    """path of the checkpoint, two files: .safetensors and .json (default: checkpoints/ and the run's name)"""
    run: Folder = None
    """folder of the run with archive and curves (default: runs/ and the name of the checkpoint)"""
    tensorboard: Folder = None
    """also write the curves for TensorBoard, in a folder of the run's name here (default: none)"""
    watch: bool = False
    """show losses, validation cost and speed live on the terminal"""
    plot: Plot = None
    """.svg, .pdf or .png file for a picture of the training curves, drawn at the end (default: none)"""
    resume: Folder = None
    """continue the run in this folder with its own configuration (default: a new run)"""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """device of the network; auto: CUDA if available, else the CPU"""
    threads: int = 1
    """number of torch threads; another number changes the last bits of results"""


@dataclass(frozen=True)
class LabelledRunOptions(RunOptions):
    """Options of a run that makes a set of labelled data."""

    ray: Ray = None
    """make the data on a Ray cluster: HOST:PORT of its head, auto, or local to start one here (default: no cluster)"""


def parse(
    prog: str, description: str, config_type: type[C], options_type: type[S], argv: Sequence[str]
) -> tuple[C | GivenAgain, S]:
    """Read the arguments: the preset first, then the options that change it.

    Parameters
    ----------
    prog, description
        Name and description of the program in its help.
    config_type
        A frozen dataclass with a classmethod `preset(name)`; its fields become options (`--env.max-steps`).
    options_type
        `RunOptions` or a subclass.
    argv
        The arguments.

    Returns
    -------
    The configuration (with --resume, where the archive contains it, the rules that are given again) and the options.

    Raises
    ------
    InputError
        If the arguments cannot be read.
    """
    options = [("options", Annotated[options_type, tyro.conf.arg(name="")], field(default=options_type()))]
    if _contains("--resume", argv):
        again = ("again", Annotated[GivenAgain, tyro.conf.arg(name="")], field(default=GivenAgain()))
        try:
            resumed = _read(prog, description, make_dataclass("Resumed", [*options, again]), argv)
            return resumed.again, resumed.options
        except InputError as error:
            raise InputError(error.problem, remedy="with --resume the configuration is that of the run") from error
    preset = config_type.preset(_value("--preset", argv, options_type().preset))
    config = ("config", Annotated[config_type, tyro.conf.arg(name="")], field(default=preset))
    arguments = _read(prog, description, make_dataclass("New", [*options, config]), argv)
    return arguments.config, arguments.options


def entry(prog: str, module: str, argv: Sequence[str] | None) -> int:
    """Call `main(arguments, prog)` of `module`; return the exit code.

    The module is imported here, so that a missing package is an error message of one line (exit code 2).

    Parameters
    ----------
    prog
        Name of the program in messages.
    module
        Dotted name; its `main` takes the arguments and `prog`, and returns an exit code or None.
    argv
        The arguments; the process's own if None.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    return run_guarded(prog, lambda: _imported(module)(arguments, prog))


def long_form(arguments: Sequence[str]) -> list[str]:
    """Return the arguments with the short option `--mode` replaced by `--env.action.mode`."""
    return [f"--env.action.mode{word[6:]}" if word.partition("=")[0] == "--mode" else word for word in arguments]


def run_folder(options: RunOptions, name: str) -> Path:
    """Return the folder of a new run, which does not exist yet.

    Raises
    ------
    InputError
        If the folder contains a run: it is not overwritten.
    """
    folder = options.run or Path("runs") / (options.out.name if options.out else name)
    require_new(folder)
    return folder


def require_new(folder: Path) -> None:
    """Refuse a folder that contains a run.

    Raises
    ------
    InputError
        If it does, with the command that continues the run.
    """
    if (folder / "archive.json").exists():
        raise InputError(
            "the folder contains a run",
            source=str(folder),
            remedy=f"continue it with --resume {folder}, or give another --run",
        )


def _read(prog: str, description: str, command: type, argv: Sequence[str]) -> Any:
    markers = (tyro.conf.AvoidSubcommands,)
    return parse_arguments(command, argv, prog=prog, description=description, config=markers)


def _imported(module: str) -> Callable[[list[str], str], int | None]:
    try:
        main: Callable[[list[str], str], int | None] = importlib.import_module(module).main
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in _EXTRA:
            raise
        raise MissingExtraError.of(package, "rl", "training") from error
    return main


def _contains(option: str, argv: Sequence[str]) -> bool:
    return any(word == option or word.startswith(f"{option}=") for word in argv)


def _value(option: str, argv: Sequence[str], default: str) -> str:
    """Return the value of an option that is needed before the others; tyro checks it again."""
    for index, word in enumerate(argv):
        if word.startswith(f"{option}="):
            return word.partition("=")[2]
        if word == option and index + 1 < len(argv):
            return argv[index + 1]
    return default
