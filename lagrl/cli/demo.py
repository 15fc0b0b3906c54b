"""The command `lagrl demo`: several controllers on the bundled instances."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from lagrl.bench.demo import CONTROLLERS, demo
from lagrl.cli.options import Names

Target = Annotated[Path, tyro.conf.arg(metavar="DIR")]


@dataclass(frozen=True)
class DemoCommand:
    """Options of `lagrl demo`.

    A table of gaps and seconds is printed, and a picture of routes and dual ascents is drawn.
    """

    out: Target = Path("demo")
    """folder for the picture, created if it is missing"""
    controllers: Names = CONTROLLERS
    """controllers to compare (see `lagrl list controllers`)"""
    evaluations: int = 200
    """budget per instance and controller, in evaluations"""
    seed: int = 0
    """random seed of every solve"""

    def run(self) -> None:
        """Solve the instances, print the table and draw the picture."""
        demo(
            self.out,
            controllers=self.controllers,
            evaluations=self.evaluations,
            seed=self.seed,
            progress=sys.stderr.isatty(),
        )
