"""The command `lagrl traces`: decisions of bandits, collected from real dual loops."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from lagrl.cli.journal import going_on
from lagrl.errors import InputError

if TYPE_CHECKING:
    from lagrl.problems.cvrp import CVRP

Out = Annotated[Path, tyro.conf.arg(metavar="TRACES.jsonl")]
Folder = Annotated[Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="")]
Numbers = Annotated[str, tyro.conf.arg(metavar="N,N,…")]
Slashed = Annotated[str, tyro.conf.arg(metavar="A/B/…", help_behavior_hint="")]


@dataclass(frozen=True)
class TracesCommand:
    """Log what is chosen for every knapsack (backend, qubits, circuit) and what it brought, to train a bandit on.

    Run again with the same --out after an interruption, and only the missing runs are made.
    """

    out: Out
    """file of decisions, appended to"""
    files: Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="FILES…", help_behavior_hint="")] = ()
    """CVRPLIB .vrp files, or names"""
    suite: Annotated[str | None, tyro.conf.arg(metavar="TEXT", help_behavior_hint="")] = None
    """paper30 or bundled, besides or instead of files"""
    data: Folder = None
    """folder of CVRPLIB files; LAGRL_DATA if left out"""
    generated: Annotated[int | None, tyro.conf.arg(metavar="N", help_behavior_hint="")] = None
    """so many generated X-type instances, besides or instead of files"""
    customers: Annotated[str | None, tyro.conf.arg(metavar="LOW,HIGH", help_behavior_hint="")] = None
    """their sizes (20,60 if left out)"""
    seed: Annotated[int | None, tyro.conf.arg(metavar="N", help_behavior_hint="")] = None
    """seed of the generated instances (0 if left out); those of the solves are --seeds"""
    controllers: Annotated[str, tyro.conf.arg(metavar="A,B,…")] = "cfm"
    """controllers, see lagrl solve --help"""
    evaluations: int = 50
    """budget of every solve"""
    shots: int = 64
    """strings per vehicle"""
    seeds: Numbers = "0"
    """seeds of the solves"""
    widths: Annotated[str, tyro.conf.arg(metavar="N,N,…", aliases=["--width"])] = "8"
    """most variables per vehicle"""
    backends: Slashed = ""
    """fake backends, or ibm_… of your account, such as FakeKingston/FakeBrisbane; six fake ones if left out"""
    families: Slashed = ""
    """circuits; all if left out"""
    depths: Slashed = ""
    """their layers; 1/2/3 if left out"""
    placements: Slashed = ""
    """line0/line1/line2/default; all if left out"""
    epsilon: Annotated[float | None, tyro.conf.arg(metavar="SHARE", help_behavior_hint="")] = None
    """share of choices by lot; all of them if left out, or as --state says"""
    state: Annotated[str, tyro.conf.arg(metavar="STATE.json", help_behavior_hint="")] = ""
    """log what a trained bandit chooses, rather than choices by lot alone"""
    gates: int = 400
    """most two-qubit gates of a circuit"""
    fidelity: float = 0.02
    """least expected fidelity of a circuit"""
    decay: float = 1.0
    """most duration of a circuit, over the least T2"""
    noise: Literal["surrogate", "density", "trajectories"] = "surrogate"
    """how fake backends are simulated"""

    def run(self) -> None:
        """Carry the command out."""
        from lagrl.bench.collect import Collection, collect
        from lagrl.cli.show import counting
        from lagrl.quantum.bandit.options import BanditOptions

        collection = Collection(
            problems=self._problems(),
            controllers=tuple(name for name in self.controllers.split(",") if name),
            widths=_numbers("--widths", self.widths),
            seeds=_numbers("--seeds", self.seeds),
            evaluations=self.evaluations,
            shots=self.shots,
            options=BanditOptions(
                backends=self.backends,
                families=self.families,
                depths=self.depths,
                placements=self.placements,
                epsilon=self.epsilon,
                gates=self.gates,
                fidelity=self.fidelity,
                decay=self.decay,
                method=self.noise,
            ),
            state=self.state,
        )
        with going_on(self.out), counting("runs") as (on_plan, advance):
            made = collect(collection, self.out, on_plan=on_plan, on_run=advance)
        print(f"{self.out}: {made} runs added", file=sys.stderr)

    def _problems(self) -> tuple[CVRP, ...]:
        from lagrl.bench.collect import generated_problems
        from lagrl.bench.suites import suite
        from lagrl.problems.cvrplib import read_instance
        from lagrl.problems.locate import resolve_instance

        named = [*self.files, *(suite(self.suite) if self.suite else ())]
        found = [read_instance(resolve_instance(name, self.data)) for name in named]
        if self.generated is not None:
            sizes = _numbers("--customers", self.customers or "20,60")
            if len(sizes) != 2:
                raise InputError(
                    f"{self.customers!r} given", field="--customers", remedy="give two numbers, as in 20,60"
                )
            found += generated_problems(self.generated, (sizes[0], sizes[1]), self.seed or 0)
        elif self.customers is not None or self.seed is not None:
            option = "--seed" if self.customers is None else "--customers"
            raise InputError("nothing is generated", field=option, remedy="give --generated N too, or leave it out")
        if not found:
            raise InputError("no instance given", field="FILES", remedy="give files, names, --suite or --generated N")
        return tuple(found)


def _numbers(option: str, text: str) -> tuple[int, ...]:
    try:
        return tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise InputError(
            f"{text!r} is not a list of whole numbers", field=option, remedy="separate them by commas, as in 4,8"
        ) from None
