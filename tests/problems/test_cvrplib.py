"""Reading and writing sound CVRPLIB files."""

from __future__ import annotations

import csv
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import numpy as np
import pytest
import vrplib
from hypothesis import given, settings
from hypothesis import strategies as st

from lagrl.errors import FleetError, InputWarning, InstanceError, OutputError, SolutionError
from lagrl.problems.cvrp import CVRP
from lagrl.problems.cvrplib import (
    read_instance,
    read_solution,
    usual_rounding,
    write_instance,
    write_solution,
)
from lagrl.problems.fleet import Fleet
from lagrl.problems.solution import Solution, check

LOWER_ROW = """\
NAME : lower
COMMENT : (Eilon et al)
TYPE : CVRP
DIMENSION : 4
EDGE_WEIGHT_TYPE : EXPLICIT
EDGE_WEIGHT_FORMAT : {layout}
DISPLAY_DATA_TYPE : NO_DISPLAY
CAPACITY : 10
EDGE_WEIGHT_SECTION
{weights}
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


def saved(folder: Path, text: str, name: str = "file.vrp") -> Path:
    """Put `text` into a file."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_planar_instance_is_read(tmp_path: Path, good_text: str) -> None:
    """Every field of the file arrives, and each arc is rounded with halves going up (2.5 gives 3)."""
    problem = read_instance(saved(tmp_path, good_text))
    assert (problem.name, problem.comment) == ("T-n4-k2", "(three customers on a line)")
    assert (problem.capacity, problem.demand.tolist()) == (10, [5, 5, 7])
    assert problem.coordinates is not None
    assert problem.coordinates.tolist() == [[0, 0], [3, 4], [6, 8], [0, 2.5]]
    assert problem.distance[0].tolist() == [0, 5, 10, 3]
    assert (problem.rounding, problem.fleet, problem.best_known) == ("nint", Fleet(), None)


def test_white_space_quotes_case_and_comments_do_not_matter(tmp_path: Path, good_text: str) -> None:
    """Tabs, quotes, Windows line ends, lower case keys, # lines, a byte order mark and a missing EOF are fine."""
    text = good_text.replace("T-n4-k2", '\t"T-n4-k2"\t').replace("CAPACITY :", "capacity:\t").replace("EOF\n", "")
    text = "\ufeff# made by hand\n" + text.replace("DEMAND_SECTION", "DEMAND_SECTION :\t").replace("2 5", "\t2\t5.0 ")
    path = tmp_path / "file.vrp"
    path.write_bytes(text.replace("\n", "\r\n").encode())
    problem = read_instance(path)
    assert (problem.name, problem.capacity, problem.demand.tolist()) == ("T-n4-k2", 10, [5, 5, 7])


def test_latin_1_comments_are_read(tmp_path: Path, good_text: str) -> None:
    """A comment that is not UTF-8 does not keep the instance from being read."""
    path = tmp_path / "file.vrp"
    path.write_bytes(good_text.replace("three", "café").encode("latin-1"))
    assert "café" in read_instance(path).comment


def test_a_comment_with_eof_in_it_ends_nothing(tmp_path: Path, good_text: str) -> None:
    """Only a line that is EOF ends the file, not a word that has it inside."""
    problem = read_instance(saved(tmp_path, good_text.replace("three customers", "by GEOFF")))
    assert problem.n_customers == 3


def test_several_comments_are_joined(tmp_path: Path, good_text: str) -> None:
    """COMMENT is free text and may come more than once."""
    problem = read_instance(saved(tmp_path, good_text.replace("TYPE :", "COMMENT : more\nTYPE :", 1)))
    assert problem.comment.endswith("more")


