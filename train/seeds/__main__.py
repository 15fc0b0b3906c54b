"""Command `python -m train.seeds`."""

from __future__ import annotations

import sys

from train.seeds import main

sys.exit(main(prog="python -m train.seeds"))
