"""The command `lagrl paper`: the figures and tables of the reference method."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from lagrl.cli.options import NAMES, Folder
from lagrl.errors import InputError, LagrlError
from lagrl.paper.scale import POLICIES
from lagrl.printable import say

Items = Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="ITEMS…", help_behavior_hint="")]
RowFiles = Annotated[tuple[Path, ...], tyro.conf.arg(metavar="[FILE…]", help_behavior_hint="")]
Policies = Annotated[tuple[str, ...], NAMES, tyro.conf.arg(metavar="A,B", help_behavior_hint="")]


@dataclass(frozen=True)
class PaperCommand:
    """Options of `lagrl paper`.

    `lagrl paper list` prints the items, `lagrl paper fig6 table4 --out DIR` makes some of them, and
    `lagrl paper all --quick --out DIR` all of them within 15 minutes on two cores. Published numbers stand beside ours.
    Rows are kept in DIR/rows: after an interruption, the same command makes the missing ones only.
    """

    items: Items = ()
    """names of figures and tables such as fig6 and table4, or all, or list"""
    out: Folder = None
    """folder for the results, created if it is missing; open its index.md"""
    rows: RowFiles = ()
    """rows of lagrl eval, traces or paper, gzipped or not, to use instead of running (default: none)"""
    quick: bool = False
    """run small sizes"""
    data: Folder = None
    """folder of CVRPLIB files (default: the environment variable LAGRL_DATA; the bundled instances if quick)"""
    workers: int = 1
    """processes, with one thread each"""
    policies: Policies = POLICIES
    """checkpoints of a cloned and a PPO policy, or none (default: the shipped ones)"""
    bandit: str = "bandit"
    """state of a trained bandit: a file, or the name of a shipped one"""

    def run(self) -> int:
        """Make the items, or list them; the exit code is 2 if one could not be made."""
        from lagrl.paper.registry import ALL, ITEMS, chosen_items

        if not self.items:
            remedy = f"give some of {', '.join(ITEMS)}, or {ALL}, or list"
            raise InputError("none given", field="ITEMS", remedy=remedy)
        if self.items == ("list",):
            for name, item in ITEMS.items():
                say(f"{name:<7} {item.title:<10} {item.shows:<74} quick {item.quick:>6}, full {item.full:>6}")
            return 0
        return self._make([item.name for item in chosen_items(self.items)])

    def _make(self, names: list[str]) -> int:
        from lagrl.cli.progress import counting_bar, explain_resuming
        from lagrl.paper.given_rows import read_given
        from lagrl.paper.pages import make_folder, make_items
        from lagrl.paper.registry import ITEMS
        from lagrl.paper.sources import PaperConfig, RowSource

        if self.out is None:
            raise InputError("no folder given", field="--out", remedy="give a folder for the results")
        config = PaperConfig(self.out, self.quick, self.data, self.workers, self.policies, self.bandit)
        given = read_given(self.rows)
        make_folder(self.out / "rows")
        source = RowSource(config, given, lambda text: say(f"lagrl: {text}", error=True), lambda: counting_bar("rows"))
        with explain_resuming(self.out):
            failed = make_items([ITEMS[name] for name in names], source, _report)
        say(f"{self.out / 'index.md'}: {len(names) - len(failed)} of {len(names)} items made")
        if failed:
            raise LagrlError(f"not made: {', '.join(failed)}; {self.out / 'index.md'} says why")
        return 0


def _report(name: str, reason: str) -> None:
    say(f"lagrl: {name}: {reason or 'made'}", error=True)
