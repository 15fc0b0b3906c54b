"""The error that ends the work on a bound early."""

from __future__ import annotations


class ObstacleError(Exception):
    """The bound cannot be raised further, and stays valid; the message gives the reason."""
