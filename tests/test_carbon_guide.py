"""The guide on carbon-aware placement: its blocks run, and its commands give the printed figures."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from lagrl.cli.entry import main
from lagrl.problems.carbon.instance import read_carbon

PAGE = (Path(__file__).parent.parent / "docs" / "guide" / "where-to-run-a-model.md").read_text(encoding="utf-8")


def test_commands_print_what_the_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first two commands give the emissions and the saving of the page."""
    monkeypatch.chdir(tmp_path)
    (generate,) = re.findall(r"^    lagrl (carbon generate tonight.json --layers .*)$", PAGE, flags=re.MULTILINE)
    assert main(generate.split()) == 0
    capsys.readouterr()
    assert main(["carbon", "solve", "tonight.json"]) == 0
    printed = capsys.readouterr().out.splitlines()
    for line in printed[:2]:
        assert f"    {line}\n" in PAGE
    for number in re.findall(r"\d+\.\d+ %", printed[2]):
        assert number in PAGE


@pytest.mark.parametrize("generation", [0, 1])
def test_a_file_of_either_generation_is_used_as_the_page_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, generation: int
) -> None:
    """With the page's header over hours of two zones, its command makes an instance with the life-cycle intensities."""
    monkeypatch.chdir(tmp_path)
    header = re.findall(r"```csv\n(.*?)\n```", PAGE)[generation]
    columns = header.split(",")
    values = {"datetime (utc)": "2024-03-01 {hour:02}:00:00", "zone id": "{zone}"}
    cells = [
        values.get(name.casefold(), "{life}" if name.endswith(("(Life cycle)", "(LCA)")) else "1") for name in columns
    ]
    hours = [(zone, hour, 100 * k + hour) for k, zone in enumerate(("SE", "DE"), start=1) for hour in range(24)]
    lines = [",".join(cells).format(zone=zone, hour=hour, life=life) for zone, hour, life in hours]
    Path("SE-DE-2024-hourly.csv").write_text("\n".join([header, *lines]), encoding="utf-8")
    (command,) = re.findall(r"lagrl (carbon generate tonight.json --zones SE.*?--day \S+)", PAGE, flags=re.DOTALL)
    assert main(shlex.split(command.replace("\\\n", " "))) == 0
    instance = read_carbon("tonight.json")
    assert instance.intensity_kind == "life cycle"
    assert instance.intensity_g_per_kwh["DE"][23] == 223


def test_blocks_run(capsys: pytest.CaptureFixture[str]) -> None:
    """The Python blocks run in order in one session."""
    pytest.importorskip("qiskit_aer")
    names: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL):
        exec(compile(block, "where-to-run-a-model.md", "exec"), names)
    first, second = capsys.readouterr().out.splitlines()
    assert first == "4361.7 (24, 48) 0.0"
    circuit, product = map(int, re.findall(r"(\d+) %", second))
    assert circuit < product
