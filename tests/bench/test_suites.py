"""Suites name what they should."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import pytest

from lagrl.bench.suites import SUITES, family, suite
from lagrl.errors import UnknownNameError


def test_paper30_has_thirty_instances_of_seven_families() -> None:
    """The suite is A5 B4 E3 F2 M4 P4 X8, each instance once."""
    names = suite("paper30")
    assert len(set(names)) == len(names) == 30
    assert Counter(map(family, names)) == {"A": 5, "B": 4, "E": 3, "F": 2, "M": 4, "P": 4, "X": 8}


@pytest.mark.skipif("LAGRL_DATA" not in os.environ, reason="LAGRL_DATA does not name a folder of CVRPLIB instances")
def test_paper30_exists_in_cvrplib() -> None:
    """Every name of the suite is a file of its family's folder."""
    data = Path(os.environ["LAGRL_DATA"])
    assert [name for name in suite("paper30") if not (data / family(name) / f"{name}.vrp").is_file()] == []


def test_bundled_suite_is_what_ships() -> None:
    """The suite follows the package data, in its order."""
    from lagrl.problems.bundled import bundled_names

    assert suite("bundled") == tuple(bundled_names())
    assert len(suite("bundled")) > 0


def test_unknown_suites_are_refused_with_those_known() -> None:
    """A misspelt suite is answered with the right spelling."""
    with pytest.raises(UnknownNameError, match=r"unknown suite 'paper3'; did you mean 'paper30'\? known: bundled"):
        suite("paper3")
    assert all(suite(name) for name in SUITES)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *(("A-n32-k5", "A"), ("CMT1", "CMT"), ("G-n16-k3", "G"), ("X-n1001-k43", "X"), ("XL-n1048-k237", "XL")),
        *(("mine", "other"), ("A-n32-k5.vrp", "other"), ("CMT", "other"), ("Z-n5-k2", "other"), ("", "other")),
    ],
)
def test_family_is_read_from_the_name(name: str, expected: str) -> None:
    """Known families are recognised by the whole name, everything else is `other`."""
    assert family(name) == expected
