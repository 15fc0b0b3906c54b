"""Sampler that lets a bandit choose a backend, qubits and a circuit for every knapsack."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import InputError
from lagrl.io.process_wide import ProcessWide
from lagrl.quantum.bandit.arm_policies import (
    PlanMemory,
    PlannedCandidate,
    PlannedChoice,
    PlannedTask,
    Policy,
    StepPlan,
    choose,
    rank,
    require_epsilon,
)
from lagrl.quantum.bandit.features import (
    PRODUCT,
    Arm,
    ArmDecision,
    DecisionLog,
    KnapsackContext,
    ansatz_of,
    knapsack_contexts,
    quality,
)
from lagrl.quantum.bandit.profile import NO_CIRCUIT, Limits, Profile, ScreenedArms, arm_profile
from lagrl.quantum.circuits.backend import Pub
from lagrl.quantum.ibm.runtime import DeviceBackend
from lagrl.quantum.journal.calls import Call
from lagrl.quantum.scheduling.machine import Machine
from lagrl.quantum.scheduling.scheduler import Dispatcher, Scheduler
from lagrl.quantum.scheduling.tasks import Candidate, Task
from lagrl.quantum.subproblems.candidates import Candidates, ProductState, count_codes, product_codes, require_width
from lagrl.quantum.subproblems.penalties import Subproblem, TiltedPenalty
from lagrl.relaxation.sampler import Samples, SamplingCost

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from lagrl.quantum.bandit.arm_policies import Choice
    from lagrl.quantum.circuits.backend import Backend
    from lagrl.quantum.journal.journal import Journal
    from lagrl.quantum.scheduling.tasks import TaskResult
    from lagrl.quantum.subproblems.penalties import QUBOBatch
    from lagrl.relaxation.sampler import SampleContext, SampleQuery


@dataclass(eq=False)
class BanditSampler(ProcessWide):
    """Chooses an arm for every vehicle that presolve does not solve, and draws its strings.

    Circuits chosen for one line of qubits are sent as one job; jobs on several backends run at the same time. If a
    backend fails, the best arms of another are used; if all fail, the product state, and the cost says why. Raises
    `InputError` if an arm names an unknown backend, or a number is out of range.

    Attributes
    ----------
    backends
        Devices for circuits, by the names that arms use; none for the product state alone.
    policy
        Ranks the arms, and learns.
    arms
        The arms; `product` is always one of them.
    limits
        Limits on the circuits that may run.
    epsilon
        Exploration probability ε, from 0 to 1.
    width
        Largest number of variables per vehicle.
    learns
        Whether the policy learns from rewards.
    log
        Stores decisions; None for no log.
    dispatcher
        Runs the jobs; None for a scheduler of the backends that waits for every result.
    memory
        Stores plans before jobs are sent; None if nothing outlives the process.
    name
        Distinguishes its plans from those of other bandits in the same memory.
    profile
        Describes an arm's circuit of a width on its backend; None if it does not fit there.
    """

    backends: Mapping[str, Backend]
    policy: Policy
    arms: tuple[Arm, ...]
    limits: Limits = field(default_factory=Limits)
    epsilon: float = 0.05
    width: int = 8
    learns: bool = True
    log: DecisionLog | None = None
    dispatcher: Dispatcher | None = None
    memory: PlanMemory | None = None
    name: str = ""
    profile: Callable[[Backend, Arm, int], Profile | None] = arm_profile
    _screened: dict[int, tuple[object, ScreenedArms]] = field(default_factory=dict, init=False, repr=False)
    _calls: int = field(default=0, init=False, repr=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, init=False, repr=False)

    def __post_init__(self) -> None:
        require_width(self.width)
        unknown = sorted({arm.backend for arm in self.arms if arm.backend} - set(self.backends))
        if unknown:
            raise InputError(f"arms on {', '.join(unknown)}", field="arms", remedy="give these backends too")
        require_epsilon(self.epsilon)
        if PRODUCT not in self.arms:
            self.arms = (PRODUCT, *self.arms)
        if self.dispatcher is None:
            self.dispatcher = Dispatcher(Scheduler([Machine(*own) for own in self.backends.items()], np.inf))

    def sample(self, query: SampleQuery) -> Samples:
        """Draw the strings without repair, overloads included.

        Raises `InputError` if a circuit cannot be compiled, or a backend returns a wrong result.
        """
        with self._lock:  # solves in several threads may share it, and it learns
            return self._sample(query)

    def _sample(self, query: SampleQuery) -> Samples:
        started, shots, rng = time.perf_counter(), query.shots, query.rng
        call = "" if self.memory is None else Call.of(query, self.name).key
        candidates = Candidates.of(query, self.width)
        probability = ProductState().probabilities(candidates)
        knapsacks = knapsack_contexts(candidates, probability)
        # a separate generator: the caller's has the same state afterwards, whether choices are made or read
        own_rng = np.random.default_rng(rng.integers(2**63, size=2))
        no_circuit = product_codes(probability, shots, rng)
        codes = no_circuit.copy()
        widths = {own.width for own in knapsacks if own is not None}
        began = time.perf_counter()
        screened = {width: self.screened(width) for width in widths}  # compiles the arms
        step = _Step(candidates, TiltedPenalty().qubos(candidates), probability, shots, query.context)
        encoding = time.perf_counter() - began
        plan = self._plan(knapsacks, screened, own_rng, call)
        executed, cost, waited = self._run(plan, step, rng, codes)
        if any(own.arm == PRODUCT for own in plan.choices):
            for why in dict.fromkeys(own.why_none for own in screened.values() if own.why_none):
                cost += SamplingCost(fallback=f"product: {why}")
        if self.learns or self.log is not None:
            drawn = codes, no_circuit
            self._learn(self._decisions(plan, executed, candidates, knapsacks, screened, drawn), query.context)
        code, count = count_codes(codes)
        elapsed = time.perf_counter() - started - waited
        encoding = encoding + cost.encoding_seconds if cost.circuits else 0.0
        cost = replace(cost, seconds=max(elapsed, 0.0), encoding_seconds=encoding)
        return Samples(candidates.strings(code), count, cost)

    def keep_jobs(self, journal: Journal, name: str) -> None:
        """Store plans, and jobs on devices of an account, in a journal before any job is sent.

        Several bandits may share the journal; `name` distinguishes the plans of this one.
        """
        for backend in self.backends.values():
            if isinstance(backend, DeviceBackend):
                backend.journal = journal
        self.memory, self.name = journal, name

    def close(self) -> None:
        """End the scheduler's thread, close backends and log; `sample` may be called again."""
        with self._lock:
            for held in (self.dispatcher, *self.backends.values(), self.log):
                close = getattr(held, "close", None)
                if callable(close):
                    close()

    def screened(self, width: int) -> ScreenedArms:
        """Return the arms for knapsacks of one width, as the backends are now; computed once for each state of them."""
        state = tuple(backend.status(wait=True) for backend in self.backends.values())
        known = self._screened.get(width)
        if known is None or known[0] != state:
            known = self._screened[width] = state, self._screen(width)
        return known[1]

    def _screen(self, width: int) -> ScreenedArms:
        kept: list[tuple[Arm, Profile, str]] = []
        left_out: Counter[str] = Counter()
        for arm in self.arms:
            profile = self.profile(self.backends[arm.backend], arm, width) if arm.backend else NO_CIRCUIT
            objection = "place" if profile is None else self.limits.objection(profile)
            if profile is None or objection == "calibration":  # no features to rank it by
                left_out[objection] += 1
            else:
                kept.append((arm, profile, objection))
        arms, profiles, objections = zip(*kept, strict=True)
        return ScreenedArms(width, arms, profiles, objections, left_out)

    def _plan(
        self,
        knapsacks: Sequence[KnapsackContext | None],
        screened: Mapping[int, ScreenedArms],
        rng: np.random.Generator,
        call: str,
    ) -> StepPlan:
        """Choose arms, or read the plan that was stored before a crash or by another process meanwhile."""
        stored = None if self.memory is None else self.memory.kept_plan(call)
        vehicles = [k for k, knapsack in enumerate(knapsacks) if knapsack is not None]
        if stored is not None:
            return StepPlan.from_json(stored, vehicles)
        chosen = {}
        for k, knapsack in enumerate(knapsacks):
            if knapsack is not None:
                arms = screened[knapsack.width]
                features = arms.table.features(knapsack)
                chosen[k] = arms, choose(self.policy, features, arms.arms, arms.is_allowed, self.epsilon, rng)
        plan = plan_step(chosen)
        if self.memory is not None and plan.tasks:
            self.memory.keep_plan(call, plan.to_json())
            first = self.memory.kept_plan(call)
            return plan if first is None else StepPlan.from_json(first, vehicles)
        return plan

    def _decisions(
        self,
        plan: StepPlan,
        executed: Mapping[int, Arm],
        candidates: Candidates,
        knapsacks: Sequence[KnapsackContext | None],
        screened: Mapping[int, ScreenedArms],
        drawn: tuple[NDArray[np.int64], NDArray[np.int64]],
    ) -> list[ArmDecision]:
        """Return the decisions with the quality of the strings `drawn`, [K, S] each: the arms' and the product state's.

        Arms of a stored plan that an older calibration had are left out.
        """
        found = []
        for own in plan.choices:
            knapsack = knapsacks[own.vehicle]
            assert knapsack is not None
            arms = screened[knapsack.width]
            pair = arms.index.get(str(own.arm)), arms.index.get(str(executed[own.vehicle]))
            if pair[0] is not None and pair[1] is not None:
                worth = [quality(candidates, own.vehicle, codes[own.vehicle]) for codes in drawn]
                found.append(
                    ArmDecision(own.vehicle, knapsack, arms, pair[0], own.propensity, own.objection, pair[1], *worth)
                )
        return found

    def _learn(self, decisions: list[ArmDecision], context: SampleContext) -> None:
        """Learn from the decisions of a call, and log them."""
        for decision in decisions if self.learns else ():
            features = decision.screened.table.row(decision.knapsack, decision.executed)
            self.policy.learn(features, decision.reward)
        if self.log is not None and decisions:
            self.log.note(context, decisions)

    def _run(
        self, plan: StepPlan, step: _Step, rng: np.random.Generator, codes: NDArray[np.int64]
    ) -> tuple[dict[int, Arm], SamplingCost, float]:
        """Run the planned circuits and write their strings into `codes` [K, S].

        Return the arm that drew each vehicle's strings, the cost, and the longest wait of a job: they wait in parallel.
        """
        seeds = rng.integers(2**31 - 1, size=len(step.candidates.width)).tolist()
        self._calls += 1
        tasks = [
            Task(
                f"{step.context.run} {step.context.step} #{self._calls}.{j}",
                tuple(step.candidate(planned.vehicles, own, *rank(i)) for i, own in enumerate(planned.candidates)),
                step.shots,
                step.context,
                seeds[planned.vehicles[0]],
            )
            for j, planned in enumerate(plan.tasks)
        ]
        assert self.dispatcher is not None
        results = self.dispatcher.run(tasks) if tasks else []
        executed = {own.vehicle: PRODUCT for own in plan.choices}
        cost = SamplingCost()
        for planned, result in zip(plan.tasks, results, strict=True):
            cost += result.cost + SamplingCost(fallback=_fallback(planned, result))
            if result.codes is not None:
                candidate = next(own for own in planned.candidates if own.backend == result.backend)
                for k, arm, found in zip(planned.vehicles, candidate.arms, result.codes, strict=True):
                    codes[k], executed[k] = found[0], arm
        if PRODUCT in executed.values():
            cost += SamplingCost(backend="product")
        return executed, cost, max((result.cost.queue_seconds for result in results), default=0.0)


