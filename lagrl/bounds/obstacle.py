"""What ends the work on a bound early."""

from __future__ import annotations


class ObstacleError(Exception):
    """The bound cannot be raised further by these means, though it stands as it is; says why."""
