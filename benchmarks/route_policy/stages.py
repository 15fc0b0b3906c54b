"""What each stage of a route policy's training is worth, in the environment.

    python -m benchmarks.route_policy.stages --part converged --out docs/rows/route_stages.jsonl
    LAGRL_DATA=DIR python -m benchmarks.route_policy.stages --actors ACTOR … --out docs/rows/route_stages.jsonl
    python -m benchmarks.route_policy.stages --part imitation --actors ACTOR … --out docs/rows/route_stages.jsonl
    python -m benchmarks.route_policy.stages --show-rows docs/rows/route_stages.jsonl

An actor is `NAME=policy:PATH` (the steps of a route policy), `zero` or `random` (actions), or a classical rule with
its start, such as `bundle@learned`, `cfm@linear` or `cfm@search` (that of `lagrl bound`, which costs evaluations and is
outside the environment, hence without routes). All actors except those with another start have that of the shipped
policy. `episodes` plays each instance with each budget; routes are made at every second evaluation. `imitation`
compares steps with those of classical rules. A repeated call makes the rows that are missing.
"""

from __future__ import annotations

from benchmarks.harness import append_rows, one_thread, origin, read_rows, read_rows_if_any

if __name__ == "__main__":
    one_thread()  # before numpy and numba are loaded

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from envs.config import EnvConfig
from envs.reward import LARGEST_RATIO
from envs.route.action import POLICY_ACTION, policy_action
from envs.route.core import RouteEpisodeBatch
from lagrl.bounds.bound import lower_bound
from lagrl.bounds.route_checkpoint import load_route_policy
from lagrl.bounds.route_graph import RouteGraph
from lagrl.bounds.route_policy import RoutePolicy
from lagrl.controllers.registry import make_controller
from lagrl.errors import InputError
from lagrl.problems.cvrplib import read_instance
from lagrl.problems.locate import data_folder
from train.unroll.dual_kinds import ascend_routes
from train.validation import validation_set

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from envs.route.episode import RouteEpisode
    from lagrl.bounds.ascent_memory import AscentMemory
    from lagrl.problems.cvrp import CVRP

BUDGETS = (5, 10, 20, 30)
RULES = ("volume", "cfm", "bundle")
PRESENT = {"bundle": "present bundle@search", "full-0": "present bundle@learned"}
"""Methods of the rows of `benchmarks.route_policy.run` that are shown beside the actors on CVRPLIB's instances."""

_SEED, _GENERATED, _CUSTOMERS = 31, 16, (20, 60)  # generated test instances
_LONG = 20  # evaluations of the ascents of `imitation`
_RESAMPLES = 5000


@dataclass(frozen=True)
class Args:
    """What to measure.

    Attributes
    ----------
    part
        Which rows to make.
    suite
        Instances: generated ones, or those of CVRPLIB's families A, B and P.
    actors
        Who moves the multipliers.
    out
        File of JSON lines for the rows.
    show_rows
        Rows to show instead of measuring.
    converged
        Rows of `benchmarks.route_policy.run` with the converged bounds of CVRPLIB's instances, and the bundle method of
        today there.
    data
        Folder of CVRPLIB's files; LAGRL_DATA if not given.
    most_customers
        Largest instances.
    most_seconds
        Limit of `converged`.
    """

    part: Literal["converged", "episodes", "imitation"] = "episodes"
    suite: Literal["generated", "cvrplib"] = "generated"
    actors: tuple[str, ...] = ()
    out: Path | None = None
    show_rows: Path | None = None
    converged: Path = Path("docs/rows/route_policy.jsonl")
    data: Path | None = None
    most_customers: int = 80
    most_seconds: float = 60.0


