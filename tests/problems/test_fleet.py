"""The fleet rule, and the bound on the number of vehicles."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lagrl.errors import FleetError
from lagrl.problems.fleet import Fleet, minimum_vehicles


@pytest.mark.parametrize("text", ["free", "exact:5", "atleast:12", "atmost:7"])
def test_a_rule_prints_as_it_is_written(text: str) -> None:
    """What `parse` reads, `str` gives back."""
    assert str(Fleet.parse(text)) == text


@pytest.mark.parametrize(
    "text", ["", "Free", "exact", "exact:", "exact:0", "exact:-1", "exact:1.5", "5", "atmost", "atmost:0"]
)
def test_what_is_no_rule_is_refused(text: str) -> None:
    """The user learns what can be written."""
    with pytest.raises(FleetError, match="fleet"):
        Fleet.parse(text)


def test_a_free_fleet_has_no_count() -> None:
    """`free` with a number would be read as either."""
    with pytest.raises(FleetError, match="fleet free: count 3"):
        Fleet("free", 3)


@pytest.mark.parametrize(
    ("rule", "allowed"),
    [("free", {1, 2, 3, 4}), ("exact:2", {2}), ("atleast:2", {2, 3, 4}), ("atmost:2", {1, 2})],
)
def test_a_rule_allows_what_it_says(rule: str, allowed: set[int]) -> None:
    """Exactly K, K or more, K or fewer, or any number of routes."""
    assert {k for k in (1, 2, 3, 4) if Fleet.parse(rule).allows(k)} == allowed


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        *(("A-n32-k5", "exact:5"), ("P-n101-k4", "exact:4"), ("X-n101-k25", "free"), ("CMT1", "free")),
        *(("a-N32-K05", "exact:5"), ("M_n101_k10.vrp", "exact:10"), ("X-A-n32-k5", "free")),
        *(("A-n32-k0", "free"), ("A-n32-k5\n", "free"), ("A-n32-k" + "9" * 5000, "free"), ("", "free")),
        *(("e-n3-k1", "free"), ("A-n32-k6", "free"), ("P-n7-k2", "free")),
    ],
)
def test_the_old_families_fix_their_fleet(name: str, rule: str) -> None:
    """The k of the name holds for the instances of A, B, E, F, M and P only, and odd names do no harm."""
    assert str(Fleet.of_benchmark(name)) == rule


def bins_needed(demand: list[int], capacity: int) -> int:
    """Pack by trying every bin for every item."""
    best = len(demand)

    def place(index: int, loads: tuple[int, ...]) -> None:
        nonlocal best
        if len(loads) >= best:
            return
        if index == len(demand):
            best = len(loads)
            return
        for load in set(loads):
            if load + demand[index] <= capacity:
                left = list(loads)
                left[left.index(load)] += demand[index]
                place(index + 1, tuple(left))
        place(index + 1, (*loads, demand[index]))

    place(0, ())
    return max(best, 1)


@settings(max_examples=200, deadline=None)
@given(capacity=st.integers(1, 30), data=st.data())
def test_the_bound_holds_and_beats_total_demand(capacity: int, data: st.DataObject) -> None:
    """L2 never exceeds the bins of an optimal packing and is at least ⌈Σd/Q⌉."""
    demand = data.draw(st.lists(st.integers(0, capacity), min_size=1, max_size=7))
    bound = minimum_vehicles(np.array(demand), capacity)
    assert -(-sum(demand) // capacity) <= bound <= bins_needed(demand, capacity)


def test_the_bound_sees_items_that_do_not_pair() -> None:
    """Three demands of 6 need three vehicles of 10, though 18 would fit in two."""
    assert minimum_vehicles(np.array([6, 6, 6]), 10) == 3
    assert minimum_vehicles(np.array([7, 7, 4, 4]), 10) == 3
