"""What every arm brings on the same knapsacks: the whole truth that a log of one arm a decision can only estimate.

The surrogate disturbs an ideal distribution by a channel, so both can be had without drawing: an arm's expected quality
is that of the disturbed distribution itself, at infinitely many strings. One draw of 256 strings beside it is what a
learner would be told.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lagrl.bench.collect import generated_problems
from lagrl.bench.trace_table import target_probabilities
from lagrl.errors import SolutionError
from lagrl.io.atomic import replacing
from lagrl.problems.cvrp import CVRP
from lagrl.quantum.bandit.arm_policies import Policy, StaticPolicy
from lagrl.quantum.bandit.bandit_sampler import BanditSampler
from lagrl.quantum.bandit.features import (
    Arm,
    KnapsackContext,
    all_arms,
    ansatz_of,
    knapsack_contexts,
    knapsack_rows,
    linear_value,
)
from lagrl.quantum.bandit.options import SIX, BanditOptions, arm_backends, make_bandit
from lagrl.quantum.bandit.profile import ScreenedArms
from lagrl.quantum.circuits.ansatz import ANSATZE
from lagrl.quantum.devices.noisy_device import Channel
from lagrl.quantum.devices.placement import PLACEMENTS
from lagrl.quantum.simulators.line_backend import SurrogateBackend
from lagrl.quantum.subproblems.candidates import Candidates, ProductState, select_candidates
from lagrl.quantum.subproblems.penalties import Subproblem, TiltedPenalty
from lagrl.relaxation.sampler import SampleQuery, Samples, SubproblemSampler
from lagrl.samplers.registry import close_sampler
from lagrl.solver import SolveConfig, solve

ALPHA = 0.25  # as in `decision.quality`
FIELDS = ("width", "binding", "demand_variation", "fill", "sharpness", "density")


@dataclass(frozen=True, eq=False)
class RewardTable:
    """Rewards of all arms on C knapsacks.

    Attributes
    ----------
    arms
        A of them.
    knapsacks
        C of them.
    instance
        [C] names.
    expected
        [C, A] at infinitely many strings; not a number where an arm may not run.
    drawn
        [C, A] of one draw each, against a draw of the product state.
    """

    arms: tuple[Arm, ...]
    knapsacks: tuple[KnapsackContext, ...]
    instance: NDArray[np.str_]
    expected: NDArray[np.float64]
    drawn: NDArray[np.float64]

    def write(self, path: Path) -> None:
        """Write it whole or not at all."""
        with replacing(path) as temporary, temporary.open("wb") as stream:
            np.savez_compressed(
                stream,
                arms=np.array([str(arm) for arm in self.arms]),
                knapsacks=np.array([[getattr(own, name) for name in FIELDS] for own in self.knapsacks]),
                instance=self.instance,
                expected=self.expected.astype(np.float16),
                drawn=self.drawn.astype(np.float16),
            )

    @staticmethod
    def read(path: Path) -> RewardTable:
        """Read what `write` wrote."""
        with np.load(path) as held:
            return RewardTable(
                tuple(Arm.parse(str(text)) for text in held["arms"]),
                tuple(KnapsackContext(int(row[0]), *row[1:].tolist()) for row in held["knapsacks"]),
                held["instance"],
                held["expected"].astype(np.float64),
                held["drawn"].astype(np.float64),
            )

    @property
    def group(self) -> NDArray[np.int64]:
        """[C] number of the instance."""
        return np.asarray(np.unique(self.instance, return_inverse=True)[1], dtype=np.int64)

    @property
    def width(self) -> NDArray[np.int64]:
        """[C] variables."""
        return np.array([own.width for own in self.knapsacks], dtype=np.int64)

    def among(self, screened: dict[int, ScreenedArms], policy: Policy, epsilon: float = 0.0) -> NDArray[np.float64]:
        """Return [C] what a policy earns on each knapsack.

        Parameters
        ----------
        screened
            The arms of each width, and which of them the policy can take.
        policy, epsilon
            The policy.
        """
        found = np.zeros(len(self.knapsacks))
        place = {arm: a for a, arm in enumerate(self.arms)}
        for width in np.unique(self.width).tolist():
            own, arms = np.flatnonzero(self.width == width), screened[width]
            rows = knapsack_rows([self.knapsacks[c] for c in own])
            share = target_probabilities(policy, epsilon, arms, rows)
            worth = np.nan_to_num(self.expected[np.ix_(own, [place[arm] for arm in arms.arms])])
            found[own] = (share * worth).sum(axis=1)
        return found

    def best(self, allowed: NDArray[np.bool_] | None = None) -> NDArray[np.float64]:
        """Return [C] what the best arm brings on each knapsack, of some [A] or all."""
        values = self.expected if allowed is None else self.expected[:, allowed]
        return np.asarray(np.nanmax(values, axis=1), dtype=np.float64)


def every_arm(backends: Sequence[str]) -> tuple[Arm, ...]:
    """Return the arms with all circuits on all lines, 72 a backend, of which bandits have 27."""
    return all_arms(backends, placements=PLACEMENTS, families=ANSATZE)


def all_screened(widths: Sequence[int]) -> dict[int, ScreenedArms]:
    """Return every arm of six backends for knapsacks of some widths, as the study's traces have them."""
    pool = arm_backends(SIX)
    sampler = BanditSampler(pool, StaticPolicy(), every_arm(list(pool)), learns=False)
    return {width: sampler.screened(width) for width in widths}


class _Recorder:
    """Answers as another sampler does, and keeps what it was asked."""

    def __init__(self, sampler: SubproblemSampler) -> None:
        self.sampler = sampler
        self.asked: list[tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]]] = []

    def sample(self, query: SampleQuery) -> Samples:
        """Sample and keep."""
        self.asked.append(query.knapsacks)
        return self.sampler.sample(query)


