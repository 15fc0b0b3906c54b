"""Command `python -m train.bandit`."""

from __future__ import annotations

import sys

from train.bandit import main

sys.exit(main(prog="python -m train.bandit"))
