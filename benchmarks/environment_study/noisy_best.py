"""What does correcting sampled values gain? Classical rules with corrected values against those with sampled ones.

    python -m benchmarks.environment_study.noisy_best --out docs/rows/environment_noisy_best.jsonl
    python -m benchmarks.environment_study.noisy_best --show-rows docs/rows/environment_noisy_best.jsonl

Every rule ascends the same linearisation of each generated instance under the same sampler twice: as it is, with values
that cuts correct (`lagrl.controllers.best_point`), and as it was, comparing sampled values as they are. Gaps are exact,
% of the highest dual value that a proximal bundle finds in 400 exact evaluations: of the highest L among the first 25
and 50 multipliers, and of the multipliers that the rule itself takes for the best. One row is one ascent. Rows that
exist are kept, so that an interrupted run continues. Under the exact sampler the two are the same to the bit.
"""

from __future__ import annotations

from benchmarks.harness import append_rows, one_thread, origin, read_rows, read_rows_if_any

if __name__ == "__main__":
    one_thread()  # before numpy and numba are loaded

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import tyro
from numpy.typing import NDArray

from lagrl.ascent import ascend
from lagrl.bench.statistics import bootstrap_interval
from lagrl.controllers.base import Controller, Feedback, Rule
from lagrl.controllers.dantzig_wolfe import ColumnGeneration
from lagrl.controllers.registry import make_controller
from lagrl.dual_loop import DualLoop
from lagrl.problems.assignment import AssignmentProblem
from lagrl.relaxation.dual import AssignmentDual, DualFunction, DualPoint
from lagrl.relaxation.linear_dual import linear_dual, multiplier_ceiling
from lagrl.relaxation.linearise import linearise, vehicles_to_try
from lagrl.relaxation.seeding import SEEDINGS
from lagrl.samplers.registry import make_sampler
from train.validation import validation_set

RULES = ("hwc", "cfm", "polyak", "volume", "cg")
SAMPLERS = ("qaoa", "noisy:FakeKingston", "exact")
SHOTS = (4, 16, 64)
STARTS: tuple[Literal["linear", "zero"], ...] = ("linear", "zero")
MEASURES = {"gap_25": "25 evaluations", "gap_50": "50 evaluations", "gap_own": "the rule's best"}
_SEED = 6_000_007
_EXACT = 400  # evaluations for the highest value


class Uncorrected:
    """A rule that takes every sampled value for exact, as all rules once did."""

    def __init__(self, inner: Controller) -> None:
        self.inner = inner

    def start(self, dual: DualFunction, **given: Any) -> NDArray[np.float64]:
        """Start the rule."""
        return self.inner.start(dual, **given)

    def update(self, point: DualPoint, feedback: Feedback | None = None) -> NDArray[np.float64]:
        """Return the rule's next multipliers."""
        return self.inner.update(replace(point, value=point.sampled_value), feedback)


class Linearised:
    """A linearised instance, its linear dual's prices, and the highest value known of its dual."""

    def __init__(self, index: int, sizes: tuple[int, int], instances: int) -> None:
        problem = validation_set(_SEED, instances, sizes)[index]
        seeds = SEEDINGS["kmeans"](problem, vehicles_to_try(problem), np.random.default_rng([_SEED, index]))
        self.index = index
        self.name = problem.name
        self.problem: AssignmentProblem = linearise(problem, seeds)
        warm = linear_dual(self.problem)
        self.prices = warm.multipliers
        self.ceiling = multiplier_ceiling(self.problem, warm)
        loop = DualLoop.of(AssignmentDual(self.problem, ceiling=self.ceiling), route_every=_EXACT + 1)
        highest = ascend(loop, "bundle", _EXACT, np.random.default_rng(0), self.prices).dual_value
        assert highest is not None
        self.highest = highest

    def ascent(
        self, rule: str, is_corrected: bool, sampler: str, shots: int, start: str, budget: int
    ) -> dict[str, Any]:
        """Return the gaps of one ascent, %."""
        controller = make_controller(rule)
        rng = np.random.default_rng([_SEED, self.index, 1])
        dual = AssignmentDual(self.problem, make_sampler(sampler), shots=shots, rng=rng, ceiling=self.ceiling)
        loop = DualLoop.of(dual, route_every=budget + 1, record_exact=True)
        initial = self.prices if start == "linear" else np.zeros(dual.n_multipliers)
        asked = controller if is_corrected else Uncorrected(controller)
        values = ascend(loop, asked, budget, np.random.default_rng(0), initial).exact_value
        assert isinstance(controller, Rule | ColumnGeneration)
        own = controller.best_multipliers if isinstance(controller, Rule) else controller.centre
        found = max(values[:25]), max(values[:50]), dual.price(dual.clip(own)).value or 0.0
        return {name: 100.0 * (1.0 - value / self.highest) for name, value in zip(MEASURES, found, strict=True)}


