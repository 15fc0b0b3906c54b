"""All compiled kernels at once, so that compilation stays out of every measured second."""

from __future__ import annotations

import importlib

KERNEL_MODULES = (
    "lagrl.relaxation.core_kernels",
    "lagrl.relaxation.programme_kernels",
    "lagrl.relaxation.search_kernels",
    "lagrl.relaxation.kernels",
    "lagrl.relaxation.insertion_kernels",
    "lagrl.controllers.cut_kernels",
    "lagrl.controllers.bundle_kernels",
    "lagrl.bounds.cut_kernels",
    "lagrl.bounds.ng_kernels",
    "lagrl.bounds.path_kernels",
    "lagrl.recovery.repair_kernels",
    "lagrl.recovery.savings_kernels",
    "lagrl.recovery.tour_kernels",
    "lagrl.quantum.subproblems.candidate_kernels",
    "lagrl.quantum.subproblems.ranking_kernels",
    "lagrl.quantum.circuits.statevector_kernels",
)


def compile_kernels() -> None:
    """Compile every kernel, or load it from numba's cache; quick from the second call on.

    Kernels carry explicit signatures and are compiled by importing their module: once this has run, nothing compiles
    later. It also loads HiGHS and PyVRP, whose imports are no part of solving either.
    """
    for module in (*KERNEL_MODULES, "highspy", "pyvrp.search"):
        importlib.import_module(module)
