"""The three published instances of LLM cascade routing by QAOA (7 April 2026), all of which are infeasible.

Tasks, models and budgets are those of its public code (github.com/amitpatole/quantum-llm-routing); facts only.
"""

from __future__ import annotations

from typing import Final, Literal

from lagrl.errors import InputError
from lagrl.problems.cascade.cascade import Cascade, LanguageModel
from lagrl.problems.cascade.cascade_file import TaskRecord, cascade_of

Reading = Literal["thousand", "million"]

MODELS: Final = (
    ("gemma2-2b", 0.0, 0.30, 50.0, 8_192),
    ("haiku", 0.25, 0.60, 200.0, 200_000),
    ("sonnet", 3.0, 0.82, 500.0, 200_000),
    ("opus", 15.0, 0.95, 1500.0, 200_000),
    ("o1", 60.0, 0.99, 3000.0, 128_000),
)
"""Name, price, quality, latency in ms, context in tokens."""

FLOORS: Final = (0.20, 0.40, 0.70, 0.85, 0.92)
"""Quality floors of the complexities 1 … 5."""

LATENCY_LIMITS_MS: Final = (5e3, 10e3, 30e3, 60e3, 120e3)

TOKENS: Final = ((100, 500), (200, 1000), (500, 3000), (1000, 8000), (2000, 15000))
"""Least and most tokens of the complexities 1 … 5."""

SHARES: Final = (0.30, 0.25, 0.25, 0.15, 0.05)
"""Share of each complexity."""

TASKS: Final = ((2, 960), (3, 1996), (4, 1699), (3, 2665), (5, 3857), (1, 108))
"""Complexity and tokens of the tasks, drawn there with seed 42."""

BUDGETS: Final = {2: 5.0, 4: 10.0, 6: 15.0}
"""Budget by number of tasks."""


def published_models(reading: Reading = "thousand") -> tuple[LanguageModel, ...]:
    """Return the five models.

    Their prices are labelled dollars per thousand tokens, and are the market's prices per million: `reading` says
    which of the two is meant.
    """
    factor = {"thousand": 1000.0, "million": 1.0}[reading]
    return tuple(
        LanguageModel(name, factor * price, factor * price, quality, latency, context)
        for name, price, quality, latency, context in MODELS
    )


def published_task(name: str, complexity: int, tokens: int) -> TaskRecord:
    """Return a task of a complexity 1 … 5, with the published floor and latency limit."""
    place = complexity - 1
    return TaskRecord(name, tokens, 0, FLOORS[place], LATENCY_LIMITS_MS[place])


def published_cascade(n_tasks: int, reading: Reading = "thousand") -> Cascade:
    """Return the published instance of 2, 4 or 6 tasks and the first three models.

    Raises
    ------
    InputError
        If there is no instance of that number.
    """
    if n_tasks not in BUDGETS:
        raise InputError(f"{n_tasks} given", field="n_tasks", remedy=f"give one of {', '.join(map(str, BUDGETS))}")
    tasks = [published_task(f"T-{i:03d}", *task) for i, task in enumerate(TASKS[:n_tasks])]
    name = f"published-{n_tasks}x3"
    return cascade_of(name, "reference", published_models(reading)[:3], tasks, BUDGETS[n_tasks])