def show(rows: list[dict[str, Any]]) -> None:
    """Print the gaps of the uncorrected rules and the paired change by the correction, with 95 % intervals."""
    gap = {_key(row): row for row in rows}
    print(
        "| rule | start | sampler | shots | " + " | ".join(f"{name}: gap, change" for name in MEASURES.values()) + " |"
    )
    print("|---|---|---|--:|" + "---|" * len(MEASURES))
    for rule, start, sampler, shots in dict.fromkeys(key[:4] for key in gap):
        instances = sorted({key[4] for key in gap if key[:4] == (rule, start, sampler, shots)})
        cells = []
        for measure in MEASURES:
            former, now = (
                np.array([gap[rule, start, sampler, shots, name, is_corrected][measure] for name in instances])
                for is_corrected in (False, True)
            )
            change = bootstrap_interval(now - former, np.random.default_rng(0))
            mark = " *" if change.excludes_zero else ""
            cells.append(f"{former.mean():.2f}, {change.mean:+.2f} [{change.low:+.2f}, {change.high:+.2f}]{mark}")
        print(f"| {rule} | {start} | {sampler} | {shots} | " + " | ".join(cells) + " |")


def _key(row: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in ("rule", "start", "sampler", "shots", "instance", "is_corrected"))


def main(
    out: Path | None = None,
    show_rows: Path | None = None,
    instances: int = 48,
    sizes: tuple[int, int] = (20, 100),
    rules: tuple[str, ...] = RULES,
    samplers: tuple[str, ...] = SAMPLERS,
    shots: tuple[int, ...] = SHOTS,
    starts: tuple[Literal["linear", "zero"], ...] = STARTS,
) -> None:
    """Measure, print the table, and write the rows.

    Parameters
    ----------
    out
        File for the rows.
    show_rows
        Rows of an earlier run, to be shown instead.
    instances, sizes
        Generated instances: their number, and the customers of the smallest and largest.
    rules, samplers, shots, starts
        What is compared: rules, samplers, their shots, and the multipliers of the first evaluation.
    """
    if show_rows is not None:
        show(read_rows(show_rows))
        return
    assert out is not None
    done = {_key(row) for row in read_rows_if_any(out)}
    common = origin("qiskit", "qiskit-aer")
    for index in range(instances):
        linearised, rows = Linearised(index, sizes, instances), []
        for rule in rules:
            for start in starts:
                for sampler in samplers:
                    for count in (1,) if sampler == "exact" else shots:
                        for is_corrected in (False, True):
                            row = {
                                "rule": rule,
                                "start": start,
                                "sampler": sampler,
                                "shots": count,
                                "instance": linearised.name,
                                "is_corrected": is_corrected,
                            }
                            if _key(row) not in done:
                                gaps = linearised.ascent(rule, is_corrected, sampler, count, start, 50)
                                rows.append(row | gaps | common)
        append_rows(out, rows)
    show(read_rows(out))


if __name__ == "__main__":
    tyro.cli(main)
