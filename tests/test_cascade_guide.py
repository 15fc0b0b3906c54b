"""The commands of docs/guide/which-model-for-which-prompt.md run in the order of the page and print what it shows."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from lagrl.cli import entry as cli

PAGE = (Path(__file__).parent.parent / "docs/guide/which-model-for-which-prompt.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```(\w+) ?(\S*)\n(.*?)```", PAGE, flags=re.DOTALL)
SECONDS = re.compile(r"^\w+, [0-9.]+ s$", re.MULTILINE)


def test_the_page_runs_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Files of the page are written, its commands run, and each shown output follows, except for seconds."""
    pytest.importorskip("matplotlib")
    pytest.importorskip("qiskit_aer")
    monkeypatch.chdir(tmp_path)
    printed, shown, codes = "", 0, []
    for kind, name, text in BLOCKS:
        if name:
            (tmp_path / name).write_text(text)
        elif kind == "bash":
            printed = ""
            for line in text.splitlines():
                codes.append(cli.main(shlex.split(line, comments=True)[1:]))
                found = capsys.readouterr()
                printed += found.out + found.err
        else:
            shown += 1
            expected = SECONDS.sub("", text).split("capacitated\n")[0]  # ruin and recreate depends on the clock
            for line in expected.splitlines():
                assert line in printed
    assert (shown, codes.count(2), len(codes)) == (5, 1, 9)
    assert (tmp_path / "answer.svg").exists()
    assert len((tmp_path / "answer.csv").read_text().splitlines()) == 2001
