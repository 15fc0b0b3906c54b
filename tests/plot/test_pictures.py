"""Pictures show what was solved: every route, every controller, no decreasing best-so-far."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from lagrl.errors import InputError, MissingExtraError, OutputError
from lagrl.problems.bundled import read_bundled
from lagrl.problems.cvrp import CVRP
from lagrl.solver import SolveConfig, SolveResult, solve

if TYPE_CHECKING:
    from lagrl.search.search_report import Ascent

pytest.importorskip("matplotlib", reason="the pictures need matplotlib (extra viz)")

from lagrl.plot import pictures
from lagrl.plot.picture_style import new_figure, save_figure

CONTROLLERS = ("constant", "cfm", "perturbed")


@pytest.fixture(scope="module")
def results() -> dict[str, SolveResult]:
    """Solve one instance of uneven demands under three controllers."""
    problem = read_bundled("G-n51-k6")
    return {name: solve(problem, SolveConfig(controller=name, evaluations=40)) for name in CONTROLLERS}


def first_ascents(results: dict[str, SolveResult]) -> dict[str, Ascent]:
    """The first ascent under each controller."""
    return {name: result.ascents[0] for name, result in results.items()}


def test_routes_are_drawn_one_line_each_through_their_customers(results: dict[str, SolveResult]) -> None:
    """As many lines as routes, each through its customers' coordinates; two faint depot legs a route."""
    result = results["cfm"]
    problem, solution = result.problem, result.solution
    assert problem.coordinates is not None
    axes = new_figure(4, 4).subplots()
    pictures.routes(problem, solution, axes)
    drawn = [line for line in axes.lines if line.get_gid() == "route"]
    legs = [line for line in axes.lines if line.get_gid() == "depot leg"]
    expected = {tuple(map(tuple, problem.coordinates[list(route)])) for route in solution.routes}
    assert {tuple(map(tuple, line.get_xydata())) for line in drawn} == expected
    assert len(drawn) == solution.n_routes
    assert len(legs) == 2 * solution.n_routes
    assert all(tuple(problem.coordinates[0]) in map(tuple, leg.get_xydata()) for leg in legs)
    assert len({(line.get_color(), line.get_linestyle()) for line in drawn}) == solution.n_routes


def test_customers_grow_with_their_demand(results: dict[str, SolveResult]) -> None:
    """Marks are sized in the order of the demands, and each customer has one."""
    problem, solution = results["cfm"].problem, results["cfm"].solution
    assert problem.coordinates is not None
    axes = new_figure(4, 4).subplots()
    pictures.routes(problem, solution, axes)
    groups = [group for group in axes.collections if group.get_gid() == "customers"]
    size = {
        tuple(place): area
        for group in groups
        for place, area in zip(np.asarray(group.get_offsets()), group.get_sizes(), strict=True)
    }
    areas = np.array([size[tuple(place)] for place in problem.coordinates[1:]])
    order = np.argsort(problem.demand, kind="stable")
    assert np.all(np.diff(areas[order]) >= 0.0)
    assert areas[problem.demand == problem.demand.max()].min() > areas[problem.demand == problem.demand.min()].max()


def test_the_title_of_the_routes_says_name_cost_and_gap(results: dict[str, SolveResult]) -> None:
    """The numbers are the solution's; without a best known cost there is no gap."""
    problem, solution = results["cfm"].problem, results["cfm"].solution
    axes = new_figure(8, 4).subplots(1, 2)
    pictures.routes(problem, solution, axes[0])
    pictures.routes(replace(problem, best_known=None), solution, axes[1])
    title = axes[0].get_title(loc="left")
    assert title.startswith(f"{problem.name}: {solution.n_routes} routes, cost {solution.cost:.10g}, ")
    assert f"{problem.gap_percent(solution.cost):.2f} %" in title
    assert "%" not in axes[1].get_title(loc="left")


def test_an_instance_without_coordinates_cannot_be_drawn(results: dict[str, SolveResult]) -> None:
    """The message names the instance."""
    flat = CVRP("bare", np.array([1]), 1, np.array([[0.0, 1.0], [1.0, 0.0]]))
    solution = replace(results["cfm"].solution, routes=((1,),), cost=2.0)
    with pytest.raises(InputError, match=r"bare: coordinates: only distances are known"):
        pictures.routes(flat, solution, new_figure(4, 4).subplots())


def test_dual_curves_never_fall_and_end_at_the_highest_value(results: dict[str, SolveResult]) -> None:
    """One line per controller, of the first ascent, between the two lines of reference."""
    axes = new_figure(4, 4).subplots()
    pictures.dual(first_ascents(results), axes)
    curves = {line.get_label(): np.asarray(line.get_ydata()) for line in axes.lines if line.get_gid() == "controller"}
    assert set(curves) == set(CONTROLLERS)
    lowest, highest = sorted(line.get_ydata()[0] for line in axes.lines if line.get_gid() == "reference")
    for name, values in curves.items():
        trace = results[name].ascents[0].trace
        assert np.all(np.diff(values) >= 0.0)
        assert values[0] == trace.exact_value[0]
        assert values[-1] == trace.dual_value
        assert np.all(values <= highest + 1e-6 * highest)
    assert lowest == results["cfm"].ascents[0].linear_value
    assert "does not bound the CVRP" in axes.get_ylabel()


def test_dual_curves_of_different_linearisations_are_refused(results: dict[str, SolveResult]) -> None:
    """Under another seed the values are not comparable."""
    other = solve(results["cfm"].problem, SolveConfig(controller="cfm", evaluations=40, seed=1))
    with pytest.raises(InputError, match="one linearisation"):
        pictures.dual(first_ascents({**results, "other": other}))
    with pytest.raises(InputError, match="one linearisation"):
        pictures.dual({})


