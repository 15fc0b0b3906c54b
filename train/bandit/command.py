"""The command `python -m train.bandit`: trains a bandit on traces, writes its state and card, and evaluates it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
import tyro

from lagrl.bench.provenance import git_revision, versions
from lagrl.bench.trace_table import TraceTable
from lagrl.bench.trace_training import (
    RIDGE,
    Estimates,
    best_static,
    evaluate,
    fit,
    held_out,
    require_instances,
    share_runnable,
)
from lagrl.cli.arguments import parse_arguments
from lagrl.errors import InputError, OutputError, refuse
from lagrl.io.atomic import require_writable, write_text
from lagrl.io.lock import result_lock
from lagrl.plot.picture_style import one_panel, require_picture, save_figure
from lagrl.plot.profile_curves import intervals
from lagrl.printable import say
from lagrl.quantum.bandit.arm_policies import LinUCB, StaticPolicy, require_epsilon
from lagrl.quantum.bandit.features import PRODUCT, schema
from lagrl.quantum.bandit.options import BanditState
from lagrl.quantum.bandit.traces import content_digest, read_traces

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lagrl.bench.off_policy import Estimate
    from lagrl.quantum.bandit.arm_policies import Policy
    from lagrl.quantum.bandit.features import Arm

Out = Annotated[Path, tyro.conf.arg(metavar="STATE.json")]
Read = Annotated[
    tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="TRACES.jsonl…", help_behavior_hint="(required)")
]
Held = Annotated[tuple[str, ...], tyro.conf.UseAppendAction, tyro.conf.arg(metavar="backend:NAME|width:N")]
Others = Annotated[tuple[Path, ...], tyro.conf.UseAppendAction, tyro.conf.arg(metavar="TRACES.jsonl")]
Plot = Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")]

_PROG = "lagrl train bandit"
_ABOUT = "Learn from lagrl traces which backend, qubits and circuit solve a knapsack best. torch is not needed."


@dataclass(frozen=True)
class BanditCommand:
    """Training data, and the policy of the trained bandit."""

    out: Out
    """file of the trained state; its card is written to STATE.card.json"""
    traces: Read
    """files written by lagrl traces, gzipped or not"""
    alpha: float = LinUCB.alpha
    """amount of exploration: standard deviations that LinUCB adds, 0 or more"""
    epsilon: float = 0.05
    """exploration probability ε, from 0 to 1"""
    ridge: float = RIDGE
    """regularisation ρ of the regression, above 0"""
    holdout: Held = ()
    """exclude decisions on a backend, or of a width, from the training"""
    validate: Others = ()
    """traces of other instances, on which the result and simple policies are evaluated"""
    seed: int = 0
    """seed of the bootstrap of the intervals"""
    plot: Plot = None
    """.svg, .pdf or .png file for a picture of the estimates on --validate (default: none)"""

    def run(self) -> None:
        """Train, evaluate, and write the results."""
        if not self.traces:
            raise InputError("no file given", field="TRACES", remedy="give at least one file of lagrl traces")
        self._require_numbers()
        if self.plot is not None and not self.validate:
            raise InputError("nothing to draw", field="--plot", remedy="give --validate TRACES.jsonl too")
        require_picture(self.plot)
        card_file = self.out.with_name(f"{self.out.stem}.card.json")
        for path in (self.out, card_file):
            require_writable(path)
            for read in (*self.traces, *self.validate):
                if path.exists() and read.exists() and path.samefile(read):
                    raise OutputError(f"{path}: is read as traces; give another name")
        with result_lock(self.out, "wait for that process, or give another name"):
            self._train(card_file)

    def _train(self, card_file: Path) -> None:
        """Train, and write state and card, which belong together."""
        logged = read_traces(self.traces)
        names, widths = self._held_out()
        left = held_out(logged, backends=names, widths=widths)
        instances = {trace.instance for trace in left}
        table = TraceTable.of(left)
        model = fit(table, self.ridge)
        state = BanditState(self.alpha, self.epsilon, model)
        static = best_static(table, ridge=self.ridge, without=names)
        card = self._card(len(logged), len(left), len(instances), static)
        other = self._validation_table(instances) if self.validate else None
        state.write(self.out)  # before the evaluation, so that a failure there does not lose the training
        _write_card(card_file, card)
        if other is not None:
            card["validation"] = self._validation(state, static, other)
            _write_card(card_file, card)
        say(f"{self.out}: learned from {len(left)} decisions; its card is {card_file}")

    def _validation_table(self, trained_on: set[str]) -> TraceTable:
        """Return the decisions to evaluate policies on."""
        traces = read_traces(self.validate)
        shared = {trace.instance for trace in traces} & trained_on
        if shared:
            raise InputError(
                f"{len(shared)} instances were trained on, such as {min(shared)}",
                field="--validate",
                remedy="give traces of other instances",
            )
        table = TraceTable.of(traces)
        require_instances(table)
        return table

    def _validation(self, state: BanditState, static: Arm, table: TraceTable) -> dict[str, Any]:
        """Print estimates for the result and simple policies, and return them for the card."""
        policy, often = state.make(), share_runnable(table, static)
        rules: list[tuple[str, Policy, float]] = [
            (f"trained ({policy.name})", policy, self.epsilon),
            (f"best static ({static})", StaticPolicy((static,)), 0.0),
            ("uniform", StaticPolicy(), 1.0),
            ("product", StaticPolicy((PRODUCT,)), 0.0),
        ]
        if not often:
            del rules[1]
        found = [
            evaluate(table, rule, epsilon, ridge=self.ridge, seed=self.seed, name=name) for name, rule, epsilon in rules
        ]
        _print(len(table), float(table.reward.mean()), found)
        if self.plot is not None:
            robust = {own.policy: own.doubly_robust for own in found}
            shown = {name: (estimate.value, estimate.low, estimate.high) for name, estimate in robust.items()}
            label = "reward of a decision: doubly robust estimate, 95 % interval"
            save_figure(one_panel(lambda ax: intervals(shown, label, ax), 9.0, 1.6 + 0.6 * len(shown)), self.plot)
        if not often:
            say(f"best static ({static}) is omitted: it may run in none of these decisions")
        elif often < 1.0:
            say(f"best static may run in {often:.1%} of these decisions; the next arm in order replaces it elsewhere")
        return {
            "traces": _files(self.validate),
            "decisions": len(table),
            "instances": len(np.unique(table.instance)),
            "logged": float(table.reward.mean()),
            "best_static_may_run": often,
            "estimates": [asdict(estimates) for estimates in found],
        }

    def _require_numbers(self) -> None:
        """Refuse numbers out of range before any file is read."""
        require_epsilon(self.epsilon, "--epsilon")
        if not 0.0 < self.ridge < float("inf"):
            refuse("--ridge", self.ridge, "give a finite number above 0")
        if not 0.0 <= self.alpha < float("inf"):
            refuse("--alpha", self.alpha, "give a finite number of 0 or more")

    def _held_out(self) -> tuple[list[str], list[int]]:
        """Return the backends and widths to exclude."""
        backends, widths = [], []
        for text in self.holdout:
            kind, _, name = text.partition(":")
            if kind == "backend" and name:
                backends.append(name)
            elif kind == "width" and name.isdecimal():
                widths.append(int(name))
            else:
                refuse("--holdout", repr(text), "write backend:NAME or width:N")
        return backends, widths

    def _card(self, n_read: int, n_left: int, n_instances: int, static: Arm) -> dict[str, Any]:
        return {
            "kind": "lagrl bandit card",
            "policy": "linucb",
            "alpha": self.alpha,
            "epsilon": self.epsilon,
            "ridge": self.ridge,
            "holdout": list(self.holdout),
            "traces": _files(self.traces),
            "decisions": {"read": n_read, "trained on": n_left},
            "instances": n_instances,
            "features": schema(),
            "best_static": str(static),
            "git_revision": git_revision(),
            "versions": versions(),
        }


def main(argv: Sequence[str], prog: str = _PROG) -> None:
    """Train with the arguments of the command line."""
    parse_arguments(BanditCommand, argv, prog=prog, description=_ABOUT).run()


def _files(paths: Sequence[Path]) -> list[dict[str, str]]:
    return [{"name": path.name, "sha256": content_digest(path)} for path in paths]


def _write_card(path: Path, card: Mapping[str, Any]) -> None:
    write_text(path, json.dumps(card, indent=1, allow_nan=False) + "\n")


def _print(n: int, logged: float, found: Sequence[Estimates]) -> None:
    say(f"{n} decisions of other instances, mean reward {logged:.4f}")
    width = max(len(estimates.policy) for estimates in found)
    say(f"{'':{width}}  {'SNIPS (95 %)':25}  {'doubly robust (95 %)':25}  effective decisions")
    for own in found:
        snips, robust = _shown(own.snips), _shown(own.doubly_robust)
        note = "" if own.snips else ": the model alone, as no such choice is logged"
        say(f"{own.policy:{width}}  {snips:25}  {robust:25}  {own.doubly_robust.effective:.0f}{note}")


def _shown(estimate: Estimate | None) -> str:
    return "–" if estimate is None else f"{estimate.value:.4f} ({estimate.low:.4f} … {estimate.high:.4f})"