def main(args: Args) -> None:
    """Measure what is missing, or show the tables."""
    if args.show_rows is not None:
        show(read_rows(args.show_rows), args.converged)
        return
    if args.out is None:
        raise InputError("no file given", field="--out", remedy="say where the rows go, or --show-rows which to show")
    made_by = origin("torch", "safetensors")
    done = {_key(row) for row in read_rows_if_any(args.out)}
    for problem in instances(args):
        about = {"part": args.part, "suite": args.suite, "instance": problem.name, "n_customers": problem.n_customers}
        for row in rows_of(problem, args, about, done):
            append_rows(args.out, [row | made_by])
            print({name: row.get(name) for name in ("instance", "actor", "budget", "value")}, file=sys.stderr)


def instances(args: Args) -> Iterator[CVRP]:
    """Yield the instances, smallest first."""
    if args.suite == "generated":
        yield from validation_set(_SEED, _GENERATED, _CUSTOMERS)
        return
    paths = sorted(path for path in data_folder(args.data).rglob("[ABP]-*.vrp"))
    problems = [problem for problem in map(read_instance, paths) if problem.n_customers <= args.most_customers]
    yield from sorted(problems, key=lambda each: each.n_customers)


def rows_of(problem: CVRP, args: Args, about: dict[str, Any], done: set[tuple[Any, ...]]) -> Iterator[dict[str, Any]]:
    """Yield the missing rows of an instance."""
    if args.part == "converged":
        row = about | {"actor": "converged", "budget": 0}
        if _key(row) not in done:
            bound = lower_bound(problem, cuts=False, seconds=args.most_seconds)
            yield row | {"value": bound.value, "is_converged": bound.is_converged}
        return
    for actor in args.actors:
        if args.part == "imitation":
            for rule in RULES:
                row = about | {"actor": actor.partition("=")[0], "rule": rule, "budget": _LONG}
                if _key(row) not in done:
                    yield row | imitation(problem, actor, rule)
            continue
        for budget in BUDGETS:
            row = about | {"actor": actor.partition("=")[0], "budget": budget}
            if _key(row) not in done:
                yield row | {"given": actor} | played(problem, actor, budget)


def config_of(problem: CVRP, budget: int, start: str) -> EnvConfig:
    """The environment with exact loads and routes at every second evaluation."""
    changes = {
        "n_max": problem.n_customers,
        "n_customers": (2, 2),
        "min_steps": None,
        "max_steps": budget - 1,
        "action": POLICY_ACTION,
        "start": start,
        "route_sampler": "exact",
        "route_every": 2,
        "reference_evaluations": 0,
        "most_load": 100_000,
    }
    return EnvConfig.preset("routes").changed(changes)


def played(problem: CVRP, actor: str, budget: int) -> dict[str, Any]:
    """Play an episode; return its best bound and its routes."""
    rule, _, start = actor.partition("@")
    if start == "search":
        value = ascend_routes(RouteGraph.of(problem), make_controller(rule), budget)
        return {"value": value, "evaluations": budget}
    batch = RouteEpisodeBatch(config_of(problem, budget, start or "learned"), 1)
    batch.reset(0, np.random.default_rng(0), problem)
    episode: RouteEpisode = batch.episodes[0]
    if start:
        controller = make_controller(rule)
        controller.start(episode.dual, budget=budget, rng=np.random.default_rng(0), initial=episode.initial)
        while not episode.is_over:
            assert episode.step is not None
            batch.step_multipliers([controller.update(episode.step.point)])
    else:
        act = acting(actor, episode.observer.memory)
        while not episode.is_over:
            batch.step(act()[None])
    cost = episode.incumbent.cost
    return {
        "value": episode.best.dual_value,
        "first": episode.values[0],
        "evaluations": len(episode.values),
        "route_cost": cost if np.isfinite(cost) else None,
        "savings_cost": episode.best.savings_cost,
    }


