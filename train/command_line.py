"""What `python -m train.bc` and `python -m train.ppo` share on the command line."""

import importlib
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, make_dataclass
from pathlib import Path
from typing import Annotated, Any, Literal, Protocol, TypeVar

import tyro

from lagrl.cli.entry import parse_arguments, run_guarded
from lagrl.errors import InputError, MissingExtraError

_EXTRA = ("torch", "torch_geometric", "gymnasium", "stable_baselines3", "safetensors", "tensorboard")

Minutes = Annotated[float | None, tyro.conf.arg(metavar="M", help_behavior_hint="")]
Folder = Annotated[Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="")]
Place = Annotated[Path | None, tyro.conf.arg(metavar="checkpoints/NAME", help_behavior_hint="")]


class Configuration(Protocol):
    """A frozen dataclass of hyper-parameters with named presets."""

    @classmethod
    def preset(cls, name: str) -> Any:
        """Return the configuration called `name`."""
        ...


C = TypeVar("C")
O = TypeVar("O", bound="RunOptions")  # noqa: E741


@dataclass(frozen=True)
class RunOptions:
    """How a run is carried out; nothing here changes what it computes, but for the last bits."""

    preset: Literal["small", "reference"] = "small"
    """small: for two CPU cores; reference: as large as published"""
    minutes: Minutes = None
    """save and stop after so many; go on with --resume"""
    out: Place = None
    """where the checkpoint goes (two files: .safetensors and .json)"""
    run: Folder = None
    """folder of the run: archive, curves, TensorBoard (runs/NAME if left out)"""
    resume: Folder = None
    """go on with the run in this folder; its configuration is kept"""
    device: Literal["auto", "cpu", "cuda"] = "auto"
    """where to compute; auto takes CUDA where there is one"""
    threads: int = 1
    """threads of torch; another number gives other last bits"""


def parse(
    prog: str, description: str, config_type: type[C], options_type: type[O], argv: Sequence[str]
) -> tuple[C | None, O]:
    """Read the arguments: the preset first, then what differs from it.

    Parameters
    ----------
    prog, description
        For the help.
    config_type
        A frozen dataclass with a classmethod `preset(name)`; its fields become options (`--env.max-steps`).
    options_type
        `RunOptions` or a subclass.
    argv
        The arguments.

    Returns
    -------
    The configuration (None with --resume, where the run has its own) and the options.

    Raises
    ------
    InputError
        If the arguments cannot be read.
    """
    options = [("options", Annotated[options_type, tyro.conf.arg(name="")], field(default=options_type()))]
    if _given("--resume", argv):
        try:
            return None, _read(prog, description, make_dataclass("Resumed", options), argv).options
        except InputError as error:
            raise InputError(error.problem, remedy="with --resume the configuration is the run's own") from error
    preset = config_type.preset(_value("--preset", argv, options_type().preset))  # type: ignore[attr-defined]
    config = ("config", Annotated[config_type, tyro.conf.arg(name="")], field(default=preset))
    arguments = _read(prog, description, make_dataclass("New", [*options, config]), argv)
    return arguments.config, arguments.options


def entry(prog: str, module: str, argv: Sequence[str] | None) -> int:
    """Call `main(arguments)` of `module`; return the exit code.

    The module is imported here, so that a missing package is told in one line, as every mistake is (exit code 2).

    Parameters
    ----------
    prog
        What the user typed, for messages.
    module
        Dotted name; its `main` takes the arguments and returns an exit code or None.
    argv
        The arguments; the process's own if None.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    return run_guarded(prog, lambda: _imported(module)(arguments))


def long_form(arguments: Sequence[str]) -> list[str]:
    """Return the arguments with `--mode`, which is what one looks for first, as the option that it is short for."""
    return [f"--env.action.mode{word[6:]}" if word.partition("=")[0] == "--mode" else word for word in arguments]


def run_folder(options: RunOptions, name: str) -> Path:
    """Return the folder of a new run; it is not made yet.

    Raises
    ------
    InputError
        If a run was begun there already: it is not overwritten.
    """
    folder = options.run or Path("runs") / (options.out.name if options.out else name)
    if (folder / "archive.json").exists():
        raise InputError(
            "a run was begun there",
            source=str(folder),
            remedy=f"go on with --resume {folder}, or give another --run",
        )
    return folder


def _read(prog: str, description: str, command: type, argv: Sequence[str]) -> Any:
    return parse_arguments(
        lambda: tyro.cli(
            command,
            args=list(argv),
            prog=prog,
            description=description,
            config=(tyro.conf.FlagCreatePairsOff, tyro.conf.AvoidSubcommands),
        ),
        help_hint=f"See {prog} --help",
    )


def _imported(module: str) -> Callable[[list[str]], int | None]:
    try:
        main: Callable[[list[str]], int | None] = importlib.import_module(module).main
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in _EXTRA:
            raise
        raise MissingExtraError.of(package, "rl", "training") from error
    return main


def _given(option: str, argv: Sequence[str]) -> bool:
    return any(word == option or word.startswith(f"{option}=") for word in argv)


def _value(option: str, argv: Sequence[str], default: str) -> str:
    """Return what is given for an option that must be known before all the others; tyro checks it again."""
    for index, word in enumerate(argv):
        if word.startswith(f"{option}="):
            return word.partition("=")[2]
        if word == option and index + 1 < len(argv):
            return argv[index + 1]
    return default
