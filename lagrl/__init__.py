"""lagrl: vehicle routing through a Lagrangian dual, one small knapsack per vehicle.

A CVRP becomes an assignment problem, its coupling constraint is priced by multipliers, each price vector splits into
one knapsack per vehicle, and what comes back is decoded into routes.
"""

from __future__ import annotations

__version__ = "0.1.0"
__lagrl__ = True  # marks our packages: `lagrl doctor` tells foreign ones of the same name by its absence
