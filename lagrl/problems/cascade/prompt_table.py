"""Reader of tables like RouterBench's: one line per prompt, a score and a cost per model.

Columns: `sample_id`, `prompt` (optional), `<model>` with the score and `<model>|total_cost` with dollars for each
model; others are ignored. RouterBench's own files are pickles, which run code when they are read: they are refused.
"""

from __future__ import annotations

import csv
import importlib
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lagrl.errors import InputError, InstanceError
from lagrl.printable import shown
from lagrl.problems.cascade.cascade import LanguageModel
from lagrl.problems.cascade.cascade_file import TaskRecord, cascade_of

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from lagrl.problems.cascade.cascade import Cascade

COST = "|total_cost"
_CHARACTERS_PER_TOKEN = 4  # of English text, roughly; the tables have no tokens
_PICKLES = (".pkl", ".pickle", ".p")
_REMEDY = "give CSV or Parquet with the columns sample_id, MODEL and MODEL|total_cost"


def read_prompt_table(path: str | os.PathLike[str], budget_dollars: float) -> Cascade:
    """Return an instance of variant `quality` with the scores and costs of a table.

    Tokens are estimated as a quarter of the prompt's characters (0 without prompts); they do not enter the costs.

    Raises
    ------
    InputError
        If the file is a pickle or of another format, Parquet without pyarrow, lacks a column, or a score is outside
        0 … 1 or a cost no finite number of 0 or more; the message names the line and the column.
    """
    source, suffix = str(path), Path(path).suffix.lower()
    if suffix in _PICKLES:
        remedy = "export it as CSV or Parquet"
        raise InputError("is a pickle, which runs code when it is read", source=source, remedy=remedy)
    if suffix not in (".csv", ".parquet"):
        raise InputError(f"suffix {suffix or 'none'}", source=source, remedy=_REMEDY)
    rows = list(_csv_rows(source) if suffix == ".csv" else _parquet_rows(source))
    columns = list(rows[0]) if rows else []
    names = [name.removesuffix(COST) for name in columns if name.endswith(COST)]
    lacking = [name for name in ("sample_id", *names) if name not in columns]
    if not rows or not names or lacking:
        problem = f"lacks the column {lacking[0]}" if lacking and rows else "has no line or no column MODEL|total_cost"
        raise InstanceError(problem, source=source, remedy=_REMEDY)
    tasks = []
    for number, row in enumerate(rows, 2):  # the first line has the names
        tokens = math.ceil(len(str(row.get("prompt") or "")) / _CHARACTERS_PER_TOKEN)
        scores = {name: _number(source, number, name, row[name], 1.0) for name in names}
        costs = {name: _number(source, number, name + COST, row[name + COST], math.inf) for name in names}
        tasks.append(TaskRecord(str(row["sample_id"]), tokens, 0, scores=scores, dollars=costs))
    models = tuple(LanguageModel(name, 0.0, 0.0) for name in names)
    try:
        return cascade_of(Path(path).stem, "quality", models, tasks, budget_dollars)
    except InputError as error:
        raise InstanceError(error.problem, source=source, field=error.field, remedy=error.remedy) from error


def _csv_rows(source: str) -> Iterator[dict[str, Any]]:
    csv.field_size_limit(min(sys.maxsize, 2**31 - 1))  # prompts are longer than the 128 KiB of a field
    try:
        with Path(source).open(newline="", encoding="utf-8-sig") as stream:
            reader = csv.DictReader(stream, strict=True, restkey="")
            for row in reader:
                if "" in row or None in row.values():
                    remedy = "give as many values as columns"
                    raise InstanceError(
                        "has too many or too few values", source=f"{source}:{reader.line_num}", remedy=remedy
                    )
                yield row
    except (OSError, csv.Error, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"cannot be read ({reason})", source=source, remedy=_REMEDY) from error


def _parquet_rows(source: str) -> list[dict[str, Any]]:
    try:
        parquet: Any = importlib.import_module("pyarrow.parquet")
    except ImportError as error:
        problem = "Parquet needs pyarrow, which is not installed"
        raise InputError(problem, source=source, remedy="pip install pyarrow, or export the table as CSV") from error
    try:
        rows: list[dict[str, Any]] = parquet.read_table(source).to_pylist()
    except (OSError, ValueError) as error:  # pyarrow's errors are among them
        raise InputError(f"cannot be read ({error})", source=source, remedy=_REMEDY) from error
    return rows


def _number(source: str, line: int, column: str, value: Any, most: float) -> float:
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = math.nan
    if not (0 <= number <= most and number < math.inf):
        remedy = "give a score of 0 … 1" if most == 1.0 else "give dollars, 0 or more"
        raise InstanceError(f"{shown(value)} given", source=f"{source}:{line}", field=column, remedy=remedy)
    return number
