"""The command `lagrl merge`: join the files of shards."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from lagrl.bench.shards import merge
from lagrl.cli.outputs import keep_inputs
from lagrl.errors import InputError
from lagrl.io.atomic import require_writable
from lagrl.printable import say

Shards = Annotated[
    tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="SHARD.jsonl…", help_behavior_hint="(required)")
]
Merged = Annotated[Path, tyro.conf.arg(metavar="FILE")]


@dataclass(frozen=True)
class MergeCommand:
    """Options of `lagrl merge`.

    The result is the file of the same command without --shard: the same lines in the same order, but the seconds.
    """

    shards: Shards
    """files of all shards, from lagrl eval --shard or lagrl traces --shard"""
    out: Merged
    """file to write; an existing one is replaced"""

    def run(self) -> None:
        """Write the joined file and print the number of rows or runs."""
        if not self.shards:
            raise InputError("no file given", field="SHARD", remedy="give the files of all shards")
        require_writable(self.out)
        keep_inputs(self.out, *self.shards)
        say(f"{self.out}: {merge(self.shards, self.out)} rows or runs of {len(self.shards)} files", error=True)
