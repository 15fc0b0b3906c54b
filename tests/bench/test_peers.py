"""The other solvers of `benchmarks/solution_quality`: their adapters on a tiny instance, their rows and tables."""

from __future__ import annotations

import functools
import itertools
import json
import shutil
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from benchmarks.solution_quality import report_peers as report
from benchmarks.solution_quality import run, sets
from benchmarks.solution_quality.peers import PEERS
from benchmarks.solution_quality.processor_clock import make_library
from lagrl import CVRP
from lagrl.errors import InputError
from lagrl.paper.peer_answer import Answer, scale, vehicles, whole_distances
from lagrl.problems.solution import route_cost

if TYPE_CHECKING:
    from pathlib import Path

TINY = "X-type-6-3"
LINE = CVRP.from_coordinates("line", [(0, 0), (1, 0), (2, 0), (9, 0)], [1, 1, 1], 2, fleet="exact:3")


def optimal_cost(problem: CVRP) -> float:
    """Return the least cost of any number of routes: every order of the customers, cut in the best places."""
    n = problem.n_customers
    route = functools.cache(functools.partial(route_cost, problem))
    optimum = np.inf
    for order in itertools.permutations(range(1, n + 1)):
        least = [0.0, *[np.inf] * n]  # cost of the first customers of the order
        for first, last in itertools.combinations(range(n + 1), 2):
            if problem.demand[np.array(order[first:last]) - 1].sum() <= problem.capacity:
                least[last] = min(least[last], least[first] + route(order[first:last]))
        optimum = min(optimum, least[n])
    return optimum


@pytest.mark.parametrize("method", PEERS)
def test_each_solver_finds_the_optimum_of_a_tiny_instance(method: str) -> None:
    """Its routes are a solution, and their cost is what the solver said; OR-Tools and HiGHS cannot share a process."""
    if not PEERS[method].is_installed:
        pytest.skip(f"the package {PEERS[method].package} is not installed")
    task = run.Task("peers", TINY, method, 1.0, 0)
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        row = process.submit(run.make_row, task).result()
    assert row["fault"] is None
    assert row["cost"] == optimal_cost(sets.problem_of(TINY))
    assert row["history"][-1][1] == row["cost"]
    assert json.loads(json.dumps(row)) == row
    assert PEERS[method].package in row["versions"]


@pytest.mark.parametrize(
    ("routes", "reported", "fault"),
    [
        ([[1, 2, 3]], 18.0, "above CAPACITY 2"),
        ([[1, 2]], 4.0, "customer 3 is not visited"),
        ([[1, 2], [3]], 21.0, "reported cost 21.0"),
        ([], 0.0, "no routes"),
    ],
)
def test_an_answer_that_is_no_solution_has_no_cost(routes: list[list[int]], reported: float, fault: str) -> None:
    """Whatever the solver reports: its row counts as one without routes."""
    row = run.row_of(run.Task("peers", TINY, "hgs", 1.0, 0), LINE, Answer(routes, [(0.5, reported)]))
    assert fault in row["fault"]
    assert (row["cost"], row["history"]) == (None, [])


def test_costs_are_computed_from_the_routes() -> None:
    """Small differences come from whole distances; fewer routes than the fleet rule's are marked, not refused."""
    row = run.row_of(run.Task("peers", TINY, "hgs", 1.0, 0), LINE, Answer([[1, 2], [3]], [(0.1, 30.0), (1.0, 22.0001)]))
    assert row["history"] == [[0.1, 30.0], [1.0, 22.0]]
    assert (row["cost"], row["fault"], row["keeps_fleet"]) == (22.0, None, False)


def test_everybody_gets_the_same_whole_distances() -> None:
    """Whole ones as they are; others with seven digits in the largest."""
    assert scale(LINE) == 1
    uniform = sets.uniform_instance("u", 100, 5)
    whole = whole_distances(uniform)
    assert 10**6 <= whole.max() < 10**7
    assert np.abs(whole / scale(uniform) - uniform.distance).max() <= 5e-7
    assert vehicles(LINE) == 3
    assert vehicles(uniform) == 2 * uniform.minimum_vehicles + 5


def clocks() -> list[float]:
    """Return what this process reads from its clocks, processor time last."""
    return [time.time(), time.monotonic(), time.perf_counter(), time.process_time()]


