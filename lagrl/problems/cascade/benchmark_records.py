"""Reader of LLMRouterBench's records (arXiv 2601.07206): one JSON file per model.

A file is an object with `model_name` and `records`, a list of objects with `index`, `cost` (dollars), `prompt_tokens`,
`completion_tokens` and `score` (0 … 1); further fields are ignored.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lagrl.errors import InputError, InstanceError
from lagrl.io.json_text import read_json
from lagrl.io.records import from_record, read_fields
from lagrl.printable import shown
from lagrl.problems.cascade.cascade import LanguageModel
from lagrl.problems.cascade.cascade_file import LARGEST, NonNegative, Share, TaskRecord, Tokens, cascade_of

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from lagrl.problems.cascade.cascade import Cascade

_REMEDY = "give the files of LLMRouterBench for one data set, one per model"


@dataclass(frozen=True)
class BenchmarkRecord:
    """The answer of one model to one prompt."""

    index: int | str
    cost: NonNegative
    prompt_tokens: Tokens
    completion_tokens: Tokens
    score: Share


def read_benchmark_records(paths: Sequence[str | os.PathLike[str]], budget_dollars: float) -> Cascade:
    """Return an instance of variant `quality` with the scores and costs of one file per model.

    Tasks are the prompts of the first file; each file must have the same ones. Their tokens are those of the first
    file.

    Raises
    ------
    InputError
        If a file cannot be read or has other fields, a model occurs twice, or a prompt is missing or occurs twice.
    """
    by_model: dict[str, dict[int | str, BenchmarkRecord]] = {}
    for path in paths:
        source = str(path)
        hints = {"model_name": str, "records": list}
        whole = read_fields(
            read_json(path, remedy=_REMEDY, largest=LARGEST), hints, source=source, remedy=_REMEDY, allow_others=True
        )
        name = whole["model_name"]
        if name in by_model:
            raise InstanceError(f"{shown(name)} occurs twice", source=source, field="model_name", remedy=_REMEDY)
        found: dict[int | str, BenchmarkRecord] = {}
        for place, raw in enumerate(whole["records"]):
            field = f"records[{place}]"
            entry = from_record(BenchmarkRecord, raw, field, source=source, remedy=_REMEDY, allow_others=True)
            if entry.index in found:
                raise InstanceError(
                    f"{shown(entry.index)} occurs twice", source=source, field=f"{field}.index", remedy=_REMEDY
                )
            found[entry.index] = entry
        first = next(iter(by_model.values()), found)
        other = first.keys() ^ found.keys()
        if other:
            problem = f"prompt {shown(sorted(other, key=str)[0])} is in only one of two files"
            raise InstanceError(problem, source=source, field="records", remedy=_REMEDY)
        by_model[name] = found
    if not by_model:
        raise InputError("no file given", field="FILES", remedy=_REMEDY)
    first = next(iter(by_model.values()))
    tasks = [
        TaskRecord(
            str(index),
            entry.prompt_tokens,
            entry.completion_tokens,
            scores={name: found[index].score for name, found in by_model.items()},
            dollars={name: found[index].cost for name, found in by_model.items()},
        )
        for index, entry in first.items()
    ]
    models = tuple(LanguageModel(name, 0.0, 0.0) for name in by_model)
    return cascade_of("llmrouterbench", "quality", models, tasks, budget_dollars)
