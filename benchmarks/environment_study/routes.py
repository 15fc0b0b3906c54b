"""The environment of the route relaxations: starts, lengths of equal steps, classical rules, seconds and routes.

    python -m benchmarks.environment_study.routes --out docs/rows/environment_routes.jsonl    # 10 minutes
    python -m benchmarks.environment_study.routes --show-rows docs/rows/environment_routes.jsonl

Every actor plays the same generated episodes from the same start. `equal D` are zero actions with the base step D, as
an untrained policy plays; `random` draws its actions; the other actors are classical rules.
"""

from __future__ import annotations

from benchmarks.harness import append_rows, origin, read_rows, read_rows_if_any

if __name__ == "__main__":
    from benchmarks.harness import one_thread

    one_thread()  # before numpy, numba and torch are loaded

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tyro

from envs.config import EnvConfig
from envs.route.core import RouteEpisodeBatch
from lagrl.bench.statistics import bootstrap_interval
from lagrl.bounds.route_dual import RouteDual
from lagrl.controllers.registry import make_controller
from lagrl.recovery.savings import clarke_wright
from train.validation import validation_set

if TYPE_CHECKING:
    from envs.route.episode import RouteEpisode
    from lagrl.problems.cvrp import CVRP

_SEEDED = 23  # generated instances
_LENGTHS = (0.015, 0.03, 0.06, 0.12, 0.3)
_RULES = ("volume", "cfm", "bundle")
_SHARES = (0.6, 0.7, 0.8, 0.9)
_EARLY = 10  # evaluations


def config_of(relaxation: str, steps: int, length: float | None = None) -> EnvConfig:
    """The episodes' configuration, with routes at every third evaluation."""
    changes: dict[str, Any] = {"relaxation": relaxation, "max_steps": steps, "min_steps": None, "route_every": 3}
    if length is not None:
        changes["action"] = {"base_step": length}
    return EnvConfig.preset("routes").changed(changes | {"route_sampler": "exact"})


def played(problem: CVRP, config: EnvConfig, actor: str) -> dict[str, Any]:
    """Play an episode; return its gaps and route ratios after ten evaluations and at the end, and the seconds."""
    batch, rng = RouteEpisodeBatch(config, 1), np.random.default_rng(0)
    started = time.perf_counter()
    batch.reset(0, rng, problem)
    ready = time.perf_counter()
    episode: RouteEpisode = batch.episodes[0]
    rule = make_controller(actor) if actor in _RULES else None
    if rule is not None:
        rule.start(episode.dual, budget=episode.budget, rng=rng, initial=episode.initial)
    early = {}
    while not episode.is_over:
        assert episode.step is not None
        if rule is None:
            actions = rng.uniform(-1, 1, (1, config.n_max)) if actor == "random" else np.zeros((1, config.n_max))
            batch.step(actions.astype(np.float32))
        else:
            batch.step_multipliers([rule.update(episode.step.point)])
        if len(episode.values) == _EARLY:
            early = {"early_gap": episode.best.gap, "early_ratio": episode.best.route_ratio}
    seconds = (time.perf_counter() - ready) / episode.steps
    end = {"gap": episode.best.gap, "ratio": episode.best.route_ratio, "seconds_per_step": seconds}
    return {"actor": actor, "first": episode.values[0], "reset_seconds": ready - started} | early | end


def starts(problem: CVRP, episode: RouteEpisode) -> dict[str, float]:
    """Return values of the dual at multiples of the continuous approximation, relative to the reference.

    A multiple is that whose sum is a share of the savings cost.
    """
    dual = RouteDual(episode.dual.graph, episode.dual.relaxation)
    first, cost = dual.first_multipliers(), clarke_wright(problem).cost
    reference = episode.best.reference
    assert reference is not None
    return {
        str(share): dual.evaluate(first * (share * cost / first.sum())).sampled_value / reference for share in _SHARES
    }


def main(out: Path | None = None, show_rows: Path | None = None, instances: int = 24, steps: int = 29) -> None:
    """Play or show the episodes.

    Parameters
    ----------
    out
        File for the rows.
    show_rows
        Rows of an earlier run, to be shown instead.
    instances
        Number of generated instances of 20 to 100 customers.
    steps
        Moves of the multipliers in an episode.
    """
    if show_rows is not None:
        show(read_rows(show_rows))
        return
    assert out is not None
    done = {(row["instance"], row["relaxation"]) for row in read_rows_if_any(out)}
    common = origin()
    for problem in validation_set(_SEEDED, instances, (20, 100)):
        for relaxation in ("ng", "paths"):
            if (problem.name, relaxation) in done:
                continue
            config = config_of(relaxation, steps)
            row = {"instance": problem.name, "n_customers": problem.n_customers, "relaxation": relaxation}
            row |= {"steps": steps, "reference_evaluations": config.reference_evaluations}
            batch = RouteEpisodeBatch(config, 1)
            started = time.perf_counter()
            batch.reset(0, np.random.default_rng(0), problem)  # computes the reference, which is kept
            row |= {"reset_seconds": time.perf_counter() - started, "starts": starts(problem, batch.episodes[0])}
            plays = [(f"equal {length}", config_of(relaxation, steps, length)) for length in _LENGTHS]
            plays += [(actor, config) for actor in ("random", *_RULES)]
            row |= {"played": [played(problem, its, actor) for actor, its in plays]}
            append_rows(out, [row | common])
    show(read_rows(out))


def show(rows: list[dict[str, Any]]) -> None:
    """Print the starts, the actors' gaps and routes, and the seconds."""
    print(f"| relaxation | {' | '.join(f'Σλ = {share}' for share in _SHARES)} |\n|---|{'--:|' * len(_SHARES)}")
    for relaxation in ("ng", "paths"):
        found = [row["starts"] for row in rows if row["relaxation"] == relaxation]
        cells = [f"{np.mean([one[str(share)] for one in found]):.2f}" for share in _SHARES]
        print(f"| {relaxation} | {' | '.join(cells)} |")
    print("\n| relaxation | actor | gap left after 10, % | at the end, % | routes, % of savings | s per step |")
    print("|---|---|---|---|---|--:|")
    for relaxation in ("ng", "paths"):
        own = [row for row in rows if row["relaxation"] == relaxation]
        for index, first in enumerate(own[0]["played"]):
            plays = [row["played"][index] for row in own]
            cells = [_cell(100 * np.array([one[name] for one in plays])) for name in ("early_gap", "gap", "ratio")]
            seconds = np.mean([one["seconds_per_step"] for one in plays])
            print(f"| {relaxation} | {first['actor']} | {' | '.join(cells)} | {seconds:.3f} |")
    print()
    for relaxation in ("ng", "paths"):
        resets = np.array([row["reset_seconds"] for row in rows if row["relaxation"] == relaxation])
        print(f"A reset takes {np.median(resets):.2f} s in the median with {relaxation}, {resets.max():.2f} s at most.")


def _cell(values: np.ndarray) -> str:
    interval = bootstrap_interval(values, np.random.default_rng(0))
    return f"{interval.mean:.1f} [{interval.low:.1f}, {interval.high:.1f}]"


if __name__ == "__main__":
    tyro.cli(main)
