"""The help pages: every command and option is explained, and the texts come from the configurations."""

from __future__ import annotations

import re
import subprocess
import sys

import pytest

from lagrl.bench.collect import Collection
from lagrl.bench.evaluation import Evaluation
from lagrl.cli import entry as cli
from lagrl.cli.options import attribute_texts
from lagrl.solver import SolveConfig


def plain(text: str) -> str:
    """Return a text in one line, without the lines of boxes."""
    return " ".join(re.sub(r"[│╭╮╰╯─]", " ", text).split())


def help_of(capsys: pytest.CaptureFixture[str], command: str) -> str:
    """Return the help page of a command."""
    with pytest.raises(SystemExit):
        cli.main([command, "--help"])
    return capsys.readouterr().out


@pytest.mark.parametrize("command", cli.COMMANDS)
def test_every_option_states_its_default(capsys: pytest.CaptureFixture[str], command: str) -> None:
    """Each option has a text of its own, and the text or the parser names the default or that it is required."""
    page = help_of(capsys, command)
    assert cli.COMMANDS[command] in page
    for option in map(plain, re.split(r"^│ (?=--)", page, flags=re.MULTILINE)[1:]):
        assert re.search(r"default|required", option), option
        assert len(option.split()) >= 5, option


@pytest.mark.parametrize(("command", "config"), [("solve", SolveConfig), ("eval", Evaluation), ("traces", Collection)])
def test_options_are_explained_by_their_configuration(
    capsys: pytest.CaptureFixture[str], command: str, config: type
) -> None:
    """The help of an option is the field's entry in the docstring."""
    page = plain(help_of(capsys, command))
    texts = attribute_texts(config)
    hidden = {"instances", "problems", "options"}
    assert set(config.__dataclass_fields__) == set(texts)
    for name in set(texts) - hidden:
        assert texts[name][1:].removesuffix(".") in page


def test_the_overview_lists_every_command_and_loads_none() -> None:
    """`lagrl --help` imports neither tyro nor numpy, so it is printed at once."""
    code = "import sys; from lagrl.cli.entry import main\ntry: main(['--help'])\nexcept SystemExit: pass\n"
    code += "print(sorted({'tyro', 'numpy', 'rich'} & set(sys.modules)))"
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.splitlines()[-1] == "[]"
    assert all(f"  {name} " in printed and summary in printed for name, summary in cli.COMMANDS.items())
