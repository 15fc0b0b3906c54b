"""Text from files and names reaches terminals, tables and spreadsheets without effect, and in limited length."""

from __future__ import annotations

import ast
import pickle
from pathlib import Path
from typing import Any

import pytest

import lagrl
from lagrl.cli.entry import main
from lagrl.errors import InputError, OutputError, UnknownNameError
from lagrl.io.records import read_fields
from lagrl.printable import LINE, VALUE, one_line, say, shown

EVIL = "\x1b[2J\x1b]0;title\x07\u202e\r\n# heading\x9b1m"
PACKAGE = Path(lagrl.__file__).parent


def is_plain(text: str) -> bool:
    """Whether each line of the text is visible as it is."""
    return all(line.isprintable() for line in text.split("\n"))


def test_control_characters_are_escaped_and_letters_kept() -> None:
    """What acts on a terminal is shown as Python writes it; accents, Greek and dashes are not changed."""
    assert one_line("a\x1b[2J\tb\n# c") == "a\\x1b[2J b # c"
    assert one_line("naïve λ — 漢 …") == "naïve λ — 漢 …"
    assert is_plain(one_line(EVIL))
    assert len(one_line("x" * 10**6)) == LINE


def test_large_values_are_shown_in_short() -> None:
    """No value makes a message long, and none is written as a whole first."""
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    for value in ("x" * 10**7, [0] * 10**6, dict.fromkeys(range(10**5)), 10**20_000, deep, EVIL):
        text = shown(value)
        assert len(text) <= VALUE
        assert is_plain(text)
    assert shown(None) == "null"
    assert shown("a") == "'a'"


@pytest.mark.parametrize(
    "error",
    [
        InputError(f"{EVIL * 1000} given", source=f"{EVIL}.vrp", field=EVIL, remedy=f"no {EVIL}"),
        OutputError(f"{EVIL}: is a folder"),
        UnknownNameError.of("sampler", EVIL * 1000, ["exact"]),
    ],
)
def test_messages_of_errors_are_one_short_plain_line(error: Exception) -> None:
    """Whatever value an error is about, its message is one line, also after it was pickled."""
    for text in (str(error), str(pickle.loads(pickle.dumps(error)))):
        assert is_plain(text)
        assert "\n" not in text
        assert len(text) < 1000


def test_unknown_keys_are_named_in_short() -> None:
    """Keys of a file are escaped, and only some of many are listed."""
    record = {f"{EVIL}{number}": 0 for number in range(10_000)}
    with pytest.raises(InputError, match="unknown") as caught:
        read_fields(record, {}, source="file", remedy="none")
    assert is_plain(str(caught.value))
    assert len(str(caught.value)) < 900


def test_printed_lines_are_plain(capsys: pytest.CaptureFixture[str]) -> None:
    """Each line stays one line, and is cut where it is very long."""
    say("first", f"  second{EVIL}", "x" * 10_000, error=True)
    printed = capsys.readouterr().err
    assert is_plain(printed)
    assert printed.startswith("first\n  second\\x1b[2J")
    assert printed.count("\n") == 3
    assert max(map(len, printed.split("\n"))) == LINE


@pytest.mark.parametrize(
    "arguments",
    [["solve", f"missing{EVIL}.vrp"], ["solve", "G-n16-k3", "--sampler", EVIL], ["report", EVIL], [f"bad{EVIL}" * 500]],
)
def test_commands_print_names_escaped(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A name with escape sequences is an error of one plain line."""
    assert main(arguments) == 2
    printed = capsys.readouterr().err
    assert is_plain(printed)
    assert printed.count("\n") == 1
    assert len(printed) < 2 * LINE


def test_commands_print_through_one_function() -> None:
    """Commands call `say`; `print` is only for JSON and for reports, which are made safe where they are rendered."""
    folders = [PACKAGE / "cli", PACKAGE.parent / "train"]
    calls = [
        f"{path.name}: {ast.unparse(node)}"
        for folder in folders
        for path in folder.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    allowed = ("json", "_overview", "__version__", "report.py", "self._stream")
    assert [call for call in calls if not any(word in call for word in allowed)] == []
