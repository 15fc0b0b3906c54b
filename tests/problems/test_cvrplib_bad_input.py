"""Broken CVRPLIB files: one clear error each, never a smaller instance, never anything but a LagrlError."""

from __future__ import annotations

import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np
import pytest
from cvrplib_samples import GOOD_INSTANCE, GOOD_SOLUTION
from hypothesis import given, settings
from hypothesis import strategies as st

from lagrl.errors import InstanceError, LagrlError, SolutionError
from lagrl.problems import cvrplib_text
from lagrl.problems.cvrplib import read_instance, read_solution
from lagrl.problems.solution import check

if TYPE_CHECKING:
    from lagrl.problems.cvrp import CVRP

MATRIX = (
    GOOD_INSTANCE[: GOOD_INSTANCE.index("NODE_COORD")].replace("EUC_2D", "EXPLICIT\nEDGE_WEIGHT_FORMAT : FULL_MATRIX")
    + "EDGE_WEIGHT_SECTION\n0 1 2 3\n1 0 4 5\n2 4 0 6\n3 5 6 0\n"
    + GOOD_INSTANCE[GOOD_INSTANCE.index("DEMAND_SECTION") :]
)

# what is replaced by what in a sound file, then the field and the value that the message must tell
BROKEN = [
    ("DIMENSION : 4\n", "", "DIMENSION", "missing"),
    ("CAPACITY : 10\n", "", "CAPACITY", "missing"),
    ("EDGE_WEIGHT_TYPE : EUC_2D\n", "", "EDGE_WEIGHT_TYPE", "missing"),
    ("NODE_COORD_SECTION\n1 0 0\n2 3 4\n3 6 8\n4 0 2.5\n", "", "NODE_COORD_SECTION", "missing"),
    ("DEMAND_SECTION\n1 0\n2 5\n3 5\n4 7\n", "", "DEMAND_SECTION", "missing"),
    ("DEPOT_SECTION\n1\n-1\n", "", "DEPOT_SECTION", "missing"),
    ("DIMENSION : 4", "DIMENSION :", "DIMENSION", "has no value"),
    ("DIMENSION : 4", "DIMENSION : four", "DIMENSION", "'four'"),
    ("DIMENSION : 4", "DIMENSION : 4.5", "DIMENSION", "'4.5'"),
    ("DIMENSION : 4", "DIMENSION : 4_0", "DIMENSION", "'4_0'"),
    ("DIMENSION : 4", "DIMENSION : -4", "DIMENSION", "-4"),
    ("DIMENSION : 4", "DIMENSION : 0", "DIMENSION", "0 is below 2"),
    ("DIMENSION : 4", "DIMENSION : 1", "DIMENSION", "1 is below 2"),
    ("DIMENSION : 4", "DIMENSION : 1000000000", "DIMENSION", "1000000000 nodes"),
    ("DIMENSION : 4", "DIMENSION : " + "9" * 9000, "DIMENSION", "99999"),
    ("DIMENSION : 4", "DIMENSION : 5", "NODE_COORD_SECTION", "4 of the 5 lines"),
    ("DIMENSION : 4", "DIMENSION : 3", "NODE_COORD_SECTION", "more than the 3 lines"),
    ("3 6 8\n", "", "NODE_COORD_SECTION", "3 of the 4 lines"),
    ("4 7\n", "", "DEMAND_SECTION", "3 of the 4 lines"),
    ("4 7\n", "4 7\n5 1\n", "DEMAND_SECTION", "more than the 4 lines"),
    ("3 6 8", "2 6 8", "NODE_COORD_SECTION", "node 2 is given twice"),
    ("3 5\n", "2 5\n", "DEMAND_SECTION", "node 2 is given twice"),
    ("4 0 2.5", "5 0 2.5", "NODE_COORD_SECTION", "node 5 in line '5 0 2.5'"),
    ("4 7\n", "0 7\n", "DEMAND_SECTION", "node 0 in line '0 7'"),
    ("4 7\n", "x 7\n", "DEMAND_SECTION", "'x'"),
    ("3 6 8", "3 6", "NODE_COORD_SECTION", "'3 6' has 2 values instead of 3"),
    ("3 6 8", "3 6 8 1", "NODE_COORD_SECTION", "'3 6 8 1'"),
    ("3 6 8", "3 six 8", "NODE_COORD_SECTION", "'six'"),
    ("3 6 8", "3 nan 8", "NODE_COORD_SECTION", "'nan'"),
    ("3 6 8", "3 inf 8", "NODE_COORD_SECTION", "'inf'"),
    ("3 6 8", "3 1e400 8", "NODE_COORD_SECTION", "'1e400'"),
    ("3 6 8", "3 1_0 8", "NODE_COORD_SECTION", "'1_0'"),
    ("4 7\n", "4 seven\n", "DEMAND_SECTION", "'seven'"),
    ("4 7\n", "4 nan\n", "DEMAND_SECTION", "'nan'"),
    ("4 7\n", "4 inf\n", "DEMAND_SECTION", "'inf'"),
    ("4 7\n", "4 7.5\n", "DEMAND_SECTION", "'7.5'"),
    ("4 7\n", "4 -7\n", "DEMAND_SECTION", "node 4 has demand -7, below 0"),
    ("4 7\n", "4 11\n", "DEMAND_SECTION", "node 4 has demand 11, above CAPACITY 10"),
    ("4 7\n", "4\n", "DEMAND_SECTION", "'4' has 1 values"),
    ("1 0\n2 5", "1 2\n2 5", "DEMAND_SECTION", "the depot (node 1) has demand 2"),
    ("CAPACITY : 10", "CAPACITY : 0", "CAPACITY", "0 is not in"),
    ("CAPACITY : 10", "CAPACITY : -10", "CAPACITY", "-10 is not in"),
    ("CAPACITY : 10", "CAPACITY : nan", "CAPACITY", "'nan'"),
    ("CAPACITY : 10", "CAPACITY : 10.5", "CAPACITY", "'10.5'"),
    ("CAPACITY : 10", "CAPACITY : 9999999999999", "CAPACITY", "9999999999999"),
    ("DEPOT_SECTION\n1\n", "DEPOT_SECTION\n2\n", "DEMAND_SECTION", "the depot (node 2) has demand 5"),
    ("DEPOT_SECTION\n1\n", "DEPOT_SECTION\n5\n", "DEPOT_SECTION", "node 5 is not in 1 … 4"),
    ("DEPOT_SECTION\n1\n", "DEPOT_SECTION\n1\n2\n", "DEPOT_SECTION", "'1 2'"),
    ("DEPOT_SECTION\n1\n", "DEPOT_SECTION\n", "DEPOT_SECTION", "names no depot"),
    ("TYPE : CVRP", "TYPE : TSP", "TYPE", "'TSP'"),
    ("EUC_2D", "EUC_3D", "EDGE_WEIGHT_TYPE", "'EUC_3D' is not supported; give one of EUC_2D, CEIL_2D, ATT, GEO"),
    ("EUC_2D", "EXPLICIT", "EDGE_WEIGHT_FORMAT", "missing"),
    ("EUC_2D", "EXPLICIT\nEDGE_WEIGHT_FORMAT : FUNCTION", "EDGE_WEIGHT_FORMAT", "'FUNCTION'"),
    ("EUC_2D", "EXPLICIT\nEDGE_WEIGHT_FORMAT : LOWER_ROW", "EDGE_WEIGHT_SECTION", "missing"),
    ("DEMAND_SECTION", "EDGE_WEIGHT_SECTION\n1\nDEMAND_SECTION", "EDGE_WEIGHT_SECTION", "EUC_2D"),
    ("CAPACITY", "DISTANCE : 20.0\nCAPACITY", "DISTANCE", "'20.0' limits the duration"),
    ("CAPACITY", "SERVICE_TIME : -1\nCAPACITY", "SERVICE_TIME", "'-1' is not a duration"),
    ("CAPACITY", "SERVICE_TIME : 10\nDISTANCE : 45\nCAPACITY", "DISTANCE", "'45' limits the duration"),
    ("CAPACITY", "DISTANCE : none\nCAPACITY", "DISTANCE", "'none' is not a duration"),
    ("CAPACITY", "VEHICLES : 1\nCAPACITY", "fleet", "atmost:1 is too few vehicles"),
    ("CAPACITY", "VEHICLES : 0\nCAPACITY", "VEHICLES", "0 is not a number of vehicles"),
    ("TYPE : CVRP", "TYPE : ACVRP", "TYPE", "'ACVRP' (asymmetric distances) is not supported"),
    ("DEMAND_SECTION", "TIME_WINDOW_SECTION\n1 0 9\nDEMAND_SECTION", "TIME_WINDOW_SECTION", "not a part of a CVRP"),
    ("CAPACITY : 10", "CAPACITY : 10\nCAPACITY : 20", "CAPACITY", "second time in line 7"),
    ("DEPOT_SECTION", "DEMAND_SECTION\nDEPOT_SECTION", "DEMAND_SECTION", "second time"),
    ("TYPE : CVRP", "TYPE : CVRP\nwhatever this is", "line 4", "'whatever this is'"),
    ("NAME : T-n4-k2", "NAME : ../../T", "NAME", "'../../T'"),
]  # fmt: skip

