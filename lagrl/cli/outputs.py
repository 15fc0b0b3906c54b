"""Checks that a result does not replace a file that is needed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lagrl.errors import OutputError, SolutionError

if TYPE_CHECKING:
    from pathlib import Path


def keep_inputs(out: Path, *inputs: Path) -> None:
    """Refuse to write a result over a file that it is made from.

    Raises
    ------
    OutputError
        If `out` is one of the inputs.
    """
    for path in inputs:
        if out.exists() and path.exists() and out.samefile(path):
            raise OutputError(f"{out}: the result is made from this file; give another name")


def keep_reference(out: Path, instance: Path) -> None:
    """Refuse to replace the published solution beside an instance by a solution of lagrl.

    Raises
    ------
    OutputError
        If `out` is that file and lagrl did not write it, in whatever format it is.
    """
    beside = instance.with_suffix(".sol")
    if out.exists() and beside.exists() and out.samefile(beside) and not _is_ours(beside):
        raise OutputError(f"{out}: is the instance's reference solution; give another name")


def _is_ours(solution: Path) -> bool:
    from lagrl.problems.cvrplib import solver_of

    try:
        return solver_of(solution) is not None
    except SolutionError:
        return False
