"""Instances of cascade routing by file, in the format of this library or in those of benchmarks."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import InputError
from lagrl.io.json_text import read_json
from lagrl.problems.cascade.benchmark_records import read_benchmark_records
from lagrl.problems.cascade.cascade_file import LARGEST, read_cascade
from lagrl.problems.cascade.prompt_table import read_prompt_table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lagrl.problems.cascade.cascade import Cascade

_REMEDY = "give one file of lagrl cascade generate, one CSV or Parquet table, or one file of LLMRouterBench per model"


def read_cascade_files(
    paths: Sequence[str], budget_dollars: float | None = None, mean_quality_floor: float | None = None
) -> Cascade:
    """Return the instance of one file of this library's format, of one table, or of LLMRouterBench's files.

    Parameters
    ----------
    paths
        The files.
    budget_dollars, mean_quality_floor
        Replace those of the file; tables have none, and need a budget.

    Raises
    ------
    InputError
        If a file cannot be read, several files are not of LLMRouterBench, or a table has no budget.
    """
    if not paths:
        raise InputError("none given", field="FILES", remedy=_REMEDY)
    is_json = Path(paths[0]).suffix.lower() not in (".csv", ".parquet", ".pkl", ".pickle", ".p")
    if is_json and len(paths) == 1 and not _is_benchmark(paths[0]):
        cascade = read_cascade(paths[0])
        budget = cascade.budget_dollars if budget_dollars is None else budget_dollars
        floor = cascade.mean_quality_floor if mean_quality_floor is None else mean_quality_floor
        return replace(cascade, budget_dollars=budget, mean_quality_floor=floor)
    if mean_quality_floor is not None:
        remedy = "leave it out: of a table, the mean quality is maximised under --budget"
        raise InputError(f"{mean_quality_floor} given", field="--mean-quality", remedy=remedy)
    budget = np.nan if budget_dollars is None else budget_dollars
    if np.isnan(budget):
        raise InputError("none given", source=str(paths[0]), field="--budget", remedy="give dollars for all prompts")
    if is_json:
        return read_benchmark_records(paths, budget)
    if len(paths) > 1:
        raise InputError(f"{len(paths)} tables given", field="FILES", remedy=_REMEDY)
    return read_prompt_table(paths[0], budget)


def _is_benchmark(path: str) -> bool:
    whole = read_json(path, remedy=_REMEDY, largest=LARGEST)
    return isinstance(whole, dict) and "records" in whole and "format" not in whole
