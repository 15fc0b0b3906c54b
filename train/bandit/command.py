"""The command `python -m train.bandit`: from traces to a state, its card, and what it would have earned elsewhere."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
import tyro

from lagrl.bench.provenance import git_revision, versions
from lagrl.cli.entry import parse_arguments
from lagrl.errors import InputError, OutputError
from lagrl.io.atomic import require_writable, write_text
from lagrl.quantum.bandit.arm_policies import LinearThompson, LinUCB, StaticPolicy, UniformPolicy
from lagrl.quantum.bandit.arms import PRODUCT
from lagrl.quantum.bandit.features import schema
from lagrl.quantum.bandit.state import BanditState
from lagrl.quantum.bandit.trace_lines import content_digest
from lagrl.quantum.bandit.trace_table import TraceTable
from lagrl.quantum.bandit.trace_training import (
    RIDGE,
    Estimates,
    best_static,
    evaluate,
    fit,
    held_out,
    require_instances,
    share_runnable,
)
from lagrl.quantum.bandit.traces import read_traces

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lagrl.quantum.bandit.arm_policies import Policy
    from lagrl.quantum.bandit.arms import Arm
    from lagrl.quantum.bandit.off_policy import Estimate

Out = Annotated[Path, tyro.conf.arg(metavar="STATE.json")]
Read = Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="TRACES.jsonl…")]
Held = Annotated[tuple[str, ...], tyro.conf.UseAppendAction, tyro.conf.arg(metavar="backend:NAME|width:N")]
Others = Annotated[tuple[Path, ...], tyro.conf.UseAppendAction, tyro.conf.arg(metavar="TRACES.jsonl")]

_PROG = "python -m train.bandit"
_ABOUT = "Learn from lagrl traces which backend, qubits and circuit answer a knapsack best. Needs no torch."


@dataclass(frozen=True)
class BanditCommand:
    """What to train on, and how the result will choose."""

    out: Out
    """file of the trained state; a card is written beside it, STATE.card.json"""
    traces: Read
    """files that lagrl traces wrote, gzipped or not"""
    policy: Literal["linucb", "greedy", "thompson"] = "linucb"
    """rule that chooses: the upper confidence bound, the mean, or a draw"""
    alpha: Annotated[float | None, tyro.conf.arg(metavar="X", help_behavior_hint="")] = None
    """how much it explores: deviations that linucb adds, scale of Thompson's draws (0.1 if left out)"""
    epsilon: float = 0.05
    """share of its choices by lot"""
    ridge: float = RIDGE
    """ρ of the regression"""
    holdout: Held = ()
    """leave decisions on a backend, or of a width, out of the training; may be given several times"""
    validate: Others = ()
    """traces of other instances: tell what the result and simple rules would have earned there"""
    seed: int = 0
    """of the intervals' bootstrap"""

    def run(self) -> None:
        """Carry the command out."""
        if not self.traces:
            raise InputError("no file given", field="TRACES", remedy="give at least one file of lagrl traces")
        parameter = self._parameter()
        card_file = self.out.with_name(f"{self.out.stem}.card.json")
        for path in (self.out, card_file):
            require_writable(path)
            for read in (*self.traces, *self.validate):
                if path.exists() and read.exists() and path.samefile(read):
                    raise OutputError(f"{path}: is what the result is made from; give another name")
        read = read_traces(self.traces)
        names, widths = self._held_out()
        left = held_out(read, backends=names, widths=widths)
        table = TraceTable.of(left)
        model = fit(table, self.ridge)
        state = BanditState("thompson" if self.policy == "thompson" else "linucb", parameter, self.epsilon, model)
        static = best_static(table, ridge=self.ridge, without=names)
        card = self._card(len(read), len(left), left_instances={trace.instance for trace in left}, static=static)
        judged = self._judged({trace.instance for trace in left}) if self.validate else None
        state.write(self.out)  # before it is judged: whatever becomes of that, the training stays
        _write_card(card_file, card)
        if judged is not None:
            card["validation"] = self._validation(state, static, judged)
            _write_card(card_file, card)
        print(f"{self.out}: learned from {len(left)} decisions; its card is {card_file}")

    def _judged(self, trained_on: set[str]) -> TraceTable:
        """Return the log to judge by."""
        other = read_traces(self.validate)
        shared = {trace.instance for trace in other} & trained_on
        if shared:
            raise InputError(
                f"{len(shared)} instances were trained on, such as {min(shared)}",
                field="--validate",
                remedy="give traces of other instances",
            )
        judged = TraceTable.of(other)
        require_instances(judged)
        return judged

    def _validation(self, state: BanditState, static: Arm, judged: TraceTable) -> dict[str, Any]:
        """Print what the result and simple rules would have earned, and return it for the card."""
        policy, often = state.make(), share_runnable(judged, static)
        rules: list[tuple[str, Policy, float]] = [
            (f"trained ({policy.name})", policy, self.epsilon),
            (f"best static ({static})", StaticPolicy((static,)), 0.0),
            ("uniform", UniformPolicy(), 1.0),
            ("product", StaticPolicy((PRODUCT,)), 0.0),
        ]
        if not often:
            del rules[1]
        found = [
            evaluate(judged, rule, epsilon, ridge=self.ridge, seed=self.seed, name=name)
            for name, rule, epsilon in rules
        ]
        _print(len(judged), float(judged.reward.mean()), found)
        if not often:
            print(f"best static ({static}) is left out: it may run in none of these decisions")
        elif often < 1.0:
            print(
                f"best static may run in {often:.1%} of these decisions; elsewhere the next arm in order stands for it"
            )
        return {
            "traces": _files(self.validate),
            "decisions": len(judged),
            "instances": len(np.unique(judged.instance)),
            "logged": float(judged.reward.mean()),
            "best_static_may_run": often,
            "estimates": [asdict(estimates) for estimates in found],
        }

    def _parameter(self) -> float:
        """Return the policy's parameter; what the policy refuses is refused here, before anything is read."""
        if not 0.0 <= self.epsilon <= 1.0:
            raise InputError(f"{self.epsilon} given", field="--epsilon", remedy="give a share from 0 to 1")
        if not 0.0 < self.ridge < float("inf"):
            raise InputError(f"{self.ridge} given", field="--ridge", remedy="give a finite number above 0")
        if self.policy == "greedy":
            if self.alpha is not None:
                raise InputError(f"{self.alpha} given", field="--alpha", remedy="leave it out, or give --policy linucb")
            return 0.0
        default = LinearThompson.scale if self.policy == "thompson" else LinUCB.alpha
        parameter = default if self.alpha is None else self.alpha
        is_above = parameter > 0 if self.policy == "thompson" else parameter >= 0
        if not is_above or not parameter < float("inf"):
            least = "above 0" if self.policy == "thompson" else "of 0 or more"
            raise InputError(f"{parameter} given", field="--alpha", remedy=f"give a finite number {least}")
        return parameter

    def _held_out(self) -> tuple[list[str], list[int]]:
        """Return backends and widths to leave out."""
        backends, widths = [], []
        for text in self.holdout:
            kind, _, name = text.partition(":")
            if kind == "backend" and name:
                backends.append(name)
            elif kind == "width" and name.isdecimal():
                widths.append(int(name))
            else:
                raise InputError(f"{text!r} given", field="--holdout", remedy="write backend:NAME or width:N")
        return backends, widths

    def _card(self, n_read: int, n_left: int, *, left_instances: set[str], static: Arm) -> dict[str, Any]:
        return {
            "kind": "lagrl bandit card",
            "policy": self.policy,
            "alpha": self._parameter(),
            "epsilon": self.epsilon,
            "ridge": self.ridge,
            "holdout": list(self.holdout),
            "traces": _files(self.traces),
            "decisions": {"read": n_read, "trained on": n_left},
            "instances": len(left_instances),
            "features": schema(),
            "best_static": str(static),
            "git_revision": git_revision(),
            "versions": versions(),
        }