BROKEN_MATRIX = [
    ("3 5 6 0\n", "3 5 6\n", "EDGE_WEIGHT_SECTION", "15 of the 16 weights"),
    ("3 5 6 0\n", "3 5 6 0 1\n", "EDGE_WEIGHT_SECTION", "17 of the 16 weights"),
    ("FULL_MATRIX", "LOWER_ROW", "EDGE_WEIGHT_SECTION", "16 of the 6 weights"),
    ("0 1 2 3", "0 1 x 3", "EDGE_WEIGHT_SECTION", "'x'"),
    ("0 1 2 3", "0 1 nan 3", "EDGE_WEIGHT_SECTION", "'nan'"),
    ("0 1 2 3", "0 -1 2 3", "EDGE_WEIGHT_SECTION", "weight of nodes 1 and 2: -1 is below 0"),
    (
        "0 1 2 3",
        "0 9 2 3",
        "EDGE_WEIGHT_SECTION",
        "node 1 to 2 is 9.0, back it is 1.0; asymmetric distances are not supported",
    ),
    (
        "FULL_MATRIX",
        "TRIANGLE",
        "EDGE_WEIGHT_FORMAT",
        "'TRIANGLE' is not supported; give one of FULL_MATRIX, LOWER_ROW",
    ),
]


