"""Validation of a `.vrp` file and its conversion to arrays, with one clear error for each mistake."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import InstanceError
from lagrl.printable import shown
from lagrl.problems.cvrplib_text import fail, length, number, spec, whole
from lagrl.problems.distances import MOST_IN_MATRIX, matrix_memory
from lagrl.problems.edge_weights import LAYOUTS, METRICS, explicit_distances

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.problems.cvrplib_text import InstanceText

MAX_NODES = 100_001
MAX_CAPACITY = 10**12

_ROW = re.compile(r"^[^\S\n]*+(\S[^\n]*)", re.MULTILINE)
_SAFE_NAME = re.compile(r"\w(?:[\w.+() -]{0,98}[\w.+()-])?")

_SPECS = {
    *("NAME", "COMMENT", "TYPE", "DIMENSION", "CAPACITY", "VEHICLES", "DISTANCE", "SERVICE_TIME"),
    *("EDGE_WEIGHT_TYPE", "EDGE_WEIGHT_FORMAT", "EDGE_DATA_FORMAT", "NODE_COORD_TYPE", "DISPLAY_DATA_TYPE"),
}
_SECTIONS = {
    *("NODE_COORD_SECTION", "EDGE_WEIGHT_SECTION", "DEMAND_SECTION", "DEPOT_SECTION", "DISPLAY_DATA_SECTION"),
    "SERVICE_TIME_SECTION",
}


def require_safe_name(name: str, source: str) -> None:
    """Raise InstanceError for a name that cannot be a file name or a line of a CVRPLIB file.

    It must be 1 to 100 letters, digits, blanks and `_ . + - ( )`, without a word that ends a section.
    """
    if not _SAFE_NAME.fullmatch(name) or "EOF" in name or "_SECTION" in name:
        raise InstanceError(
            f"{shown(name)} is not a name", source=source, field="NAME", remedy="use letters, digits and _ . + - ( )"
        )


@dataclass(frozen=True, eq=False)
class InstanceData:
    """The numbers of a valid instance, the depot first and the customers in the order of their node numbers.

    See `CVRP` for shapes and units. `vehicles` is the number of vehicles of the file, `duration` the longest duration
    of a route and `service` the longest one of a stop.
    """

    demand: NDArray[np.int64]
    capacity: int
    coordinates: NDArray[np.float64] | None
    distance: NDArray[np.float64] | None
    vehicles: int | None
    duration: float | None
    service: float


def checked_data(raw: InstanceText) -> InstanceData:
    """Return the numbers of an instance; InstanceError for the first missing, unsupported or inconsistent value."""
    _check_supported(raw)
    size = _dimension(raw)
    capacity = whole(raw, "CAPACITY", spec(raw, "CAPACITY"))
    if not 1 <= capacity <= MAX_CAPACITY:
        fail(raw, "CAPACITY", f"{capacity} is not in 1 … {MAX_CAPACITY}", "correct the capacity")
    kind = _distance_type(raw)
    if kind != "EUC_2D" and size > MOST_IN_MATRIX + 1:
        fail(
            raw, "EDGE_WEIGHT_TYPE", f"{kind} distances of {size} nodes would take {matrix_memory(size - 1)}",
            f"give EUC_2D, or at most {MOST_IN_MATRIX + 1} nodes",
        )  # fmt: skip
    needed = "EDGE_WEIGHT_SECTION" if kind == "EXPLICIT" else "NODE_COORD_SECTION"
    for section in (needed, "DEMAND_SECTION", "DEPOT_SECTION"):
        if section not in raw.sections:
            fail(raw, section, "missing", "the file is incomplete (cut off?); fetch it again or add the section")
    if raw.cut:
        fail(raw, list(raw.sections)[-1], "the file stops within the last line", "it is cut off; fetch it again")
    distance = explicit_distances(raw, size) if kind == "EXPLICIT" else None
    points = _coordinates(raw, size) if "NODE_COORD_SECTION" in raw.sections else None
    if kind in METRICS and points is not None:
        distance = METRICS[kind](points)
    depot = _depot(raw, size)
    demand = _demand(raw, size, depot, capacity)
    order = np.concatenate([[depot], np.delete(np.arange(size), depot)])
    if depot != 0:
        points = None if points is None else points[order]
        distance = None if distance is None else distance[np.ix_(order, order)]
    return InstanceData(demand[order[1:]], capacity, points, distance, _vehicles(raw), *_durations(raw, size))


def _check_supported(raw: InstanceText) -> None:
    kind = raw.specs.get("TYPE", "CVRP")
    if kind.upper() != "CVRP":
        problem = "(asymmetric distances) is" if kind.upper() == "ACVRP" else "is"
        fail(raw, "TYPE", f"{shown(kind)} {problem} not supported", "only CVRP is")
    for key in itertools.chain(raw.specs, raw.sections):
        if key not in _SPECS | _SECTIONS:
            fail(raw, key, "not a part of a CVRP that lagrl reads", "remove it if it does not constrain the routes")


def _distance_type(raw: InstanceText) -> str:
    kind = spec(raw, "EDGE_WEIGHT_TYPE").upper()
    known = ("EUC_2D", *METRICS, "EXPLICIT")
    if kind not in known:
        fail(raw, "EDGE_WEIGHT_TYPE", f"{shown(kind)} is not supported", f"give one of {', '.join(known)}")
    if kind != "EXPLICIT" and "EDGE_WEIGHT_SECTION" in raw.sections:
        fail(raw, "EDGE_WEIGHT_SECTION", f"given although EDGE_WEIGHT_TYPE is {kind}", "say EXPLICIT or remove it")
    layout = spec(raw, "EDGE_WEIGHT_FORMAT").upper() if kind == "EXPLICIT" else LAYOUTS[0]
    if layout not in LAYOUTS:
        fail(raw, "EDGE_WEIGHT_FORMAT", f"{shown(layout)} is not supported", f"give one of {', '.join(LAYOUTS)}")
    return kind


def _dimension(raw: InstanceText) -> int:
    size = whole(raw, "DIMENSION", spec(raw, "DIMENSION"))
    if size > MAX_NODES:
        fail(raw, "DIMENSION", f"{size} nodes", f"correct it; at most {MAX_NODES} nodes are read")
    if size < 2:
        fail(raw, "DIMENSION", f"{size} is below 2", "count the depot and at least one customer")
    return size


def _coordinates(raw: InstanceText, size: int) -> NDArray[np.float64]:
    section = "NODE_COORD_SECTION"
    rows = enumerate(_by_node(raw, section, size, width=3), 1)
    return np.array([[length(raw, section, x, f"coordinate of node {node},") for x in row] for node, row in rows])


def _demand(raw: InstanceText, size: int, depot: int, capacity: int) -> NDArray[np.int64]:
    section = "DEMAND_SECTION"
    rows = _by_node(raw, section, size, width=2)
    values = [whole(raw, section, row[0], f"demand of node {node},") for node, row in enumerate(rows, 1)]
    for node, value in enumerate(values, 1):
        if node == depot + 1 and value != 0:
            fail(raw, section, f"the depot (node {node}) has demand {value}", "give it 0")
        if value < 0:
            fail(raw, section, f"node {node} has demand {value}, below 0", "correct the demand")
        if value > capacity:
            fail(
                raw, section, f"node {node} has demand {value}, above CAPACITY {capacity}",
                "raise the capacity or split the customer",
            )  # fmt: skip
    return np.array(values, np.int64)


def _depot(raw: InstanceText, size: int) -> int:
    """Return the index of the depot, its node number minus 1."""
    section = "DEPOT_SECTION"
    tokens = raw.sections[section].split(None, 3)
    depots = tokens[:-1] if tokens[-1:] == ["-1"] else tokens
    if not depots:
        fail(raw, section, "names no depot", "the file is cut off, or add the depot's node number")
    if len(depots) > 1:
        fail(raw, section, f"{shown(' '.join(depots))} is not supported", "give one depot")
    depot = whole(raw, section, depots[0], "node number")
    if not 1 <= depot <= size:
        fail(raw, section, f"node {depot} is not in 1 … {size}", "give the number of one node")
    return depot - 1


def _vehicles(raw: InstanceText) -> int | None:
    if "VEHICLES" not in raw.specs:
        return None
    vehicles = whole(raw, "VEHICLES", spec(raw, "VEHICLES"))
    if not 1 <= vehicles <= 10**9:
        fail(raw, "VEHICLES", f"{vehicles} is not a number of vehicles", "correct it or remove the line")
    return vehicles


def _durations(raw: InstanceText, size: int) -> tuple[float | None, float]:
    """Return the longest duration of a route, None without a limit, and of a stop."""
    duration = None
    if "DISTANCE" in raw.specs:
        duration = _duration(raw, "DISTANCE", spec(raw, "DISTANCE"))
    service = [_duration(raw, "SERVICE_TIME", spec(raw, "SERVICE_TIME"))] if "SERVICE_TIME" in raw.specs else [0.0]
    if "SERVICE_TIME_SECTION" in raw.sections:
        rows = _by_node(raw, "SERVICE_TIME_SECTION", size, width=2)
        service += [_duration(raw, "SERVICE_TIME_SECTION", row[0]) for row in rows]
    return duration, max(service)


def _duration(raw: InstanceText, field: str, token: str) -> float:
    value = number(token)
    if not value >= 0:
        fail(raw, field, f"{shown(token)} is not a duration", "give a number of 0 or more, or remove it")
    return value


def _by_node(raw: InstanceText, section: str, size: int, width: int) -> list[list[str]]:
    """Return the values of nodes 1 … size in that order, whatever the order of the lines."""
    lines = [match[1] for match in itertools.islice(_ROW.finditer(raw.sections[section]), size + 1)]
    if len(lines) != size:
        n_lines = len(lines) if len(lines) < size else "more"
        than = "of" if len(lines) < size else "than"
        fail(
            raw, section, f"has {n_lines} {than} the {size} lines that DIMENSION {size} needs",
            "the file is cut off or its DIMENSION is wrong",
        )  # fmt: skip
    found: dict[int, list[str]] = {}
    for text in lines:
        row, line = text.split(None, width), shown(" ".join(text[:200].split()))
        if len(row) != width:
            count = len(row) if len(row) < width else f"more than {width}"
            fail(raw, section, f"line {line} has {count} values instead of {width}", "correct the line")
        node = whole(raw, section, row[0], "node number")
        if not 1 <= node <= size:
            fail(raw, section, f"node {node} in line {line} is not in 1 … {size}", "number the nodes from 1")
        if node in found:
            fail(raw, section, f"node {node} is given twice, again in line {line}", "number each node once")
        found[node] = row[1:]
    return [found[node] for node in range(1, size + 1)]
