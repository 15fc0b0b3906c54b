"""Rows of `bandit_study` from logs and reward tables: estimates against truth, transfer, budgets, classes, ceilings."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.bandit_study.learnable import always_best, classes_of, fitted_to_all, only, own_models
from benchmarks.bandit_study.logs import OUTSIDE, Judge, Keep, interval, restricted
from benchmarks.bandit_study.reward_table import RewardTable
from lagrl.bench.collect import generated_problems
from lagrl.bench.statistics import paired_difference
from lagrl.bench.trace_table import TraceTable
from lagrl.bench.trace_training import best_static, fit, held_out
from lagrl.quantum.bandit.arm_policies import LinUCB, Policy, StaticPolicy
from lagrl.quantum.bandit.features import PRODUCT, Arm
from lagrl.quantum.bandit.profile import ScreenedArms
from lagrl.quantum.bandit.traces import Trace

Row = dict[str, Any]
Screened = dict[int, ScreenedArms]
ALPHA = 0.0  # what does not learn does not explore
CAPS = (5, 10, 20, 30, 50, 100, 200, 400)
DEFAULTS = ("fake_kingston/line0/qaoa/1", "fake_brisbane/line0/qaoa/1")


def cut(screened: Screened, keep: Keep) -> Screened:
    """Return the arms of each width, with an objection to those that are not kept; widths without any are left out."""
    found = {}
    for width, own in screened.items():
        objections = tuple(
            objection if objection or keep(arm, profile) else OUTSIDE
            for arm, profile, objection in zip(own.arms, own.profiles, own.objections, strict=True)
        )
        if not all(objections):
            found[width] = replace(own, objections=objections)
    return found


def log_rows(name: str, traces: Sequence[Trace]) -> Iterator[Row]:
    """Yield what is in a log: its size, its mean reward, and means by what was taken."""
    reward = np.array([trace.decision.reward for trace in traces])
    group = TraceTable.of(traces).instance
    views = {
        "all": ["all"] * len(traces),
        "width": [trace.decision.knapsack.width for trace in traces],
        "backend": [trace.decision.arm.backend or "product" for trace in traces],
        "placement": [trace.decision.arm.placement or "product" for trace in traces],
        "circuit": [f"{trace.decision.arm.family}/{trace.decision.arm.layers}" for trace in traces],
    }
    for view, values in views.items():
        labels = np.array(values)
        for label in np.unique(labels):
            own = labels == label
            yield {
                "kind": "log",
                "log": name,
                "by": view,
                "label": str(label),
                "decisions": int(own.sum()),
                "instances": len(np.unique(group[own])),
                "failed": sum(
                    t.decision.executed != t.decision.chosen for t, is_own in zip(traces, own, strict=True) if is_own
                ),
                "mean": interval(reward[own], group[own]),
                "sd": float(reward[own].std()),
            }


@dataclass(frozen=True, eq=False)
class Evidence:
    """What policies are trained and judged on.

    Attributes
    ----------
    training
        Decisions at random.
    judge
        The validation log.
    truth
        All arms on knapsacks of the validation instances.
    world
        All arms on knapsacks of training instances.
    screened
        The arms by width.
    """

    training: list[Trace]
    judge: Judge
    truth: RewardTable
    world: RewardTable
    screened: Screened

    def policies(self) -> dict[str, tuple[Policy, float]]:
        """Return the policies that are compared, each with its share of random choices."""
        table = TraceTable.of(self.training)
        model, static, sure = fit(table), best_static(table), always_best(self.world)
        return {
            f"bandit (α {ALPHA})": (LinUCB(model, ALPHA), 0.0),
            "bandit (α 0.5)": (LinUCB(model), 0.0),
            "bandit (mean)": (LinUCB(model, 0.0), 0.0),
            f"best static {static}": (StaticPolicy((static,)), 0.0),
            f"surest static {sure}": (StaticPolicy((sure,)), 0.0),
            **{f"default {text}": (StaticPolicy((Arm.parse(text),)), 0.0) for text in DEFAULTS},
            "uniform": (StaticPolicy(), 1.0),
            "product": (StaticPolicy((PRODUCT,)), 0.0),
        }

    def value_rows(self) -> Iterator[Row]:
        """Yield each policy's value by the table and by both estimates of the log, and against static arms."""
        policies = self.policies()
        worth_of = {name: self.truth.among(self.screened, *policy) for name, policy in policies.items()}
        static, sure, default = (
            next(worth for name, worth in worth_of.items() if name.startswith(kind))
            for kind in ("best static", "surest static", "default")
        )
        for name, (policy, epsilon) in policies.items():
            worth = worth_of[name]
            snips, robust = self.judge.both(policy, epsilon)
            yield {
                "kind": "value",
                "policy": name,
                "table": interval(worth, self.truth.group),
                "over_static": interval(worth - static, self.truth.group),
                "over_surest": interval(worth - sure, self.truth.group),
                "over_default": interval(worth - default, self.truth.group),
                "snips": snips,
                "robust": robust,
            }

    def ceiling_rows(self) -> Iterator[Row]:
        """Yield what could be had at most: the best arm of every knapsack, of parts of the arms, known in hindsight."""
        arms, expected = self.truth.arms, self.truth.expected
        often = ~np.isnan(expected).any(axis=0)
        mean = np.where(often, np.nan_to_num(expected).mean(axis=0), -np.inf)
        top = arms[int(mean.argmax())]
        known: dict[str, NDArray[np.bool_]] = {
            "best arm of every knapsack": np.ones(len(arms), dtype=bool),
            "best device and place, circuit of the best static arm": np.array(
                [(a.family, a.layers) == (top.family, top.layers) for a in arms]
            ),
            "best circuit, device and place of the best static arm": np.array(
                [(a.backend, a.placement) == (top.backend, top.placement) for a in arms]
            ),
            "best static arm or none": np.array([a in (top, PRODUCT) for a in arms]),
            f"best static arm in hindsight: {top}": np.array([a == top for a in arms]),
        }
        for name, allowed in known.items():
            yield {"kind": "ceiling", "what": name, "value": interval(self.truth.best(allowed), self.truth.group)}
        by_width = np.zeros(len(expected))
        for width in np.unique(self.truth.width):
            own = self.truth.width == width
            means = np.where(np.isnan(expected[own]).any(axis=0), -np.inf, np.nan_to_num(expected[own]).mean(axis=0))
            by_width[own] = expected[own, int(means.argmax())]
        name = "best arm of every width in hindsight"
        yield {"kind": "ceiling", "what": name, "value": interval(by_width, self.truth.group)}
        sure = self.truth.expected[:, arms.index(always_best(self.world))]
        known_all = {
            "surest static arm": sure,
            "the bandit's linear model, fitted to all arms on the training knapsacks": self.truth.among(
                self.screened, LinUCB(fitted_to_all(self.world, self.screened), 0.0)
            ),
            "a linear model for each arm, fitted to all arms on the training knapsacks": own_models(
                self.world, self.truth
            ),
        }
        for name, worth in known_all.items():
            over = interval(worth - sure, self.truth.group)
            yield {"kind": "learnable", "what": name, "value": interval(worth, self.truth.group), "over_surest": over}

    def transfer_rows(self) -> Iterator[Row]:
        """Yield, for each backend and width left out, the values with and without it; differences are paired."""
        full = TraceTable.of(self.training)
        names = sorted({arm.backend for arm in self.truth.arms} - {""})
        for backend in names:
            own = _on(backend)
            left = TraceTable.of(held_out(self.training, backends=[backend]))
            carried = replace(best_static(left, without=[backend]), backend=backend)
            there = best_static(restricted(full, own))
            yield from self._compare(f"backend {backend}", own, full, left, there, carried, None)
        for width in sorted(self.screened):
            left = TraceTable.of(held_out(self.training, widths=[width]))
            same = TraceTable.of([t for t in self.training if t.decision.knapsack.width == width])
            yield from self._compare(
                f"width {width}", _circuit, full, left, best_static(same), best_static(left), width
            )

    def _compare(
        self, out: str, keep: Keep, full: TraceTable, left: TraceTable, there: Arm, carried: Arm, width: int | None
    ) -> Iterator[Row]:
        screened = cut(self.screened, keep)
        policies: dict[str, Policy] = {
            "trained without it": LinUCB(fit(left), 0.0),
            "trained with it": LinUCB(fit(full), 0.0),
            f"best static there: {there}": StaticPolicy((there,)),
            f"static carried over: {carried}": StaticPolicy((carried,)),
        }
        chosen = np.array([own in screened and width in (None, own) for own in self.truth.width])
        group = self.truth.group[chosen]
        judge = self.judge.only(keep)
        decided = np.ones(len(judge.table), dtype=bool)
        if width is not None:
            decided[:] = False
            for part in judge.table.groups:
                decided[part.place] = part.screened.width == width
        worth = {name: self._worth(screened, policy)[chosen] for name, policy in policies.items()}
        scores = {name: judge.scores(policy)[decided] for name, policy in policies.items()}
        for name in policies:
            yield {
                "kind": "transfer",
                "out": out,
                "policy": name,
                "knapsacks": int(chosen.sum()),
                "value": interval(worth[name], group),
                "regret": interval(worth["trained with it"] - worth[name], group),
                "robust": interval(scores[name], judge.table.instance[decided]),
                "robust_regret": interval(scores["trained with it"] - scores[name], judge.table.instance[decided]),
            }

    def _worth(self, screened: Screened, policy: Policy) -> NDArray[np.float64]:
        """Return [C] values; 0 at widths where nothing may run, which the caller leaves out."""
        found = np.zeros(len(self.truth.knapsacks))
        there = np.isin(self.truth.width, list(screened))
        found[there] = only(self.truth, there).among(screened, policy)
        return found

    def cap_rows(self) -> Iterator[Row]:
        """Yield values of the bandit by the mean under tighter budgets of gates."""
        policy = self.policies()["bandit (mean)"][0]
        loose = self.truth.among(self.screened, policy)
        for most in CAPS:
            keep = _within(most)
            worth = self.truth.among(cut(self.screened, keep), policy)
            judge = self.judge.only(keep)
            yield {
                "kind": "cap",
                "gates": most,
                "value": interval(worth, self.truth.group),
                "lost": interval(loose - worth, self.truth.group),
                "robust": interval(judge.scores(policy), judge.table.instance),
            }

    def class_rows(self, count: int, customers: tuple[int, int], seed: int) -> Iterator[Row]:
        """Yield the bandit's advantage over no circuit and over the best static arm by class of instance."""
        classes = {
            problem.name: classes_of(problem.comment or "", problem)
            for problem in generated_problems(count, customers, seed)
        }
        policies = self.policies()
        static = next(name for name in policies if name.startswith("surest static"))
        bandit = self.truth.among(self.screened, *policies["bandit (mean)"])
        other = self.truth.among(self.screened, *policies[static])
        for by in ("customers", "demand", "tightness", "routes"):
            labels = np.array([classes[str(name)][by] for name in self.truth.instance])
            for label in np.unique(labels):
                own = labels == label
                group = self.truth.group[own]
                yield {
                    "kind": "class",
                    "by": by,
                    "label": str(label),
                    "instances": len(np.unique(group)),
                    "knapsacks": int(own.sum()),
                    "over_product": interval(bandit[own], group),
                    "over_static": interval(bandit[own] - other[own], group),
                    "static": interval(other[own], group),
                }


