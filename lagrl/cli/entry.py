"""Entry point of the command line: the list of commands, and the handling of arguments and errors.

Each command is a module of its own, imported only when it is called. A user's mistake becomes one line on stderr and
exit code 2.
"""

from __future__ import annotations

import importlib
import inspect
import io
import os
import signal
import sys
import warnings
from typing import TYPE_CHECKING, Protocol

from lagrl import __version__
from lagrl.errors import InputError, LagrlError, UnknownNameError
from lagrl.printable import one_line, say

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

COMMANDS = {
    "solve": "Find routes for one instance.",
    "bound": "Compute a lower bound on the cost of every solution of an instance.",
    "eval": "Run controllers on instances; each run becomes a row of a file.",
    "report": "Compare the controllers of result rows, with statistics.",
    "merge": "Join the files of shards into the file of an undivided run.",
    "list": "List the names of controllers, samplers, seedings, instances or backends.",
    "paper": "Make the figures and tables of the reference, published numbers beside ours.",
    "generate": "Generate random instances as CVRPLIB files.",
    "fetch": "Download CVRPLIB instances and their best known solutions.",
    "demo": "Solve the bundled instances with several controllers, and draw a picture.",
    "devices": "Print qubits, errors and queues of quantum computers and fake backends.",
    "journal": "Summarise a journal: sampler calls, pending jobs, charges.",
    "traces": "Collect decisions about backends and circuits, to train a bandit.",
    "carbon": "Place a language model's layers on devices over a day at least emissions.",
    "doctor": "Check this installation: packages, kernels, data and foreign folders.",
    "train": "Train a policy or a bandit.",
    "cascade": "Choose a language model for each task: LLM cascade routing.",
}
_MODULES = {"eval": "evaluate"}  # where a command's module has another name
_WITH_ACTIONS = ("cascade", "carbon")  # each action is a command with options of its own


class Command(Protocol):
    """Arguments of one command, and its action; the exit code is 0 unless `run` returns another."""

    def run(self) -> int | None:
        """Execute the command; return its exit code."""
        ...


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; return the exit code.

    0: done. 1: `doctor` found a problem. 2: the user's mistake, explained in one line on stderr. 130: interrupted.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    if arguments == ["--version"]:
        print(f"lagrl {__version__}")
        return 0
    if argv is None:  # the process is ours
        warnings.showwarning = _warn
        signal.signal(signal.SIGTERM, signal.default_int_handler)  # to end as after Ctrl-C: workers gone, rows kept
    return run_guarded("lagrl", lambda: _run(arguments))


def run_guarded(prog: str, body: Callable[[], int | None]) -> int:
    """Run a command's body and return the exit code; errors become one line on stderr.

    Parameters
    ----------
    prog
        Name at the start of that line.
    body
        The command; its exit code is 0 if it returns None.
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
        _print_error(str(error), prog)
        return 2
    except ImportError as error:
        from lagrl.doctor.shadowing import shadowing_source

        source = shadowing_source(error)
        if source is None:
            raise
        remedy = "rename it, or run in another folder"
        _print_error(f"{source}: hides a package of lagrl ({error.name}); {remedy}", prog)
        return 2
    except BrokenPipeError:  # the reader (head, less) has closed its end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as error:
        place = "" if error.filename is None else f"{error.filename}: "
        _print_error(f"{place}cannot write the output ({error.strerror or error}); check where it goes", prog)
        return 2
    except KeyboardInterrupt:
        _print_error("interrupted", prog)
        return 130


def _run(arguments: list[str]) -> int | None:
    if arguments and arguments[0] in ("-h", "--help"):
        print(_overview())
        raise SystemExit(0)  # as tyro does after the help of a command
    if not arguments:
        raise InputError("no command given", remedy=f"give one of {', '.join(COMMANDS)}; see lagrl --help")
    name, *rest = arguments
    if name not in COMMANDS:
        is_instance = name.endswith(".vrp") or "-n" in name
        hint = f"; lagrl solve {name} solves an instance" if is_instance else "; see lagrl --help"
        raise UnknownNameError.of("command", name, COMMANDS, hint=hint)
    if name == "train" and rest and not rest[0].startswith("-"):
        from lagrl.cli.train import installed_command

        return installed_command(f"train-{rest[0]}")(rest[1:])
    from lagrl.cli.arguments import parse_arguments

    if name in _WITH_ACTIONS and rest and not rest[0].startswith("-"):
        actions = importlib.import_module(f"lagrl.cli.{name}").ACTIONS
        if rest[0] not in actions:
            raise UnknownNameError.of("action", rest[0], actions, hint=f"; see lagrl {name} --help")
        text = inspect.getdoc(actions[rest[0]]) or ""
        action: Command = parse_arguments(actions[rest[0]], rest[1:], prog=f"lagrl {name} {rest[0]}", description=text)
        return action.run()
    command_type = getattr(importlib.import_module(f"lagrl.cli.{_MODULES.get(name, name)}"), f"{name.title()}Command")
    details = (inspect.getdoc(command_type) or "").partition("\n\n")[2]
    description = f"{COMMANDS[name]}\n\n{details}".strip()
    command: Command = parse_arguments(command_type, rest, prog=f"lagrl {name}", description=description)
    return command.run()


def _overview() -> str:
    width = max(map(len, COMMANDS))
    return "\n".join(
        [
            "usage: lagrl [-h] [--version] COMMAND …",
            "",
            "Vehicle routing through a Lagrangian dual, one small knapsack per vehicle.",
            "",
            *(f"  {name:<{width}}  {summary}" for name, summary in COMMANDS.items()),
            "",
            "lagrl COMMAND --help lists the options of a command.",
        ]
    )


_warned: set[str] = set()  # Python's own memory is cleared by every change of its filters


def _warn(message: Warning | str, *_: object, **__: object) -> None:
    text = one_line(str(message))
    if text not in _warned:
        _warned.add(text)
        say(f"lagrl: warning: {text}", error=True)


def _print_error(message: str, prog: str) -> None:
    say(f"{prog}: error: {one_line(message)}", error=True)
