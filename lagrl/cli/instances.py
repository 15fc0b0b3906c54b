"""Options that name the instances of a command: one file, or files and a suite."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from lagrl.bench.suites import suite
from lagrl.cli.options import File, Files, FleetRule, Folder, Text
from lagrl.problems.cvrplib import read_instance
from lagrl.problems.locate import resolve_instance

if TYPE_CHECKING:
    from pathlib import Path

    from lagrl.problems.cvrp import CVRP


@dataclass(frozen=True)
class InstanceOptions:
    """One instance, its fleet rule and its rounding."""

    file: File
    """CVRPLIB .vrp file, or the name of a bundled instance or of one in --data"""
    fleet: FleetRule = None
    """fleet rule: exact:K, atleast:K or free (default: the rule of the benchmark family)"""
    rounding: Literal["auto", "nint", "none"] = "auto"
    """distances: rounded as in CVRPLIB (nint), exact (none), or as usual in the instance's set (auto)"""
    data: Folder = None
    """folder of CVRPLIB files (default: the environment variable LAGRL_DATA)"""

    def path(self) -> Path:
        """Return the instance's file."""
        return resolve_instance(self.file, self.data)

    def read(self) -> CVRP:
        """Return the instance under its fleet rule."""
        return read_instance(self.path(), fleet=self.fleet, rounding=self.rounding)


@dataclass(frozen=True)
class InstancesOptions:
    """Several instances, by file or name, or as a suite."""

    files: Files = ()
    """CVRPLIB .vrp files, or names of instances (default: those of --suite)"""
    suite: Text = None
    """suite of instances, in addition to files: paper30 or bundled (default: none)"""
    data: Folder = None
    """folder of CVRPLIB files (default: the environment variable LAGRL_DATA)"""

    def paths(self) -> tuple[Path, ...]:
        """Return the instances' files; empty if none is named."""
        names = [*self.files, *(suite(self.suite) if self.suite else ())]
        return tuple(resolve_instance(name, self.data) for name in names)


OneInstance = Annotated[InstanceOptions, tyro.conf.arg(name="")]
ManyInstances = Annotated[InstancesOptions, tyro.conf.arg(name="")]
