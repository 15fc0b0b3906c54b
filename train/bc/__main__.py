"""Command `python -m train.bc`."""

from __future__ import annotations

import sys

from train.bc import main

sys.exit(main(prog="python -m train.bc"))