def test_node_numbers_decide_not_the_order_of_lines(tmp_path: Path, good_text: str) -> None:
    """Lines in another order give the same instance."""
    shuffled = good_text.replace("2 3 4\n3 6 8\n", "3 6 8\n2 3 4\n").replace(
        "1 0\n2 5\n3 5\n4 7\n", "4 7\n1 0\n3 5\n2 5\n"
    )
    assert shuffled.count("4 7\n1 0\n") == 1
    first, second = (read_instance(saved(tmp_path, text)) for text in (good_text, shuffled))
    assert np.array_equal(first.distance, second.distance)
    assert np.array_equal(first.demand, second.demand)


@pytest.mark.parametrize("weights", ["1\n2 3\n4 5 6", "1 2 3 4 5 6", "1 2\n3 4\n5 6"])
def test_lower_row_is_a_stream_of_rows_below_the_diagonal(tmp_path: Path, weights: str) -> None:
    """Row i has i − 1 weights, for any line wrapping of the weights and any comment."""
    problem = read_instance(saved(tmp_path, LOWER_ROW.format(layout="LOWER_ROW", weights=weights)))
    assert problem.distance.tolist() == [[0, 1, 2, 4], [1, 0, 3, 5], [2, 3, 0, 6], [4, 5, 6, 0]]
    assert (problem.rounding, problem.coordinates) == ("explicit", None)


def test_full_matrix_is_read_however_it_is_wrapped(tmp_path: Path) -> None:
    """FULL_MATRIX gives n² weights."""
    weights = "0 1 2 4 1 0 3 5\n2 3 0 6.5 4 5 6.5 0"
    problem = read_instance(saved(tmp_path, LOWER_ROW.format(layout="FULL_MATRIX", weights=weights)))
    assert problem.distance.tolist() == [[0, 1, 2, 4], [1, 0, 3, 5], [2, 3, 0, 6.5], [4, 5, 6.5, 0]]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        *((name, "none") for name in ("CMT1", "cmt01", "Golden_20", "GOLDEN-1", "Li_32", "LI 21")),
        *((name, "none") for name in ("tai75a", "Tai75a", "TAI75A", "tai_075a", "Tai385.vrp")),
        *((name, "nint") for name in ("X-n101-k25", "Lima", "my tai75a", "T-n4-k2")),
    ],
)
def test_rounding_follows_the_set(tmp_path: Path, good_text: str, name: str, expected: str) -> None:
    """The sets that CVRPLIB leaves unrounded stay so, unless the caller says otherwise."""
    path = saved(tmp_path, good_text.replace("T-n4-k2", name))
    assert usual_rounding(name) == expected
    assert read_instance(path).distance[0, 3] == (2.5 if expected == "none" else 3)
    assert read_instance(path, rounding="none").distance[0, 3] == 2.5
    assert read_instance(path, rounding="nint").distance[0, 3] == 3


def test_the_file_stem_stands_in_for_a_missing_name(tmp_path: Path, good_text: str) -> None:
    """NAME comes first, the file's name only without it."""
    assert read_instance(saved(tmp_path, good_text, "other.vrp")).name == "T-n4-k2"
    assert read_instance(saved(tmp_path, good_text.replace("NAME : T-n4-k2\n", ""), "other.vrp")).name == "other"


def test_best_known_holds_only_under_its_fleet(tmp_path: Path, good_text: str) -> None:
    """The table's cost comes with the family's fleet rule and leaves with it."""
    path = saved(tmp_path, good_text.replace("T-n4-k2", "P-n20-k2"))
    assert read_instance(path).fleet == Fleet("exact", 2)
    path = saved(tmp_path, good_text.replace("T-n4-k2", "A-n32-k5").replace("DIMENSION : 4", "DIMENSION : 6")
                 .replace("4 0 2.5", "4 0 2.5\n5 1 1\n6 2 2").replace("4 7", "4 7\n5 1\n6 1"))  # fmt: skip
    assert (read_instance(path).fleet, read_instance(path).best_known) == (Fleet("exact", 5), 784)
    assert read_instance(path, fleet=Fleet()).best_known is None
    assert read_instance(path, fleet=Fleet("exact", 5)).best_known == 784


