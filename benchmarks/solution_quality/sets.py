"""Sets of instances of the benchmark: those of CVRPLIB, and generated ones that nobody tuned on.

The name of a generated instance says how it is made: `X-type-250-7` has 250 customers and seed 7.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Literal

import numpy as np

from lagrl.bench import suites
from lagrl.problems.cvrp import CVRP
from lagrl.problems.cvrplib import read_instance
from lagrl.problems.generate import generate
from lagrl.problems.locate import data_folder, find_instance

if TYPE_CHECKING:
    from collections.abc import Iterable

Set = Literal["paper30", "X", "X-type", "roads", "uniform"]

_GENERATED = re.compile(r"(X-type|roads|uniform)-(\d+)-(\d+)")
_FIRST_SEED = 190_000  # of the X-type and uniform instances; not used by any other study


def _names(kind: str, sizes: Iterable[int], first_seed: int) -> tuple[str, ...]:
    return tuple(f"{kind}-{n}-{seed}" for seed, n in enumerate(sizes, first_seed))


X_TYPE = _names("X-type", (100, 133, 166, 200, 233, 266, 300, 333, 366, 400), _FIRST_SEED)
"""X-type instances of 100 to 400 customers, every characteristic drawn at random (Uchoa and others 2017)."""

ROADS = _names("roads", (241, 323, 400, 405, 455, 500, 510, 600, 601, 701, 900, 1000), 0)
"""Few dense cities, a far depot, a matrix of road distances; of the sizes of the DIMACS challenge's."""

UNIFORM = _names("uniform", [n for n in (100, 200, 500) for _ in range(5)], _FIRST_SEED)
"""Unit square, as learned solvers report on."""

UNIFORM_CAPACITY = {100: 50, 200: 80, 500: 100}
"""Capacity by customers (Kool and others 2019 for 100; Luo and others 2023 for 200 and 500)."""


def instances(name: Set) -> tuple[str, ...]:
    """Return the names of the instances of a set; `X` has those in the data folder, by size.

    Raises
    ------
    InputError
        If `X` is wanted and no data folder is given.
    """
    if name == "paper30":
        return suites.suite("paper30")
    if name == "X":
        names = {path.stem for path in data_folder().glob("**/X-n*-k*.vrp")}
        return tuple(sorted(names, key=lambda x: int(x.split("-")[1][1:])))
    return {"X-type": X_TYPE, "roads": ROADS, "uniform": UNIFORM}[name]


def family(name: str) -> str:
    """Return the benchmark family of an instance; the kind of a generated one."""
    match = _GENERATED.fullmatch(name)
    return match[1] if match else suites.family(name)


def problem_of(name: str) -> CVRP:
    """Generate the instance whose name says how, or read it from the data folder."""
    match = _GENERATED.fullmatch(name)
    if match is None:
        return read_instance(find_instance(name, data_folder()))
    n_customers, seed = int(match[2]), int(match[3])
    if match[1] == "uniform":
        return uniform_instance(name, n_customers, seed)
    return generate(n_customers, seed, kind="roads" if match[1] == "roads" else "X", name=name)


def uniform_instance(name: str, n_customers: int, seed: int) -> CVRP:
    """Draw depot and customers in the unit square, demands from 1 … 9, distances not rounded (Kool and others 2019).

    `n_customers`: one of `UNIFORM_CAPACITY`.
    """
    rng = np.random.default_rng(seed)
    places = rng.random((n_customers + 1, 2))
    demand = rng.integers(1, 10, n_customers)
    return CVRP.from_coordinates(name, places, demand, UNIFORM_CAPACITY[n_customers], rounding="none")
