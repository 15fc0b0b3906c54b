"""Submission sheets of the Quantum Optimization Benchmarking Library (Koch et al. 2025, arXiv 2504.03832)."""

from __future__ import annotations

import csv
import io
import json
import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lagrl.bench.grouping import Grouping, has_gap
from lagrl.bench.ledger import run_seconds
from lagrl.bench.verdict import SUCCESS_PERCENT
from lagrl.errors import OutputError
from lagrl.io.atomic import write_text

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Sequence

    from lagrl.bench.grouping import Line
    from lagrl.bench.schema import Row

FIELDS = (
    *("Problem", "Submitter", "Date", "Reference", "Best Objective Value", "Optimality Bound", "Modeling Approach"),
    *("# Decision Variables", "# Binary Variables", "# Integer Variables", "# Continuous Variables"),
    *("# Non-Zero Coefficients", "Coefficients Type", "Coefficients Range", "Workflow", "Algorithm Type", "# Runs"),
    *("# Feasible Runs", "# Successful Runs", "Success Threshold", "Hardware Specifications", "Total Runtime"),
    *("CPU Runtime", "GPU Runtime", "QPU Runtime", "Other HW Runtime", "Remarks"),
)


def write_qoblib(rows: Iterable[Row], folder: str | os.PathLike[str], *, date: str) -> list[Path]:
    """Write a sheet for each line and budget, one row per instance; return the files.

    Fields that rows cannot know (submitter, hardware) are left empty for the submitter.

    Parameters
    ----------
    rows
        Result rows.
    folder
        Existing folder.
    date
        Date of the submission, such as 2026-11-30.

    Raises
    ------
    InputError
        If there are no rows.
    OutputError
        If the folder does not exist or cannot be written.
    """
    grouping, target = Grouping(rows), Path(folder)
    if not target.is_dir():
        raise OutputError(f"{target}: no such folder; make it first")
    files = []
    for line in grouping.lines:
        for budget in grouping.budgets:
            members = grouping.members(line, budget)
            if members:
                path = target / f"{_file_name(line, budget)}.csv"
                write_text(path, _sheet(line, members, date))
                files.append(path)
    return files


def _sheet(line: Line, members: Sequence[Row], date: str) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, FIELDS, lineterminator="\n")
    writer.writeheader()
    for name in sorted({row["instance"] for row in members}):
        writer.writerow(_entry(line, [row for row in members if row["instance"] == name], date))
    return text.getvalue()


def _entry(line: Line, rows: list[Row], date: str) -> dict[str, object]:
    feasible = [row for row in rows if row["feasible"]]
    hits = [row for row in rows if has_gap(row) and row["gap_pct"] <= SUCCESS_PERCENT]
    n, k = rows[0]["n_customers"], rows[0]["n_vehicles"]
    total = float(np.mean([run_seconds(row) for row in rows]))
    qpu = float(np.mean([row.get("qpu_seconds", 0.0) for row in rows]))
    waited = float(np.mean([row.get("queue_seconds", 0.0) for row in rows]))
    return {
        "Problem": f"CVRP {rows[0]['instance']}",
        "Date": date,
        "Reference": "lagrl, method of arXiv 2604.22194",
        "Best Objective Value": min((row["cost"] for row in feasible), default=""),
        "Optimality Bound": "",
        "Modeling Approach": "generalised assignment (Fisher and Jaikumar 1981), Lagrangian relaxation, knapsack QUBOs",
        "# Decision Variables": n * k,
        "# Binary Variables": n * k,
        "# Integer Variables": 0,
        "# Continuous Variables": 0,
        "# Non-Zero Coefficients": 3 * n * k,
        "Coefficients Type": "integer and floating point",
        "Coefficients Range": "",
        "Workflow": json.dumps(rows[0]["config"], sort_keys=True),
        "Algorithm Type": "stochastic" if line.sampler != "exact" else "deterministic for a seed",
        "# Runs": len(rows),
        "# Feasible Runs": len(feasible),
        "# Successful Runs": len(hits),
        "Success Threshold": f"{SUCCESS_PERCENT:g} % above the best known cost",
        "Total Runtime": f"{total:.6g}",
        "CPU Runtime": f"{total - qpu:.6g}",
        "GPU Runtime": 0,
        "QPU Runtime": f"{qpu:.6g}",
        "Other HW Runtime": 0,
        "Remarks": f"means over runs, s; {waited:.6g} s in queues are not counted; compilation of kernels excluded",
    }


def _file_name(line: Line, budget: int) -> str:
    parts = [line.controller, line.sampler, line.method, *([line.fleet] if line.fleet else []), str(budget)]
    return re.sub(r"[^A-Za-z0-9.+=-]+", "_", "_".join(parts))