def assert_refused(path: Path, field: str, value: str) -> None:
    """The error is one line with the file, the field, the value and the remedy."""
    with pytest.raises(InstanceError) as caught:
        read_instance(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: {field}: ")
    assert value in message
    assert caught.value.remedy
    assert "\n" not in message
    assert len(message) < 400 + len(str(path))


@pytest.mark.parametrize(("old", "new", "field", "value"), BROKEN)
def test_a_broken_file_is_refused(tmp_path: Path, old: str, new: str, field: str, value: str) -> None:
    """Each mistake in a planar instance is reported in the user's terms."""
    assert GOOD_INSTANCE.count(old) >= 1
    path = tmp_path / "broken.vrp"
    path.write_text(GOOD_INSTANCE.replace(old, new, 1))
    assert_refused(path, field, value)


@pytest.mark.parametrize(("old", "new", "field", "value"), BROKEN_MATRIX)
def test_a_broken_matrix_is_refused(tmp_path: Path, old: str, new: str, field: str, value: str) -> None:
    """Each mistake in a matrix of distances is reported in the user's terms."""
    path = tmp_path / "broken.vrp"
    path.write_text(MATRIX)
    assert read_instance(path).distance[0].tolist() == [0, 1, 2, 3]
    path.write_text(MATRIX.replace(old, new, 1))
    assert_refused(path, field, value)


def test_a_name_whose_fleet_is_too_small_is_refused(tmp_path: Path) -> None:
    """The name stands for two vehicles, the demand needs three."""
    path = tmp_path / "small.vrp"
    path.write_text(GOOD_INSTANCE.replace("T-n4-k2", "P-n20-k2").replace("2 5\n3 5\n", "2 8\n3 8\n"))
    assert_refused(path, "fleet", "exact:2 is too few vehicles")


@pytest.mark.parametrize(
    ("content", "value"),
    [
        (b"", "empty"),
        (b" \n\n", "empty"),
        (b"NAME : a\x00b\n", "binary content (byte 0x00 at 8)"),
        (b"\x7fELF\x02\x01\x01", "binary content"),
        (GOOD_INSTANCE.encode("utf-16"), "binary content"),
    ],
)
def test_what_is_no_text_is_refused(tmp_path: Path, content: bytes, value: str) -> None:
    """Empty and binary files have their own errors, for solutions too."""
    path = tmp_path / "odd.vrp"
    path.write_bytes(content)
    with pytest.raises(InstanceError) as caught:
        read_instance(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert value in str(caught.value)
    with pytest.raises(SolutionError, match=value.split(" (")[0]):
        read_solution(path, sound_problem(tmp_path))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    """A missing file, a folder and an impossible name are user errors."""
    with pytest.raises(InstanceError, match=r"none\.vrp: no such file"):
        read_instance(tmp_path / "none.vrp")
    with pytest.raises(InstanceError, match="is a folder"):
        read_instance(tmp_path)
    with pytest.raises(InstanceError, match="cannot be read"):
        read_instance(tmp_path / ("n" * 1000))
    with pytest.raises(InstanceError, match="cannot be read"):
        read_instance("a\x00b")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may read every file")
def test_a_file_without_permission_is_refused(tmp_path: Path) -> None:
    """The operating system's reason is in the message."""
    path = tmp_path / "shut.vrp"
    path.write_text(GOOD_INSTANCE)
    path.chmod(0)
    with pytest.raises(InstanceError, match="cannot be read"):
        read_instance(path)


def test_a_huge_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No more than the limit is ever read."""
    monkeypatch.setattr(cvrplib_text, "MAX_BYTES", 2**20)
    path = tmp_path / "huge.vrp"
    path.write_text(GOOD_INSTANCE + "x" * 2**20)
    with pytest.raises(InstanceError, match="larger than 1 MiB"):
        read_instance(path)


def test_a_cut_file_is_never_a_smaller_or_other_instance(tmp_path: Path) -> None:
    """Cut anywhere, the file is refused, unless only the end mark is gone and everything is there."""
    path = tmp_path / "cut.vrp"
    path.write_text(GOOD_INSTANCE)
    whole = read_instance(path)
    for text in (GOOD_INSTANCE, depot_first(GOOD_INSTANCE)):
        read_when_cut = 0
        for length in range(len(text)):
            path.write_text(text[:length])
            try:
                problem = read_instance(path)
            except InstanceError:
                continue
            read_when_cut += 1
            assert np.array_equal(problem.demand, whole.demand)
            assert np.array_equal(problem.distance, whole.distance)
        assert 0 < read_when_cut < 12


def depot_first(text: str) -> str:
    """Move the demands to the end, where a cut could shorten the last number."""
    start, end = text.index("DEMAND_SECTION"), text.index("DEPOT_SECTION")
    return (text[:start] + text[end:].replace("EOF\n", "") + text[start:end]).replace("4 7\n", "4 7\nEOF\n")


def sound_problem(folder: Path) -> CVRP:
    """Read the sound instance."""
    path = folder / "sound.vrp"
    path.write_text(GOOD_INSTANCE)
    return read_instance(path)


@pytest.mark.parametrize(
    ("text", "field", "value"),
    [
        ("Route #1: 1 2\nRoute #2: 3\n", "Cost", "0 lines with a cost"),
        ("Cost 26\n", "Route", "no route"),
        ("Route #1: 1 2\nRoute #2: 3\nCost\n", "Cost", "''"),
        ("Route #1: 1 2\nRoute #2: 3\nCost many\n", "Cost", "'many'"),
        ("Route #1: 1 2\nRoute #2: 3\nCost nan\n", "Cost", "'nan'"),
        ("Route #1: 1 2\nRoute #2: 3\nCost -26\n", "Cost", "'-26'"),
        ("Route #1: 1 2\nRoute #2: 3\nCost 26\nCost 27\n", "Cost", "2 lines"),
        ("Route #1: 1 2.5\nRoute #2: 3\nCost 26\n", "Route #1", "'2.5'"),
        ("Route #1: 1 two\nRoute #2: 3\nCost 26\n", "Route #1", "'two'"),
        ("Route #1: 1 -2\nRoute #2: 3\nCost 26\n", "Route #1", "'-2'"),
        ("Route #1: 1 2\nRoute #2: 4\nCost 26\n", "Route", "customer 4 is not in 1 … 3 of T-n4-k2"),
        ("Route #1: 0 1 2 0\nRoute #2: 3\nCost 26\n", "Route", "customer 0"),
        ("Route #2: 3\nCost 26\n", "Route", "route 2 where 1 is due"),
        ("Route one: 3\nCost 26\n", "Route", "'Route one: 3'"),
        ("<html>\nRoute #1: 1\nCost 26\n", "Route", "'<html>'"),
    ],
)
def test_a_broken_solution_is_refused(tmp_path: Path, text: str, field: str, value: str) -> None:
    """Each mistake in a solution file is reported in the user's terms."""
    path = tmp_path / "broken.sol"
    path.write_text(text)
    with pytest.raises(SolutionError) as caught:
        read_solution(path, sound_problem(tmp_path))
    assert str(caught.value).startswith(f"{path}: {field}: ")
    assert value in str(caught.value)
    assert caught.value.remedy


edits = st.lists(
    st.tuples(
        st.integers(0, 400), st.integers(0, 6), st.binary(max_size=4) | st.sampled_from([b"\n", b"-", b"9", b":"])
    ),
    min_size=1,
    max_size=4,
)


def mutated(text: str, changes: list[tuple[int, int, bytes]]) -> bytes:
    """Replace a few bytes at a few places."""
    data = text.encode()
    for start, length, patch in changes:
        at = start % (len(data) + 1)
        data = data[:at] + patch + data[at + length :]
    return data


@settings(max_examples=300, deadline=None)
@given(changes=edits, template=st.sampled_from([GOOD_INSTANCE, MATRIX]))
def test_no_damage_gives_another_error(changes: list[tuple[int, int, bytes]], template: str) -> None:
    """Whatever happens to the bytes of an instance, it reads as a sound instance or raises a LagrlError."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "fuzzed.vrp"
        path.write_bytes(mutated(template, changes))
        try:
            problem = read_instance(path)
        except LagrlError as error:
            assert "\n" not in str(error)
        else:
            assert np.isfinite(problem.distance).all()
            assert (problem.demand <= problem.capacity).all()


@settings(max_examples=200, deadline=None)
@given(changes=edits)
def test_no_damage_to_a_solution_gives_another_error(changes: list[tuple[int, int, bytes]]) -> None:
    """Whatever happens to the bytes of a solution, it is read and checked, or raises a LagrlError."""
    with TemporaryDirectory() as folder:
        problem = sound_problem(Path(folder))
        path = Path(folder) / "fuzzed.sol"
        path.write_bytes(mutated(GOOD_SOLUTION, changes))
        try:
            found = check(problem, read_solution(path))
            solution = read_solution(path, problem)
        except LagrlError as error:
            assert "\n" not in str(error)
        else:
            assert found or solution.is_feasible(problem)