def drawn_knapsacks(
    problem: CVRP, width: int, count: int, evaluations: int, rng: np.random.Generator
) -> Iterator[tuple[Candidates, int]]:
    """Yield knapsacks of exactly `width` variables, at random from dual loops under two controllers."""
    found: list[tuple[Candidates, int]] = []
    for controller in ("cfm", "hwc"):
        recorder = _Recorder(make_bandit("", BanditOptions(static="product", width=width)))
        try:
            solve(problem, SolveConfig(controller=controller, evaluations=evaluations, shots=256), sampler=recorder)
        except SolutionError:
            pass
        finally:
            close_sampler(recorder.sampler)
        for asked in recorder.asked:
            candidates = select_candidates(*asked, width)
            found += [(candidates, int(k)) for k in np.flatnonzero(candidates.width == width)]
    for index in rng.permutation(len(found))[:count].tolist():
        yield found[index]


def share_of_best(distribution: NDArray[np.float64], worth: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return [A] the mean worth of the best share `ALPHA` of distributions [A, 2^n] over strings worth [2^n]."""
    order = np.argsort(-worth, kind="stable")
    ordered = distribution[:, order]
    before = np.cumsum(ordered, axis=1) - ordered
    taken = np.clip(ALPHA - before, 0.0, ordered)
    return np.asarray(taken @ worth[order] / ALPHA, dtype=np.float64)


def rewards(
    candidates: Candidates,
    vehicle: int,
    screened: ScreenedArms,
    backends: dict[str, SurrogateBackend],
    shots: int,
    rng: np.random.Generator,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return what every arm brings on one knapsack, [A] expected and [A] drawn; NaN where it may not run."""
    n = int(candidates.width[vehicle])
    probability = ProductState().probabilities(candidates)
    problem = Subproblem.of(candidates, TiltedPenalty().qubos(candidates), vehicle, probability)
    bits = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
    fits = bits @ candidates.weight[vehicle, :n] <= candidates.room[vehicle]
    most = linear_value(candidates, vehicle)
    worth = np.where(fits, bits @ -candidates.reduced_cost[vehicle, :n], 0.0) / most
    own = probability[vehicle, :n]
    distribution = np.full((len(screened.arms), 2**n), np.nan)
    distribution[0] = np.where(bits == 1, own, 1.0 - own).prod(axis=1)  # the product state, the first arm
    ideal: dict[tuple[str, int], NDArray[np.float64]] = {}
    for a in np.flatnonzero(screened.is_allowed).tolist():
        arm = screened.arms[a]
        if arm.backend:
            distribution[a] = _disturbed(arm, problem, ideal, backends[arm.backend])
    may = screened.is_allowed
    expected, drawn = np.full(len(may), np.nan), np.full(len(may), np.nan)
    quality = share_of_best(distribution[may], worth)
    expected[may] = np.clip(quality, 0.0, 1.0) - np.clip(quality[0], 0.0, 1.0)
    counts = rng.multinomial(shots, _normalised(distribution[may])) / shots
    baseline = rng.multinomial(shots, _normalised(distribution[:1])) / shots
    seen = share_of_best(counts, worth) - share_of_best(baseline, worth)[0]
    drawn[may] = np.clip(seen, -1.0, 1.0)
    drawn[0] = 0.0
    return expected, drawn


def _disturbed(
    arm: Arm, problem: Subproblem, ideal: dict[tuple[str, int], NDArray[np.float64]], backend: SurrogateBackend
) -> NDArray[np.float64]:
    key, ansatz = (arm.family, arm.layers), ansatz_of(arm)
    if key not in ideal:
        ideal[key] = ansatz.probabilities(problem)
    n = problem.n_variables
    line = backend.device.line(n, arm.placement)
    return Channel.on(line, ansatz.template(n)).distribution(ideal[key])


def _normalised(distribution: NDArray[np.float64]) -> NDArray[np.float64]:
    positive = np.maximum(distribution, 0.0)
    return np.asarray(positive / positive.sum(axis=1, keepdims=True), dtype=np.float64)


def make_table(
    count: int, customers: tuple[int, int], seed: int, *, widths: Sequence[int], each: int, evaluations: int, shots: int
) -> RewardTable:
    """Price all arms on `each` knapsacks of each width from each generated instance."""
    screened = all_screened(widths)
    pool = {name: own for name, own in arm_backends(SIX).items() if isinstance(own, SurrogateBackend)}
    arms = every_arm(list(pool))
    place = {arm: a for a, arm in enumerate(arms)}
    knapsacks: list[KnapsackContext] = []
    names: list[str] = []
    expected, drawn = [], []
    for number, problem in enumerate(generated_problems(count, customers, seed)):
        for width in widths:
            rng = np.random.default_rng([seed, number, width])
            for candidates, vehicle in drawn_knapsacks(problem, width, each, evaluations, rng):
                context = knapsack_contexts(candidates, ProductState().probabilities(candidates))[vehicle]
                assert context is not None
                found = rewards(candidates, vehicle, screened[width], pool, shots, rng)
                rows = np.full((2, len(arms)), np.nan)
                rows[:, [place[arm] for arm in screened[width].arms]] = found
                knapsacks.append(context)
                names.append(problem.name)
                expected.append(rows[0])
                drawn.append(rows[1])
        print(f"{problem.name}: {len(knapsacks)} knapsacks", file=sys.stderr, flush=True)
    return RewardTable(arms, tuple(knapsacks), np.array(names), np.array(expected), np.array(drawn))
