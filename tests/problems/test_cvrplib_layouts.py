"""The layouts of TSPLIB and LKH that people have: metrics, matrices, depots, durations, fleets, solutions of others."""

from __future__ import annotations

import itertools
import warnings
from typing import TYPE_CHECKING

import numpy as np
import pytest
from cvrplib_samples import GOOD_INSTANCE, GOOD_SOLUTION

from lagrl.errors import FleetError, InputWarning, InstanceError
from lagrl.problems.cvrplib import read_instance, read_solution, write_instance, write_solution
from lagrl.problems.fleet import Fleet
from lagrl.problems.solution import Solution, check, route_cost

if TYPE_CHECKING:
    from pathlib import Path

    from lagrl.problems.cvrp import CVRP

POINTS = [(30, 30), (10, 12), (52, 14), (48, 50), (14, 47), (31, 5), (55, 31), (8, 30), (30, 55)]
DEMAND = [0, 3, 4, 2, 5, 3, 4, 2, 3]
ULYSSES = """38.24 20.42 39.57 26.15 40.56 25.32 36.26 23.12 33.48 10.54 37.56 12.19 38.42 13.11 37.52 20.44 41.23 9.10
41.17 13.05 36.08 -5.21 38.47 15.13 38.15 15.35 37.51 15.17 35.49 14.32 39.36 19.56"""
ULYSSES_TOUR = [14, 13, 12, 7, 6, 15, 5, 11, 9, 10, 16, 3, 2, 4, 8]  # after node 1; TSPLIB's optimum 6859


def planar(
    points: list[tuple[float, float]] = POINTS,
    demand: list[int] = DEMAND,
    *,
    head: str = "",
    kind: str = "EUC_2D",
    depot: int = 1,
    capacity: str = "10",
    name: str = "plain",
) -> str:
    """Write an instance of points; `head` are further specifications."""
    lines = [f"NAME : {name}", "TYPE : CVRP", f"DIMENSION : {len(points)}", *([head] if head else [])]
    lines += [f"EDGE_WEIGHT_TYPE : {kind}", f"CAPACITY : {capacity}", "NODE_COORD_SECTION"]
    lines += [f"{node} {x} {y}" for node, (x, y) in enumerate(points, 1)]
    lines += ["DEMAND_SECTION", *(f"{node} {d}" for node, d in enumerate(demand, 1))]
    return "\n".join([*lines, "DEPOT_SECTION", str(depot), "-1", "EOF", ""])


def matrix(layout: str, weights: str, *, depot: int = 1, demand: str = "1 0\n2 1\n3 1\n4 1") -> str:
    """Write an instance of four nodes and a capacity of 3 with given weights."""
    return (
        f"NAME : matrix\nTYPE : CVRP\nDIMENSION : 4\nEDGE_WEIGHT_TYPE : EXPLICIT\nEDGE_WEIGHT_FORMAT : {layout}\n"
        f"CAPACITY : 3\nEDGE_WEIGHT_SECTION\n{weights}\nDEMAND_SECTION\n{demand}\nDEPOT_SECTION\n{depot}\n-1\nEOF\n"
    )


def read_text(folder: Path, text: str, **options: object) -> CVRP:
    """Save a text and read it as an instance; warnings are errors."""
    path = folder / "file.vrp"
    path.write_text(text)
    with warnings.catch_warnings():
        warnings.simplefilter("error", InputWarning)
        return read_instance(path, **options)