def main(argv: Sequence[str]) -> None:
    """Train from the command line's arguments."""
    command = parse_arguments(
        lambda: tyro.cli(
            BanditCommand,
            args=list(argv),
            prog=_PROG,
            description=_ABOUT,
            config=(tyro.conf.FlagCreatePairsOff,),
        ),
        help_hint=f"See {_PROG} --help",
    )
    command.run()


def _files(paths: Sequence[Path]) -> list[dict[str, str]]:
    return [{"name": path.name, "sha256": content_digest(path)} for path in paths]


def _write_card(path: Path, card: Mapping[str, Any]) -> None:
    write_text(path, json.dumps(card, indent=1, allow_nan=False) + "\n")


def _print(n: int, logged: float, found: Sequence[Estimates]) -> None:
    print(f"{n} decisions of other instances, mean reward {logged:.4f}")
    width = max(len(estimates.policy) for estimates in found)
    print(f"{'':{width}}  {'SNIPS (95 %)':25}  {'doubly robust (95 %)':25}  decisions' worth")
    for own in found:
        snips, robust = _told(own.snips), _told(own.doubly_robust)
        worth = f"{own.doubly_robust.effective:.0f}" + (
            "" if own.snips else ": the model alone, nothing like it is logged"
        )
        print(f"{own.policy:{width}}  {snips:25}  {robust:25}  {worth}")


def _told(estimate: Estimate | None) -> str:
    return "–" if estimate is None else f"{estimate.value:.4f} ({estimate.low:.4f} … {estimate.high:.4f})"