def acting(actor: str, memory: AscentMemory) -> Callable[[], NDArray[np.float64]]:
    """Return a function that returns an actor's next action [n + 1, 2]."""
    shape = (len(memory.features.unit) + 1, 2)
    if actor == "zero":
        return lambda: np.zeros(shape)
    if actor == "random":
        rng = np.random.default_rng(0)
        return lambda: rng.uniform(-1.0, 1.0, shape)
    policy = RoutePolicy(load_route_policy(path_of(actor)).weights, memory.features)
    return lambda: policy_action(*policy.numbers(memory.observe()))


def path_of(actor: str) -> str:
    """Return the path of an actor's route policy."""
    path = actor.partition("=policy:")[2]
    if not path:
        raise InputError(
            f"{actor!r} given", field="--actors", remedy="give NAME=policy:PATH, zero, random or RULE@START"
        )
    return path


def imitation(problem: CVRP, actor: str, rule: str) -> dict[str, Any]:
    """Compare steps with a rule's, in an ascent that the rule makes from the shipped policy's start.

    `left`: Σ of the squared errors of the actor's steps, and `step` that of the rule's steps, in the customers' units.
    `modes`: the errors that the best action of each mode leaves.
    """
    batch = RouteEpisodeBatch(config_of(problem, _LONG, "learned"), 1)
    batch.reset(0, np.random.default_rng(0), problem)
    episode: RouteEpisode = batch.episodes[0]
    controller, memory = make_controller(rule), episode.observer.memory
    controller.start(episode.dual, budget=_LONG, rng=np.random.default_rng(0), initial=episode.initial)
    policy = RoutePolicy(load_route_policy(path_of(actor)).weights, memory.features)
    left = total = 0.0
    modes = dict.fromkeys(("diagonal", "direction", "diagonal+momentum"), 0.0)
    while not episode.is_over:
        assert episode.step is not None
        target = episode.dual.clip(controller.update(episode.step.point))
        unit = memory.features.unit
        wanted = (target - memory.multipliers)[:-1] / unit
        made = (episode.dual.clip(policy.step(memory)) - memory.multipliers)[:-1] / unit
        total += float(wanted @ wanted)
        left += float((made - wanted) @ (made - wanted))
        for mode, error in closest(wanted, memory).items():
            modes[mode] += error
        batch.step_multipliers([target])
    return {"value": left / total if total else 0.0, "left": left, "step": total, "modes": modes}


def closest(wanted: NDArray[np.float64], memory: AscentMemory) -> dict[str, float]:
    """Return the squared errors of the best action of each mode for a step [n], in the customers' units."""
    natural = POLICY_ACTION.base_step * np.arcsinh(memory.direction[:-1])
    factor, reach = 10.0**POLICY_ACTION.decades, POLICY_ACTION.reach
    low, high = np.minimum(natural / factor, natural * factor), np.maximum(natural / factor, natural * factor)
    home = (memory.best - memory.multipliers)[:-1] / memory.features.unit
    shares = np.linspace(0.0, 1.0, 41)

    def error(least: NDArray[np.float64], most: NDArray[np.float64], step: NDArray[np.float64]) -> float:
        return float(np.square(step - np.clip(step, least, most)).sum())

    return {
        "diagonal": error(low, high, wanted),
        "direction": error(np.full_like(natural, -reach), np.full_like(natural, reach), wanted),
        "diagonal+momentum": min(error(low - reach, high + reach, wanted - share * home) for share in shares),
    }


def _key(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row.get(name) for name in ("part", "suite", "instance", "actor", "rule", "budget"))


def show(rows: list[dict[str, Any]], converged: Path) -> None:
    """Print the gaps, the routes, the comparisons and the imitation."""
    best: dict[str, float] = {}
    others = read_rows_if_any(converged)
    for row in [*others, *rows]:
        if row["part"] in ("converged", "episodes", "evaluations"):
            best[row["instance"]] = max(row["value"], best.get(row["instance"], -np.inf))
    for suite in ("generated", "cvrplib"):
        own = [row for row in rows if row["part"] == "episodes" and row["suite"] == suite]
        if own:
            known = {row["instance"] for row in own}
            own += [
                row | {"actor": PRESENT[row["method"]]}
                for row in others
                if row["part"] == "evaluations" and row["method"] in PRESENT and row["instance"] in known
            ]
            print(stages_table(own, best, suite))
            print()
    print(imitation_table([row for row in rows if row["part"] == "imitation"]))