@pytest.mark.parametrize(
    ("layout", "weights"),
    [
        ("FULL_MATRIX", "0 1 2 3 1 0 4 5 2 4 0 6 3 5 6 0"),
        ("FULL_MATRIX", "9999 1 2 3 1 9999 4 5 2 4 -1 6 3 5 6 9999"),
        ("UPPER_ROW", "1 2 3\n4 5\n6"),
        ("LOWER_ROW", "1\n2 4\n3 5 6"),
        ("UPPER_DIAG_ROW", "0 1 2 3\n0 4 5\n0 6\n0"),
        ("LOWER_DIAG_ROW", "0\n1 0\n2 4 0\n3 5 6 99"),
        ("UPPER_COL", "1\n2 4\n3 5 6"),
        ("LOWER_COL", "1 2 3\n4 5\n6"),
        ("UPPER_DIAG_COL", "0\n1 0\n2 4 0\n3 5 6 0"),
        ("LOWER_DIAG_COL", "0 1 2 3\n0 4 5\n0 6\n0"),
    ],
)
def test_every_layout_gives_the_same_matrix(tmp_path: Path, layout: str, weights: str) -> None:
    """Rows and columns of either triangle, with and without the diagonal, which is not used."""
    wanted = [[0, 1, 2, 3], [1, 0, 4, 5], [2, 4, 0, 6], [3, 5, 6, 0]]
    assert read_text(tmp_path, matrix(layout, weights)).distance.tolist() == wanted


@pytest.mark.parametrize("kind", ["CEIL_2D", "ATT", "MAN_2D", "MAX_2D"])
def test_metrics_in_the_plane_are_tsplibs(tmp_path: Path, kind: str) -> None:
    """Each distance is recomputed by the definition of Reinelt (1995); pictures and seeds keep the coordinates."""
    problem = read_text(tmp_path, planar(kind=kind))
    for (i, (a, b)), (j, (c, d)) in itertools.product(enumerate(POINTS), repeat=2):
        across, along = abs(a - c), abs(b - d)
        root = np.sqrt((across**2 + along**2) / 10)
        nearest = int(root + 0.5)
        wanted = {
            "CEIL_2D": np.ceil(np.hypot(across, along)),
            "ATT": nearest + 1 if nearest < root else nearest,
            "MAN_2D": across + along,
            "MAX_2D": max(across, along),
        }
        assert problem.distance[i, j] == wanted[kind]
    assert problem.coordinates is not None
    assert problem.coordinates.tolist() == [list(point) for point in POINTS]
    assert problem.rounding == "explicit"
    write_instance(problem, tmp_path / "again.vrp")
    assert np.array_equal(read_instance(tmp_path / "again.vrp").distance, problem.distance)


def test_geographical_distances_are_tsplibs(tmp_path: Path) -> None:
    """The optimal tour of TSPLIB's ulysses16 costs 6859; two nodes on one place are 1 apart by the definition."""
    numbers = [float(number) for number in ULYSSES.split()]
    points = list(zip(numbers[::2], numbers[1::2], strict=True))
    problem = read_text(tmp_path, planar([*points, points[0]], [0] + [1] * 16, kind="GEO", capacity="16"))
    assert route_cost(problem, [node - 1 for node in ULYSSES_TOUR]) == 6859
    assert problem.distance[0, 16] == 1


@pytest.mark.parametrize("depot", [1, 5, 9])
def test_the_depot_may_be_any_node(tmp_path: Path, depot: int) -> None:
    """Customers are the other nodes in the file's order, in the plane and in a matrix."""
    order = [*range(1, depot), 0, *range(depot, 9)]  # original node on each line
    text = planar([POINTS[i] for i in order], [DEMAND[i] for i in order], depot=depot)
    first, moved = read_text(tmp_path, planar()), read_text(tmp_path, text)
    assert np.array_equal(first.distance, moved.distance)
    assert np.array_equal(first.demand, moved.demand)
    demand = {1: "1 0\n2 1\n3 1\n4 1", 5: "1 1\n2 0\n3 1\n4 1", 9: "1 1\n2 1\n3 1\n4 0"}[depot]
    depot = {1: 1, 5: 2, 9: 4}[depot]
    problem = read_text(tmp_path, matrix("UPPER_ROW", "1 2 3 4 5 6", depot=depot, demand=demand))
    assert problem.distance[0, 1:].tolist() == {1: [1, 2, 3], 2: [1, 4, 5], 4: [3, 5, 6]}[depot]


