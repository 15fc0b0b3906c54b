"""One small sound instance as text, and the folder of CVRPLIB files where there is one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

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


@pytest.fixture
def good_text() -> str:
    """Text of a sound instance of three customers."""
    return GOOD_INSTANCE


@pytest.fixture
def good_solution() -> str:
    """Text of a solution of that instance."""
    return GOOD_SOLUTION


@pytest.fixture
def cvrplib_folder() -> Path:
    """Folder of CVRPLIB files, with the folders A, B, … inside."""
    given = os.environ.get("LAGRL_DATA")
    if not given:
        pytest.skip("LAGRL_DATA does not name a folder of CVRPLIB files")
    return Path(given)
