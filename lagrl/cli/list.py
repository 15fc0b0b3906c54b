"""The command `lagrl list`: the names that options accept, with one line of explanation each."""

from __future__ import annotations

import inspect
from dataclasses import dataclass
from typing import Annotated, Literal

import tyro

from lagrl.cli.options import Folder
from lagrl.errors import InputError
from lagrl.printable import say

Kind = Annotated[
    Literal["controllers", "samplers", "seedings", "instances", "backends"],
    tyro.conf.Positional,
    tyro.conf.arg(metavar="controllers|samplers|seedings|instances|backends"),
]


@dataclass(frozen=True)
class ListCommand:
    """Options of `lagrl list`."""

    kind: Kind
    """what to list; backends are the fake ones of noisy:BACKEND, see `lagrl devices` for those of an account"""
    data: Folder = None
    """folder of CVRPLIB files whose instances are listed too (default: the environment variable LAGRL_DATA)"""

    def run(self) -> None:
        """Print one line per name."""
        listed = {
            "controllers": _controllers,
            "samplers": _samplers,
            "seedings": _seedings,
            "backends": _backends,
        }
        lines = _instances(self.data) if self.kind == "instances" else listed[self.kind]()
        width = max(map(len, lines))
        for name, text in lines.items():
            say(f"{name:<{width}}  {text}")


def _controllers() -> dict[str, str]:
    from lagrl.controllers.registry import SUMMARIES

    return {
        **SUMMARIES,
        "learned": "bundle from the start of a trained policy, without torch (learned:PATH is another policy)",
        "checkpoints/NAME": "trained policy of the folder checkpoints/, or of any other path with a slash",
        "module:attribute": "class or function of your own that makes a controller",
    }


def _samplers() -> dict[str, str]:
    from lagrl.samplers.families import FAMILIES, OWN

    return {family.form: family.summary for family in (*FAMILIES.values(), OWN)}


def _seedings() -> dict[str, str]:
    from lagrl.relaxation.seeding import SEEDINGS

    return {name: (inspect.getdoc(rule) or "").partition("\n")[0].removesuffix(".") for name, rule in SEEDINGS.items()}


def _instances(data: Folder) -> dict[str, str]:
    from lagrl.problems.bundled import bundled_names, read_bundled
    from lagrl.problems.locate import data_folder

    found = {}
    for problem in map(read_bundled, bundled_names()):
        size = f"{problem.n_customers} customers, at least {problem.minimum_vehicles} vehicles"
        found[problem.name] = f"bundled: {size}, best known {problem.best_known:.10g}"
    try:
        folder = data_folder(data)
    except InputError:
        if data is not None:
            raise
        return found
    files = sorted((*folder.glob("*.vrp"), *folder.glob("*/*.vrp")))
    return {**found, **{path.stem: str(path) for path in files}}


def _backends() -> dict[str, str]:
    from lagrl.quantum.devices.fakes import fake_sizes

    return {
        name: f"calibration snapshot of the device {name.removeprefix('Fake')}, {qubits} qubits"
        for name, qubits in fake_sizes().items()
    }
