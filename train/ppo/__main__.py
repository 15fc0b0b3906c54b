"""Command `python -m train.ppo`."""

from __future__ import annotations

import sys

from train.ppo import main

sys.exit(main(prog="python -m train.ppo"))
