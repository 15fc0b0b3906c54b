"""Only the kernels that a command needs are compiled, each after those it imports, by several processes."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from lagrl import compilation
from lagrl.solve_config import SolveConfig

if TYPE_CHECKING:
    from pathlib import Path


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
    monkeypatch.setattr(compilation, "_usable_cores", lambda: 2)
    modules = ["lagrl.recovery.savings_kernels", "lagrl.bounds.capacity_cut_kernels"]
    compilation._fill_cache(modules)
    compiled = {file.name.split(".")[0] for file in tmp_path.rglob("*.nbc")}
    assert compiled == {"savings_kernels", "capacity_cut_kernels"}
    monkeypatch.setattr(sys, "executable", os.devnull)
    compilation._fill_cache(modules)
