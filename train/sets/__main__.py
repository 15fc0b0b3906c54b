"""Command `python -m train.sets`."""

from __future__ import annotations

import sys

from train.sets import main

sys.exit(main(prog="python -m train.sets"))
