"""Command `python -m train.study`."""

from __future__ import annotations

import sys

from train.study import main

sys.exit(main(prog="python -m train.study"))
