"""Policies that do not learn, really run on the validation instances, so that estimates from logs can be checked."""

from __future__ import annotations

import itertools
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from lagrl.bench.collect import generated_problems
from lagrl.bench.provenance import git_revision, versions
from lagrl.errors import SolutionError
from lagrl.problems.cvrp import CVRP
from lagrl.quantum.bandit.features import ArmDecision, schema
from lagrl.quantum.bandit.options import BanditOptions, make_bandit
from lagrl.quantum.bandit.traces import TraceLog
from lagrl.quantum.circuits.ansatz import ANSATZE
from lagrl.quantum.devices.placement import PLACEMENTS
from lagrl.relaxation.sampler import SampleContext, SubproblemSampler
from lagrl.samplers.registry import close_sampler
from lagrl.solver import SolveConfig, solve

SEED = 1  # of the solves; the validation log's is 0
EVERY = {"families": "/".join(ANSATZE), "placements": "/".join(PLACEMENTS)}  # the options for every arm


class Counter:
    """Hands decisions on to a log, and counts those of a run."""

    def __init__(self, log: TraceLog) -> None:
        self.log = log
        self.n = 0

    def note(self, context: SampleContext, decisions: list[ArmDecision]) -> None:
        """Keep what was decided in one call of the sampler."""
        self.n += len(decisions)
        self.log.note(context, decisions)


def sampler_of(policy: str, state: Path, width: int, log: Counter) -> SubproblemSampler:
    """Return the sampler of a policy: `bandit` has the trained state, `uniform` all arms, else an arm."""
    if policy == "uniform":
        return make_bandit("", BanditOptions(epsilon=1.0, learn=False, width=width, **EVERY), log=log)
    if policy == "bandit":
        return make_bandit(str(state), BanditOptions(learn=False, width=width, **EVERY), log=log)
    return make_bandit("", BanditOptions(static=policy, width=width), log=log)


def run_policy(
    policy: str,
    problem: CVRP,
    state: Path,
    out: Path,
    *,
    widths: Sequence[int],
    controllers: Sequence[str],
    evaluations: int,
    shots: int,
) -> int:
    """Append the decisions of all runs on an instance that are not in the file yet; return how many runs that were."""
    settings = {"policy": policy, "evaluations": evaluations, "shots": shots, "features": schema()}
    packages = versions("qiskit", "qiskit-aer", "qiskit-ibm-runtime")
    log = TraceLog(out, settings, {"git_revision": git_revision(), "versions": packages})
    counter, made = Counter(log), 0
    samplers = {width: sampler_of(policy, state, width, counter) for width in widths}
    try:
        for controller, width in itertools.product(controllers, widths):
            key = f"{problem.name}/{controller}/width {width}/seed {SEED}"
            if key in log.finished:
                continue
            counter.n = 0
            config = SolveConfig(controller=controller, evaluations=evaluations, shots=shots, seed=SEED)
            try:
                cost: float | None = solve(problem, config, sampler=samplers[width]).solution.cost
            except SolutionError:  # its decisions count all the same
                cost = None
            about = {"instance": problem.name, "controller": controller, "width": width, "seed": SEED}
            log.finish(key, **about, decisions=counter.n, cost=cost)
            made += 1
            print(policy, key, counter.n, file=sys.stderr, flush=True)
    finally:
        for sampler in samplers.values():
            close_sampler(sampler)
        log.close()
    return made


class Knapsacks:
    """Keeps the decisions of solves in which nothing is executed."""

    def __init__(self) -> None:
        self.decisions: list[tuple[str, ArmDecision]] = []

    def note(self, context: SampleContext, decisions: list[ArmDecision]) -> None:
        """Keep them with their instance."""
        self.decisions += [(context.run.partition("/")[0], decision) for decision in decisions]


def priced_knapsacks(
    count: int, customers: tuple[int, int], seed: int, width: int, evaluations: int
) -> Iterator[tuple[str, ArmDecision]]:
    """Yield the knapsacks of dual loops on generated instances that have exactly `width` variables."""
    for problem in generated_problems(count, customers, seed):
        kept = Knapsacks()
        sampler = make_bandit("", BanditOptions(static="product", width=width), log=kept)
        try:
            solve(problem, SolveConfig(evaluations=evaluations, shots=64), sampler=sampler)
        except SolutionError:
            pass
        finally:
            close_sampler(sampler)
        yield from ((name, decision) for name, decision in kept.decisions if decision.knapsack.width == width)
