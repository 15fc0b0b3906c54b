"""The command `lagrl devices`: its table, its record and its errors."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from lagrl.cli import entry as cli


def test_a_table_for_people(capsys: pytest.CaptureFixture[str]) -> None:
    """One aligned line for each device under the titles; – where nothing is known; notes below."""
    pytest.importorskip("qiskit_ibm_runtime")
    assert cli.main(["devices", "FakeHanoi", "fake_nighthawk", "--widths", "4,30"]) == 0
    captured = capsys.readouterr()
    title, hanoi, nighthawk, note = captured.out.splitlines()
    assert title.split() == [
        *("device", "qubits", "gate", "2q", "error", "readout", "T1", "us", "T2", "us"),
        *("F(4)", "F(30)", "queue", "operational"),
    ]
    cells = hanoi.split()
    assert cells[:3] == ["fake_hanoi", "27", "cx"] and cells[-3:] == ["–", "–", "yes"]
    assert cells[3] == "6.32e-03" and 0.8 < float(cells[7]) < 0.95
    assert nighthawk.split()[2] == "cz" and float(nighthawk.split()[-3]) > 0
    assert len(title) == len(hanoi) == len(nighthawk)
    assert note.startswith("note: ") and "fake_nighthawk" in note
    assert not captured.err


def test_json_for_programs(capsys: pytest.CaptureFixture[str]) -> None:
    """One object, numbers in full and null for what is not known."""
    pytest.importorskip("qiskit_ibm_runtime")
    assert cli.main(["devices", "FakeHanoi", "--widths", "4,30", "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["devices"]
    assert (row["name"], row["qubits"], row["gate"], row["pending_jobs"]) == ("fake_hanoi", 27, "cx", None)
    assert row["fidelity"]["30"] is None and 0.8 < row["fidelity"]["4"] < 0.95
    assert 1e-5 < row["t2"] < 1e-3


def test_the_account_is_asked(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """`--account` lists only its devices; a device that cannot be reached is marked."""
    pytest.importorskip("qiskit_ibm_runtime")
    sys.path.insert(0, str(Path(__file__).parents[1] / "quantum"))
    fake_service = pytest.importorskip("fake_service")
    sys.path.pop(0)
    service = fake_service.FakeService(["down"], pending_jobs=7)
    monkeypatch.setattr("lagrl.quantum.ibm.device_table.open_service", lambda: service)
    assert cli.main(["devices", "--account", "--widths", "4"]) == 0
    _, first, second = capsys.readouterr().out.splitlines()
    assert (first.split()[0], first.split()[-2:]) == ("ibm_fake", ["7", "no"])
    assert (second.split()[0], second.split()[-2:]) == ("ibm_other", ["7", "yes"])
    service.faults = ["silent"]
    assert cli.main(["devices", "ibm_fake", "--widths", "4"]) == 0
    _, only, note = capsys.readouterr().out.splitlines()
    assert only.split()[-2:] == ["–", "–"]
    assert note.startswith("note: ibm_fake: ") and fake_service.TOKEN not in note


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["FakeKyoto"], "FakeKyoto has no usable two-qubit gate"),
        (["FakeLima"], "FakeLima has 5 qubits"),
        (["FakeNowhere"], "unknown backend 'FakeNowhere'"),
        (["FakeHanoi", "--widths", "0"], "widths: 0 given"),
        (["FakeHanoi", "--widths", "4;8"], "--widths: '4;8' is not a list of whole numbers"),
        (["FakeHanoi", "--widths", ","], "--widths: '' given"),
    ],
)
def test_mistakes_are_one_line(arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2, what is wrong on stderr, nothing on stdout."""
    pytest.importorskip("qiskit_ibm_runtime")
    assert cli.main(["devices", *arguments]) == 2
    captured = capsys.readouterr()
    assert says in captured.err and captured.err.count("\n") == 1 and not captured.out


def test_without_qiskit_the_extra_is_named() -> None:
    """Neither a traceback nor an empty table."""
    script = (
        "import sys\n"
        "class No:\n"
        "    def find_spec(self, name, *rest):\n"
        "        if name.startswith('qiskit'): raise ImportError(name)\n"
        "sys.meta_path.insert(0, No())\n"
        "from lagrl import cli\n"
        "sys.exit(cli.main(['devices'] + sys.argv[1:]))\n"
    )
    for arguments in ([], ["FakeHanoi"], ["--account"], ["ibm_fake"]):
        ran = subprocess.run([sys.executable, "-c", script, *arguments], capture_output=True, text=True, timeout=60)
        assert ran.returncode == 2 and not ran.stdout
        assert "pip install -c constraints.txt '.[quantum]'" in ran.stderr and ran.stderr.count("\n") == 1
