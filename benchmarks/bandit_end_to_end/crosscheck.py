"""Steps of a bandit's runs, answered by the surrogate and again by trajectories; see `bandit_end_to_end.py`."""

from __future__ import annotations

import contextlib
import copy
import json
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from benchmarks.harness import append_rows, origin, read_rows_if_any
from lagrl.errors import InputError, SolutionError
from lagrl.io.atomic import require_writable
from lagrl.problems.cvrplib import read_instance
from lagrl.quantum.bandit.bandit_sampler import BanditSampler
from lagrl.quantum.bandit.features import ArmDecision
from lagrl.quantum.bandit.options import BanditOptions, make_bandit
from lagrl.relaxation.sampler import SampleContext, SampleQuery, Samples
from lagrl.solver import SolveConfig, solve

KIND = "crosscheck"


class Args(Protocol):
    """What `bandit_end_to_end.Args` says."""

    seeds: int
    state: Path | None
    evaluations: int
    shots: int
    width: int
    crosscheck: float


@dataclass
class Plans:
    """A `PlanMemory` of one call."""

    kept: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    def kept_plan(self, call: str) -> Mapping[str, Any] | None:
        """Return it."""
        return self.kept.get(call)

    def keep_plan(self, call: str, plan: Mapping[str, Any]) -> None:
        """Keep it."""
        self.kept[call] = plan


class Latest:
    """The decisions of the latest call."""

    def __init__(self) -> None:
        self.decisions: list[ArmDecision] = []

    def note(self, context: SampleContext, decisions: list[ArmDecision]) -> None:
        """Keep them."""
        self.decisions = decisions


def bandit_by(method: str, state: Path | None, width: int, plans: Plans) -> tuple[BanditSampler, Latest]:
    """Make a bandit that does not learn, on backends simulated by a method."""
    if state is None:
        options = BanditOptions(epsilon=1.0, learn=False, method=method, width=width)
    else:
        options = BanditOptions(learn=False, method=method, width=width)
    made = make_bandit("" if state is None else str(state), options)
    assert isinstance(made, BanditSampler)
    made.memory, made.log = plans, Latest()
    return made, made.log


class CrossChecked:
    """Answers by the surrogate, and has a share of its steps answered by trajectories too.

    Attributes
    ----------
    pairs
        Of every circuit that both ran: backend, arm, width, both qualities, and that of the product state.
    steps, checked
        Counts.
    """

    def __init__(self, state: Path | None, width: int) -> None:
        self.plans = Plans()
        self.own, self.own_log = bandit_by("surrogate", state, width, self.plans)
        self.twin, self.twin_log = bandit_by("trajectories", state, width, self.plans)
        self.begin(np.random.default_rng(0), 0.0)

    def begin(self, lot: np.random.Generator, share: float) -> None:
        """Begin another run: `lot` draws which of its steps are checked."""
        self.lot, self.share = lot, share
        self.pairs: list[dict[str, Any]] = []
        self.steps = self.checked = 0

    def sample(self, query: SampleQuery) -> Samples:
        """Answer by the surrogate."""
        before = copy.deepcopy(query.rng)
        self.own_log.decisions = self.twin_log.decisions = []
        samples = self.own.sample(query)
        self.steps += 1
        if self.lot.random() < self.share:
            self.checked += 1
            self.twin.sample(replace(query, rng=before))
            for one, other in zip(self.own_log.decisions, self.twin_log.decisions, strict=True):
                assert (one.vehicle, one.arm, one.baseline) == (other.vehicle, other.arm, other.baseline)
                if one.answered.backend and one.answered == other.answered:
                    self.pairs.append(
                        {
                            "backend": one.answered.backend,
                            "arm": str(one.answered),
                            "width": one.knapsack.width,
                            "surrogate": one.quality,
                            "trajectories": other.quality,
                            "product": one.baseline,
                        }
                    )
        self.plans.kept.clear()
        return samples

    def close(self) -> None:
        """Close both."""
        self.own.close()
        self.twin.close()


def check(instances: list[Path], args: Args, out: Path) -> None:
    """Append a line for every run that is not in the file yet."""
    if not 0.0 < args.crosscheck <= 1.0:
        raise InputError(f"{args.crosscheck} given", field="--crosscheck", remedy="give a share above 0, at most 1")
    require_writable(out)
    done = {line["key"] for line in read_rows_if_any(out)}
    chooser = "at random" if args.state is None else str(args.state)
    sampler = CrossChecked(args.state, args.width)
    try:
        for number, path in enumerate(instances):
            for seed in range(args.seeds):
                key = [path.stem, seed, chooser, args.crosscheck, args.evaluations, args.shots, args.width]
                if json.dumps(key) in done:
                    continue
                sampler.begin(np.random.default_rng([seed, number]), args.crosscheck)
                config = SolveConfig(
                    method="reference", evaluations=args.evaluations, shots=args.shots, seed=seed, sampler="bandit"
                )
                started = time.perf_counter()
                with contextlib.suppress(SolutionError):  # the steps on the way count all the same
                    solve(read_instance(path), config, sampler=sampler)
                line = {
                    "kind": KIND,
                    "key": json.dumps(key),
                    "instance": path.stem,
                    "seed": seed,
                    "chooser": chooser,
                    "steps": sampler.steps,
                    "checked": sampler.checked,
                    "pairs": sampler.pairs,
                    "seconds": round(time.perf_counter() - started, 3),
                    **origin("qiskit", "qiskit-aer", "qiskit-ibm-runtime"),
                }
                append_rows(out, [line])
                told = f"{sampler.checked} of {sampler.steps} steps, {len(sampler.pairs)} circuits"
                print(f"{path.stem} seed {seed}: {told}, {line['seconds']} s", flush=True)
    finally:
        sampler.close()