def plan_step(chosen: Mapping[int, tuple[ScreenedArms, Choice]]) -> StepPlan:
    """Group vehicles by the line of qubits chosen for them, and list where else each group may run after failures.

    One job for each line: many jobs wait longer in queues than one. `chosen` has arms and choice of each vehicle.
    """
    choices, groups = [], dict[tuple[str, str], list[int]]()
    for k, (screened, choice) in chosen.items():
        arm = screened.arms[choice.arm]
        choices.append(PlannedChoice(k, arm, choice.propensity, screened.objections[int(choice.scores.argmax())]))
        if arm != PRODUCT:
            groups.setdefault((arm.backend, arm.placement), []).append(k)
    tasks = [
        PlannedTask(tuple(vehicles), _candidates(line, [chosen[k] for k in vehicles]))
        for line, vehicles in groups.items()
    ]
    return StepPlan(tuple(choices), tuple(tasks))


def _candidates(line: tuple[str, str], group: Sequence[tuple[ScreenedArms, Choice]]) -> tuple[PlannedCandidate, ...]:
    """Return where a group can run: as chosen, then on the best line of every other backend, the best first."""
    own = PlannedCandidate(*line, tuple(screened.arms[choice.arm] for screened, choice in group))
    others: dict[str, tuple[float, PlannedCandidate]] = {}
    for backend, placement in group[0][0].places:
        found = [_best_at(screened, choice, (backend, placement)) for screened, choice in group]
        best = [pair for pair in found if pair is not None]
        if backend == line[0] or len(best) < len(group):
            continue
        value = float(np.mean([score for _, score in best]))
        if backend not in others or value > others[backend][0]:
            others[backend] = value, PlannedCandidate(backend, placement, tuple(arm for arm, _ in best))
    ranked = sorted(others.items(), key=lambda item: (-item[1][0], item[0]))
    return (own, *(candidate for _, (_, candidate) in ranked))


