"""Knapsacks answered by whatever a bandit chooses for each of them."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import InputError
from lagrl.quantum.bandit.arm_policies import Policy, choose
from lagrl.quantum.bandit.arms import PRODUCT, Arm
from lagrl.quantum.bandit.backend_qpu import ArmBackend, BackendQPU
from lagrl.quantum.bandit.decision import Decision, DecisionLog
from lagrl.quantum.bandit.features import BackendContext, KnapsackContext, knapsack_contexts
from lagrl.quantum.bandit.plan import PlanMemory, PlannedOption, PlannedWork, StepPlan, plan_step
from lagrl.quantum.bandit.profile import NO_CIRCUIT, Profile
from lagrl.quantum.bandit.reward import quality
from lagrl.quantum.bandit.screening import Limits, ScreenedArms
from lagrl.quantum.circuits.execution import Pub
from lagrl.quantum.circuits.subproblem import Subproblem
from lagrl.quantum.journal.calls import Call
from lagrl.quantum.scheduling.dispatcher import Dispatcher
from lagrl.quantum.scheduling.scheduler import WAIT, Scheduler
from lagrl.quantum.scheduling.work import Option, Work
from lagrl.quantum.subproblems.candidates import Candidates, require_width, select_candidates
from lagrl.quantum.subproblems.codes import count_codes
from lagrl.quantum.subproblems.penalties import Penalty, TiltedPenalty
from lagrl.quantum.subproblems.product import ProductState
from lagrl.relaxation.sampler import SampleContext, Samples, SamplingCost, require_shots

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from lagrl.quantum.scheduling.work import Answer
    from lagrl.quantum.subproblems.qubo_batch import QUBOBatch


@dataclass(eq=False)
class BanditSampler:
    """One choice of backend, qubits and circuit for every vehicle that presolve does not solve.

    Circuits chosen for one place go there as one job, jobs of several backends run at once. Where a backend fails, the
    best arms of another answer; where none does, the product state, and the cost says why.

    Attributes
    ----------
    backends
        Where circuits can go; none for the product state alone.
    policy
        Ranks the arms, and learns.
    arms
        What can be chosen; `product` is always among them.
    limits
        What may run.
    epsilon
        Share of choices by lot among what may.
    width
        Most variables per vehicle.
    penalty
        How overload is priced.
    state
        The product state: an arm of its own, and the start of circuits.
    learns
        Whether rewards are learned from.
    log
        Keeps decisions; None for none.
    spread, most_per_job
        See `plan_step`.
    dispatcher
        Who sends jobs; a scheduler of these backends that waits for results as long as it takes if None.
    memory
        Keeps what was planned before it is sent; None where nothing outlives the process.
    name
        Tells its plans from those of other bandits in the same memory.

    Raises
    ------
    InputError
        If an arm names a backend that is not there, a backend comes twice, or a number is out of range.
    """

    backends: tuple[ArmBackend, ...]
    policy: Policy
    arms: tuple[Arm, ...]
    limits: Limits = field(default_factory=Limits)
    epsilon: float = 0.05
    width: int = 8
    penalty: Penalty = field(default_factory=TiltedPenalty)
    state: ProductState = field(default_factory=ProductState)
    learns: bool = True
    log: DecisionLog | None = None
    spread: float = 0.0
    most_per_job: int = 0
    dispatcher: Dispatcher | None = None
    memory: PlanMemory | None = None
    name: str = ""
    _screened: dict[int, tuple[dict[str, BackendContext], ScreenedArms]] = field(
        default_factory=dict, init=False, repr=False
    )
    _calls: int = field(default=0, init=False, repr=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, init=False, repr=False)

    def __post_init__(self) -> None:
        require_width(self.width)
        names = [backend.name for backend in self.backends]
        if len(set(names)) < len(names):
            raise InputError(f"{', '.join(names)} given", field="backends", remedy="name each once")
        unknown = sorted({arm.backend for arm in self.arms if arm.backend} - set(names))
        if unknown:
            raise InputError(f"arms on {', '.join(unknown)}", field="arms", remedy="give these backends too")
        if not 0.0 <= self.epsilon <= 1.0:
            raise InputError(f"{self.epsilon} given", field="epsilon", remedy="give a share from 0 to 1")
        if not 0.0 <= self.spread < np.inf or self.most_per_job < 0:
            raise InputError(
                f"spread {self.spread}, most_per_job {self.most_per_job}", field="jobs", remedy="give 0 or more"
            )
        if PRODUCT not in self.arms:
            self.arms = (PRODUCT, *self.arms)
        if self.dispatcher is None:
            self.dispatcher = Dispatcher(Scheduler([BackendQPU(backend) for backend in self.backends], WAIT))

    def sample(
        self,
        reduced_cost: NDArray[np.float64],
        weight: NDArray[np.int64],
        capacity: NDArray[np.int64],
        shots: int,
        rng: np.random.Generator,
        context: SampleContext,
    ) -> Samples:
        """Draw `shots` strings per vehicle as they fall, overloads included; see `SubproblemSampler.sample`.

        Raises
        ------
        InputError
            If a circuit cannot be compiled, or an executor gives something else than was asked for.
        """
        require_shots(shots)
        with self._lock:  # it may be shared by solves in threads, and learns
            return self._sample((reduced_cost, weight, capacity), shots, rng, context)

    def _sample(
        self,
        problem: tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.int64]],
        shots: int,
        rng: np.random.Generator,
        context: SampleContext,
    ) -> Samples:
        started = time.perf_counter()
        identity = "" if self.memory is None else Call.of(*problem, shots, rng, context, self.name).key
        candidates = select_candidates(*problem, self.width)
        probability = self.state.probabilities(candidates)
        contexts = knapsack_contexts(candidates, probability)
        # a generator of its own: the caller's moves on alike whether choices are made or remembered
        own_rng = np.random.default_rng(rng.integers(2**63, size=2))
        no_circuit = _product_codes(probability, candidates, shots, rng)
        codes = no_circuit.copy()
        moment = self._moment()  # once: backends change while circuits run, and features are those of the choice
        screened = {own.width: self._screened_at(own.width, moment) for own in contexts if own is not None}
        plan = self._plan(contexts, screened, own_rng, identity)
        step = _Step(candidates, self.penalty.qubos(candidates), probability, shots, context)
        answered, cost, waited = self._run(plan, step, rng, codes)
        if any(own.arm == PRODUCT for own in plan.choices):
            for why in dict.fromkeys(own.why_none for own in screened.values() if own.why_none):
                cost += SamplingCost(fallback=f"product: {why}")
        decisions = _decisions(plan, contexts, screened, answered, (candidates, codes, no_circuit))
        for decision in decisions if self.learns else ():
            features = decision.screened.table.row(decision.knapsack, decision.executed)
            self.policy.learn(features, decision.reward)
        if self.log is not None and decisions:
            self.log.note(context, decisions)
        code, count = count_codes(codes)
        elapsed = time.perf_counter() - started - waited
        return Samples(candidates.strings(code), count, replace(cost, seconds=max(elapsed, 0.0)))

    def close(self) -> None:
        """End the scheduler's thread, and close backends that hold something open; it may be asked again."""
        with self._lock:
            if self.dispatcher is not None:
                self.dispatcher.close()
            for held in (*self.backends, self.log):
                close = getattr(held, "close", None)
                if callable(close):
                    close()

    def screened(self, width: int) -> ScreenedArms:
        """Return the arms for knapsacks of one width, as the backends are now; worked out once for each state."""
        return self._screened_at(width, self._moment())

    def _moment(self) -> dict[str, BackendContext]:
        return {backend.name: backend.context() for backend in self.backends}

    def _screened_at(self, width: int, moment: dict[str, BackendContext]) -> ScreenedArms:
        known = self._screened.get(width)
        if known is None or known[0] != moment:
            known = self._screened[width] = moment, self._screen(width, moment)
        return known[1]

    def _screen(self, width: int, moment: dict[str, BackendContext]) -> ScreenedArms:
        by_name = {backend.name: backend for backend in self.backends}
        kept: list[tuple[Arm, Profile, BackendContext, str]] = []
        left_out: Counter[str] = Counter()
        for arm in self.arms:
            profile = by_name[arm.backend].profile(arm, width) if arm.backend else NO_CIRCUIT
            context = moment.get(arm.backend, BackendContext())
            if profile is None:
                left_out["place"] += 1
                continue
            objection = self.limits.objection(profile)
            if objection == "calibration" or not context.is_told:  # there are no features to rank it by
                left_out["calibration"] += 1
                continue
            kept.append((arm, profile, context, objection))
        arms, profiles, backends, objections = zip(*kept, strict=True)
        return ScreenedArms(width, arms, profiles, backends, objections, left_out)

    def _plan(
        self,
        contexts: Sequence[KnapsackContext | None],
        screened: Mapping[int, ScreenedArms],
        rng: np.random.Generator,
        identity: str,
    ) -> StepPlan:
        """Choose, unless it was chosen before a crash, or by another process meanwhile."""
        kept = None if self.memory is None else self.memory.kept_plan(identity)
        if kept is not None:
            return StepPlan.of(kept)
        chosen = {}
        for k, knapsack in enumerate(contexts):
            if knapsack is not None:
                arms = screened[knapsack.width]
                features = arms.table.features(knapsack)
                chosen[k] = arms, choose(self.policy, features, arms.arms, arms.is_allowed, self.epsilon, rng)
        plan = plan_step(chosen, spread=self.spread, most_per_job=self.most_per_job)
        if self.memory is not None and plan.work:
            self.memory.keep_plan(identity, plan.plain())
            first = self.memory.kept_plan(identity)
            return plan if first is None else StepPlan.of(first)
        return plan

    def _run(
        self, plan: StepPlan, step: _Step, rng: np.random.Generator, codes: NDArray[np.int64]
    ) -> tuple[dict[int, Arm], SamplingCost, float]:
        """Run the planned circuits and write what comes into `codes` [K, S].

        Return whose strings each vehicle has, the bill, and the longest that a job waited: they wait side by side.
        """
        seeds = rng.integers(2**31 - 1, size=len(step.candidates.width)).tolist()
        self._calls += 1
        work = [
            Work(
                f"{step.context.run} {step.context.step} #{self._calls}.{j}",
                tuple(step.option(piece, option) for option in piece.options),
                step.shots,
                step.context,
                seeds[piece.vehicles[0]],
            )
            for j, piece in enumerate(plan.work)
        ]
        assert self.dispatcher is not None
        answers = self.dispatcher.answer(work) if work else []
        answered = {own.vehicle: PRODUCT for own in plan.choices}
        cost = SamplingCost()
        for piece, answer in zip(plan.work, answers, strict=True):
            cost += answer.cost + SamplingCost(fallback=_fallback(piece, answer))
            if answer.codes is not None:
                option = next(own for own in piece.options if own.backend == answer.backend)
                for k, arm, found in zip(piece.vehicles, option.arms, answer.codes, strict=True):
                    codes[k], answered[k] = found[0], arm
        if PRODUCT in answered.values():
            cost += SamplingCost(backend="product")
        return answered, cost, max((answer.cost.queue_seconds for answer in answers), default=0.0)


