"""lagrl: vehicle routing through a Lagrangian dual with one small knapsack per vehicle.

A CVRP becomes an assignment problem. Its coupling constraint is priced by multipliers, each price vector splits into
one knapsack per vehicle, and the selected customers are decoded into routes.

Every public name is imported when it is first used: `import lagrl` alone loads no other package.

Examples
--------
>>> import lagrl
>>> problem = lagrl.read("G-n16-k3")
>>> result = lagrl.solve(problem, evaluations=50)
>>> lagrl.check(problem, result)
[]
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if sys.version_info < (3, 11):  # noqa: UP036 (a source tree can be imported without pip)
    raise ImportError(f"lagrl needs Python 3.11 or newer; this is Python {sys.version.split()[0]}, {sys.executable}")

from lagrl.lazy import lazy_names

__all__ = [
    "CVRP",
    "AssignmentDual",
    "DualLoop",
    "DualTrace",
    "Fleet",
    "LagrlError",
    "LowerBound",
    "Solution",
    "SolveConfig",
    "SolveProgress",
    "SolveResult",
    "ascend",
    "check",
    "controllers",
    "evaluate",
    "generate",
    "linearise",
    "lower_bound",
    "plot",
    "quantum",
    "read",
    "read_rows",
    "read_solution",
    "samplers",
    "solve",
    "write_instance",
    "write_solution",
]

__version__ = "0.2.0"  # the only place: the distribution's metadata is read from here
__lagrl__ = True  # marks our packages: `lagrl doctor` recognises foreign packages of the same name by its absence

if TYPE_CHECKING:
    from lagrl import controllers, plot, quantum, samplers
    from lagrl.ascent import DualTrace, ascend
    from lagrl.bench.rows import read_rows
    from lagrl.bench.run import evaluate
    from lagrl.bounds.bound import LowerBound, lower_bound
    from lagrl.dual_loop import DualLoop
    from lagrl.errors import LagrlError
    from lagrl.problems.cvrp import CVRP
    from lagrl.problems.cvrplib import read, read_solution, write_instance, write_solution
    from lagrl.problems.fleet import Fleet
    from lagrl.problems.generate import generate
    from lagrl.problems.solution import Solution, check
    from lagrl.relaxation.dual import AssignmentDual
    from lagrl.relaxation.linearise import linearise
    from lagrl.search.search_report import SolveProgress
    from lagrl.solve_config import SolveConfig
    from lagrl.solver import SolveResult, solve
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "lagrl.ascent": ["DualTrace", "ascend"],
            "lagrl.bench.rows": ["read_rows"],
            "lagrl.bench.run": ["evaluate"],
            "lagrl.bounds.bound": ["LowerBound", "lower_bound"],
            "lagrl.dual_loop": ["DualLoop"],
            "lagrl.errors": ["LagrlError"],
            "lagrl.problems.cvrp": ["CVRP"],
            "lagrl.problems.cvrplib": ["read", "read_solution", "write_instance", "write_solution"],
            "lagrl.problems.fleet": ["Fleet"],
            "lagrl.problems.generate": ["generate"],
            "lagrl.problems.solution": ["Solution", "check"],
            "lagrl.relaxation.dual": ["AssignmentDual"],
            "lagrl.relaxation.linearise": ["linearise"],
            "lagrl.search.search_report": ["SolveProgress"],
            "lagrl.solve_config": ["SolveConfig"],
            "lagrl.solver": ["SolveResult", "solve"],
        },
        modules=["controllers", "plot", "quantum", "samplers"],
    )
