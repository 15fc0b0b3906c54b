"""Command `python -m train.route_ppo`."""

from __future__ import annotations

import sys

from train.route_ppo import main

sys.exit(main(prog="python -m train.route_ppo"))
