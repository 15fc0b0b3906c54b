"""Export of models of Stable-Baselines3 to checkpoints: `python -m policies.export`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from lagrl.cli.entry import run_guarded
from lagrl.errors import MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Sequence

_EXTRA = ("torch", "torch_geometric", "gymnasium", "stable_baselines3", "safetensors")


def main(argv: Sequence[str] | None = None) -> int:
    """Export a saved model; return the exit code, 2 for a user's error.

    Parameters
    ----------
    argv
        The arguments; the process's own if None.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    return run_guarded("python -m policies.export", lambda: _run(arguments))


def _run(arguments: list[str]) -> None:
    try:
        from policies.export.command import run
    except ModuleNotFoundError as error:
        package = (error.name or "").partition(".")[0]
        if package not in _EXTRA:
            raise
        raise MissingExtraError.of(package, "rl", "the export of a model") from error
    run(arguments)
