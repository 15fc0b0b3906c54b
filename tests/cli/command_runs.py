"""Commands run in this process, in another one or on a terminal, and the files they are run on."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from typing import TYPE_CHECKING, Any

from lagrl.cli import entry as cli
from lagrl.problems.bundled import bundled_path

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

SMALL = str(bundled_path("G-n16-k3"))
GOOD = """\
NAME : tiny
TYPE : CVRP
DIMENSION : 4
EDGE_WEIGHT_TYPE : EUC_2D
CAPACITY : 10
NODE_COORD_SECTION
1 0 0
2 3 4
3 6 8
4 0 2
DEMAND_SECTION
1 0
2 5
3 5
4 7
DEPOT_SECTION
1
-1
EOF
"""


def output_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run a command that must succeed and return what it printed."""
    assert cli.main(arguments) == 0
    return capsys.readouterr().out


def solved(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    """Solve with --json and return the object."""
    record: dict[str, Any] = json.loads(output_of(capsys, "solve", *arguments, "--json"))
    return record


def error_of(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    """Run a command that must fail with exit code 2, and return its one line of stderr."""
    assert cli.main(arguments) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.count("\n") == 1
    assert printed.err.startswith("lagrl: error: ")
    assert "Traceback" not in printed.err
    return printed.err


def contents(folder: Path) -> set[str]:
    """Return everything below a folder."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def run_script(*command: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run a command in a new process, outside the checkout."""
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120, check=False)


def on_a_terminal(*arguments: str) -> tuple[int, str]:
    """Run Python under a pseudo-terminal of 80 columns; return the exit code and everything it printed."""
    import pty

    ours, theirs = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "80"}
    with subprocess.Popen(
        [sys.executable, *arguments], stdin=theirs, stdout=theirs, stderr=theirs, env=environment
    ) as process:
        os.close(theirs)
        printed = b""
        with contextlib.suppress(OSError):  # how Linux reports that the other end is closed
            while part := os.read(ours, 65536):
                printed += part
    os.close(ours)
    return process.returncode, printed.decode()


def timeless(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record without its seconds."""
    kept = {key: value for key, value in record.items() if "seconds" not in key}
    return {**kept, "history": [[evaluations, cost] for evaluations, _, cost in record["history"]]}
