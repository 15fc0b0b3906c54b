"""The small generated instances in the package, each with a reference solution.

Their best known costs come from long PyVRP runs and are not proven.
"""

from __future__ import annotations

import re
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING

from lagrl.errors import UnknownNameError
from lagrl.problems.cvrplib import read_instance

if TYPE_CHECKING:
    from lagrl.problems.cvrp import CVRP


def bundled_names() -> tuple[str, ...]:
    """Return the names of the bundled instances, the smallest first."""
    return tuple(sorted((path.stem for path in _folder().glob("*.vrp")), key=_dimension))


def bundled_path(name: str) -> Path:
    """Return the `.vrp` file of a bundled instance; its `.sol` is in the same folder.

    Raises UnknownNameError if there is no such instance.
    """
    names = bundled_names()
    if name not in names:
        raise UnknownNameError.of("bundled instance", name, names)
    return _folder() / f"{name}.vrp"


def read_bundled(name: str) -> CVRP:
    """Read a bundled instance, with the cost of its reference solution as best known cost.

    Raises UnknownNameError if there is no such instance.
    """
    return read_instance(bundled_path(name))


def _folder() -> Path:
    return Path(str(resources.files("lagrl.problems"))) / "data" / "bundled"


def _dimension(name: str) -> tuple[int, str]:
    match = re.search(r"-n(\d+)", name)
    return (int(match[1]) if match else 0, name)
