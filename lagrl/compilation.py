"""Compilation of all kernels at once, so that it stays out of every measured second."""

from __future__ import annotations

import importlib
from pathlib import Path


def kernel_modules() -> list[str]:
    """Return the names of all modules with compiled kernels, sorted: the files `*_kernels.py` of this package."""
    root = Path(__file__).parent
    files = sorted(root.rglob("*_kernels.py"))
    return [".".join(("lagrl", *file.relative_to(root).with_suffix("").parts)) for file in files]


def compile_kernels() -> None:
    """Compile every kernel, or load it from numba's cache; quick from the second call on.

    Kernels carry explicit signatures and are compiled by importing their module: once this has run, nothing compiles
    later. It also loads HiGHS and PyVRP, whose imports are no part of solving either.
    """
    for module in (*kernel_modules(), "highspy", "pyvrp.search"):
        importlib.import_module(module)
