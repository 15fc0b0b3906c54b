"""Collection of bandit decisions from real dual loops, for training and evaluation of bandits."""

from __future__ import annotations

import contextlib
import hashlib
import itertools
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lagrl.bench.provenance import git_revision, versions
from lagrl.controllers.registry import controller_factory
from lagrl.errors import InputError, SolutionError, refuse
from lagrl.io.shipped import or_shipped
from lagrl.problems.generate import generate_x_type, sample_params
from lagrl.quantum.bandit.features import schema
from lagrl.quantum.bandit.options import BanditOptions, make_bandit, read_state
from lagrl.quantum.bandit.traces import TraceLog
from lagrl.quantum.journal.journal import Journal
from lagrl.quantum.journal.lines import require_imported
from lagrl.ray_cluster import completed, connected
from lagrl.samplers.registry import close_sampler
from lagrl.solver import SolveConfig, solve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from types import ModuleType

    from lagrl.bench.shards import CellShard
    from lagrl.problems.cvrp import CVRP
    from lagrl.quantum.bandit.bandit_sampler import BanditSampler
    from lagrl.quantum.bandit.features import ArmDecision, DecisionLog
    from lagrl.relaxation.sampler import SampleContext

    CollectedRun = tuple[CVRP, str, int, int]  # controller, width and seed beside the instance

_PACKAGES = ("qiskit", "qiskit-aer", "qiskit-ibm-runtime")
_NOT_COMMON = ("width", "learn", "static", "alpha")


@dataclass(frozen=True)
class Collection:
    """Settings of a collection: one solve for every instance, controller, width and seed.

    Raises `InputError` if a list is empty, a name is given twice, or an option has no effect.

    Attributes
    ----------
    problems
        Instances, with different names.
    controllers
        Controllers (see `lagrl list controllers`).
    widths
        Greatest numbers of variables per vehicle.
    seeds
        Random seeds of the solves.
    evaluations
        Budget of every solve, in evaluations.
    shots
        Strings sampled per vehicle.
    options
        Backends, circuits, limits and noise. Its epsilon is the exploration probability: 1 without `state`, and that of
        the state if it is None.
    state
        JSON file of a trained bandit, or name of a shipped one, whose decisions are logged (default: all decisions are
        random).
    """

    problems: tuple[CVRP, ...]
    controllers: tuple[str, ...] = ("cfm",)
    widths: tuple[int, ...] = (8,)
    seeds: tuple[int, ...] = (0,)
    evaluations: int = 50
    shots: int = 64
    options: BanditOptions = field(default_factory=BanditOptions)
    state: str = ""

    def __post_init__(self) -> None:
        if self.state:
            object.__setattr__(self, "state", str(or_shipped(Path(self.state), ".json")))
        for name in ("problems", "controllers", "widths", "seeds"):
            values = getattr(self, name)
            if not values:
                raise InputError("nothing given", field=name, remedy="give at least one")
            names = [value.name for value in values] if name == "problems" else list(values)
            if len(set(names)) < len(names):
                refuse(name, ", ".join(map(str, names)), "give each once")
        for name in _NOT_COMMON:
            if getattr(self.options, name) != getattr(BanditOptions, name):
                remedy = "give it in widths" if name == "width" else "omit it: nothing learns here"
                refuse(name, getattr(self.options, name), remedy)
        epsilon = self.options.epsilon
        if epsilon is not None and not 0.0 < epsilon <= 1.0:
            refuse("epsilon", epsilon, "give a share above 0, at most 1: all arms need a positive probability")
        if not self.state and epsilon not in (None, 1.0):
            refuse("epsilon", epsilon, "give a state too: without one, all decisions are random")
        if self.epsilon <= 0.0:
            raise InputError(f"{self.state} has none", field="epsilon", remedy="give a share above 0: all arms need it")

    def settings(self) -> dict[str, Any]:
        """Return the settings that all decisions of a file share, as plain JSON values."""
        options = {name: value for name, value in asdict(self.options).items() if name not in _NOT_COMMON}
        return {
            **options,
            "backends": list(self.options.backend_names()),
            "epsilon": self.epsilon,
            "state": hashlib.sha256(Path(self.state).read_bytes()).hexdigest() if self.state else None,
            "evaluations": self.evaluations,
            "shots": self.shots,
            "features": schema(),
        }

    @property
    def epsilon(self) -> float:
        """Exploration probability ε: share of decisions taken at random."""
        if self.options.epsilon is not None:
            return self.options.epsilon
        return read_state(Path(self.state)).epsilon if self.state else 1.0

    def sampler(self, width: int, log: DecisionLog) -> BanditSampler:
        """Return the bandit for knapsacks of at most `width` variables; it does not learn."""
        return make_bandit(self.state, replace(self.options, epsilon=self.epsilon, learn=False, width=width), log=log)


