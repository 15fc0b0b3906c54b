"""The wheel is complete: installed in an empty place it solves a bundled instance, without the extras."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

WITHOUT_EXTRAS = """
import sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"matplotlib", "ortools", "scipy", "torch", "qiskit", "pandas"}:
            raise ModuleNotFoundError(f"{name} is an extra")

sys.meta_path.insert(0, Absent())
import lagrl
from lagrl.cli.entry import main

print(lagrl.__file__, file=sys.stderr)
sys.exit(main(["solve", "G-n16-k3", "--evaluations", "5", "--json"]))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel once."""
    folder = tmp_path_factory.mktemp("wheel")
    built = subprocess.run(
        [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    (path,) = folder.glob("*.whl")
    return path


def test_the_wheel_carries_data_and_types_but_no_tests(wheel: Path) -> None:
    """Bundled instances, best known costs and the type marker are in; tests are not."""
    names = zipfile.ZipFile(wheel).namelist()
    assert sum(name.endswith(".vrp") for name in names) == 6
    assert sum(name.endswith(".sol") for name in names) == 6
    assert "lagrl/problems/data/best_known.csv" in names
    assert "lagrl/py.typed" in names
    assert {f"lagrl/bench/page/page.{suffix}" for suffix in ("html", "css", "js")} <= set(names)
    for module in ("envs/env.py", "policies/controller.py", "train/bc/__main__.py", "train/ppo/__main__.py"):
        assert module in names
    for checkpoint in ("bc-small", "ppo-small"):
        assert {f"policies/shipped/{checkpoint}.json", f"policies/shipped/{checkpoint}.safetensors"} <= set(names)
    assert not [name for name in names if name.startswith(("tests/", "benchmarks/"))]


def test_the_wheel_solves_in_an_empty_folder_without_extras(wheel: Path, tmp_path: Path) -> None:
    """What was installed, not this checkout, solves a bundled instance while no extra can be imported."""
    site, empty = tmp_path / "site", tmp_path / "empty"
    empty.mkdir()
    subprocess.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(site), str(wheel)],
        check=True,
        capture_output=True,
        timeout=300,
    )
    environment = {
        **os.environ,
        "PYTHONPATH": str(site),
        "NUMBA_DISABLE_JIT": "1",
    }  # compiling takes longer than all else
    finished = subprocess.run(
        [sys.executable, "-c", WITHOUT_EXTRAS], cwd=empty, env=environment, capture_output=True, text=True, timeout=300
    )
    assert finished.returncode == 0, finished.stderr
    assert str(site) in finished.stderr
    answer = json.loads(finished.stdout)
    assert answer["feasible"]
    assert answer["gap_pct"] < 15.0


@pytest.mark.slow
def test_the_wheel_installs_with_its_own_dependencies(wheel: Path, tmp_path: Path) -> None:
    """In a fresh environment the core dependencies are all it takes, and the doctor finds no problem."""
    environment = tmp_path / "environment"
    venv.create(environment, with_pip=True)
    python = environment / "bin" / "python"
    subprocess.run(
        [python, "-m", "pip", "install", "--quiet", "-c", str(ROOT / "constraints.txt"), str(wheel)],
        check=True,
        capture_output=True,
        timeout=900,
    )
    clean = {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "LAGRL_DATA"}}
    for arguments in (["solve", "G-n16-k3", "--json"], ["doctor"]):
        finished = subprocess.run(
            [environment / "bin" / "lagrl", *arguments],
            cwd=tmp_path,
            env=clean,
            capture_output=True,
            text=True,
            timeout=300,
        )
        assert finished.returncode == 0, finished.stdout + finished.stderr