def _decisions(
    plan: StepPlan,
    contexts: Sequence[KnapsackContext | None],
    screened: Mapping[int, ScreenedArms],
    answered: dict[int, Arm],
    outcome: tuple[Candidates, NDArray[np.int64], NDArray[np.int64]],
) -> list[Decision]:
    """Say what came of every choice whose arms are there: a remembered one may be of another calibration.

    The outcome is the knapsacks, the codes [K, S] that came, and those of the product state.
    """
    candidates, codes, no_circuit = outcome
    decisions = []
    for own in plan.choices:
        k, knapsack = own.vehicle, contexts[own.vehicle]
        assert knapsack is not None
        arms = screened[knapsack.width]
        chosen, executed = arms.index.get(own.arm), arms.index.get(answered[k])
        if chosen is not None and executed is not None:
            worth = quality(candidates, k, codes[k]), quality(candidates, k, no_circuit[k])
            decisions.append(Decision(k, knapsack, arms, chosen, own.propensity, own.objection, executed, *worth))
    return decisions


@dataclass(frozen=True, eq=False)
class _Step:
    """One call's knapsacks, and the circuits of them."""

    candidates: Candidates
    qubos: QUBOBatch
    probability: NDArray[np.float64]
    shots: int
    context: SampleContext

    def option(self, piece: PlannedWork, option: PlannedOption) -> Option:
        """Return what the scheduler is told; circuits are made where they are sent."""
        width = max(int(self.candidates.width[k]) for k in piece.vehicles)
        return Option(
            option.backend,
            lambda: [self._pub(k, arm) for k, arm in zip(piece.vehicles, option.arms, strict=True)],
            width,
            option.placement,
            option.tier,
            option.priority,
        )

    def _pub(self, vehicle: int, arm: Arm) -> Pub:
        ansatz = arm.ansatz()
        problem = Subproblem.of(self.candidates, self.qubos, vehicle, self.probability)
        return Pub(ansatz.template(problem.n_variables), ansatz.values(problem)[None])


def _fallback(piece: PlannedWork, answer: Answer) -> str:
    """Say what answered instead of what was chosen, and why; nothing if it was that."""
    if not answer.backend:
        return f"product: {answer.why}"
    wanted = piece.options[0].backend
    if answer.backend == wanted:
        return ""
    taken = next(own for own in piece.options if own.backend == answer.backend)
    unfailed = "sent there before" if taken.tier else "free earlier"
    return f"{answer.backend} for {wanted}: {answer.why or unfailed}"


def _product_codes(
    probability: NDArray[np.float64], candidates: Candidates, shots: int, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Draw codes [K, S] of the product state, shot by shot; 0 where presolve solved the vehicle."""
    is_one = rng.random((len(probability), shots, probability.shape[1])) < probability[:, None, :]
    bit = np.int64(1) << np.arange(probability.shape[1])
    return np.asarray((is_one & candidates.is_variable[:, None, :]) @ bit, dtype=np.int64)
