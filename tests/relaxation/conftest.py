"""Makes the oracles importable, which the benchmarks share, and compiles the kernels once."""

from __future__ import annotations

import sys
from pathlib import Path

from lagrl.compilation import compile_kernels

sys.path.insert(0, str(Path(__file__).parents[2] / "benchmarks"))
compile_kernels()
