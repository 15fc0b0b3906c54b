"""The doctor finds problems, gives remedies, and survives the failure of a check."""

from __future__ import annotations

import json
from importlib import metadata
from typing import TYPE_CHECKING

import pytest

import lagrl
from lagrl.doctor import checks as doctor
from lagrl.doctor import installation, shadowing
from lagrl.doctor.checks import Finding, diagnose, render, to_json
from lagrl.problems.locate import DATA_VARIABLE

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture(autouse=True)
def _without_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(DATA_VARIABLE, raising=False)


def named(findings: list[Finding], name: str) -> Finding:
    """Return the one finding of this name."""
    (found,) = [finding for finding in findings if finding.name == name]
    return found


def test_this_machine_is_well() -> None:
    """Where the tests run there is no problem, every core package is named, and every check has answered."""
    findings = diagnose()
    assert [finding for finding in findings if finding.status == "problem"] == []
    core = {requirement.package for requirement in installation.requirements() if requirement.extra is None}
    checks = {"python", "kernels", "HiGHS", "solve", "data", "shadowing", "threads", "processors", "disk"}
    assert core | checks <= {finding.name for finding in findings}
    assert {"numpy", "numba", "highspy", "vrplib", "tyro", "rich"} <= core
    assert named(findings, "numpy").message == metadata.version("numpy")
    assert named(findings, "data").status == "note"
    assert all(finding.remedy for finding in findings if finding.status != "ok")
    assert all("\n" not in finding.message for finding in findings)


def test_data_folders_are_counted_or_missed(tmp_path: Path) -> None:
    """Instances in the folder and its sets count; a folder that is missing or empty is a problem."""
    assert named(diagnose(tmp_path / "none"), "data").status == "problem"
    assert named(doctor._check_data(tmp_path), "data").status == "problem"
    (tmp_path / "A").mkdir()
    for name in ("one.vrp", "A/two.vrp", "A/two.sol"):
        (tmp_path / name).touch()
    finding = named(doctor._check_data(tmp_path), "data")
    assert (finding.status, finding.message) == ("ok", f"{tmp_path}: 2 instances")


def test_a_data_variable_that_names_no_folder_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing folder that was requested is a problem, not a note."""
    monkeypatch.setenv(DATA_VARIABLE, str(tmp_path / "none"))
    finding = named(doctor._check_data(None), "data")
    assert finding.status == "problem"
    assert DATA_VARIABLE in finding.message


@pytest.mark.parametrize("layout", ["package", "module", "unparsable", "marked by name only"])
def test_a_foreign_package_that_hides_ours_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, layout: str
) -> None:
    """Whatever Python would import instead is named by its path, without being run."""
    place = {"module": "envs.py"}.get(layout, "envs/__init__.py")
    text = {"unparsable": "def (", "marked by name only": "__lagrl__ = 1\n"}.get(
        layout, "raise SystemExit('I was run')\n"
    )
    (tmp_path / place).parent.mkdir(exist_ok=True)
    (tmp_path / place).write_text(text, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(shadowing, "provided_packages", lambda: ["envs", "lagrl"])
    finding = named(diagnose(), "shadowing")
    assert finding.status == "problem"
    assert str(tmp_path / "envs") in finding.message
    assert finding.remedy is not None
    assert "rename" in finding.remedy


def test_a_bare_folder_hides_only_what_is_not_installed(tmp_path: Path) -> None:
    """Python takes a folder without `__init__.py` for a package only where it finds no other."""
    for name in ("envs", "nowhere_else"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "other.py").write_text("raise SystemExit('I was run')\n", encoding="utf-8")
    assert shadowing.find_foreign("envs", tmp_path) is None
    assert str(tmp_path / "nowhere_else") in str(shadowing.find_foreign("nowhere_else", tmp_path))


def test_our_own_packages_hide_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A marked package in the current folder is ours; so is lagrl, wherever the tests run."""
    (tmp_path / "envs").mkdir()
    (tmp_path / "envs" / "__init__.py").write_text('"""Ours."""\n\n__lagrl__ = True\n', encoding="utf-8")
    assert shadowing.find_foreign("envs", tmp_path) is None
    assert "lagrl" in shadowing.provided_packages()
    assert lagrl.__lagrl__ is True
    assert shadowing.find_foreign("lagrl", tmp_path) is None
    with pytest.raises(ModuleNotFoundError, match="never_there"):
        shadowing.find_foreign("never_there", tmp_path)


