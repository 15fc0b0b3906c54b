"""Validation of a `.vrp` file and its conversion to arrays, with one clear error for each mistake."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NoReturn

import numpy as np

from lagrl.errors import InstanceError
from lagrl.problems.cvrplib_text import shown

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.problems.cvrplib_text import InstanceText

MAX_NODES = 20_001
MAX_CAPACITY = 10**12
MAX_LENGTH = 1e12

_WHOLE = re.compile(r"([+-]?[0-9]{1,15})(?:\.0*)?")
_DECIMAL = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_SAFE_NAME = re.compile(r"\w(?:[\w.+() -]{0,98}[\w.+()-])?")

_SPECS = {
    *("NAME", "COMMENT", "TYPE", "DIMENSION", "CAPACITY"),
    *("EDGE_WEIGHT_TYPE", "EDGE_WEIGHT_FORMAT", "EDGE_DATA_FORMAT", "NODE_COORD_TYPE", "DISPLAY_DATA_TYPE"),
}
_SECTIONS = {"NODE_COORD_SECTION", "EDGE_WEIGHT_SECTION", "DEMAND_SECTION", "DEPOT_SECTION", "DISPLAY_DATA_SECTION"}
_DURATION = {"DISTANCE", "SERVICE_TIME", "SERVICE_TIME_SECTION"}


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
    """The numbers of a valid instance, nodes in the order of their numbers; see `CVRP` for shapes and units."""

    demand: NDArray[np.int64]
    capacity: int
    coordinates: NDArray[np.float64] | None
    distance: NDArray[np.float64] | None


def checked_data(raw: InstanceText) -> InstanceData:
    """Return the numbers of an instance; InstanceError for the first missing, unsupported or inconsistent value."""
    _check_supported(raw)
    size = _dimension(raw)
    capacity = _whole(raw, "CAPACITY", _spec(raw, "CAPACITY"))
    if not 1 <= capacity <= MAX_CAPACITY:
        _fail(raw, "CAPACITY", f"{capacity} is not in 1 … {MAX_CAPACITY}", "correct the capacity")
    explicit = _is_explicit(raw)
    needed = ["EDGE_WEIGHT_SECTION" if explicit else "NODE_COORD_SECTION", "DEMAND_SECTION", "DEPOT_SECTION"]
    for section in needed:
        if section not in raw.sections:
            _fail(raw, section, "missing", "the file is incomplete (cut off?); fetch it again or add the section")
    if raw.cut:
        _fail(raw, list(raw.sections)[-1], "the file stops within the last line", "it is cut off; fetch it again")
    distance = _weights(raw, size) if explicit else None
    coordinates = _coordinates(raw, size) if "NODE_COORD_SECTION" in raw.sections else None
    demand = _demand(raw, size)
    _check_depot(raw)
    return InstanceData(demand, capacity, coordinates, distance)


def _check_supported(raw: InstanceText) -> None:
    for key in [*raw.specs, *raw.sections]:
        if key in _DURATION:
            value = shown(raw.specs[key]) if key in raw.specs else "this section"
            _fail(
                raw, key, f"{value} limits the duration of routes, which is not supported",
                "use an instance without a duration limit",
            )  # fmt: skip
        if key not in _SPECS | _SECTIONS:
            _fail(raw, key, "not a part of a CVRP that lagrl reads", "remove it if it does not constrain the routes")
    kind = raw.specs.get("TYPE", "CVRP")
    if kind.upper() != "CVRP":
        _fail(raw, "TYPE", f"{shown(kind)} is not supported", "only CVRP is")


def _is_explicit(raw: InstanceText) -> bool:
    kind = _spec(raw, "EDGE_WEIGHT_TYPE").upper()
    if kind == "EUC_2D":
        if "EDGE_WEIGHT_SECTION" in raw.sections:
            _fail(raw, "EDGE_WEIGHT_SECTION", "given although EDGE_WEIGHT_TYPE is EUC_2D", "say EXPLICIT or remove it")
        return False
    if kind != "EXPLICIT":
        _fail(raw, "EDGE_WEIGHT_TYPE", f"{shown(kind)} is not supported", "only EUC_2D and EXPLICIT are")
    layout = _spec(raw, "EDGE_WEIGHT_FORMAT").upper()
    if layout not in ("LOWER_ROW", "FULL_MATRIX"):
        _fail(raw, "EDGE_WEIGHT_FORMAT", f"{shown(layout)} is not supported", "only LOWER_ROW and FULL_MATRIX are")
    return True


def _dimension(raw: InstanceText) -> int:
    size = _whole(raw, "DIMENSION", _spec(raw, "DIMENSION"))
    if size > MAX_NODES:
        gigabytes = 8 * size * size / 1e9
        _fail(
            raw, "DIMENSION", f"{size} nodes would need a distance matrix of {gigabytes:,.0f} GB",
            f"correct it; at most {MAX_NODES} nodes are read",
        )  # fmt: skip
    if size < 2:
        _fail(raw, "DIMENSION", f"{size} is below 2", "count the depot and at least one customer")
    return size


def _coordinates(raw: InstanceText, size: int) -> NDArray[np.float64]:
    section = "NODE_COORD_SECTION"
    rows = enumerate(_by_node(raw, section, size, width=3), 1)
    return np.array([[_length(raw, section, x, f"coordinate of node {node},") for x in row] for node, row in rows])


def _demand(raw: InstanceText, size: int) -> NDArray[np.int64]:
    section = "DEMAND_SECTION"
    rows = _by_node(raw, section, size, width=2)
    values = [_whole(raw, section, row[0], f"demand of node {node},") for node, row in enumerate(rows, 1)]
    if values[0] != 0:
        _fail(raw, section, f"the depot (node 1) has demand {values[0]}", "give it 0")
    return np.array(values[1:], np.int64)


def _weights(raw: InstanceText, size: int) -> NDArray[np.float64]:
    """Return the matrix of the weights, which may be wrapped to lines of any length."""
    section = "EDGE_WEIGHT_SECTION"
    full = raw.specs["EDGE_WEIGHT_FORMAT"].upper() == "FULL_MATRIX"
    tokens = [token for row in raw.sections[section] for token in row]
    needed = size * size if full else size * (size - 1) // 2
    if len(tokens) != needed:
        _fail(
            raw, section, f"has {len(tokens)} of the {needed} weights that DIMENSION {size} needs",
            "the file is cut off or its DIMENSION is wrong",
        )  # fmt: skip
    weights = np.array([_length(raw, section, token, "weight") for token in tokens])
    for k in np.flatnonzero(weights < 0)[:1]:
        _fail(raw, section, f"weight {tokens[k]} is below 0", "distances must be 0 or more")
    if full:
        return weights.reshape(size, size)
    matrix, (row, column) = np.zeros((size, size)), np.tril_indices(size, -1)
    matrix[row, column] = matrix[column, row] = weights
    return matrix


def _check_depot(raw: InstanceText) -> None:
    tokens = [token for row in raw.sections["DEPOT_SECTION"] for token in row]
    depots = tokens[:-1] if tokens[-1:] == ["-1"] else tokens
    if not depots:
        _fail(raw, "DEPOT_SECTION", "names no depot", "the file is cut off, or add node 1")
    if depots != ["1"]:
        _fail(raw, "DEPOT_SECTION", f"{shown(' '.join(depots))} is not supported", "give one depot, which is node 1")


def _by_node(raw: InstanceText, section: str, size: int, width: int) -> list[list[str]]:
    """Return the values of nodes 1 … size in that order, whatever the order of the lines."""
    rows = raw.sections[section]
    if len(rows) != size:
        _fail(
            raw, section, f"has {len(rows)} of the {size} lines that DIMENSION {size} needs",
            "the file is cut off or its DIMENSION is wrong",
        )  # fmt: skip
    found: dict[int, list[str]] = {}
    for row in rows:
        line = shown(" ".join(row))
        if len(row) != width:
            _fail(raw, section, f"line {line} has {len(row)} values instead of {width}", "correct the line")
        node = _whole(raw, section, row[0], "node number")
        if not 1 <= node <= size:
            _fail(raw, section, f"node {node} in line {line} is not in 1 … {size}", "number the nodes from 1")
        if node in found:
            _fail(raw, section, f"node {node} is given twice, again in line {line}", "number each node once")
        found[node] = row[1:]
    return [found[node] for node in range(1, size + 1)]


def _spec(raw: InstanceText, key: str) -> str:
    value = raw.specs.get(key, "")
    if not value:
        _fail(raw, key, "missing" if key not in raw.specs else "has no value", f"add a line '{key} : …'")
    return value


def _whole(raw: InstanceText, field: str, token: str, what: str = "value") -> int:
    match = _WHOLE.fullmatch(token)
    if match is None:
        _fail(raw, field, f"{what} {shown(token)} is not a whole number", "correct it")
    return int(match[1])


def _length(raw: InstanceText, field: str, token: str, what: str) -> float:
    value = float(token) if _DECIMAL.fullmatch(token) else float("nan")
    if not abs(value) <= MAX_LENGTH:
        _fail(raw, field, f"{what} {shown(token)} is not a number within ±{MAX_LENGTH:g}", "correct it")
    return value


def _fail(raw: InstanceText, field: str, problem: str, remedy: str) -> NoReturn:
    raise InstanceError(problem, source=raw.source, field=field, remedy=remedy)
