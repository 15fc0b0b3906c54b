"""HiGHS, set up the same way wherever it is used."""

from __future__ import annotations

from typing import Any


def new_solver() -> Any:
    """Return a silent, single-threaded, reproducible HiGHS (Huangfu and Hall 2018)."""
    # imported here: those who solve nothing need not wait for it
    import highspy

    solver = highspy.Highs()
    for option, setting in (("output_flag", False), ("threads", 1), ("random_seed", 0)):
        solver.setOptionValue(option, setting)
    return solver