def mix_rows(policy: str, traces: Sequence[Trace]) -> Iterator[Row]:
    """Yield shares of a run's decisions by backend, placement, and circuit, of each width and of all."""
    parts = {
        "backend": [trace.decision.arm.backend or "product" for trace in traces],
        "placement": [trace.decision.arm.placement or "product" for trace in traces],
        "circuit": [f"{trace.decision.arm.family}/{trace.decision.arm.layers}" for trace in traces],
    }
    widths = np.array([trace.decision.knapsack.width for trace in traces])
    for by, values in parts.items():
        labels = np.array(values)
        for width in (0, *np.unique(widths).tolist()):
            own = labels[widths == width] if width else labels
            names, times = np.unique(own, return_counts=True)
            shares = {str(name): float(n) / len(own) for name, n in zip(names, times, strict=True)}
            yield {"kind": "mix", "policy": policy, "by": by, "width": width, "decisions": len(own), "shares": shares}


def run_rows(
    runs: dict[str, list[Trace]], validation: Sequence[Trace], policies: dict[str, tuple[Policy, float]]
) -> Iterator[Row]:
    """Yield the mean rewards of on-policy runs, and what the validation log of the same instances says of them."""
    common = set.intersection(*({trace.instance for trace in traces} for traces in runs.values()))
    judge = Judge.of(TraceTable.of([trace for trace in validation if trace.instance in common]))
    known = {"bandit": f"bandit (α {ALPHA})"}
    bandit = _by_instance([trace for trace in runs["bandit"] if trace.instance in common])
    for policy, traces in runs.items():
        own = [trace for trace in traces if trace.instance in common]
        table = TraceTable.of(own)
        name = known.get(policy) or next(name for name in policies if name.endswith(policy))
        snips, robust = judge.both(*policies[name])
        yield {
            "kind": "run",
            "policy": name,
            "decisions": len(table),
            "instances": len(np.unique(table.instance)),
            "failed": sum(trace.decision.executed != trace.decision.chosen for trace in own),
            "mean": interval(table.reward, table.instance),
            "bandit_over": _difference(bandit, _by_instance(own)),
            "snips": snips,
            "robust": robust,
        }


def _by_instance(traces: Sequence[Trace]) -> dict[str, float]:
    rewards: dict[str, list[float]] = {}
    for trace in traces:
        rewards.setdefault(trace.instance, []).append(trace.decision.reward)
    return {name: float(np.mean(own)) for name, own in rewards.items()}


def _difference(a: dict[str, float], b: dict[str, float]) -> list[float | None]:
    found = paired_difference(a, b, np.random.default_rng(0))
    return [end if np.isfinite(end) else None for end in (found.mean, found.low, found.high)]


def _on(backend: str) -> Keep:
    return lambda arm, _: arm.backend == backend


def _circuit(arm: Arm, _: object) -> bool:
    return bool(arm.backend)


def _within(most: int) -> Keep:
    return lambda _, profile: profile.two_qubit_gates <= most
