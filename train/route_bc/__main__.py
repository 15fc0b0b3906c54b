"""Command `python -m train.route_bc`."""

from __future__ import annotations

import sys

from train.route_bc import main

sys.exit(main(prog="python -m train.route_bc"))
