"""The command `lagrl fetch`: download instances and their best known solutions."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from lagrl.bench.suites import suite
from lagrl.cli.options import Text
from lagrl.errors import InputError
from lagrl.printable import say
from lagrl.problems.fetch import fetch

Target = Annotated[Path, tyro.conf.arg(metavar="DIR")]
Names = Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="NAMES…", help_behavior_hint="")]


@dataclass(frozen=True)
class FetchCommand:
    """Options of `lagrl fetch`.

    Each file is parsed before it is kept.
    """

    to: Target
    """existing folder for the files"""
    names: Names = ()
    """instance names, such as X-n101-k25 (default: those of --suite)"""
    suite: Text = None
    """suite of instances, in addition to names: paper30 (default: none)"""
    url: Text = None
    """address with {set}, {name} and {ext} (default: the environment variable LAGRL_FETCH_URL, else CVRPLIB's site)"""
    max_megabytes: float = 16.0
    """largest file accepted, MiB"""
    timeout: float = 30.0
    """time limit of one file, seconds"""
    no_solutions: bool = False
    """do not download the .sol files"""
    overwrite: bool = False
    """also download files that exist and can be read"""

    def run(self) -> None:
        """Download the files and print their paths."""
        names = [*self.names, *(suite(self.suite) if self.suite else ())]
        for option, value, most in (("--max-megabytes", self.max_megabytes, 1e6), ("--timeout", self.timeout, 1e6)):
            if not 0 < value <= most:
                raise InputError(f"{value} given", field=option, remedy=f"give a number above 0, at most {most:g}")
        if not names:
            raise InputError("no instance named", field="NAMES", remedy="give names or --suite paper30")
        fetch(
            names,
            self.to,
            url_template=self.url,
            max_bytes=int(self.max_megabytes * 2**20),
            timeout=self.timeout,
            overwrite=self.overwrite,
            solutions=not self.no_solutions,
            progress=say,
        )
