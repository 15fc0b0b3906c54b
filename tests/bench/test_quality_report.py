"""Tables of `benchmarks/solution_quality/run.py`, from rows made by hand."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks.solution_quality import report


def row(method: str, seconds: float, history: list[tuple[float, float]], **changes: Any) -> dict[str, Any]:
    """Make a row; the best known cost is 100."""
    usual = {"part": "curve", "instance": "X-n101-k25", "family": "X", "seed": 0, "n_customers": 100, "wall": seconds}
    usual |= {"best_known": 100.0, "cost": history[-1][1] if history else None, "megabytes": 100.0}
    usual |= {"polish": 0.5 * seconds, "partition": 0.0, "bound": 0.1 * seconds}
    return usual | {"method": method, "seconds": seconds, "history": history} | changes


def test_everybody_has_the_same_clock() -> None:
    """What is found after the seconds does not count, for us no more than for peers."""
    late = [(0.1, 110.0), (0.19, 105.0), (0.21, 101.0)]
    rows = [row("lagrl", 0.2, late), row("pyvrp", 60.0, late)]
    for method in ("lagrl", "pyvrp"):
        assert report.curve_gaps(rows, method, 0.2) == {"X-n101-k25": pytest.approx(5.0)}
    assert report.curve_gaps(rows, "pyvrp", 0.5) == {"X-n101-k25": pytest.approx(1.0)}
    assert report.curve_gaps(rows, "pyvrp", 0.05) == {"X-n101-k25": None}
    assert report.final_gap(rows[0]) == pytest.approx(5.0)


def test_our_runs_count_by_their_own_length() -> None:
    """A search that anneals over its time is not read off a longer one; seeds are averaged, a miss shows."""
    rows = [
        row("lagrl", 1.0, [(0.5, 104.0)]),
        row("lagrl", 1.0, [(0.5, 106.0)], seed=1),
        row("lagrl", 2.0, [(0.1, 101)]),
    ]
    assert report.curve_gaps(rows, "lagrl", 1.0) == {"X-n101-k25": pytest.approx(5.0)}
    assert report.curve_gaps([*rows, row("lagrl", 1.0, [], seed=2)], "lagrl", 1.0) == {"X-n101-k25": None}
    assert report.described({"a": 1.0, "b": 3.0, "c": None}) == "2.00 / 2.00 / 3.00 (1 without routes)"


def test_differences_are_paired() -> None:
    """By instance; who misses one is left out of the pair."""
    assert report.difference({"a": 2.0, "b": None}, {"a": 0.5, "b": 9.0}) == "+1.50"
    assert report.difference({"a": 2.0, "b": 3.0}, {"a": 1.0, "b": 2.0}) == "+1.00 [+1.00, +1.00]"
    assert report.difference({"a": 2.0}, {"b": 1.0}) == "—"


def test_an_ablation_says_what_is_missing() -> None:
    """Means over the instances with routes, how many have none, and the paired difference from all of it."""
    rows = [
        row(method, 2.0, [(1.0, cost)] if cost else [], part="ablation", instance=name)
        for method, costs in (("lagrl", (101.0, 103.0)), ("cluster", (110.0, None)))
        for name, cost in zip(("X-a", "X-b"), costs, strict=True)
    ]
    whole, cluster = report.ablation_table(rows).splitlines()[2:]
    assert whole == "| lagrl | 2.00 |  |"
    assert cluster == "| cluster | 10.00 (1 without routes) | +9.00 |"


def test_seconds_to_a_target_are_the_median_over_seeds() -> None:
    """Of each seed the first run that got there; a seed that never did leaves it open."""
    rows = [row("lagrl", 10.0, [(1.0, 104.0), (9.0, 101.9)]), row("lagrl", 30.0, [(4.0, 101.5)])]
    assert report.seconds_to(rows, 2.0) == 4.0
    other = row("lagrl", 10.0, [(8.0, 101.0)], seed=1)
    assert report.seconds_to([*rows, other], 2.0) == 6.0
    assert report.seconds_to([*rows, row("lagrl", 10.0, [(8.0, 103.0)], seed=1)], 2.0) is None


def test_gaps_to_the_bound_are_of_our_longest_runs() -> None:
    """By family, with how many are proven; runs without a bound are left out."""
    rows = [
        row("lagrl", 60.0, [(1.0, 110.0)], lower_bound=100.0, n_routes=9),
        row("lagrl", 60.0, [(1.0, 100.0)], lower_bound=100.0, instance="X-n102-k9", n_routes=9),
        row("lagrl", 60.0, [(1.0, 100.0)], lower_bound=0.0, instance="X-n103-k9", n_routes=9),
        row("lagrl", 20.0, [(1.0, 190.0)], lower_bound=100.0, n_routes=9),
    ]
    assert report.bound_table(rows).splitlines()[-1] == "| X | 2 | 5.00 | 10.00 | 1 |"
    assert report.instance_table(rows).splitlines()[2].endswith("| 9 |")


def test_growth_is_fitted_in_logarithms() -> None:
    """Seconds that grow with the square of n have exponent 2."""
    rows = [
        row(
            "lagrl", 120.0, [((n / 100) ** 2, 101.0)], part="scaling", instance=f"X-n{n}-k9", n_customers=n, megabytes=n
        )
        for n in (100, 200, 400, 800)
    ]
    table = report.scaling_table(rows)
    assert "grow as n^2.00 over the 4 that got there; memory as n^1.00." in table
    assert "| X-n200-k9 | 200 | 4.0 | 1.00 | 200 |" in table
    assert report.show(rows).count("|---|") == 1


def test_overruns_are_held_against_the_allowance() -> None:
    """A fifth of a second and a twentieth of the seconds; each method and length has its line."""
    late = {"part": "clock", "processor": 1.5}
    rows = [row("lagrl", 2.0, [(0.1, 105.0)], overrun=overrun, **late) for overrun in (0.1, 0.29, 0.33)]
    rows.append(row("two workers", 0.5, [(0.1, 105.0)], overrun=-0.1, **late))
    table = report.show(rows)
    assert "| lagrl | 2 | 0.24 | 0.33 | 0.30 | 2 of 3 | 1.50 |" in table
    assert "| two workers | 0.5 | -0.10 | -0.10 | 0.23 | 1 of 1 | 1.50 |" in table


def test_roads_are_compared_with_the_best_cost_among_rows() -> None:
    """No best known cost exists there; the peer's curve is read off its one run."""
    roads = {"part": "roads", "instance": "roads-241-0", "family": "roads", "best_known": None}
    rows = [
        row("lagrl", 2.0, [(0.1, 110.0), (1.0, 102.0)], **roads),
        row("lagrl", 20.0, [(3.0, 100.0)], **roads),
        row("pyvrp", 20.0, [(0.1, 120.0), (1.9, 104.0), (9.0, 103.0)], **roads),
    ]
    table = report.show(rows)
    assert "| 2 | 2.00 / 2.00 / 2.00 | 4.00 / 4.00 / 4.00 | -2.00 | 1 of 1 |" in table
    assert "| 20 | 0.00 / 0.00 / 0.00 | 3.00 / 3.00 / 3.00 | -3.00 | 1 of 1 |" in table
