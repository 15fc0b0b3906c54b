"""The command `lagrl doctor`: check this installation."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from lagrl.doctor.checks import diagnose, render, to_json
from lagrl.printable import say

Folder = Annotated[Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="")]  # of options: it imports numpy


@dataclass(frozen=True)
class DoctorCommand:
    """Options of `lagrl doctor`.

    The exit code is 1 if a problem is found.
    """

    data: Folder = None
    """folder of CVRPLIB files (default: the environment variable LAGRL_DATA)"""
    json: bool = False
    """print one JSON object instead of text"""

    def run(self) -> int:
        """Make all checks and print what they found."""
        findings = diagnose(self.data)
        if self.json:
            print(to_json(findings))
        else:
            say(*render(findings).split("\n"))
        return 1 if any(finding.status == "problem" for finding in findings) else 0
