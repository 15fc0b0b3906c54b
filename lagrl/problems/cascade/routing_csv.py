"""Answers to cascade routing as CSV: one line per task."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING

from lagrl.io.atomic import write_text

if TYPE_CHECKING:
    import os

    from lagrl.problems.cascade.routing import Routing


def write_routing(routing: Routing, path: str | os.PathLike[str]) -> None:
    """Write `task,model,dollars,quality`, one line per task.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    cascade, text = routing.cascade, io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("task", "model", "dollars", "quality"))
    for i, j in enumerate(routing.model):
        row = cascade.tasks[i], cascade.models[j].name, float(cascade.dollars[j, i]), float(cascade.quality[j, i])
        writer.writerow(row)
    write_text(path, text.getvalue())