def generated_problems(count: int, n_customers: tuple[int, int], seed: int) -> tuple[CVRP, ...]:
    """Return X-type instances with a number of customers in a range, both ends included.

    Instance j of a seed does not depend on `count`. InputError if the range or a number is out of range.
    """
    if count < 1 or seed < 0:
        raise InputError(f"{count} instances of seed {seed}", field="generated", remedy="give 1 or more, and 0 or more")
    found = []
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        problem = generate_x_type(sample_params(rng, n_customers), rng)
        found.append(replace(problem, name=f"{problem.name}-s{seed}-{number}"))
    return tuple(found)


def collect(
    collection: Collection,
    out: Path,
    *,
    shard: CellShard | None = None,
    ray: str | None = None,
    on_plan: Callable[[int, int], None] | None = None,
    on_run: Callable[[str], None] | None = None,
) -> int:
    """Append the decisions of all runs that are not in a file yet; return the number of these runs.

    Raises `InputError` if a name is unknown, or the file was started with other settings, `OutputError` if the file
    cannot be written, or another process writes to it.

    Parameters
    ----------
    collection
        What to collect.
    out
        File of traces, created if it is missing. The remains of an interrupted run are removed first. Jobs of an
        account's devices are kept beside it, in `OUT.journal.sqlite`: a repeated run reads them, and pays nothing.
    shard
        Part of the runs to make; None: all.
    ray
        Address of a Ray cluster whose nodes make the runs, see `lagrl.ray_cluster.connected`; this process alone writes
        the file, each run as it finishes. None: no cluster.
    on_plan
        Called once with the number of runs and the number of runs already in the file.
    on_run
        Called with the key of every finished run.
    """
    for controller in collection.controllers:
        controller_factory(controller)
    for seed in collection.seeds:
        SolveConfig(evaluations=collection.evaluations, shots=collection.shots, seed=seed)
    runs = {
        f"{problem.name}/{controller}/width {width}/seed {seed}": (problem, controller, width, seed)
        for problem, controller, width, seed in itertools.product(
            collection.problems, collection.controllers, collection.widths, collection.seeds
        )
    }
    places: dict[str, dict[str, Any]] = {}
    if shard is not None:
        own = shard.select(runs, collection.settings())
        runs = {key: run for key, (run, _) in own.items()}
        places = {key: {"shard": place.record()} for key, (_, place) in own.items()}
    with contextlib.ExitStack() as at_the_end:
        log = _Counting()
        cluster = None
        if ray is not None:
            if collection.options.is_paid:
                reason = "jobs of an account are kept in a file of one machine"
                raise InputError(reason, field="ray", remedy="leave it out, or divide the runs by --shard")
            cluster = at_the_end.enter_context(connected(ray))
        samplers = {width: collection.sampler(width, log) for width in collection.widths}  # before a file is made
        for sampler in samplers.values():
            at_the_end.callback(close_sampler, sampler)
        about = {"git_revision": git_revision(), "versions": versions(*_PACKAGES)}
        log.log = at_the_end.enter_context(TraceLog(out, collection.settings(), about))
        if collection.options.is_paid:
            kept = out.with_name(f"{out.stem}.journal.sqlite")
            require_imported(kept)
            journal = at_the_end.enter_context(Journal(kept))
            for width, sampler in samplers.items():
                sampler.keep_jobs(journal, f"traces, width {width}")
        due = {key: run for key, run in runs.items() if key not in log.log.finished}
        if on_plan is not None:
            on_plan(len(runs), len(runs) - len(due))
        costs = _costs(due, collection, samplers, log) if cluster is None else _costs_on(cluster, due, collection, log)
        for key, cost in costs:
            problem, controller, width, seed = due[key]
            log.log.finish(
                key,
                instance=problem.name,
                controller=controller,
                width=width,
                seed=seed,
                decisions=log.n,
                cost=cost,
                git_revision=about["git_revision"],
                **places.get(key, {}),
            )
            if on_run is not None:
                on_run(key)
    return len(due)


