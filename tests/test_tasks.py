"""The guide's eleven tasks run as printed, each in at most eight lines of public names."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

PAGE = (Path(__file__).parent.parent / "docs" / "guide" / "tasks.md").read_text(encoding="utf-8")
TASKS = [
    (title, code)
    for title, body in re.findall(r"^## (\d+)\. [^\n]*\n(.*?)(?=^## |\Z)", PAGE, flags=re.DOTALL | re.MULTILINE)
    for code in re.findall(r"```python\n(.*?)```", body, flags=re.DOTALL)
]
EXTRAS = {
    "import gymnasium": "gymnasium",
    "lagrl.plot": "matplotlib",
    "lagrl.quantum.circuit": "qiskit",
    "import pandas": "pandas",
}
PRINTED = {
    "1": r"(?s)G-n51-k6 50 384 9249\.0\n.*G-n51-k6: 50 customers",
    "2": r"\[0\. 5\. 5\. 5\. 6\.\] G-n51-k\d+-s0: 50 customers",
    "3": r"(?s)9\d\d\d\.0 \d.* \(\d+, .*\n\[\]\n",
    "5": r"(?s)\d+\.\d+ \d+\.0 (True|False)\n\d",
    "6": r"cfm \d+\.\d+\nvolume \d+\.\d+\n",
    "7": r"G-n51-k6: cost \d+ in \d routes|\d+\.\d+ \d+\.\d+\n",
    "8": r"G-n31-k5: cost \d+ in \d routes",
    "9": r"(?s)\[[01 ]{7}\] \d+\n.*q_3: .*Ry\(",
    "10": r"(?s)controller  budget\ncfm +20 +\d.*volume +20 +\d",
    "11": r"random (\d+\.0) \d+\.0\nlookahead \1 \d+\.0\n",
}


def test_there_are_eleven_tasks() -> None:
    """They are numbered from 1 to 11, and each has code."""
    assert list(dict.fromkeys(number for number, _ in TASKS)) == [str(number) for number in range(1, 12)]


@pytest.mark.parametrize(("number", "code"), TASKS)
def test_a_task_takes_at_most_eight_lines_of_public_names(number: str, code: str) -> None:
    """It imports lagrl, numpy, pandas or gymnasium as a whole, and no module below lagrl."""
    lines = [line for line in code.splitlines() if line.strip()]
    assert len(lines) <= 8, number
    imports = {line for line in lines if line.lstrip().startswith(("import ", "from "))}
    assert imports <= {"import lagrl", "import numpy as np", "import pandas", "import gymnasium"}


@pytest.mark.parametrize(("number", "code"), TASKS)
def test_a_task_runs(
    number: str, code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It runs in an empty folder and prints what the page says."""
    for name, package in EXTRAS.items():
        if name in code and importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    exec(compile(code, f"task{number}.py", "exec"), {"__name__": "__main__"})
    printed = capsys.readouterr().out
    assert re.match(PRINTED.get(number, ""), printed), printed
    assert len(list(tmp_path.glob("*.png"))) == (3 if number == "4" else 0)
