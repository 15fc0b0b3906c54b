"""Only the kernels that a command needs are compiled, each after those it imports, by several processes.

Those that it needs later are compiled meanwhile.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from lagrl import compilation
from lagrl.solve_config import SolveConfig


def test_modules_come_after_those_they_import() -> None:
    """The order holds every module of the rooms, and what these import from other rooms."""
    order = compilation._in_order(compilation.kernel_modules("recovery"))
    repair, packing = order.index("lagrl.recovery.repair_kernels"), order.index("lagrl.recovery.packing_kernels")
    search, core = (order.index(f"lagrl.relaxation.{name}_kernels") for name in ("branch_and_bound", "core"))
    assert core < search < packing < repair
    assert "lagrl.bounds.ng_kernels" not in order


@pytest.mark.parametrize(
    ("config", "rooms"),
    [
        (SolveConfig(), {"relaxation", "recovery"}),
        (SolveConfig(seconds=1.0), {"relaxation", "recovery", "search", "bounds", "controllers"}),
        (SolveConfig(seconds=1.0, without=("bound",)), {"relaxation", "recovery", "search"}),
        (SolveConfig(seconds=1.0, without=("bound", "chains")), {"relaxation", "recovery"}),
        (SolveConfig(method="reference"), {"relaxation", "recovery"}),
        (SolveConfig(method="reference", controller="bundle"), {"relaxation", "recovery", "controllers"}),
        (SolveConfig(sampler="qaoa"), {"relaxation", "recovery", "quantum"}),
    ],
)
def test_only_the_needed_rooms_are_compiled(config: SolveConfig, rooms: set[str]) -> None:
    """Circuits, bounds and bundles are compiled for the solves that use them."""
    assert set(config.kernel_rooms) == rooms
    assert all(compilation.kernel_modules(room) for room in rooms)


def test_processes_share_the_modules(tmp_path: Path) -> None:
    """Another process compiles one of two modules, which is then loaded; one that cannot start is only missed."""
    modules = ["lagrl.recovery.savings_kernels", "lagrl.relaxation.insertion_kernels"]
    run = f"""
import importlib, os, sys
sys.path.insert(0, {str(Path(compilation.__file__).parents[1])!r})
from lagrl import compilation
compilation.usable_cores = lambda: 2
if len(sys.argv) > 1: sys.executable = os.devnull
compilation._import_with_others({modules})
kernels = [vars(importlib.import_module(name)) for name in {modules}]
print(sorted([sum(kernels[0]["merge_routes"].stats.cache_hits.values()),
              sum(kernels[1]["route_lengths"].stats.cache_hits.values())]))
"""
    for argument, hits in (([], "[0, 1]"), (["alone"], "[0, 0]")):
        environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path / hits)}
        done = subprocess.run([sys.executable, "-c", run, *argument], env=environment, capture_output=True, text=True)
        assert done.stdout.strip() == hits, done.stderr


def test_a_module_that_fails_ends_the_compilation(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error is raised once the other process has ended; nothing waits for what cannot come."""

    def fail(module: str) -> None:
        raise ImportError(module)

    monkeypatch.setattr(compilation, "usable_cores", lambda: 2)
    monkeypatch.setattr(compilation, "importlib", SimpleNamespace(import_module=fail))
    with pytest.raises(ImportError, match="_kernels"):
        compilation._import_with_others(["lagrl.recovery.savings_kernels", "lagrl.relaxation.insertion_kernels"])


def test_a_later_room_is_compiled_in_the_background(tmp_path: Path) -> None:
    """Where the cache is empty, the call returns before a later room is compiled; once compiled, it is loaded."""
    run = f"""
import sys, time
sys.path.insert(0, {str(Path(compilation.__file__).parents[1])!r})
from lagrl import compilation
compilation.kernel_modules = lambda *rooms: tuple(f"lagrl.{{name}}_kernels" for name in (
    ("recovery.savings",) if rooms[0] == "recovery" else ("bounds.path",)))
compilation.compile_kernels("recovery", "bounds", later=["bounds"])
began_ready = compilation.is_ready("bounds")
compilation.compile_kernels("recovery", "bounds")
print(began_ready, "lagrl.bounds.path_kernels" in sys.modules)
while not compilation.is_ready("bounds"): time.sleep(0.1)
compilation.compile_kernels("recovery", "bounds", later=["bounds"])
from lagrl.bounds.path_kernels import trace_path
print(compilation.is_ready("bounds"), sum(trace_path.stats.cache_hits.values()))
"""
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    command = [sys.executable, "-c", run]
    shown = [subprocess.run(command, env=environment, capture_output=True, text=True, check=True) for _ in range(2)]
    assert shown[0].stdout.split() == ["False", "False", "True", "1"], shown[0].stderr
    assert shown[1].stdout.split() == ["True", "True", "True", "1"], shown[1].stderr  # nothing was compiled


def test_a_later_room_is_compiled_at_once_without_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """A process that cannot start is only missed."""

    def refuse() -> None:
        raise OSError("no more processes")

    monkeypatch.setattr(compilation, "_start_worker", refuse)
    assert not compilation._compile_in_background("bounds")
    assert compilation.is_ready("bounds")


def test_only_kernels_call_inner_kernels() -> None:
    """Python would crash: no other file that imports kernels names one."""
    root = Path(compilation.__file__).parent
    sources = {file: file.read_text("utf-8") for file in root.rglob("*_kernels.py")}
    inner = {name for text in sources.values() for name in re.findall(r"@inner_kernel\([^@]*?\ndef (\w+)", text)}
    assert len(inner) > 20
    for folder in (root, Path(__file__).parent, root.parent / "benchmarks"):
        for file in folder.rglob("*.py"):
            text = file.read_text("utf-8")
            if file not in sources and re.search(r"import .*_kernels|_kernels import", text):
                assert not inner & set(re.findall(r"\w+", text)), file
