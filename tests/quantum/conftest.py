"""Makes the shared modules of this folder importable by the tests in its subfolders, and compiles the kernels once."""

from __future__ import annotations

import sys
from pathlib import Path

from lagrl.compilation import compile_kernels

sys.path.insert(0, str(Path(__file__).parent))
compile_kernels()
