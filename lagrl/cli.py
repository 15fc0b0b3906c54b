"""The command line: `lagrl solve | eval | report | generate | fetch | demo | doctor`.

Thin on purpose: arguments in, command run, answer out (`commands` has them). A user's mistake becomes one line on
stderr and exit code 2.
"""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
import warnings
from typing import TYPE_CHECKING

import tyro

from lagrl import __version__
from lagrl.commands import COMMANDS, Command
from lagrl.errors import InputError, LagrlError

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code.

    0: done. 1: `doctor` found a problem. 2: the user's mistake, told in one line on stderr. 130: interrupted.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments == ["--version"]:
        print(f"lagrl {__version__}")
        return 0
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without λ or — must not end the run
    if "" not in sys.path:
        sys.path.append("")  # the current folder, for --controller module:attribute
    if argv is None:  # the process is ours
        warnings.showwarning = _warn
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # to end as after Ctrl-C: workers gone, rows kept
    try:
        command = _parse(arguments)
        code = command.run() or 0
        sys.stdout.flush()
        return code
    except LagrlError as error:
        _complain(str(error))
        return 2
    except BrokenPipeError:  # the reader (head, less) has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        _complain(f"cannot write the output ({error.strerror or error}); check where it goes")
        return 2
    except KeyboardInterrupt:
        _complain("interrupted")
        return 130


def _parse(arguments: list[str]) -> Command:
    """Let tyro read the arguments; its boxed complaints become one line."""
    complaint = io.StringIO()
    try:
        with contextlib.redirect_stderr(complaint):
            parsed: Command = tyro.extras.subcommand_cli_from_dict(
                COMMANDS,
                args=arguments,
                prog="lagrl",
                description="Vehicle routing through a Lagrangian dual, one small knapsack per vehicle.",
                config=(tyro.conf.FlagCreatePairsOff,),
            )
            return parsed
    except SystemExit as stop:
        if not stop.code:
            raise
        # below the title of a box that is drawn with dashes and blanks where the terminal is not UTF-8
        lines = [line.strip(" │") for line in complaint.getvalue().splitlines()[1:]]
        said = " ".join(line for line in lines if line.strip("─-╰╯"))
        for detail in (" Argument helptext:", " Got errors:"):
            said = said.partition(detail)[0]
        raise InputError(said if "--help" in said else f"{said} See lagrl --help") from None


def _warn(message: Warning | str, *_: object, **__: object) -> None:
    print(f"lagrl: warning: {' '.join(str(message).split())}", file=sys.stderr)


def _complain(message: str) -> None:
    print(f"lagrl: error: {' '.join(message.split())}", file=sys.stderr)
