"""Rows behind the figures: made by the library's own programs into a folder, or given by the user."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from lagrl.bench.provenance import config_hash
from lagrl.bench.suites import PAPER30
from lagrl.errors import InputError
from lagrl.paper.figure_rows import Watch
from lagrl.paper.given_rows import first_line
from lagrl.paper.scale import FULL, POLICIES, QUICK, ROUTE_BUDGETS, SAMPLER_EVALUATIONS, Scale
from lagrl.problems.bundled import bundled_names
from lagrl.problems.locate import data_folder, resolve_instance

if TYPE_CHECKING:
    from pathlib import Path

    from lagrl.bench.schema import Row
    from lagrl.paper.figure_rows import FigureRow
    from lagrl.paper.given_rows import GivenRows
    from lagrl.quantum.bandit.traces import Trace

Bar = Callable[[], AbstractContextManager[Watch]]
"""Shows how many rows are finished while it is open; its callbacks are those of `complete_rows`."""

SUBGRADIENT = ("constant", "polyak", "hwc")
CONTROLLERS = (*SUBGRADIENT, "cfm", "volume", "bundle", "perturbed")
NO_POLICIES = "none"


@dataclass(frozen=True)
class PaperConfig:
    """Settings of `lagrl paper`.

    Attributes
    ----------
    out
        Folder of the results, created if it is missing.
    quick
        Whether to run the small sizes of `lagrl.paper.scale`.
    data
        Folder of CVRPLIB files; the environment variable LAGRL_DATA if None. Without either, a quick run takes the
        bundled instances.
    workers
        Processes of the runs that can be divided.
    policies
        Checkpoints of a cloned and of a PPO policy, in this order; (`none`,) leaves them out.
    bandit
        State of a trained bandit: a file, or the name of a shipped one.
    """

    out: Path
    quick: bool = False
    data: Path | None = None
    workers: int = 1
    policies: tuple[str, ...] = POLICIES
    bandit: str = "bandit"

    def __post_init__(self) -> None:
        if self.workers < 1:
            raise InputError(f"{self.workers} given", field="--workers", remedy="give 1 or more")

    @property
    def scale(self) -> Scale:
        """The sizes of the runs."""
        return QUICK if self.quick else FULL

    @property
    def trained(self) -> tuple[str, ...]:
        """The trained controllers."""
        return () if self.policies == (NO_POLICIES,) else self.policies


@dataclass(eq=False)
class RowSource:
    """The rows of each part, made when a figure first asks for them, and kept in `OUT/rows`.

    Attributes
    ----------
    config
        Settings.
    given
        Rows that the user gives; their parts are not run.
    say
        Called with a line of text about what is being run.
    bar
        Shows the progress of what is being run.
    """

    config: PaperConfig
    given: GivenRows
    say: Callable[[str], None] = lambda _: None
    bar: Bar = lambda: nullcontext((lambda *_: None, lambda _: None))
    _trace_revisions: set[str] = field(default_factory=set, init=False, repr=False)

    @property
    def folder(self) -> Path:
        """The folder of the rows."""
        return self.config.out / "rows"

    @cached_property
    def instances(self) -> tuple[Path, ...]:
        """The reference's 30 instances of CVRPLIB, the smallest first; the bundled ones in a quick run without data.

        Raises
        ------
        InputError
            If there is no folder of CVRPLIB files, and the run is not quick.
        """
        names = sorted(PAPER30, key=lambda name: (int(name.split("-")[1][1:]), name))
        try:
            folder = data_folder(self.config.data)
        except InputError:
            if not self.config.quick or self.config.data is not None:
                raise
            return tuple(resolve_instance(name) for name in bundled_names())
        return tuple(resolve_instance(name, folder) for name in names)

    @property
    def instance_note(self) -> str:
        """A sentence about the instances that are run."""
        if self.instances[0].stem in bundled_names():
            return (
                f"Instances: the {len(self.instances)} bundled ones, which are generated; give --data DIR with "
                "CVRPLIB's files for the paper's 30."
            )
        return f"Instances: the paper's {len(self.instances)} of CVRPLIB."

    @cached_property
    def routes(self) -> list[Row]:
        """Rows of `lagrl eval` with exact knapsacks, of classical and of trained controllers."""
        if self.given.routes:
            return self.given.routes
        from lagrl.bench.run import evaluate

        self.say(f"solves with exact knapsacks on {len(self.instances)} instances")
        with self.bar() as (on_plan, advance):
            return evaluate(
                self.instances,
                (*CONTROLLERS, *self.config.trained),
                ROUTE_BUDGETS,
                methods="reference",
                seeds=self.config.scale.route_seeds,
                out=self.folder / "routes.jsonl",
                workers=self.config.workers,
                on_plan=on_plan,
                on_row=lambda row: advance(f"{row['instance']} {row['controller']} {row['budget']}"),
            )

    @cached_property
    def samplers(self) -> list[Row]:
        """Rows of `lagrl eval` with circuits: ideal, noisy, on simulated devices without and with a bandit."""
        if self.given.samplers:
            return self.given.samplers
        from lagrl.bench.run import evaluate

        scale = self.config.scale
        chosen = self.instances[: scale.sampler_instances or None]
        self.say(f"solves with simulated circuits on {len(chosen)} instances")
        static = (f"bandit+static={name}/line0/qaoa/1" for name in scale.hardware)
        with self.bar() as (on_plan, advance):
            return evaluate(
                chosen,
                "cfm",
                SAMPLER_EVALUATIONS,
                samplers=(
                    "exact",
                    "product+width=8",
                    "noisy:FakeBrisbane+width=8",
                    *static,
                    f"bandit:{self.config.bandit}+learn=false+epsilon=0",
                ),
                methods="reference",
                seeds=scale.sampler_seeds,
                shots=scale.shots,
                out=self.folder / "samplers.jsonl",
                workers=self.config.workers,
                on_plan=on_plan,
                on_row=lambda row: advance(f"{row['instance']} {row['sampler']}"),
            )

    @cached_property
    def peers(self) -> list[FigureRow]:
        """One row per instance: the cost that OR-Tools reaches within its time limit."""
        if self.given.figures["peers"]:
            return self.given.figures["peers"]
        from lagrl.paper.measure import peer_rows

        seconds = self.config.scale.peer_seconds
        self.say(f"OR-Tools for {seconds:g} s on each of {len(self.instances)} instances")
        with self.bar() as watch:
            return peer_rows(self.folder / "peers.jsonl", self.instances, seconds, self.config.workers, watch)

    @cached_property
    def widths(self) -> list[FigureRow]:
        """One row per instance: qubits of the direct encoding and of the vehicles' knapsacks."""
        if self.given.figures["widths"]:
            return self.given.figures["widths"]
        from lagrl.paper.measure import width_rows

        self.say(f"widths of the knapsacks of {len(self.instances)} instances")
        with self.bar() as watch:
            evaluations = self.config.scale.width_evaluations
            return width_rows(self.folder / "widths.jsonl", self.instances, evaluations, watch)

    @cached_property
    def knapsacks(self) -> list[FigureRow]:
        """One row per knapsack: every penalty, ansatz and depth, ideal and under noise."""
        if self.given.figures["knapsacks"]:
            return self.given.figures["knapsacks"]
        from lagrl.paper.measure import knapsack_rows

        scale = self.config.scale
        self.say(f"penalties and circuits on {scale.knapsacks} knapsacks of each width")
        with self.bar() as watch:
            return knapsack_rows(self.folder / "knapsacks.jsonl", scale.knapsack_widths, scale.knapsacks, watch)

    @cached_property
    def circuits(self) -> list[FigureRow]:
        """One row per backend and width: gates, depth and fidelity of compiled circuits."""
        if self.given.figures["circuits"]:
            return self.given.figures["circuits"]
        from lagrl.paper.measure import circuit_rows

        scale = self.config.scale
        self.say("compilation of circuits")
        with self.bar() as watch:
            return circuit_rows(self.folder / "circuits.jsonl", scale.circuit_backends, scale.circuit_widths, watch)

    @cached_property
    def traces(self) -> list[Trace]:
        """Decisions about backends and circuits, all at random: the log that a bandit is trained on."""
        if self.given.traces:
            return self.given.traces
        return self._decisions("random decisions about circuits", {"epsilon": 1.0}, "")

    @cached_property
    def trained(self) -> dict[int, list[Trace]]:
        """Decisions of the trained bandit, by its limit on two-qubit gates."""
        if self.given.trained:
            return self.given.trained
        return {
            gates: self._decisions(
                f"decisions of the bandit within {gates} gates", {"gates": gates}, self.config.bandit
            )
            for gates in self.config.scale.gate_budgets
        }

    def _decisions(self, what: str, options: dict[str, Any], state: str) -> list[Trace]:
        """Collect decisions on generated instances, in a file of these settings, or read the existing ones."""
        from lagrl.bench.collect import Collection, collect, generated_problems
        from lagrl.quantum.bandit.options import BanditOptions
        from lagrl.quantum.bandit.traces import read_traces

        scale = self.config.scale
        self.say(f"{what} on {scale.trace_instances} generated instances")
        collection = Collection(
            problems=generated_problems(scale.trace_instances, scale.trace_sizes, TRACE_SEED),
            widths=scale.trace_widths,
            evaluations=scale.trace_evaluations,
            shots=scale.shots,
            options=BanditOptions(**options),
            state=state,
        )
        drawn = [scale.trace_instances, *scale.trace_sizes, *scale.trace_widths, TRACE_SEED]
        ending = config_hash({**collection.settings(), "drawn": drawn})
        path = self.folder / f"{'trained' if state else 'traces'}-{ending}.jsonl"
        with self.bar() as (on_plan, advance):
            collect(collection, path, on_plan=on_plan, on_run=advance)
        self._trace_revisions.add(str(first_line(path).get("git_revision") or "unknown"))
        return read_traces([path])

    @property
    def trace_revisions(self) -> tuple[str, ...]:
        """Git revisions of the decisions that were read so far, sorted."""
        return tuple(sorted(self._trace_revisions | self.given.trace_revisions))


TRACE_SEED = 22
"""Seed of the generated instances, which no shipped bandit was trained on."""
