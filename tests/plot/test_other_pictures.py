"""Pictures of bounds, samples, multipliers, devices, profiles, trainings and compared routes."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

import lagrl
from lagrl.bench.aggregates import performance_profile
from lagrl.bench.row_pictures import row_picture
from lagrl.bounds.bound import LowerBound
from lagrl.errors import InputError
from lagrl.quantum.ibm.device_table import DeviceRow

pytest.importorskip("matplotlib", reason="the pictures need matplotlib (extra viz)")

from lagrl.plot import picture_style, profile_curves
from lagrl.plot.bound_curve import PHASES


@pytest.fixture(scope="module")
def problem() -> lagrl.CVRP:
    """A bundled instance with a best known cost."""
    return lagrl.read("G-n16-k3")


def axes() -> object:
    """New axes that are bound to no display."""
    return picture_style.new_figure(6, 4).subplots()


def step(seconds: float, value: float, *, cuts: int = 0, is_trivial: bool = False) -> LowerBound:
    """A lower bound at a moment."""
    return LowerBound(value, value, seconds, 1, 1, cuts, False, is_trivial)


def test_a_bound_rises_through_its_phases(problem: lagrl.CVRP) -> None:
    """The line has the given points; phases follow each other from 0 to the last second, in order."""
    steps = [
        step(0.2, 3000.0, is_trivial=True),
        step(0.4, 4000.0),
        step(0.8, 4900.0, cuts=3),
        step(1.0, 5098.0, cuts=4),
    ]
    ax = lagrl.plot.bound(steps, problem, axes())
    (line,) = [line for line in ax.lines if line.get_gid() == "steps"]
    assert line.get_xydata().tolist() == [[own.seconds, own.value] for own in steps]
    phases = [patch for patch in ax.patches if patch.get_gid() == "phase"]
    assert [patch.get_label() for patch in phases] == list(PHASES)
    ends = [(patch.get_x(), patch.get_x() + patch.get_width()) for patch in phases]
    assert np.allclose(ends, [(0.0, 0.2), (0.2, 0.4), (0.4, 1.0)])
    (known,) = [line for line in ax.lines if line.get_gid() == "reference"]
    assert set(known.get_ydata()) == {problem.best_known}
    assert ax.get_title(loc="left") == "G-n16-k3: lower bound 5098.00, 0.00 % below best known"
    with pytest.raises(InputError, match=r"steps: \[\] given; give what on_progress"):
        lagrl.plot.bound([], problem)


def test_samples_are_bars_beside_the_optimum_and_uniform_bits() -> None:
    """Bars are shares of the shots by value; the optimum has one though it was never drawn."""
    drawn = lagrl.quantum.sample([-9.0, -7.0, -6.0, -4.0], [4, 3, 3, 2], 8, sampler="greedy", shots=50)
    ax = lagrl.plot.samples(drawn, axes())
    bars = {bar.get_label(): [patch.get_height() for patch in bar] for bar in ax.containers}
    assert bars == {"optimum": [0.0], "fits": [1.0]}  # greedy takes value −16, the optimum is −17
    assert [text.get_text() for text in ax.get_xticklabels()] == ["0111\n-17", "1100\n-16"]
    (uniform,) = [line for line in ax.lines if line.get_gid() == "uniform"]
    assert uniform.get_ydata()[0] == 1 / 16
    assert ax.get_ylabel() == "share of 50 shots"
    quantum = lagrl.quantum.sample([-9.0, -7.0, -6.0, -4.0], [4, 3, 3, 2], 8, shots=200)
    shown = lagrl.plot.samples(quantum, axes(), most=2)
    heights = [patch.get_height() for bar in shown.containers for patch in bar]
    assert len(heights) in {2, 3}
    assert f"{100 * (1 - sum(heights)):.0f} % are other strings" in shown.get_title(loc="left")
    whole = lagrl.plot.samples(quantum, axes(), most=16)
    kinds = {bar.get_label(): sum(patch.get_height() for patch in bar) for bar in whole.containers}
    assert kinds["exceeds the capacity"] == pytest.approx(1 - quantum.feasible_share)
    with pytest.raises(InputError, match=r"drawn: 3 given; give what lagrl\.quantum\.sample"):
        lagrl.plot.samples(3)
    with pytest.raises(InputError, match="most: 0 given"):
        lagrl.plot.samples(drawn, most=0)


def test_multipliers_lie_at_their_customers(problem: lagrl.CVRP) -> None:
    """Each customer has a point of its value; those below 0 are another group; sizes grow with the amount."""
    values = np.linspace(-3.0, 11.0, problem.n_customers)
    ax = lagrl.plot.multipliers(problem, values, axes())
    groups = {group.get_gid(): group for group in ax.collections}
    below, above = groups["customers below 0"], groups["customers"]
    assert len(below.get_offsets()) == (values < 0).sum()
    assert np.asarray(above.get_array()).tolist() == values[values >= 0].tolist()
    assert problem.coordinates is not None
    assert np.array_equal(above.get_offsets(), problem.coordinates[1:][values >= 0])
    assert np.all(np.diff(above.get_sizes()) > 0)
    assert above.get_clim() == (-11.0, 11.0)
    assert lagrl.plot.multipliers(problem, np.zeros(15), axes()).collections[0].get_clim()[0] == 0.0
    for wrong in ([1.0], [np.nan] * 15, "x"):
        with pytest.raises(InputError, match=r"G-n16-k3: values: shape .*; give 15 finite numbers"):
            lagrl.plot.multipliers(problem, wrong)


def test_shares_of_devices_add_up_to_one() -> None:
    """In every group of decisions; rare devices are joined, and no device is the product state."""
    names = ["fake_a"] * 40 + [""] * 20 + [f"fake_{number}" for number in range(9)] + ["fake_a"] * 31
    ax = lagrl.plot.device_mix(names, axes())
    heights = np.array([[patch.get_height() for patch in bar] for bar in ax.containers])
    assert heights.sum(axis=0) == pytest.approx(np.ones(heights.shape[1]))
    labels = [text.get_text() for text in ax.get_legend().get_texts()]
    assert labels[:2] == ["fake_a", "product"]
    assert labels[-1] == "others"
    assert len(labels) == 7
    widths = np.array([patch.get_width() for patch in ax.containers[0]])
    assert float(heights[0] @ widths) == pytest.approx(71)
    assert ax.get_xlim() == (0.0, 100.0)
    with pytest.raises(InputError, match="decisions: nothing given"):
        lagrl.plot.device_mix([])
    with pytest.raises(InputError, match="decisions: 3 given; give what read_traces returns"):
        lagrl.plot.device_mix([3])


def test_devices_are_ordered_by_their_fidelity() -> None:
    """The best one is at the top; unknown values have no mark."""
    rows = [
        DeviceRow("worse", 5, "cx", 0.02, 0.03, 1e-4, 1e-4, fidelity={4: 0.7, 8: 0.3}),
        DeviceRow("better", 5, "cx", 0.01, None, 1e-4, 1e-4, fidelity={4: 0.9, 8: 0.6}),
    ]
    figure = lagrl.plot.device_errors(rows)
    left, right = figure.axes
    assert [text.get_text() for text in left.get_yticklabels()] == ["worse", "better"]
    marks = {line.get_gid(): line.get_xydata().tolist() for line in (*left.lines, *right.lines)}
    assert marks["readout"] == [[0.03, 0]]
    assert marks["8 qubits"] == [[0.3, 0], [0.6, 1]]
    with pytest.raises(InputError, match="rows: nothing given"):
        lagrl.plot.device_errors([])


def test_profiles_are_steps_of_the_given_shares() -> None:
    """One line a method with its values, within the axes, and a band where there is an interval."""
    rng = np.random.default_rng(0)
    runs = {"cfm": {"A": [0.0, 1.0], "B": [2.0]}, "volume": {"A": [1.0], "B": [np.inf]}}
    profiles = {name: performance_profile(own, [0.0, 1.0, 2.0], rng) for name, own in runs.items()}
    ax = lagrl.plot.performance_profile(profiles, axes())
    lines = {line.get_label(): np.asarray(line.get_ydata()).tolist() for line in ax.lines}
    assert lines == {"cfm": [0.25, 0.5, 1.0], "volume": [0.0, 0.5, 0.5]}
    assert len(ax.collections) == 1  # only cfm has two seeds of an instance
    assert ax.get_xlim() == (0.0, 2.0)
    with pytest.raises(InputError, match="profiles: nothing given"):
        lagrl.plot.performance_profile({})


def test_points_of_a_budget_stay_near_its_tick() -> None:
    """However many methods there are, none lies beyond the middle between two ticks."""
    means = {f"m{number}": [(1.0, 0.5, 2.0), None, (3.0, -np.inf, np.inf)] for number in range(12)}
    ax = profile_curves.means_over_budgets([10, 25, 200], means, axes())
    for container in ax.containers:
        x, y = container.lines[0].get_data()
        assert np.abs(np.asarray(x) - [0, 2]).max() < 0.5
        assert list(y) == [1.0, 3.0]
    assert [text.get_text() for text in ax.get_xticklabels()] == ["10", "25", "200"]


def test_trainings_have_a_panel_per_measure_and_a_line_per_run() -> None:
    """Missing values are skipped, phases are shaded, and a measure that no row has is refused."""
    rows = [{"step": number, "loss": 1.0 / number, "reward": None, "phase": 1 + number // 3} for number in range(1, 6)]
    figure = lagrl.plot.training(rows, unit="epoch")
    (panel,) = figure.axes
    (line,) = [line for line in panel.lines if line.get_gid() == "run"]
    assert line.get_xydata().tolist() == [[number, 1.0 / number] for number in range(1, 6)]
    assert [patch.get_label() for patch in panel.patches] == ["phase 1", "phase 2"]
    assert [patch.get_x() for patch in panel.patches] == [1, 3]
    several = lagrl.plot.training({"seed 0": rows, "seed 1": rows[:2]}, ["loss"])
    assert [line.get_label() for line in several.axes[0].lines] == ["seed 0", "seed 1"]
    with pytest.raises(InputError, match="curves: no row has return"):
        lagrl.plot.training(rows, ["return"])
    with pytest.raises(InputError, match="curves: no row has a known measure"):
        lagrl.plot.training([])


def test_compared_routes_share_their_legs(problem: lagrl.CVRP) -> None:
    """The same routes share all legs, whatever their direction; one map a solution."""
    result = lagrl.solve(problem, evaluations=10)
    turned = [route[::-1] for route in result.routes]
    single = [[customer] for customer in range(1, problem.n_customers + 1)]
    figure = lagrl.plot.compare_routes(problem, {"ours": result, "turned": turned, "single": single})
    titles = [panel.get_title(loc="left") for panel in figure.axes]
    assert "100 % of the legs of ours" in titles[1]
    legs = {frozenset(leg) for route in result.routes for leg in pairwise((0, *route, 0))}
    depot_legs = sum(0 in leg for leg in legs)
    assert f"{100 * depot_legs / len(legs):.0f} % of the legs of ours" in titles[2]
    with pytest.raises(InputError, match="solutions: nothing given"):
        lagrl.plot.compare_routes(problem, {})


def test_a_summary_has_maps_and_the_improvement(problem: lagrl.CVRP) -> None:
    """The history is over seconds; without coordinates it is alone."""
    result = lagrl.solve(problem, evaluations=10)
    figure = lagrl.plot.summary(result, result.solution)
    ours, known, improvement = figure.axes
    assert sum(line.get_gid() == "route" for line in known.lines) == result.solution.n_routes
    (line,) = [line for line in improvement.lines if line.get_gid() == "controller"]
    assert list(line.get_xdata())[:-1] == [seconds for _, seconds, _ in result.history]
    assert improvement.get_xlim()[0] == 0.0
    assert "lagrl: " in ours.get_title(loc="left")
    flat = lagrl.solve(lagrl.CVRP.from_distances("d", [[0, 1, 2], [1, 0, 2], [2, 2, 0]], [2, 1], 4), evaluations=2)
    assert len(lagrl.plot.summary(flat).axes) == 1
    with pytest.raises(InputError, match=r"result: 3 given; give what lagrl\.solve"):
        lagrl.plot.summary(3)
    with pytest.raises(InputError, match="against: 'hours' given; give evaluations or seconds"):
        lagrl.plot.history(result, against="hours")


def test_rows_are_means_and_profiles(tmp_path: object) -> None:
    """Lines are the controllers; the profile ends at 1 where all runs are feasible."""
    rows = lagrl.evaluate(["G-n16-k3", "G-n31-k5"], controllers=["cfm", "constant"], budgets=[2, 10], seeds=[0])
    left, right = row_picture(rows).axes
    assert [text.get_text() for text in left.get_legend().get_texts()] == ["cfm", "constant"]
    assert [text.get_text() for text in left.get_xticklabels()] == ["2", "10"]
    ends = [float(np.asarray(line.get_ydata())[-1]) for line in right.lines]
    assert ends == [1.0, 1.0]
    gaps = [row["gap_pct"] for row in rows if row["controller"] == "cfm" and row["budget"] == 10]
    means = {container.get_label(): container.lines[0].get_ydata()[-1] for container in left.containers}
    assert means["cfm"] == pytest.approx(np.mean(gaps))