def test_errors_name_the_nodes_of_the_file(tmp_path: Path) -> None:
    """With the depot last, node numbers of messages are still those of the lines."""
    points, demand = [*POINTS[1:], POINTS[0]], [*DEMAND[1:], 0]
    with pytest.raises(InstanceError, match="DEMAND_SECTION: node 4 has demand -2, below 0"):
        read_text(tmp_path, planar(points, [*demand[:3], -2, *demand[4:]], depot=9))
    with pytest.raises(InstanceError, match=r"the depot \(node 9\) has demand 4; give it 0"):
        read_text(tmp_path, planar(points, [*demand[:8], 4], depot=9))
    asymmetric = matrix("FULL_MATRIX", "0 1 2 3 1 0 4 5 2 4 0 6 3 5 7 0", depot=4, demand="1 1\n2 1\n3 1\n4 0")
    with pytest.raises(InstanceError, match=r"node 3 to 4 is 6\.0, back it is 7\.0; asymmetric distances"):
        read_text(tmp_path, asymmetric)


def test_asymmetric_instances_are_refused_by_name(tmp_path: Path) -> None:
    """TYPE : ACVRP says what is not supported."""
    with pytest.raises(InstanceError, match=r"TYPE: 'ACVRP' \(asymmetric distances\) is not supported"):
        read_text(tmp_path, matrix("FULL_MATRIX", "0 3 9 4 50 0 8 7 5 60 0 6 1 2 70 0").replace("CVRP", "ACVRP"))


@pytest.mark.parametrize("number", ["1e1", "1.0e+01", "10.000e0", "+10", "100E-1"])
def test_whole_numbers_in_any_notation_are_read(tmp_path: Path, number: str) -> None:
    """Exponents are fine in capacity, dimension and demands as long as the value is whole."""
    text = planar(capacity=number).replace("DIMENSION : 9", "DIMENSION : 0.9e1").replace("\n2 3\n", "\n2 3.000e+00\n")
    problem = read_text(tmp_path, text)
    assert (problem.capacity, problem.demand.tolist()) == (10, DEMAND[1:])


@pytest.mark.parametrize(
    "head",
    [
        "SERVICE_TIME : 0",
        "SERVICE_TIME : 10",
        "DISTANCE : 1e30",
        "DISTANCE : 1e999",
        "DISTANCE : 999\nSERVICE_TIME : 9",
    ],
)
def test_durations_that_no_route_reaches_are_accepted(tmp_path: Path, head: str) -> None:
    """Stops without a limit, and limits above every route, leave the instance as it is."""
    assert np.array_equal(read_text(tmp_path, planar(head=head)).distance, read_text(tmp_path, planar()).distance)


def test_the_longest_route_decides_whether_a_duration_binds(tmp_path: Path) -> None:
    """Two customers fit, 10 away on either side: 2 + 1 arcs of at most 20, and two stops."""
    points: list[tuple[float, float]] = [(0, 0), (10, 0), (-10, 0), (0, 1)]
    demand = [0, 5, 5, 5]
    for head, binds in (
        ("DISTANCE : 50", False), ("DISTANCE : 49.9", True),
        ("DISTANCE : 54\nSERVICE_TIME : 2", False), ("DISTANCE : 53\nSERVICE_TIME : 2", True),
    ):  # fmt: skip
        text = planar(points, demand, head=head)
        if binds:
            with pytest.raises(InstanceError, match=r"DISTANCE: .* limits the duration of routes"):
                read_text(tmp_path, text)
        else:
            assert read_text(tmp_path, text).n_customers == 3
    stops = planar(points, demand, head="DISTANCE : 53").replace(
        "DEPOT_SECTION", "SERVICE_TIME_SECTION\n1 0\n2 2\n3 0\n4 0\nDEPOT_SECTION"
    )
    with pytest.raises(InstanceError, match="DISTANCE: '53' limits the duration"):
        read_text(tmp_path, stops)
    assert read_text(tmp_path, stops.replace("53", "54")).n_customers == 3


