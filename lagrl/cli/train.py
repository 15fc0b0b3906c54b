"""The command `lagrl train`: training programs of the packages that build on lagrl."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from lagrl.errors import MissingExtraError, UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Callable

Method = Annotated[Literal["bc", "ppo", "bandit"], tyro.conf.Positional, tyro.conf.arg(metavar="bc|ppo|bandit")]


@dataclass(frozen=True)
class TrainCommand:
    """Options of `lagrl train`.

    `lagrl train bc` clones a classical controller, `lagrl train ppo` continues from a cloned one, `lagrl train bandit`
    learns from `lagrl traces` which backend and circuit to use for a knapsack. `lagrl train bc --help` lists options.
    `python -m train.bc` does the same, unless another folder called train comes first.
    """

    method: Method
    """bc: behaviour cloning; ppo: reinforcement learning from a cloned checkpoint; bandit: backends and circuits"""

    def run(self) -> int | None:
        """Start the training program; `entry` has done so already where options follow the method."""
        return installed_command(f"train-{self.method}")([])


def installed_command(name: str) -> Callable[[list[str]], int | None]:
    """Return the command that an installed package provides under `name` (entry points, group `lagrl.cli.commands`).

    This library never imports what builds on it; it only finds it.

    Raises
    ------
    UnknownNameError
        If no package provides such a command.
    MissingExtraError
        If it needs a package that is not installed.
    """
    installed = {point.name: point for point in entry_points(group="lagrl.cli.commands")}
    if name not in installed:
        raise UnknownNameError.of("command", name.replace("-", " "), (known.replace("-", " ") for known in installed))
    try:
        command: Callable[[list[str]], int | None] = installed[name].load()
    except ModuleNotFoundError as error:
        if (error.name or "").startswith("train"):  # hidden by another file of this name
            raise
        raise MissingExtraError.of(error.name or "a package", "rl", f"lagrl {name.replace('-', ' ')}") from error
    return command
