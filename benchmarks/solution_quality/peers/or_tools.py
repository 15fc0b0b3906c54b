"""OR-Tools' routing solver, as the figures of the reference run it."""

from lagrl.paper.or_tools import run

__all__ = ["run"]