def _costs(
    due: Mapping[str, CollectedRun], collection: Collection, samplers: Mapping[int, BanditSampler], log: _Counting
) -> Iterator[tuple[str, float | None]]:
    """Make the runs here, one after the other; yield key and cost of each once its decisions are in the log."""
    for key, run in due.items():
        log.n = 0
        yield key, _cost(collection, run, samplers[run[2]])


def _costs_on(
    cluster: ModuleType, due: Mapping[str, CollectedRun], collection: Collection, log: _Counting
) -> Iterator[tuple[str, float | None]]:
    """Make the runs on the nodes of a cluster; yield as `_costs` does, in the order in which they finish."""
    common = cluster.put(replace(collection, problems=collection.problems[:1]))  # each run has its own problem
    stored = {problem.name: cluster.put(problem) for problem in collection.problems}
    keys = list(due)
    calls = [(common, stored[due[key][0].name], due[key][1:]) for key in keys]
    for number, (cost, notes) in completed(cluster, _collected_run, calls):
        log.n = 0
        for context, decisions in notes:
            log.note(context, decisions)
        yield keys[number], cost


def _collected_run(
    collection: Collection, problem: CVRP, run: tuple[str, int, int]
) -> tuple[float | None, list[tuple[SampleContext, Sequence[ArmDecision]]]]:
    """Make one run; return its cost and the notes for the log."""
    notes: list[tuple[SampleContext, Sequence[ArmDecision]]] = []
    sampler = collection.sampler(run[1], _Keeping(notes))
    try:
        return _cost(collection, (problem, *run), sampler), notes
    finally:
        close_sampler(sampler)


def _cost(collection: Collection, run: CollectedRun, sampler: BanditSampler) -> float | None:
    """Return the cost of a run's routes; None if there are none: its decisions count all the same."""
    problem, controller, _, seed = run
    config = SolveConfig(controller=controller, evaluations=collection.evaluations, shots=collection.shots, seed=seed)
    try:
        return solve(problem, config, sampler=sampler).solution.cost
    except SolutionError:
        return None


class _Keeping:
    """Log that keeps the notes of one run."""

    def __init__(self, notes: list[tuple[SampleContext, Sequence[ArmDecision]]]) -> None:
        self._notes = notes

    def note(self, context: SampleContext, decisions: Sequence[ArmDecision]) -> None:
        """Keep the decisions of one call of the sampler."""
        self._notes.append((context, decisions))


class _Counting:
    """Log that passes decisions on to the log of the file, and counts those of a run."""

    def __init__(self) -> None:
        self.log: TraceLog | None = None
        self.n = 0

    def note(self, context: SampleContext, decisions: Sequence[ArmDecision]) -> None:
        """Log the decisions of one call of the sampler."""
        assert self.log is not None
        self.n += len(decisions)
        self.log.note(context, decisions)
