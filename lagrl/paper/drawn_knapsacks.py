"""Knapsacks for benchmarks of circuits: drawn from real dual ascents, as many of every width, the same for a seed.

Each instance gives at most one knapsack of every width, so that instances are independent units: the bundled ones
first, then generated ones (`sample_params`), never CVRPLIB's. Its dual is ascended from the linear relaxation's prices
under exact answers, by `hwc` or `cfm` in turn; of all (evaluation, vehicle) whose core has exactly W variables one is
drawn, a different one for each W.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from lagrl.controllers import Feedback, controller_factory
from lagrl.errors import InputError
from lagrl.problems.bundled import bundled_names, read_bundled
from lagrl.problems.generate import generate_x_type, sample_params
from lagrl.problems.qubo import QUBO
from lagrl.quantum.subproblems.candidates import Candidates, select_candidates
from lagrl.quantum.subproblems.penalties import Subproblem
from lagrl.relaxation.dual import AssignmentDual
from lagrl.relaxation.linear_dual import linear_dual
from lagrl.relaxation.linearise import linearise, vehicles_to_try
from lagrl.relaxation.seeding import kmeans

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from lagrl.problems.cvrp import CVRP

CONTROLLERS = ("hwc", "cfm")
SIZES = (30, 120)  # customers of generated instances
MOST_INSTANCES = 5000


@dataclass(frozen=True)
class Knapsack:
    """The core of one vehicle's knapsack: min ã·y, d·y ≤ room, all of it in doubt.

    Attributes
    ----------
    instance, demand, customers
        Where it comes from: name, demand class (`bundled` for bundled ones), number of customers.
    controller, step, vehicle
        Which ascent, evaluation and vehicle.
    reduced_cost, weight, room, greedy_load, stop
        Of the W variables, see `Candidates`.
    """

    instance: str
    demand: str
    customers: int
    controller: str
    step: int
    vehicle: int
    reduced_cost: tuple[float, ...]
    weight: tuple[int, ...]
    room: int
    greedy_load: int
    stop: float

    @property
    def width(self) -> int:
        """Number of variables W."""
        return len(self.weight)

    @property
    def name(self) -> str:
        """Such as `G-n51-k6 w8`; no two are equal."""
        return f"{self.instance} w{self.width}"

    @property
    def candidates(self) -> Candidates:
        """The same as a batch of one vehicle, of W customers."""
        return Candidates(
            fixed=np.zeros((1, self.width), np.uint8),
            item=np.arange(self.width)[None],
            width=np.array([self.width]),
            room=np.array([self.room]),
            reduced_cost=np.array([self.reduced_cost]),
            weight=np.array([self.weight], np.int64),
            greedy_load=np.array([self.greedy_load]),
            stop=np.array([self.stop]),
        )

    def to_json(self) -> dict[str, Any]:
        """Return its fields, plain."""
        return asdict(self)

    @staticmethod
    def from_json(fields: dict[str, Any]) -> Knapsack:
        """Read what `to_json` wrote."""
        return Knapsack(
            **{
                **fields,
                "reduced_cost": tuple(map(float, fields["reduced_cost"])),
                "weight": tuple(map(int, fields["weight"])),
            }
        )


def draw_knapsacks(widths: tuple[int, ...], per_width: int, evaluations: int, seed: int) -> list[Knapsack]:
    """Draw `per_width` knapsacks of each width, ordered by width, then by instance.

    Parameters
    ----------
    widths
        Numbers of variables.
    per_width
        How many of each.
    evaluations
        Multiplier vectors of each ascent.
    seed
        Same seed, same knapsacks; more of them start with the same ones.

    Raises
    ------
    InputError
        If too few instances have knapsacks of a width.
    """
    found: dict[int, list[Knapsack]] = {width: [] for width in widths}
    for index, (instance, demand) in enumerate(_instances(seed)):
        if index == MOST_INSTANCES:
            short = [width for width in widths if len(found[width]) < per_width]
            raise InputError(
                f"{MOST_INSTANCES} instances have too few knapsacks of {short} variables",
                field="widths",
                remedy="give smaller widths, or fewer knapsacks of each",
            )
        controller = CONTROLLERS[index % len(CONTROLLERS)]
        asked = list(_ascent(instance, controller, evaluations, np.random.default_rng([seed, index, 1])))
        taken: set[tuple[int, int]] = set()
        for width in widths:  # full ones too: what is drawn for a width must not depend on how many are wanted
            knapsack = _draw(asked, width, taken, np.random.default_rng([seed, index, 2, width]))
            if knapsack is None:
                continue
            taken.add((knapsack["step"], knapsack["vehicle"]))
            if len(found[width]) < per_width:
                origin: dict[str, Any] = {"demand": demand, "customers": instance.n_customers, "controller": controller}
                found[width].append(Knapsack(instance=instance.name, **origin, **knapsack))
        if all(len(knapsacks) == per_width for knapsacks in found.values()):
            return [knapsack for width in widths for knapsack in found[width]]
    raise AssertionError("the instances never end")


def random_subproblem(n: int, seed: int) -> Subproblem:
    """Return a random knapsack of n customers of which about half fit, with the tilted penalty's QUBO at T = room."""
    rng = np.random.default_rng((seed, n))
    reduced_cost, weight = -rng.uniform(5.0, 50.0, n), rng.integers(1, 50, n)
    room = max(int(weight.sum()) // 2, 1)
    load, strength = weight / room, 30.0
    qubo = QUBO(
        reduced_cost / np.abs(reduced_cost).mean() + strength * (load**2 - 2.0 * load),
        np.triu(2.0 * strength * np.outer(load, load), 1),
    )
    return Subproblem(qubo, rng.uniform(0.05, 0.95, n), reduced_cost, weight, room)


def _instances(seed: int) -> Iterator[tuple[CVRP, str]]:
    for name in bundled_names():
        yield read_bundled(name), "bundled"
    index = 0
    while True:
        rng = np.random.default_rng([seed, index])
        params = sample_params(rng, SIZES)
        yield generate_x_type(params, rng, name=f"generated {seed}.{index}"), params.demand
        index += 1


def _ascent(
    instance: CVRP, controller: str, evaluations: int, rng: np.random.Generator
) -> Iterator[tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]]:
    """Yield the reduced costs [K, n], weights and capacities of every evaluation."""
    problem = linearise(instance, kmeans(instance, vehicles_to_try(instance), rng))
    dual = AssignmentDual(problem)
    rule = controller_factory(controller)()
    start = linear_dual(problem).multipliers
    multipliers = dual.clip(rule.start(dual, budget=evaluations, rng=rng, initial=start))
    for _ in range(evaluations):
        yield problem.cost - multipliers, problem.weight, problem.capacity
        point = dual.evaluate(multipliers)
        if point.is_optimal:
            return
        multipliers = dual.clip(rule.update(point, Feedback()))


def _draw(
    asked: list[tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]],
    width: int,
    taken: set[tuple[int, int]],
    rng: np.random.Generator,
) -> dict[str, Any] | None:
    """Draw one core of exactly `width` variables, or None if there is none left."""
    cores = [select_candidates(*knapsacks, width) for knapsacks in asked]
    places = [
        (step, int(k))
        for step, core in enumerate(cores)
        for k in np.flatnonzero(core.width == width)
        if (step, int(k)) not in taken
    ]
    if not places:
        return None
    step, k = places[rng.integers(len(places))]
    core = cores[step]
    return {
        "step": step,
        "vehicle": k,
        "reduced_cost": tuple(core.reduced_cost[k].tolist()),
        "weight": tuple(core.weight[k].tolist()),
        "room": int(core.room[k]),
        "greedy_load": int(core.greedy_load[k]),
        "stop": float(core.stop[k]),
    }
