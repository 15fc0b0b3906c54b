"""Compilation of all kernels before any clock starts."""

from __future__ import annotations

import importlib
from pathlib import Path


def kernel_modules() -> list[str]:
    """Return the names of all modules with compiled kernels, sorted: the files `*_kernels.py` of this package."""
    root = Path(__file__).parent
    files = sorted(root.rglob("*_kernels.py"))
    return [".".join(("lagrl", *file.relative_to(root).with_suffix("").parts)) for file in files]


def compile_kernels() -> None:
    """Compile every kernel, or load it from numba's cache; a second call does nothing.

    Kernels have explicit signatures and are compiled when their module is imported: after this call, nothing is
    compiled any more. HiGHS and PyVRP are imported too, so that their import time is not measured either.
    """
    for module in (*kernel_modules(), "highspy", "pyvrp.search"):
        importlib.import_module(module)
