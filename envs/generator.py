"""Instances of episodes: generated, or given by the user as an object, a file or a name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from lagrl.errors import InputError
from lagrl.problems.cvrp import CVRP
from lagrl.problems.cvrplib import read
from lagrl.problems.fleet import Fleet
from lagrl.problems.generate import generate_x_type, sample_params

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np
    from numpy.typing import NDArray


def draw_instance(rng: np.random.Generator, n_customers: tuple[int, int]) -> CVRP:
    """Generate an instance of X type (Uchoa et al. 2017) whose number of customers lies between two (inclusive)."""
    return generate_x_type(sample_params(rng, n_customers), rng)


def load_instance(instance: CVRP | str | Path) -> CVRP:
    """Return the instance that a user gave as an object, a path or a name.

    Parameters
    ----------
    instance
        The instance itself, the path of a `.vrp` file, a bundled instance's name, or the name of a file in LAGRL_DATA.

    Raises
    ------
    InputError
        If it is none of these, cannot be found or cannot be read.
    """
    if isinstance(instance, CVRP):
        return instance
    if not isinstance(instance, str | Path):
        raise InputError(
            f"{type(instance).__name__} given",
            field="options['instance']",
            remedy="give a CVRP, the path of a .vrp file, or an instance's name",
        )
    return read(instance)


def instance_record(problem: CVRP) -> tuple[dict[str, Any], dict[str, NDArray[Any]]]:
    """Return an instance as plain JSON values and arrays, distances included: files may change or disappear."""
    record = {
        "name": problem.name,
        "capacity": int(problem.capacity),
        "fleet": str(problem.fleet),
        "rounding": problem.rounding,
        "best_known": None if problem.best_known is None else float(problem.best_known),
        "comment": problem.comment,
    }
    arrays = {"demand": problem.demand, "distance": problem.distance}
    if problem.coordinates is not None:
        arrays["coordinates"] = problem.coordinates
    return record, {name: array.copy() for name, array in arrays.items()}


def instance_from_record(record: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> CVRP:
    """Rebuild an instance from the return values of `instance_record`."""
    return CVRP(
        name=record["name"],
        demand=arrays["demand"],
        capacity=record["capacity"],
        matrix=arrays["distance"],
        coordinates=arrays.get("coordinates"),
        fleet=Fleet.parse(record["fleet"]),
        rounding=record["rounding"],
        best_known=record["best_known"],
        comment=record["comment"],
    )
