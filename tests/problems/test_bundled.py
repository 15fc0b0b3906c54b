from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lagrl.errors import InputError, SolutionError, UnknownNameError
from lagrl.problems.bundled import bundled_names, bundled_path, read_bundled
from lagrl.problems.cvrplib import read_instance, read_solution
from lagrl.problems.fleet import Fleet
from lagrl.problems.generate import XTypeParams
from lagrl.problems.solution import Solution, check, faults

SIZES = [15, 30, 50, 80, 120, 200]


@pytest.fixture(scope="module")
def script():
    """Load the script that makes the bundled instances."""
    from benchmarks.bundled_instances import run

    return run


def test_six_sizes_are_bundled_in_order():
    """There are six bundled instances, ordered by the number of customers in their names."""
    assert [read_bundled(name).n_customers for name in bundled_names()] == SIZES
    assert [int(name.split("-")[1][1:]) - 1 for name in bundled_names()] == SIZES


@pytest.mark.parametrize("position", range(len(SIZES)))
def test_reference_solution_is_right(position):
    """Each shipped solution solves its instance and costs just what it states and what is best known."""
    problem = read_bundled(bundled_names()[position])
    path = bundled_path(problem.name).with_suffix(".sol")
    solution = read_solution(path, problem)
    assert faults(problem, solution.routes, problem.best_known) == []
    assert check(problem, read_solution(path)) == []
    assert solution.cost == problem.best_known
    assert solution.n_routes >= problem.minimum_vehicles
    assert problem.fleet == Fleet()
    assert read_instance(bundled_path(problem.name)).best_known == problem.best_known


def test_instances_are_what_the_script_makes(script):
    """Generating from the script's seeds again gives the shipped instances, to the last number and word."""
    made = [recipe.make() for recipe in script.RECIPES]
    assert tuple(problem.name for problem in made) == bundled_names()
    for problem in made:
        shipped = read_bundled(problem.name)
        assert (shipped.capacity, shipped.comment, shipped.rounding) == (problem.capacity, problem.comment, "nint")
        np.testing.assert_array_equal(shipped.coordinates, problem.coordinates)
        np.testing.assert_array_equal(shipped.demand, problem.demand)
        np.testing.assert_array_equal(shipped.distance, problem.distance)


def test_instances_differ_in_kind(script):
    """Together they have every depot and customer position, six demand classes and six route lengths."""
    kinds = [recipe.params for recipe in script.RECIPES]
    assert {kind.depot for kind in kinds} == {"C", "E", "R"}
    assert {kind.customers for kind in kinds} == {"R", "C", "RC"}
    assert len({kind.demand for kind in kinds}) == len({kind.route_length for kind in kinds}) == 6


@pytest.mark.parametrize("name", ["G-n16-k4", "", "../bundled/G-n16-k3", "G-n16-k3.vrp"])
def test_unknown_name_is_refused(name):
    """A name that is not bundled, or that is a path, is refused with the names that are."""
    for find in (bundled_path, read_bundled):
        with pytest.raises(UnknownNameError, match=r"known: .*G-n16-k3"):
            find(name)


def solved_at(folder, script, routes):
    """Offer `routes` of a three-customer instance to `folder`; return what is kept and what lies there then."""
    problem = script.generate_x_type(XTypeParams(3, "E", "R", "U", route_length=3), np.random.default_rng(0))
    kept = script.keep_cheaper(folder, problem, Solution.of(problem, routes))
    path = folder / f"{problem.name}.vrp"
    return kept, read_solution(path.with_suffix(".sol"), read_instance(path))


def test_reference_solution_only_improves(tmp_path, script):
    """A cheaper solution replaces the one there, a dearer one does not, and neither does a tie."""
    dear, dear_there = solved_at(tmp_path, script, [[1], [2], [3]])
    cheap, cheap_there = solved_at(tmp_path, script, [[1, 2, 3]])
    again, again_there = solved_at(tmp_path, script, [[1], [2], [3]])
    tie, tie_there = solved_at(tmp_path, script, [[3, 2, 1]])
    assert dear.cost > cheap.cost
    assert dear == dear_there
    assert cheap == cheap_there == again == again_there == tie == tie_there


def test_solution_of_another_instance_is_replaced(tmp_path, script):
    """A cheap solution of a different instance under the same name does not stay."""
    problem = script.generate_x_type(
        XTypeParams(3, "E", "R", "U", route_length=3), np.random.default_rng(0), name="same"
    )
    near = replace(problem, matrix=problem.distance / 2, coordinates=problem.coordinates / 2)
    script.keep_cheaper(tmp_path, near, Solution.of(near, [[1, 2, 3]]))
    kept = script.keep_cheaper(tmp_path, problem, Solution.of(problem, [[1], [2], [3]]))
    assert kept.n_routes == 3
    np.testing.assert_array_equal(read_instance(tmp_path / "same.vrp").coordinates, problem.coordinates)


def test_wrong_solution_is_not_written(tmp_path, script):
    """A solution that leaves a customer out raises and leaves no file."""
    with pytest.raises(SolutionError, match="customer 3 is not visited"):
        solved_at(tmp_path, script, [[1, 2]])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("arguments", [{"seconds_scale": 0.0}, {"seconds_scale": float("nan")}, {"seeds": ()}])
def test_script_refuses_empty_budgets(tmp_path, script, arguments):
    """No time, or no seed, is refused before anything is written."""
    with pytest.raises(InputError, match="--se"):
        script.main(**arguments, folder=tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_pyvrp_solves_the_instance_it_is_given(script):
    """The reference solver's routes are returned in our numbering and solve their instance."""
    pytest.importorskip("pyvrp", reason="pyvrp comes with the extra `bench`")
    problem = script.RECIPES[0].make()
    solution = script.route_with_pyvrp(problem, seconds=0.3, seed=0)
    assert faults(problem, solution.routes) == []
    assert solution.cost <= 1.05 * read_bundled(problem.name).best_known
