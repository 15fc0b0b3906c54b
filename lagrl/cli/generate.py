"""The command `lagrl generate`: random instances as CVRPLIB files."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import tyro

from lagrl.cli.options import attribute_texts
from lagrl.cli.progress import waiting_bar
from lagrl.errors import InputError, OutputError
from lagrl.io.atomic import require_writable
from lagrl.printable import say
from lagrl.problems.cvrplib import write_instance
from lagrl.problems.generate import XTypeParams, drawer

_TEXTS = attribute_texts(XTypeParams)
CHARACTERISTICS = ("depot", "customers", "demand", "route_length", "n_seeds")


def _drawn(name: str, metavar: str) -> Any:
    """Return the annotation of a characteristic that is drawn at random unless it is given."""
    return tyro.conf.arg(
        metavar=metavar, help=f"{_TEXTS[name].removesuffix('.')} (default: drawn)", help_behavior_hint=""
    )


Target = Annotated[Path, tyro.conf.arg(metavar="DIR")]
Kind = Annotated[str, tyro.conf.arg(metavar="X|roads")]
Depot = Annotated[str | None, _drawn("depot", "C|E|R")]
Customers = Annotated[str | None, _drawn("customers", "R|C|RC")]
Demand = Annotated[str | None, _drawn("demand", "U|1-10|5-10|1-100|50-100|Q|SL")]
RouteLength = Annotated[float | None, _drawn("route_length", "R")]
Seeds = Annotated[int | None, _drawn("n_seeds", "N")]


@dataclass(frozen=True)
class GenerateCommand:
    """Options of `lagrl generate`.

    The instances are of the X type (Uchoa et al. 2017), or by road with --kind roads. Characteristics that are not
    given are drawn for each instance.
    """

    out: Target
    """existing folder for the files"""
    n_customers: int = 100
    """number of customers, the depot excluded"""
    kind: Kind = "X"
    """X, or roads: few dense cities far from the depot, of which only distances by road are known"""
    depot: Depot = None
    customers: Customers = None
    demand: Demand = None
    route_length: RouteLength = None
    n_seeds: Seeds = None
    count: int = 1
    """number of instances"""
    seed: int = 0
    """random seed; instance j of a seed does not depend on --count"""
    overwrite: bool = False
    """replace files of the same name"""

    def run(self) -> None:
        """Write the files and print their paths."""
        for path in self._files():
            say(path)

    def _files(self) -> Iterator[Path]:
        if self.count < 1 or self.seed < 0:
            field, value, least = ("count", self.count, 1) if self.count < 1 else ("seed", self.seed, 0)
            raise InputError(f"{value} given", field=field, remedy=f"give {least} or more")
        given = {name: getattr(self, name) for name in CHARACTERISTICS if getattr(self, name) is not None}
        for number in range(self.count):
            rng = np.random.default_rng([self.seed, number])
            with waiting_bar(f"drawing instance {number + 1} of {self.count}"):
                problem = drawer(self.kind)(rng, self.n_customers, given)
            name = f"{problem.name}-s{self.seed}" + (f"-{number}" if self.count > 1 else "")
            path = Path(self.out) / f"{name}.vrp"
            require_writable(path)
            if path.exists() and not self.overwrite:
                raise OutputError(f"{path}: exists; give --overwrite or another folder")
            with waiting_bar(f"writing {path.name}"):
                write_instance(replace(problem, name=name), path)
            yield path