def stages_table(rows: list[dict[str, Any]], best: dict[str, float], suite: str) -> str:
    """Return mean gaps and route costs by actor and budget, paired with `unrolled` or with the first one."""
    actors = list(dict.fromkeys(row["actor"] for row in rows))
    main = "unrolled" if "unrolled" in actors else actors[0]
    gap: dict[tuple[str, int], dict[str, float]] = {}
    routes: dict[tuple[str, int], dict[str, float]] = {}
    for row in rows:
        key = row["actor"], row["budget"]
        gap.setdefault(key, {})[row["instance"]] = 100.0 * (1.0 - row["value"] / best[row["instance"]])
        if "savings_cost" in row:  # not outside the environment
            ratio = LARGEST_RATIO if row["route_cost"] is None else row["route_cost"] / row["savings_cost"]
            routes.setdefault(key, {})[row["instance"]] = 100.0 * min(ratio, LARGEST_RATIO)
    common = sorted(set.intersection(*(set(of_one) for of_one in gap.values())))
    rng = np.random.default_rng(0)
    drawn = rng.integers(len(common), size=(_RESAMPLES, len(common)))
    lines = [
        f"{suite}, {len(common)} instances: gap to the bound of the ng-routes in %; in brackets the 95 % interval of "
        f"the difference to `{main}`",
        "",
        f"| actor | {' | '.join(f'{budget}' for budget in BUDGETS)} | routes at 30, % of savings |",
        f"|---|{'---|' * len(BUDGETS)}---|",
    ]

    def values(table: dict[tuple[str, int], dict[str, float]], actor: str, budget: int) -> NDArray[np.float64]:
        return np.array([table[actor, budget][name] for name in common])

    def cell(table: dict[tuple[str, int], dict[str, float]], actor: str, budget: int) -> str:
        if (actor, budget) not in table:
            return "—"
        own = values(table, actor, budget)
        if actor == main or (main, budget) not in table:
            return f"{own.mean():.2f}"
        low, high = np.quantile((own - values(table, main, budget))[drawn].mean(axis=1), [0.025, 0.975])
        return f"{own.mean():.2f} [{low:+.2f}, {high:+.2f}]"

    for actor in actors:
        cells = [cell(gap, actor, budget) for budget in BUDGETS]
        lines.append(f"| {actor} | {' | '.join(cells)} | {cell(routes, actor, BUDGETS[-1])} |")
    return "\n".join(lines)


def imitation_table(rows: list[dict[str, Any]]) -> str:
    """Return the median share of the rules' squared steps that actors and the best actions of each mode leave."""
    actors = list(dict.fromkeys(row["actor"] for row in rows))
    lines = ["| steps of | " + " | ".join(RULES) + " |", f"|---|{'--:|' * len(RULES)}"]
    for name in ("diagonal", "direction", "diagonal+momentum", *actors):
        cells = []
        for rule in RULES:
            own = [
                row for row in rows if row["rule"] == rule and row["actor"] == (name if name in actors else actors[0])
            ]
            left = [row["left"] if name in actors else row["modes"][name] for row in own]
            shares = [each / row["step"] for each, row in zip(left, own, strict=True) if row["step"]]
            cells.append(f"{100.0 * float(np.median(shares)):.0f} %" if shares else "—")
        lines.append(f"| {name if name in actors else f'best actions, {name}'} | {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    import tyro

    from lagrl.cli.entry import run_guarded

    def _run() -> int:
        main(tyro.cli(Args, description=__doc__))
        return 0

    sys.exit(run_guarded("stages", _run))
