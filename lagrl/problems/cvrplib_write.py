"""Writing instances as CVRPLIB `.vrp` files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import vrplib

from lagrl.errors import InstanceError
from lagrl.io.atomic import replacing
from lagrl.problems.benchmark_sets import usual_rounding
from lagrl.problems.cvrp import require_cvrp
from lagrl.problems.cvrplib_check import require_safe_name
from lagrl.problems.distances import euclidean, matrix_memory

if TYPE_CHECKING:
    import os

    from numpy.typing import NDArray

    from lagrl.problems.cvrp import CVRP


def write_instance(problem: CVRP, path: str | os.PathLike[str]) -> None:
    """Write an instance to a CVRPLIB `.vrp` file, atomically.

    Reading it back gives the same coordinates, demands, capacity and distances. Distances that do not follow from
    the coordinates by the rounding usual for the name are written out as EXPLICIT FULL_MATRIX. The format has no
    place for the fleet rule and the best known cost.

    Parameters
    ----------
    problem
        The instance.
    path
        The file; its folder must exist. A file of that name is replaced.

    Raises
    ------
    InstanceError
        If the name or comment cannot stand in a CVRPLIB file.
    OutputError
        If the file cannot be written.

    Examples
    --------
    >>> import lagrl
    >>> lagrl.write_instance(lagrl.generate(20, seed=3), "mine.vrp")
    >>> lagrl.read("mine.vrp").n_customers
    20
    """
    require_cvrp(problem)
    require_safe_name(problem.name, str(path))
    comment = " ".join(problem.comment.split())
    if "EOF" in comment or "_SECTION" in comment or not comment.isprintable():
        raise InstanceError(
            f"{comment!r:.60} would end the header for some readers", source=str(path), field="COMMENT",
            remedy="leave out EOF, _SECTION and control characters",
        )  # fmt: skip
    data: dict[str, Any] = {"NAME": problem.name}
    if comment:
        data["COMMENT"] = comment
    data |= {"TYPE": "CVRP", "DIMENSION": problem.n_customers + 1, "CAPACITY": problem.capacity}
    data |= _geometry(problem, str(path))
    data["DEMAND_SECTION"] = [0, *problem.demand.tolist()]
    data["DEPOT_SECTION"] = [1, -1]
    try:
        with replacing(path) as temporary:
            vrplib.write_instance(temporary, data)
    except UnicodeEncodeError as error:
        raise InstanceError(
            f"{error.object[error.start : error.end]!r} cannot be written in {error.encoding}",
            source=str(path), field="NAME or COMMENT", remedy="use plain letters",
        ) from error  # fmt: skip


def _geometry(problem: CVRP, source: str) -> dict[str, Any]:
    points = problem.coordinates
    data: dict[str, Any] = {"EDGE_WEIGHT_TYPE": "EUC_2D"}
    usual = usual_rounding(problem.name)
    if problem.matrix is None:
        if problem.rounding != usual:
            raise InstanceError(
                f"distances of rounding {problem.rounding} would be a matrix of {matrix_memory(problem.n_customers)}",
                source=source, field="rounding", remedy=f"use rounding {usual}, which the name stands for",
            )  # fmt: skip
    elif points is None or not np.array_equal(problem.matrix, euclidean(points, points, usual)):
        data = {"EDGE_WEIGHT_TYPE": "EXPLICIT", "EDGE_WEIGHT_FORMAT": "FULL_MATRIX"}
        data["EDGE_WEIGHT_SECTION"] = _rows(problem.distance)
    if points is not None:
        data["NODE_COORD_SECTION"] = _rows(points)
    return data


def _rows(array: NDArray[np.float64]) -> list[list[int | float]]:
    """Plain Python numbers print without loss; whole ones without a point, as the benchmarks have them."""
    return [[int(x) if x.is_integer() else x for x in row] for row in array.tolist()]
