"""Finds the small instances of the problem's own tests."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1] / "problems" / "cascade"))
