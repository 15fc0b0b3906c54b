"""CVRPLIB instances and solutions: the one place to read and write them from."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from lagrl.errors import InputError, InstanceError, SolutionError
from lagrl.problems.best_known import best_known
from lagrl.problems.cvrp import CVRP
from lagrl.problems.cvrplib_check import checked_data, require_safe_name
from lagrl.problems.cvrplib_solution import read_solution, solver_of, stated_cost, write_solution
from lagrl.problems.cvrplib_text import read_text, scan
from lagrl.problems.cvrplib_write import usual_rounding, write_instance
from lagrl.problems.fleet import Fleet
from lagrl.problems.locate import resolve_instance

if TYPE_CHECKING:
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
    InstanceError, FleetError, SolutionError
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
    problem = read_instance(path, fleet=Fleet.of(fleet) if fleet is not None else None, rounding=rounding)
    if problem.rounding not in ("explicit", usual_rounding(problem.name)):
        return replace(problem, best_known=None)  # it holds for the usual distances
    return problem


def read_instance(
    path: str | os.PathLike[str], *, fleet: Fleet | None = None, rounding: Literal["auto", "nint", "none"] = "auto"
) -> CVRP:
    """Read a CVRPLIB `.vrp` file with distances EUC_2D, or EXPLICIT as LOWER_ROW (no diagonal) or FULL_MATRIX.

    The best known cost is the one stated in the `.sol` beside the file, else that of `best_known`; it is left out
    if `fleet` is not the rule under which it holds.

    Parameters
    ----------
    path
        The file, in UTF-8 or Latin-1, at most 64 MiB and 20 001 nodes.
    fleet
        Rule on the number of routes; `Fleet.of_benchmark` of the instance's name if None.
    rounding
        How EUC_2D distances are taken: `nint` is floor(d + 0.5), `none` keeps d, `auto` is the name's
        `usual_rounding`.

    Raises
    ------
    InstanceError
        If the file is missing, unreadable, malformed, cut off, inconsistent or of a kind that is not supported.
    FleetError
        If the fleet rule cannot be met.
    SolutionError
        If there is a `.sol` beside the file and it is malformed.
    """
    source = str(path)
    raw = scan(read_text(path, InstanceError), source)
    data = checked_data(raw)
    name = raw.specs.get("NAME") or Path(path).stem
    require_safe_name(name, source)
    benchmark = Fleet.of_benchmark(name)
    rule = fleet or benchmark
    reference = _reference_cost(Path(path), name) if rule == benchmark else None
    try:
        return _build(raw, data, name, rule, usual_rounding(name) if rounding == "auto" else rounding, reference)
    except MemoryError as error:
        raise InstanceError(
            f"the distances between {raw.specs['DIMENSION']} nodes do not fit in memory",
            source=source,
            field="DIMENSION",
            remedy="use a smaller instance or a larger machine",
        ) from error
    except InputError as error:
        field = "EDGE_WEIGHT_SECTION" if error.field == "distance" else error.field
        raise type(error)(error.problem, source=source, field=field, remedy=error.remedy) from error


def _build(
    raw: InstanceText,
    data: InstanceData,
    name: str,
    fleet: Fleet,
    rounding: Literal["nint", "none"],
    best_known: float | None,
) -> CVRP:
    demand, capacity, points, comment = data.demand, data.capacity, data.coordinates, raw.specs.get("COMMENT", "")
    if data.distance is not None:
        return CVRP(name, demand, capacity, data.distance, points, fleet, "explicit", best_known, comment)
    assert points is not None
    return CVRP.from_coordinates(
        name, points, demand, capacity, rounding=rounding, fleet=fleet, best_known=best_known, comment=comment
    )


def _reference_cost(path: Path, name: str) -> float | None:
    """The lower of the shipped table's cost and that of the `.sol` file beside, unless a solver's name marks it."""
    beside = path.with_suffix(".sol")
    known = [best_known(name)]
    if beside.is_file():
        try:
            known.append(stated_cost(beside) if solver_of(beside) is None else None)
        except SolutionError as error:
            remedy = f"{error.remedy}, or move it away: it is read for the best known cost"
            raise SolutionError(error.problem, source=error.source, field=error.field, remedy=remedy) from error
    return min((cost for cost in known if cost is not None), default=None)