def test_best_known_comes_from_the_solution_beside(tmp_path: Path, good_text: str, good_solution: str) -> None:
    """The .sol beside the file is believed before the table; a malformed one is a warning, and the table's counts."""
    path = saved(tmp_path, good_text.replace("T-n4-k2", "X-n101-k25"))
    assert read_instance(path).best_known == 27591
    beside = saved(tmp_path, good_solution, "file.sol")
    assert read_instance(path).best_known == 26
    beside.write_text("Route #1: 1 2\n")
    with pytest.warns(InputWarning, match=r"file\.sol: Cost: 0 lines with a cost .*not used as the best known cost"):
        assert read_instance(path).best_known == 27591


def test_a_fleet_that_cannot_be_met_names_the_file(tmp_path: Path, good_text: str) -> None:
    """The error names the file as the user gave it, not the instance's name."""
    path = saved(tmp_path, good_text)
    with pytest.raises(FleetError, match=r"file\.vrp: fleet: exact:1 is too few"):
        read_instance(path, fleet=Fleet("exact", 1))


coordinate = st.one_of(st.integers(-1000, 1000).map(float), st.floats(-1e6, 1e6, allow_nan=False))


@settings(max_examples=40, deadline=None)
@given(
    points=st.lists(st.tuples(coordinate, coordinate), min_size=2, max_size=7),
    rounding=st.sampled_from(["nint", "none"]),
    name=st.sampled_from(["T-n4", "CMT1", "my instance (1)"]),
    data=st.data(),
)
def test_what_is_written_is_read_back(
    points: list[tuple[float, float]], rounding: Literal["nint", "none"], name: str, data: st.DataObject
) -> None:
    """Coordinates, demands, capacity and distances survive exactly, whatever the rounding and the name."""
    demand = data.draw(st.lists(st.integers(0, 50), min_size=len(points) - 1, max_size=len(points) - 1))
    problem = CVRP.from_coordinates(name, points, demand, 50, rounding=rounding, comment="a b")
    with TemporaryDirectory() as folder:
        path = Path(folder) / "written.vrp"
        write_instance(problem, path)
        again = read_instance(path)
    assert np.array_equal(again.distance, problem.distance)
    assert np.array_equal(again.coordinates, problem.coordinates)
    assert np.array_equal(again.demand, problem.demand)
    assert (again.name, again.capacity, again.comment) == (name, 50, "a b")


def test_distances_without_coordinates_are_written_as_a_matrix(tmp_path: Path) -> None:
    """An EXPLICIT instance is read back as it was, by vrplib's own reader too."""
    distance = np.array([[0, 0.1, 2], [0.1, 0, 1 / 3], [2, 1 / 3, 0]])
    write_instance(CVRP("m", np.array([1, 2]), 5, distance), tmp_path / "m.vrp")
    assert np.array_equal(read_instance(tmp_path / "m.vrp").distance, distance)
    assert np.array_equal(vrplib.read_instance(tmp_path / "m.vrp")["edge_weight"], distance)


def test_whole_numbers_are_written_without_a_point(tmp_path: Path, good_text: str) -> None:
    """Files look as the benchmarks do."""
    write_instance(read_instance(saved(tmp_path, good_text)), tmp_path / "w.vrp")
    assert "2\t3\t4\n" in (tmp_path / "w.vrp").read_text()


@pytest.mark.parametrize("name", ["", "a\nEOF", "../up", "a/b", "EOF", "a:b", "NODE_COORD_SECTION", "n" * 101, " a"])
def test_unsafe_names_are_not_written(tmp_path: Path, name: str) -> None:
    """A name that would break the file, or leave its folder, is refused and nothing is written."""
    problem = CVRP.from_coordinates(name, [[0, 0], [1, 1]], [1], 2)
    with pytest.raises(InstanceError, match="NAME"):
        write_instance(problem, tmp_path / "w.vrp")
    assert list(tmp_path.iterdir()) == []