def test_packages_of_a_wheel_are_those_it_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    """Top-level packages only: neither modules within them nor metadata."""
    files = ["lagrl/__init__.py", "lagrl/bench/__init__.py", "train/__init__.py", "lagrl-0.1.0.dist-info/METADATA"]
    monkeypatch.setattr(metadata, "files", lambda _: [metadata.PackagePath(file) for file in files])
    assert shadowing.provided_packages() == ["lagrl", "train"]


def test_requirements_are_read_from_the_metadata(monkeypatch: pytest.MonkeyPatch) -> None:
    """Missing and old packages are distinguished; an extra is a note and a core package a problem."""
    required = [
        "numpy>=999.1",
        "never-there-0>=1",
        "rich",
        "vrplib>=0.1; extra == 'few'",
        "never-there-1[x]>=2.0; extra == 'few'",
        "vrplib>=0.1; extra == 'all'",
        "never-there-1>=2.0; extra == 'all'",
        "rich; extra == 'all'",
        "lagrl[few]; extra == 'self'",
    ]
    monkeypatch.setattr(metadata, "requires", lambda _: required)
    packages = installation.check_packages()
    assert [(finding.name, finding.status) for finding in packages] == [
        ("numpy", "problem"),
        ("never-there-0", "problem"),
        ("rich", "ok"),
    ]
    assert packages[0].message == f"numpy {metadata.version('numpy')} is below 999.1"
    assert packages[0].remedy == "pip install --upgrade 'numpy>=999.1'"
    (extra,) = installation.check_extras()
    assert (extra.name, extra.status, extra.message) == ("extra few", "note", "never-there-1 is not installed")
    assert extra.remedy is not None
    assert "pip install -c constraints.txt '.[few]'" in extra.remedy


def test_a_package_that_cannot_be_imported_is_a_problem(monkeypatch: pytest.MonkeyPatch) -> None:
    """Installed is not enough: a broken binary is found by importing it."""

    def broken(name: str) -> None:
        raise OSError(f"{name}.so: undefined symbol")

    monkeypatch.setattr("importlib.import_module", broken)
    assert {finding.status for finding in installation.check_packages()} == {"problem"}


def test_a_check_that_breaks_is_a_finding(monkeypatch: pytest.MonkeyPatch) -> None:
    """The others are still made."""

    def broken() -> list[Finding]:
        raise RuntimeError("cannot cache function:\nno locator available")

    monkeypatch.setattr(doctor, "_check_kernels", broken)
    findings = diagnose()
    assert named(findings, "kernels").status == "problem"
    assert named(findings, "kernels").message == "RuntimeError: cannot cache function: no locator available"
    assert named(findings, "disk").status == "ok"


def test_an_unwritable_cache_is_worth_a_note(monkeypatch: pytest.MonkeyPatch) -> None:
    """It works, but each start may have to compile."""
    monkeypatch.setattr("os.access", lambda *_: False)
    (finding,) = doctor._check_kernels()
    assert finding.status == "note"
    assert finding.remedy is not None
    assert "NUMBA_CACHE_DIR" in finding.remedy


def test_findings_are_told_as_text_and_as_json() -> None:
    """Everything found is in both."""
    findings = [Finding("one", "ok", "fine"), Finding("longer", "problem", "broken", "mend it")]
    assert render(findings) == (
        "ok    one     fine\nFAIL  longer  broken\n              -> mend it\n\n1 problem found."
    )
    assert render(findings[:1]).endswith("Everything needed works.")
    record = json.loads(to_json(findings))
    assert record["ok"] is False
    assert record["findings"][1] == {"name": "longer", "status": "problem", "message": "broken", "remedy": "mend it"}
    assert json.loads(to_json(findings[:1]))["ok"] is True