def test_incumbents_never_get_worse_and_end_at_the_result(results: dict[str, SolveResult]) -> None:
    """The last height of a line is the gap of the routes returned, or their cost without a best known one."""
    bare = {name: replace(result, problem=replace(result.problem, best_known=None)) for name, result in results.items()}
    for shown, is_gap in ((results, True), (bare, False)):
        axes = new_figure(4, 4).subplots()
        pictures.history(shown, axes)
        curves = {line.get_label(): line for line in axes.lines if line.get_gid() == "controller"}
        assert set(curves) == set(CONTROLLERS)
        for name, line in curves.items():
            result = results[name]
            heights = np.asarray(line.get_ydata(), dtype=float)
            cost = result.solution.cost
            assert heights[-1] == (result.problem.gap_percent(cost) if is_gap else cost)
            assert np.all(np.diff(heights) <= 0.0)
            assert line.get_xdata()[-1] == result.evaluations
        assert ("%" in axes.get_ylabel()) == is_gap


def test_a_figure_is_saved_as_the_same_png_twice(tmp_path: Path, results: dict[str, SolveResult]) -> None:
    """The file has a PNG's signature and the size asked for, replaces what was there, and nothing else is left."""
    figure = new_figure(6, 4)
    pictures.history(results, figure.subplots())
    first, second = tmp_path / "first.png", tmp_path / "second.png"
    second.write_bytes(b"old")
    for path in (first, second):
        save_figure(figure, path)
    content = first.read_bytes()
    assert content.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = (int.from_bytes(content[start : start + 4], "big") for start in (16, 20))
    assert (width, height) == (6 * figure.dpi, 4 * figure.dpi)
    assert content == second.read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {"first.png", "second.png"}


@pytest.mark.parametrize(
    ("name", "start"), [("a.png", b"\x89PNG"), ("a.PNG", b"\x89PNG"), ("a.svg", b"<?xml"), ("a.pdf", b"%PDF-")]
)
def test_the_suffix_decides_the_format(tmp_path: Path, name: str, start: bytes) -> None:
    """The file is of the kind that its name states, and the same again."""
    contents = []
    for _ in range(2):
        figure = new_figure(2, 2)
        figure.subplots().plot([1, 2])
        save_figure(figure, tmp_path / name)
        contents.append((tmp_path / name).read_bytes())
    assert contents[0].startswith(start)
    assert contents[0] == contents[1]


@pytest.mark.parametrize("name", ["picture", "picture.jpg"])
def test_other_suffixes_are_refused(tmp_path: Path, name: str) -> None:
    """No file is written, and the message names the formats."""
    with pytest.raises(InputError, match=r"\.png, \.svg or \.pdf"):
        save_figure(new_figure(2, 2), tmp_path / name)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_left_of_a_figure_that_could_not_be_saved(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half-written files go; what was there stays; a missing folder is an error of the user."""
    figure = new_figure(2, 2)

    def break_off(path: Path, **_: object) -> None:
        Path(path).write_bytes(b"\x89PNG")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(figure, "savefig", break_off)
    target = tmp_path / "picture.png"
    target.write_bytes(b"old")
    with pytest.raises(OutputError, match=r"picture\.png.*No space left"):
        save_figure(figure, target)
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]
    with pytest.raises(OutputError, match="missing"):
        save_figure(figure, tmp_path / "missing" / "picture.png")


def test_without_matplotlib_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error says what to install."""
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingExtraError, match=r"pip install -c constraints.txt '\.\[viz\]'"):
        new_figure(1, 1)
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    problem = read_bundled("G-n16-k3")
    with pytest.raises(MissingExtraError, match=r"pip install -c constraints.txt '\.\[viz\]'"):
        pictures.routes(problem, [range(1, 16)])


def test_pictures_without_axes_open_their_own_and_return_them(results: dict[str, SolveResult]) -> None:
    """Each picture returns the axes that it drew on, new ones each time; bare routes are drawn as well."""
    from matplotlib import pyplot

    result = results["cfm"]
    drawn = [
        pictures.routes(result.problem, result),
        pictures.routes(result.problem, result.routes),
        pictures.history(result),
        pictures.dual(result.ascents[0].trace),
    ]
    assert len({id(ax) for ax in drawn}) == len(drawn)
    assert all(ax.lines for ax in drawn)
    assert drawn[0].get_title(loc="left") == drawn[1].get_title(loc="left")
    assert drawn[3].get_title(loc="left") == "Dual ascent"
    assert {line.get_gid() for line in drawn[3].lines} == {"controller", "end", "reference"}
    for ax in drawn:
        pyplot.close(ax.figure)


def test_pictures_refuse_other_things(results: dict[str, SolveResult]) -> None:
    """What is given and what to give instead are in one line."""
    problem = results["cfm"].problem
    with pytest.raises(InputError, match=r"problem: 'x' given; read it first: lagrl.read\('x'\)"):
        pictures.routes("x", results["cfm"])
    with pytest.raises(InputError, match=r"solution: .* given; give a Solution"):
        pictures.routes(problem, 3)
    with pytest.raises(InputError, match="customer 99 is not in"):
        pictures.routes(problem, [[99]])
    with pytest.raises(InputError, match=r"ascents: 3 given; give what lagrl.ascend\(...\) returns"):
        pictures.dual(3)
    with pytest.raises(InputError, match="results of one instance"):
        pictures.history(3)
