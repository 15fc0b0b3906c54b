"""One small sound instance as text, and the folder of CVRPLIB files where there is one."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cvrplib_samples import GOOD_INSTANCE, GOOD_SOLUTION


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
