"""Command `python -m policies.export`."""

from __future__ import annotations

import sys

from policies.export import main

sys.exit(main())
