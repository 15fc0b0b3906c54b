"""Command `python -m train.start`."""

from __future__ import annotations

import sys

from train.start import main

sys.exit(main(prog="python -m train.start"))