def _best_at(screened: ScreenedArms, choice: Choice, line: tuple[str, str]) -> tuple[Arm, float] | None:
    """Return the best arm on a line that may run, and its score; None if there is none."""
    arms = screened.places.get(line)
    if arms is None:
        return None
    best = int(arms[np.argmax(choice.scores[arms])])
    return screened.arms[best], float(choice.scores[best])


@dataclass(frozen=True, eq=False)
class _Step:
    """Knapsacks of one call, their QUBOs and warm starts."""

    candidates: Candidates
    qubos: QUBOBatch
    probability: NDArray[np.float64]
    shots: int
    context: SampleContext

    def candidate(self, vehicles: Sequence[int], planned: PlannedCandidate, tier: int, priority: float) -> Candidate:
        """Return a candidate for the scheduler, whose circuits are made when they are sent."""

        def make() -> list[Pub]:
            pubs = []
            for k, arm in zip(vehicles, planned.arms, strict=True):
                ansatz, problem = ansatz_of(arm), Subproblem.of(self.candidates, self.qubos, k, self.probability)
                pubs.append(Pub(ansatz.template(problem.n_variables), ansatz.values(problem)[None]))
            return pubs

        width = max(int(self.candidates.width[k]) for k in vehicles)
        return Candidate(planned.backend, make, width, planned.placement, tier, priority)


def _fallback(planned: PlannedTask, result: TaskResult) -> str:
    """Return which backend replaced the chosen one, and why; empty if the chosen one returned a result."""
    if not result.backend:
        return f"product: {result.why}"
    chosen = planned.candidates[0].backend
    if result.backend == chosen:
        return ""
    return f"{result.backend} for {chosen}: {result.why or 'sent there before'}"
