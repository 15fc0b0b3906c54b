"""CVRPLIB instances and solutions: the one place to read and write them from."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

from lagrl.errors import InputError, InstanceError, SolutionError
from lagrl.printable import shown
from lagrl.problems.benchmark_sets import usual_rounding
from lagrl.problems.best_known import best_known
from lagrl.problems.cvrp import CVRP
from lagrl.problems.cvrplib_check import checked_data, require_safe_name
from lagrl.problems.cvrplib_solution import read_solution, solver_of, write_solution
from lagrl.problems.cvrplib_text import read_text, scan
from lagrl.problems.cvrplib_write import write_instance
from lagrl.problems.distances import euclidean
from lagrl.problems.edge_weights import METRICS
from lagrl.problems.fleet import Fleet
from lagrl.problems.locate import resolve_instance
from lagrl.problems.plausibility import doubt
from lagrl.problems.solution import faults

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.problems.cvrplib_check import InstanceData
    from lagrl.problems.cvrplib_text import InstanceText

__all__ = [
    "read",
    "read_instance",
    "read_solution",
    "solver_of",
    "usual_rounding",
    "write_instance",
    "write_solution",
]


def read(
    instance: str | os.PathLike[str],
    *,
    fleet: Fleet | str | None = None,
    rounding: Literal["auto", "nint", "none"] = "auto",
    data: str | os.PathLike[str] | None = None,
) -> CVRP:
    """Read an instance: a CVRPLIB `.vrp` file, a bundled instance, or a CVRPLIB instance by its name.

    Parameters
    ----------
    instance
        Path of the file, or a name such as `G-n51-k6` (bundled) or `X-n101-k25` (looked up in `data`).
    fleet
        Rule on the number of routes: `exact:K`, `atleast:K`, `atmost:K` or `free`; that of the file's VEHICLES or of
        the instance's benchmark family if None.
    rounding
        How distances follow from coordinates: `nint` rounds to the nearest whole number, `none` keeps them, `auto`
        does what the instance's benchmark family does.
    data
        Folder of CVRPLIB files; the environment variable LAGRL_DATA if None.

    Raises
    ------
    InputError
        If `instance` is neither a path nor a name, or the folder cannot be used.
    UnknownNameError
        If no instance of that name is found.
    InstanceError, FleetError
        See `read_instance`.

    Examples
    --------
    >>> import lagrl
    >>> problem = lagrl.read("G-n51-k6")
    >>> problem.n_customers, problem.capacity, problem.best_known
    (50, 384, 9249.0)
    """
    if not isinstance(instance, str | os.PathLike):
        raise InputError(
            f"{instance!r:.80} given",
            field="instance",
            remedy="give the path of a .vrp file or an instance name, as in lagrl.read('G-n51-k6')",
        )
    path = resolve_instance(os.fspath(instance), data)
    return read_instance(path, fleet=Fleet.of(fleet) if fleet is not None else None, rounding=rounding)


def read_instance(
    path: str | os.PathLike[str], *, fleet: Fleet | None = None, rounding: Literal["auto", "nint", "none"] = "auto"
) -> CVRP:
    """Read a CVRPLIB `.vrp` file: distances EUC_2D, CEIL_2D, ATT, GEO, MAN_2D, MAX_2D, or EXPLICIT in any layout.

    The depot may be any node; customers are numbered 1 … n in the order of the other nodes. SERVICE_TIME and DISTANCE
    are accepted where no route can be longer. Asymmetric distances are refused.

    The best known cost is the lower of two: that of the shipped table (`best_known`), if the fleet rule and the
    distances are those of the benchmark set; and that of a `.sol` beside the file, if its routes solve the instance at
    the cost that it states, under a fleet rule for which it can be best. Any other `.sol` is an `InputWarning`.

    Parameters
    ----------
    path
        The file, in UTF-8 or Latin-1, at most 64 MiB, 5 million lines and 100 001 nodes; distances other than EUC_2D,
        which are kept as a matrix, of at most 5001 nodes.
    fleet
        Rule on the number of routes. If None, `Fleet.of_benchmark` of the instance's name, else `atmost:K` for
        VEHICLES : K.
    rounding
        How EUC_2D distances are taken: `nint` is floor(d + 0.5), `none` keeps d, `auto` is the name's
        `usual_rounding`. No effect on other distances.

    Raises
    ------
    InstanceError
        If the file is missing, unreadable, malformed, cut off, inconsistent or of a kind that is not supported.
    FleetError
        If the fleet rule cannot be met.
    """
    source = str(path)
    try:
        raw = scan(read_text(path, InstanceError), source)
        data = checked_data(raw)
        name = raw.specs.get("NAME") or Path(path).stem
        require_safe_name(name, source)
        benchmark, usual = Fleet.of_benchmark(name), usual_rounding(name)
        limit = Fleet() if data.vehicles is None else Fleet("atmost", data.vehicles)
        rule = fleet or (limit if benchmark.rule == "free" else benchmark)
        problem = _build(raw, data, name, rule, usual if rounding == "auto" else rounding)
        _require_no_duration_limit(raw, data, problem)
    except MemoryError as error:
        raise InstanceError(
            "its distances do not fit in memory", source=source, field="DIMENSION",
            remedy="use a smaller instance or a larger machine",
        ) from error  # fmt: skip
    known: list[tuple[float, str]] = []  # with the solver, empty if it is published
    if rule == benchmark and raw.specs["EDGE_WEIGHT_TYPE"].upper() not in METRICS and problem.rounding in (
        "explicit", usual
    ):  # fmt: skip
        published = best_known(name)
        known += [] if published is None else [(published, "")]
    beside = Path(path).with_suffix(".sol")
    if beside.is_file():
        cost = _cost_beside(beside, problem, benchmark, is_chosen=rounding != "auto")
        known += [] if cost is None else [(cost, solver_of(beside) or "")]
    least, solver = min(known, default=(None, ""))
    return replace(problem, best_known=least, best_known_by=solver or None)


def _build(raw: InstanceText, data: InstanceData, name: str, fleet: Fleet, rounding: Literal["nint", "none"]) -> CVRP:
    demand, capacity, points, comment = data.demand, data.capacity, data.coordinates, raw.specs.get("COMMENT", "")
    try:
        if data.distance is not None:
            return CVRP(name, demand, capacity, data.distance, points, fleet, comment=comment)
        assert points is not None
        return CVRP.from_coordinates(name, points, demand, capacity, rounding=rounding, fleet=fleet, comment=comment)
    except InputError as error:
        raise type(error)(error.problem, source=raw.source, field=error.field, remedy=error.remedy) from error


def _require_no_duration_limit(raw: InstanceText, data: InstanceData, problem: CVRP) -> None:
    """Refuse DISTANCE unless the longest route that the capacity allows is certainly within it.

    A route of m customers has m + 1 arcs, no longer than the longest ones from m + 1 nodes, and m stops.
    """
    if data.duration is None:
        return
    load = np.cumsum(np.sort(data.demand))
    stops = int(np.searchsorted(load, data.capacity, side="right"))
    if data.duration < float(_longest_arcs(problem, stops + 1).sum()) + stops * data.service:
        raise InstanceError(
            f"{shown(raw.specs['DISTANCE'])} limits the duration of routes, which is not supported",
            source=raw.source,
            field="DISTANCE",
            remedy="use an instance without a duration limit",
        )


def _longest_arcs(problem: CVRP, number: int) -> NDArray[np.float64]:
    """Return the longest distance from each of the nodes that have the longest ones, [number] distance units.

    Without a matrix each is bounded by the diagonal of the rectangle around all nodes.
    """
    if problem.matrix is None:
        assert problem.coordinates is not None
        low, high = problem.coordinates.min(axis=0), problem.coordinates.max(axis=0)
        return np.full(number, euclidean(low[None], high[None], problem.rounding)[0, 0])
    return np.sort(problem.matrix.max(axis=1))[-number:]


def _cost_beside(path: Path, problem: CVRP, benchmark: Fleet, *, is_chosen: bool) -> float | None:
    """Return the cost of the `.sol` beside an instance if it can be best known; None, and a warning if it is wrong.

    `benchmark`: rule under which the cost was published. `is_chosen`: whether the user has chosen the rounding.
    """
    unused = "it is not used as the best known cost"
    try:
        found = read_solution(path)
    except SolutionError as error:
        doubt(f"{path}: {error.field or 'file'}: {error.problem}; {unused}", level=3)
        return None
    wrong = faults(replace(problem, fleet=Fleet()), found.routes, found.cost)
    if not wrong:
        # the best routes of all are also the best under any rule that they meet
        holds = problem.fleet == benchmark or benchmark.rule == "free"
        return found.cost if holds and problem.fleet.allows(len(found.routes)) else None
    other = _under_other_rounding(problem)
    if other is None or faults(other, found.routes, found.cost):
        doubt(f"{path}: {wrong[0]}; {unused}", level=3)
    elif not is_chosen:
        doubt(
            f"{path}: its cost {found.cost:.10g} is that of --rounding {other.rounding}, not of {problem.rounding}; "
            f"{unused}",
            level=3,
        )
    return None


def _under_other_rounding(problem: CVRP) -> CVRP | None:
    """Return the instance with exact instead of rounded distances or vice versa, any fleet; None if they were given."""
    if problem.rounding == "explicit" or problem.coordinates is None:
        return None
    rounding: Literal["nint", "none"] = "none" if problem.rounding == "nint" else "nint"
    points = problem.coordinates
    matrix = None if problem.matrix is None else euclidean(points, points, rounding)
    return replace(problem, matrix=matrix, rounding=rounding, fleet=Fleet())