def test_a_comment_that_ends_the_header_is_not_written(tmp_path: Path) -> None:
    """Readers that look for EOF anywhere would stop at it."""
    problem = CVRP.from_coordinates("a", [[0, 0], [1, 1]], [1], 2, comment="the EOF of it")
    with pytest.raises(InstanceError, match="COMMENT"):
        write_instance(problem, tmp_path / "w.vrp")


def test_writing_into_a_missing_folder_says_so(tmp_path: Path, good_text: str) -> None:
    """The user learns which file could not be written."""
    problem = read_instance(saved(tmp_path, good_text))
    with pytest.raises(OutputError, match=r"none.a\.vrp"):
        write_instance(problem, tmp_path / "none" / "a.vrp")


def test_a_solution_is_read_and_checked(tmp_path: Path, good_text: str, good_solution: str) -> None:
    """The cost is computed from the routes, and a wrong stated cost or fleet is a fault."""
    problem = read_instance(saved(tmp_path, good_text))
    path = saved(tmp_path, good_solution, "a.sol")
    assert read_solution(path, problem) == Solution(((1, 2), (3,)), 26.0)
    assert check(problem, read_solution(path)) == []
    path = saved(tmp_path, good_solution.replace("26", "25"), "a.sol")
    assert read_solution(path, problem).cost == 26
    assert check(problem, read_solution(path)) == ["stated cost is 25, the routes cost 26"]
    exact = read_instance(saved(tmp_path, good_text), fleet=Fleet("exact", 3))
    assert "fleet rule is exact:3" in check(exact, read_solution(path))[0]


@pytest.mark.parametrize(("cost", "line"), [(26.0, "Cost 26"), (1 / 3 + 524, f"Cost {1 / 3 + 524!r}")])
def test_a_written_solution_is_read_back(tmp_path: Path, cost: float, line: str) -> None:
    """The last line is `Cost` and the number without loss, and vrplib's reader understands the file."""
    write_solution(Solution(((1, 2), (3,)), cost), tmp_path / "w.sol")
    assert (tmp_path / "w.sol").read_text() == f"Route #1: 1 2\nRoute #2: 3\n{line}\n"
    assert vrplib.read_solution(tmp_path / "w.sol") == {"routes": [[1, 2], [3]], "cost": cost}


@pytest.mark.parametrize("solution", [Solution((), 0.0), Solution(((1,), ()), 1.0), Solution(((1,),), float("nan"))])
def test_what_is_no_solution_is_not_written(tmp_path: Path, solution: Solution) -> None:
    """No route, an empty route and a cost that is no number are refused before anything is written."""
    with pytest.raises(SolutionError):
        write_solution(solution, tmp_path / "w.sol")
    assert list(tmp_path.iterdir()) == []


def test_every_cvrplib_instance_and_solution_holds(cvrplib_folder: Path) -> None:
    """All instances of the index read, and each solution checks out at the best known cost; CMT6 is refused by name."""
    index = cvrplib_folder / "index.csv"
    if not index.is_file():
        pytest.skip(f"no index.csv in {cvrplib_folder}")
    with index.open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert len(rows) == 157
    for row in rows:
        path = cvrplib_folder / row["set"] / f"{row['name']}.vrp"
        if row["name"] == "CMT6":
            with pytest.raises(InstanceError, match=r"DISTANCE: '200\.00000' limits the duration"):
                read_instance(path)
            continue
        problem = read_instance(path)
        assert (problem.name, problem.n_customers) == (row["name"], int(row["n_customers"]))
        assert (problem.capacity, problem.rounding) == (int(row["capacity"]), row["rounding"])
        assert problem.best_known == float(row["bks"])
        assert check(problem, read_solution(path.with_suffix(".sol"))) == [], row["name"]
