"""Command `python -m train.unroll`."""

from __future__ import annotations

import sys

from train.unroll import main

sys.exit(main(prog="python -m train.unroll"))