@pytest.mark.skipif(shutil.which("cc") is None or sys.platform != "linux", reason="needs Linux and a C compiler")
def test_with_the_library_every_clock_is_processor_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a process started with it; they are read one after the other."""
    monkeypatch.setenv("LD_PRELOAD", str(make_library(tmp_path)))
    with ProcessPoolExecutor(1, get_context("spawn")) as process:
        read = process.submit(clocks).result()
    assert read == sorted(read)
    assert read[-1] - read[0] < 0.01


def test_runs_are_those_that_a_curve_needs() -> None:
    """One long run, or one for each length; solvers without seeds run once."""
    times = (0.5, 1.0, 2.0)
    found = list(run.peer_tasks(("a",), ("lagrl", "pyvrp", "hgs", "ortools", "vrp-cli"), (3, 4), times))
    lengths = {(task.method, task.seed): [] for task in found}
    for task in found:
        lengths[task.method, task.seed].append(task.seconds)
    each = list(times)
    assert lengths == {
        ("lagrl", 3): each,
        ("lagrl", 4): each,
        ("hgs", 3): each,
        ("hgs", 4): each,
        ("pyvrp", 3): [2.0],
        ("pyvrp", 4): [2.0],
        ("ortools", 3): [2.0],
        ("vrp-cli", 3): [1.0, 2.0],
    }


def test_rows_of_some_methods_and_instances_are_chosen() -> None:
    """None given means all; a name without rows is refused."""
    wanted = list(run.tasks("ablation", (0,), (2.0,)))
    name = wanted[0].instance
    assert run.chosen(wanted, (), ()) == wanted
    found = run.chosen(wanted, ("lagrl", "without chains"), (name,))
    assert [(task.instance, task.method) for task in found] == [(name, "lagrl"), (name, "without chains")]
    with pytest.raises(InputError, match="nobody"):
        run.chosen(wanted, (), ("nobody",))


def test_an_unknown_or_missing_solver_is_refused() -> None:
    """Before anything runs."""
    with pytest.raises(InputError, match="nobody"):
        run.require_installed(("lagrl", "nobody"))


def test_sets_are_made_from_their_names() -> None:
    """Same name, same instance; a family for each; demands and capacity of the uniform ones as in the literature."""
    for name in (TINY, "roads-30-1", "uniform-100-2"):
        problem = sets.problem_of(name)
        assert np.array_equal(problem.distance, sets.problem_of(name).distance)
        assert problem.name == name
    assert [sets.family(name) for name in (TINY, "roads-30-1", "uniform-100-2", "X-n101-k25")] == [
        *("X-type", "roads", "uniform", "X"),
    ]
    assert (problem.capacity, problem.demand.min(), problem.demand.max()) == (50, 1, 9)
    assert problem.coordinates is not None
    assert problem.coordinates.max() <= 1
    assert len(sets.instances("uniform")) == 15
    assert sets.instances("roads")[0] == "roads-241-0"


def row(method: str, seconds: float, history: list[tuple[float, float]], **changes: Any) -> dict[str, Any]:
    """Make a row; no best known cost exists."""
    usual = {"part": "peers", "instance": "X-type-100-1", "family": "X-type", "seed": 0, "n_customers": 100}
    usual |= {"best_known": None, "wall": seconds + 0.1, "processor": seconds, "fault": None, "keeps_fleet": True}
    return usual | {"method": method, "seconds": seconds, "history": history} | changes


ROWS = [
    row("lagrl", 1.0, [(0.5, 110.0)]),
    row("lagrl", 2.0, [(0.5, 120.0), (1.5, 105.0)]),
    row("lagrl", 4.0, [(3.9, 100.0)]),
    row("pyvrp", 4.0, [(0.9, 120.0), (1.9, 110.0)]),
    row("hgs", 1.0, [], fault="no routes"),
    row("hgs", 2.0, [(2.0, 102.0)]),
    row("hgs", 4.0, [(4.0, 101.0)], keeps_fleet=False),
    row("vrp-cli", 2.0, [(0.4, 130.0)]),
    row("vrp-cli", 4.0, [(2.0, 104.0)]),
]


def test_primal_integrals_hold_each_gap_until_the_next_time() -> None:
    """From the first time to the last; 100 % without routes."""
    rows = report.with_best_known(ROWS)
    times = report.measured_times(rows)
    assert times == [1.0, 2.0, 4.0]
    (integral,) = report.mean_gap(rows, "lagrl", times).values()
    assert integral == pytest.approx((1 * 10 + 2 * 5) / 3)
    (integral,) = report.mean_gap(rows, "hgs", times).values()
    assert integral == pytest.approx((1 * 100 + 2 * 2) / 3)
    (integral,) = report.mean_gap(rows, "vrp-cli", times).values()  # the first time is read off its run of 2 s
    assert integral == pytest.approx((1 * 30 + 2 * 30) / 3)
    table = report.integral_table(rows)
    assert "| lagrl | 6.67 |  |" in table
    assert "| hgs | 34.67 | -28.00 |" in table


def test_differences_are_by_family_and_size() -> None:
    """A line for all, for each family if there are several, and for each class of sizes."""
    other = [dict(each, instance="X-n401-k29", family="X", n_customers=400, best_known=100.0) for each in ROWS]
    lines = report.pairs_table(report.with_best_known([*ROWS, *other]), 4.0).splitlines()
    assert lines[2] == "| instances | number | pyvrp | hgs | vrp-cli |"
    assert lines[4].startswith("| all | 2 | -10.00 [-10.00, -10.00] | -1.00 ")
    assert [line.split("|")[1].strip() for line in lines[5:]] == ["X", "X-type", "n 1–100", "n 201–400"]


def test_answers_are_counted() -> None:
    """Runs without a solution, those against the fleet rule, and the seconds that calls took."""
    table = report.answers_table(ROWS)
    assert "| hgs | 3 | 1 | 1 | 0.10 | 0.10 | 0.96 |" in table
    assert "| lagrl | 3 | 0 | 0 |" in table


def test_all_tables_of_the_part_are_shown() -> None:
    """One heading for each set, the measured times, and the instances that all solvers were run on."""
    begun = [dict(each, instance="X-type-300-2", n_customers=300) for each in ROWS[:4]]
    text = report.show_peers([*ROWS, *begun])
    assert text.count("### ") == 1
    curve = text[text.index("| seconds | lagrl | pyvrp | hgs | vrp-cli |") :].splitlines()
    assert [line.split("|")[1].strip() for line in curve[2:5]] == ["1", "2", "4"]
    assert "| all | 1 |" in text
    everywhere = text[text.index("All 2 instances. ") :].splitlines()
    assert everywhere[2] == "| seconds | lagrl | pyvrp |"
    assert everywhere[6] == "| 4 | 0.00 / 0.00 / 0.00 | 10.00 / 10.00 / 10.00 |"
    nothing = [row("hgs", 1.0, [], fault="no routes")]
    assert "No instance is complete" in report.show_peers(nothing)
    assert [report.size_class(n) for n in (100, 101, 1000, 1001)] == ["1–100", "101–200", "401–1000", "over 1000"]
