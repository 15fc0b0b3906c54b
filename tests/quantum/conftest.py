"""Makes `small_knapsacks` importable and compiles the kernels once."""

from __future__ import annotations

from lagrl.compilation import compile_kernels

compile_kernels()
