"""Only the kernels that a command needs are compiled, each after those it imports, by several processes."""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

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
        (SolveConfig(), {"relaxation", "recovery", "bounds"}),
        (SolveConfig(without=("bound",)), {"relaxation", "recovery"}),
        (SolveConfig(method="reference"), {"relaxation", "recovery"}),
        (SolveConfig(method="reference", controller="bundle"), {"relaxation", "recovery", "controllers"}),
        (SolveConfig(sampler="qaoa"), {"relaxation", "recovery", "bounds", "quantum"}),
    ],
)
def test_only_the_needed_rooms_are_compiled(config: SolveConfig, rooms: set[str]) -> None:
    """Circuits, bounds and bundles are compiled for the solves that use them."""
    assert set(config.kernel_rooms) == rooms
    assert all(compilation.kernel_modules(room) for room in rooms)


def test_other_processes_fill_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two processes leave compiled kernels in the cache of this one; one that cannot start is only missed."""
    monkeypatch.setattr("numba.config.CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(compilation, "usable_cores", lambda: 2)
    modules = ["lagrl.recovery.savings_kernels", "lagrl.relaxation.insertion_kernels"]
    compilation._fill_cache(modules)
    compiled = {file.name.split(".")[0] for file in tmp_path.rglob("*.nbc")}
    assert compiled == {"savings_kernels", "insertion_kernels"}
    monkeypatch.setattr(sys, "executable", os.devnull)
    compilation._fill_cache(modules)


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
