"""One small sound instance and a solution of it, as text; the broken ones are made from these."""

from __future__ import annotations

GOOD_INSTANCE = """\
NAME : T-n4-k2
COMMENT : (three customers on a line)
TYPE : CVRP
DIMENSION : 4
EDGE_WEIGHT_TYPE : EUC_2D
CAPACITY : 10
NODE_COORD_SECTION
1 0 0
2 3 4
3 6 8
4 0 2.5
DEMAND_SECTION
1 0
2 5
3 5
4 7
DEPOT_SECTION
1
-1
EOF
"""

GOOD_SOLUTION = "Route #1: 1 2\nRoute #2: 3\nCost 26\n"
