"""How values grow with the decisions learned from: fitted to a log, or learned on the way in a simulation."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.bandit_study.logs import Judge, interval
from benchmarks.bandit_study.reward_table import RewardTable
from lagrl.bench.trace_table import TraceTable
from lagrl.bench.trace_training import best_static, fit
from lagrl.quantum.bandit.arm_policies import LinearModel, LinUCB, Policy, StaticPolicy
from lagrl.quantum.bandit.features import NAMES
from lagrl.quantum.bandit.profile import ScreenedArms
from lagrl.quantum.bandit.traces import Trace

SIZES = (100, 200, 500, 1000, 2000, 5000, 10_000, 20_000)
ALPHAS = (0.0, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0)
LEARNERS = ("linucb", "epsilon-greedy")
Row = dict[str, Any]


def sizes(n: int) -> tuple[int, ...]:
    """Return the sizes below n, and n."""
    return (*(size for size in SIZES if size < n), n)


def orders(traces: Sequence[Trace], count: int, seed: int = 0) -> Iterator[list[Trace]]:
    """Yield the log with its runs in random orders; a run's decisions stay together."""
    runs: dict[str, list[Trace]] = {}
    for trace in traces:
        runs.setdefault(trace.run, []).append(trace)
    keys = list(runs)
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        yield [trace for k in rng.permutation(len(keys)) for trace in runs[keys[k]]]


def offline_curve(
    traces: Sequence[Trace], judge: Judge, truth: RewardTable, screened: dict[int, ScreenedArms], count: int
) -> Iterator[Row]:
    """Yield rows: what was learned from the first decisions of each order, judged by the table and by the log."""
    for number, ordered in enumerate(orders(traces, count)):
        for size in sizes(len(ordered)):
            table = TraceTable.of(ordered[:size])
            static, model = best_static(table), fit(table)
            policies: dict[str, Policy] = {
                "fitted, by the mean": LinUCB(model, 0.0),
                "fitted, α 0.5": LinUCB(model),
                "best static": StaticPolicy((static,)),
            }
            for name, policy in policies.items():
                snips, robust = judge.both(policy)
                yield {
                    "kind": "curve",
                    "learner": name,
                    "order": number,
                    "decisions": size,
                    "value": float(truth.among(screened, policy).mean()),
                    "snips": snips,
                    "robust": robust,
                    "static": str(static),
                }


def online_curve(
    table: RewardTable,
    screened: dict[int, ScreenedArms],
    truth: RewardTable,
    count: int,
    most: int,
    epsilon: float = 0.05,
) -> Iterator[Row]:
    """Yield rows: learners that begin knowing nothing, on a table's knapsacks in random orders, again and again.

    What an arm brings is its expected reward and what sampling added in another draw of that knapsack. The value is
    that of the learned model's best arm on other instances, as for what was fitted offline.
    """
    place = {arm: a for a, arm in enumerate(table.arms)}
    columns = {width: [place[arm] for arm in own.arms] for width, own in screened.items()}
    marks = set(sizes(most))
    for number in range(count):
        for learner in LEARNERS:
            rng = np.random.default_rng([1, number])
            model, earned = LinearModel(len(NAMES)), 0.0
            order = _repeated(len(table.knapsacks), most, rng)
            for n, c in enumerate(order.tolist(), 1):
                knapsack = table.knapsacks[c]
                arms = screened[knapsack.width]
                every = arms.table.features(knapsack)
                chosen = _choice(learner, model, every, arms.is_allowed, epsilon, rng)
                own = columns[knapsack.width]
                mean = float(table.expected[c, own[chosen]])
                noise = (table.drawn[c, own] - table.expected[c, own])[rng.choice(np.flatnonzero(arms.is_allowed)[1:])]
                reward = float(np.clip(mean + noise, -1.0, 1.0)) if chosen else 0.0
                earned += mean
                model.update(every[chosen], reward)
                if n in marks:
                    value = float(truth.among(screened, LinUCB(model, 0.0)).mean())
                    yield {
                        "kind": "online",
                        "learner": learner,
                        "order": number,
                        "decisions": n,
                        "earned": earned / n,
                        "value": value,
                    }


def _repeated(n: int, most: int, rng: np.random.Generator) -> NDArray[np.int64]:
    return np.concatenate([rng.permutation(n) for _ in range(-(-most // n))])[:most]


def _choice(
    learner: str,
    model: LinearModel,
    features: NDArray[np.float64],
    allowed: NDArray[np.bool_],
    epsilon: float,
    rng: np.random.Generator,
) -> int:
    is_random = rng.random() < epsilon
    if is_random:
        return int(rng.choice(np.flatnonzero(allowed)))
    scores = LinUCB(model).scores(features, ()) if learner == "linucb" else model.predict(features)
    return int(np.where(allowed, scores, -np.inf).argmax())


def alpha_rows(traces: Sequence[Trace], truth: RewardTable, screened: dict[int, ScreenedArms]) -> Iterator[Row]:
    """Yield values of α, fitted to the instances of a log that are not in a table, and judged by that table."""
    others = [trace for trace in traces if trace.instance not in set(truth.instance.tolist())]
    model = fit(TraceTable.of(others))
    for alpha in ALPHAS:
        policy = LinUCB(model, alpha)
        value = interval(truth.among(screened, policy), truth.group)
        yield {"kind": "alpha", "alpha": alpha, "decisions": len(others), "value": value}
