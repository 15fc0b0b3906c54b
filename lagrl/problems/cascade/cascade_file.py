"""Files of LLM cascade routing: JSON of one version, read strictly; `data/cascade.schema.json` is their schema."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np

from lagrl.errors import InputError, InstanceError, nearest
from lagrl.io.atomic import write_text
from lagrl.io.json_text import read_json
from lagrl.io.records import Check, from_record, may_lack
from lagrl.printable import shown
from lagrl.problems.cascade.cascade import Cascade, LanguageModel, Variant, require_names, token_dollars

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from numpy.typing import NDArray

FORMAT, VERSION = "lagrl-cascade", 1
LARGEST = 2**28  # bytes; 100,000 tasks with scores of 20 models are some 60 MB

_REMEDY = "see lagrl cascade generate for a file of this format"

Name = Annotated[str, Check(lambda text: bool(text.strip()), "a non-empty text")]
NonNegative = Annotated[float, Check(lambda value: value >= 0, "a finite number of 0 or more")]
Share = Annotated[float, Check(lambda value: 0 <= value <= 1, "a number from 0 to 1")]
Tokens = Annotated[int, Check(lambda value: value >= 0, "a whole number of 0 or more")]
Context = Annotated[int, Check(lambda value: value >= 1, "a whole number of 1 or more")]


@dataclass(frozen=True)
class ModelRecord:
    """A language model in a file; see `LanguageModel`."""

    name: Name
    dollars_per_million_in: NonNegative
    dollars_per_million_out: NonNegative
    quality: Share = may_lack(0.0)
    latency_ms: NonNegative = may_lack(0.0)
    context_tokens: Context | None = may_lack(None)
    capacity_tokens: Tokens | None = may_lack(None)


@dataclass(frozen=True)
class TaskRecord:
    """A task in a file.

    Attributes
    ----------
    name
        Name, unique in the file.
    tokens_in, tokens_out
        Tokens of the prompt and of the answer.
    quality_floor
        Least score, 0 … 1.
    latency_limit_ms
        Longest latency, milliseconds; null: no limit.
    context_tokens
        Tokens that the context must hold; null: those of prompt and answer.
    scores
        Scores by model, 0 … 1; a model that is not listed has its own `quality`.
    dollars
        Costs by model, dollars; a model that is not listed costs its price per token.
    """

    name: Name
    tokens_in: Tokens
    tokens_out: Tokens
    quality_floor: Share = may_lack(0.0)
    latency_limit_ms: NonNegative | None = may_lack(None)
    context_tokens: Context | None = may_lack(None)
    scores: dict[str, Share] | None = may_lack(None)
    dollars: dict[str, NonNegative] | None = may_lack(None)


@dataclass(frozen=True)
class CascadeRecord:
    """A whole file."""

    format: Literal["lagrl-cascade"]
    version: Literal[1]
    name: Name
    variant: Variant
    models: list[ModelRecord]
    tasks: list[TaskRecord]
    budget_dollars: NonNegative | None = may_lack(None)
    mean_quality_floor: Share | None = may_lack(None)


def read_cascade(path: str | os.PathLike[str]) -> Cascade:
    """Return the instance of a file.

    Raises
    ------
    InputError
        If the file cannot be read, a field is missing, unknown, of another type or out of range, a name occurs twice,
        or scores or costs name a model that the file does not have.
    """
    content = read_json(path, remedy=_REMEDY, largest=LARGEST, allow_nan=True)  # a number's field refuses it by name
    record = from_record(CascadeRecord, content, "", source=str(path), remedy=_REMEDY)
    models = tuple(LanguageModel(**asdict(entry)) for entry in record.models)
    try:
        return cascade_of(
            record.name, record.variant, models, record.tasks, record.budget_dollars, record.mean_quality_floor
        )
    except InputError as error:
        raise InstanceError(error.problem, source=str(path), field=error.field, remedy=error.remedy) from error


def cascade_of(
    name: str,
    variant: Variant,
    models: tuple[LanguageModel, ...],
    tasks: Sequence[TaskRecord],
    budget_dollars: float | None = None,
    mean_quality_floor: float | None = None,
) -> Cascade:
    """Return the instance of models and tasks.

    Raises
    ------
    InputError
        If a value is out of range, a name occurs twice, or a task names an unknown model.
    """
    require_names("models", [model.name for model in models])
    require_names("tasks", [task.name for task in tasks])
    tokens_in = np.array([task.tokens_in for task in tasks], np.int64)
    tokens_out = np.array([task.tokens_out for task in tasks], np.int64)
    quality = np.repeat(np.array([model.quality for model in models])[:, None], len(tasks), axis=1)
    dollars = token_dollars(models, tokens_in, tokens_out)
    row = {model.name: j for j, model in enumerate(models)}
    for i, task in enumerate(tasks):
        _overwrite(quality[:, i], task.scores or {}, row, f"tasks[{i}].scores")
        _overwrite(dollars[:, i], task.dollars or {}, row, f"tasks[{i}].dollars")
    needs = [task.tokens_in + task.tokens_out if task.context_tokens is None else task.context_tokens for task in tasks]
    return Cascade(
        name,
        variant,
        models,
        tuple(task.name for task in tasks),
        tokens_in,
        tokens_out,
        np.array(needs, np.int64),
        np.array([task.quality_floor for task in tasks], np.float64),
        np.array([np.inf if task.latency_limit_ms is None else task.latency_limit_ms for task in tasks], np.float64),
        quality,
        dollars,
        np.inf if budget_dollars is None else budget_dollars,
        mean_quality_floor or 0.0,
    )


def _overwrite(column: NDArray[np.float64], given: dict[str, float], row: dict[str, int], field: str) -> None:
    for model, value in given.items():
        if model not in row:
            remedy = f"{nearest(model, row)}known: {', '.join(sorted(row))}"
            raise InstanceError(f"unknown model {shown(model)}", field=field, remedy=remedy)
        column[row[model]] = value


def write_cascade(cascade: Cascade, path: str | os.PathLike[str]) -> None:
    """Write an instance as a file that `read_cascade` reads back; what follows from the models is left out.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    names = [model.name for model in cascade.models]
    scores = cascade.quality != np.array([model.quality for model in cascade.models])[:, None]
    costs = cascade.dollars != token_dollars(cascade.models, cascade.tokens_in, cascade.tokens_out)
    tasks = []
    for i, name in enumerate(cascade.tasks):
        limit = float(cascade.latency_limit_ms[i])
        task: dict[str, Any] = {
            "name": name,
            "tokens_in": int(cascade.tokens_in[i]),
            "tokens_out": int(cascade.tokens_out[i]),
            "quality_floor": float(cascade.quality_floor[i]),
            "latency_limit_ms": None if np.isinf(limit) else limit,
            "context_tokens": int(cascade.context[i]) if cascade.context[i] != cascade.tokens[i] else None,
            "scores": {names[j]: float(cascade.quality[j, i]) for j in np.flatnonzero(scores[:, i])},
            "dollars": {names[j]: float(cascade.dollars[j, i]) for j in np.flatnonzero(costs[:, i])},
        }
        tasks.append({key: value for key, value in task.items() if value not in (None, {})})
    record = {
        "format": FORMAT,
        "version": VERSION,
        "name": cascade.name,
        "variant": cascade.variant,
        "budget_dollars": None if np.isinf(cascade.budget_dollars) else cascade.budget_dollars,
        "mean_quality_floor": cascade.mean_quality_floor or None,
        "models": [_without_none(asdict(model)) for model in cascade.models],
    }
    head = json.dumps(_without_none(record), indent=1, allow_nan=False, ensure_ascii=False)
    lines = ",\n".join(f"  {json.dumps(task, allow_nan=False, ensure_ascii=False)}" for task in tasks)
    write_text(path, f'{head[:-2]},\n "tasks": [\n{lines}\n ]\n}}\n')


def _without_none(record: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in record.items() if value is not None}
