"""The command line: `lagrl solve | bound | eval | report | generate | fetch | demo | journal | devices | traces | …`.

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
from typing import TYPE_CHECKING, TypeVar

import tyro

from lagrl import __version__
from lagrl.cli.commands import COMMANDS, Command, installed_command
from lagrl.errors import InputError, LagrlError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

T = TypeVar("T")


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code.

    0: done. 1: `doctor` found a problem. 2: the user's mistake, told in one line on stderr. 130: interrupted.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments == ["--version"]:
        print(f"lagrl {__version__}")
        return 0
    if argv is None:  # the process is ours
        warnings.showwarning = _warn
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # to end as after Ctrl-C: workers gone, rows kept
    return carry_out("lagrl", lambda: _run(arguments))


def carry_out(prog: str, body: Callable[[], int | None]) -> int:
    """Run a command's body and return the exit code; what goes wrong becomes one line on stderr.

    Parameters
    ----------
    prog
        Who speaks in that line.
    body
        The command; its exit code is 0 where it gives none.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal without λ or — must not end the run
    if "" not in sys.path:
        sys.path.append("")  # the current folder, for --controller module:attribute
    try:
        code = body() or 0
        sys.stdout.flush()
        return code
    except LagrlError as error:
        _complain(str(error), prog)
        return 2
    except BrokenPipeError:  # the reader (head, less) has seen enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        place = "" if error.filename is None else f"{error.filename}: "
        _complain(f"{place}cannot write the output ({error.strerror or error}); check where it goes", prog)
        return 2
    except KeyboardInterrupt:
        _complain("interrupted", prog)
        return 130


def parsed(parse: Callable[[], T], *, help_hint: str) -> T:
    """Let tyro read arguments; its boxed complaint becomes one line.

    Parameters
    ----------
    parse
        Calls tyro.
    help_hint
        Added to a complaint that does not name `--help` itself.

    Raises
    ------
    InputError
        If the arguments cannot be read.
    """
    complaint = io.StringIO()
    try:
        with contextlib.redirect_stderr(complaint):
            return parse()
    except SystemExit as stop:
        if not stop.code:
            raise
        # below the title of a box that is drawn with dashes and blanks where the terminal is not UTF-8
        lines = [line.strip(" │") for line in complaint.getvalue().splitlines()[1:]]
        said = " ".join(line for line in lines if line.strip("─-╰╯"))
        for detail in (" Argument helptext:", " Got errors:"):
            said = said.partition(detail)[0]
        raise InputError(said if "--help" in said else f"{said} {help_hint}") from None


def _run(arguments: list[str]) -> int | None:
    if arguments[:1] == ["train"] and len(arguments) > 1 and not arguments[1].startswith("-"):
        return installed_command(f"train-{arguments[1]}")(arguments[2:])
    command: Command = parsed(
        lambda: tyro.extras.subcommand_cli_from_dict(
            COMMANDS,
            args=arguments,
            prog="lagrl",
            description="Vehicle routing through a Lagrangian dual, one small knapsack per vehicle.",
            config=(tyro.conf.FlagCreatePairsOff,),
        ),
        help_hint="See lagrl --help",
    )
    return command.run()


def _warn(message: Warning | str, *_: object, **__: object) -> None:
    print(f"lagrl: warning: {' '.join(str(message).split())}", file=sys.stderr)


def _complain(message: str, prog: str) -> None:
    print(f"{prog}: error: {' '.join(message.split())}", file=sys.stderr)