def test_vehicles_are_a_limit(tmp_path: Path) -> None:
    """LKH's VEHICLES : K is atmost:K, unless the user or a benchmark family gives the rule."""
    assert read_text(tmp_path, planar(head="VEHICLES : 4")).fleet == Fleet("atmost", 4)
    assert read_text(tmp_path, planar(head="VEHICLES : 4"), fleet=Fleet()).fleet == Fleet()
    assert read_text(tmp_path, planar(head="VEHICLES : 9", name="E-n23-k3")).fleet == Fleet("exact", 3)
    with pytest.raises(FleetError, match="atmost:2 is too few vehicles"):
        read_text(tmp_path, planar(head="VEHICLES : 2"))


LKH = """lkh, Cost: 0_243
The tours traveled by the 3 salesmen are:
1 8 2 6 1 (#3)  Cost: 100
1 3 7 4 1 (#3)  Cost: 90
1 9 5 1 (#2)  Cost: 53
"""


@pytest.mark.parametrize(
    ("solution", "said"),
    [
        (LKH, "Route: 'lkh, Cost: 0_243' is neither a route nor a cost"),
        ("Route #1: 1 2\nCost 20\n", "customer 3 is not visited"),
        ("Route #1: 1 2\nRoute #2: 3\nCost 27\n", "stated cost is 27, the routes cost 26"),
        ("Route #1: 1 2 3\nCost 30\n", "route 1 carries 17, above CAPACITY 10"),
        ("\x00", "file: binary content"),
    ],
)
def test_a_foreign_solution_beside_an_instance_is_a_warning(tmp_path: Path, solution: str, said: str) -> None:
    """The instance is read without a best known cost."""
    path = tmp_path / "file.vrp"
    path.write_text(GOOD_INSTANCE)
    path.with_suffix(".sol").write_text(solution)
    with pytest.warns(InputWarning) as caught:
        assert read_instance(path).best_known is None
    [warning] = caught
    assert str(warning.message).startswith(f"{path.with_suffix('.sol')}: {said}")
    assert str(warning.message).endswith("; it is not used as the best known cost")


def test_a_solution_counts_under_the_rules_that_it_meets(tmp_path: Path) -> None:
    """The cheapest routes of all are the cheapest under any rule that they meet, and not under another one."""
    path = tmp_path / "file.vrp"
    path.write_text(GOOD_INSTANCE)
    path.with_suffix(".sol").write_text(GOOD_SOLUTION + "Solver lagrl 0.2.0\n")
    for rule, cost in (("free", 26), ("exact:2", 26), ("atmost:2", 26), ("atmost:3", 26), ("exact:3", None)):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert read_instance(path, fleet=Fleet.parse(rule)).best_known == cost


def test_a_cost_of_the_other_rounding_names_the_option(tmp_path: Path) -> None:
    """The .sol of an unrounded instance: a warning that names --rounding none, under which its cost counts."""
    path = tmp_path / "file.vrp"
    path.write_text(planar(name="own"))
    exact = read_instance(path, rounding="none")
    solution = Solution.of(exact, [[7, 1, 5], [2, 6, 3], [8, 4]])
    assert check(exact, solution) == []
    write_solution(solution, path.with_suffix(".sol"))
    said = rf"its cost {solution.cost:.10g} is that of --rounding none, not of nint"
    with pytest.warns(InputWarning, match=said):
        assert read_instance(path).best_known is None
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert read_instance(path, rounding="none").best_known == solution.cost
        assert read_instance(path, rounding="nint").best_known is None  # the user has chosen it
    assert read_solution(path.with_suffix(".sol")).cost == solution.cost


def test_the_tables_cost_holds_for_the_sets_own_distances_only(tmp_path: Path) -> None:
    """A benchmark's name finds its cost in any spelling; other distances or another fleet rule drop it."""
    text = planar(name="x_N101_K25")
    assert read_text(tmp_path, text).best_known == 27591
    assert read_text(tmp_path, text, rounding="none").best_known is None
    assert read_text(tmp_path, text, fleet=Fleet("atmost", 5)).best_known is None
    assert read_text(tmp_path, text.replace("EUC_2D", "CEIL_2D")).best_known is None
