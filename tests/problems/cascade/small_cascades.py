"""Small random instances of cascade routing, and all their answers."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from lagrl.problems.cascade.cascade import Cascade, LanguageModel
from lagrl.problems.cascade.routing import Routing

if TYPE_CHECKING:
    from collections.abc import Iterator


def small_cascade(seed: int, variant: Any = "quality", n: int = 5, m: int = 3, **changes: Any) -> Cascade:
    """Return a random instance whose limits bind, feasible or not."""
    rng = np.random.default_rng(seed)
    tokens = rng.integers(1, 30, n)
    dollars = np.round(rng.random((m, n)) * np.arange(1, m + 1)[:, None] * tokens, 3)
    quality = np.round(rng.random((m, n)), 3)
    room = np.ceil(rng.uniform(0.2, 0.8, m) * tokens.sum()).astype(int)
    models = tuple(
        LanguageModel(f"m{j}", 1.0, 1.0, latency_ms=100.0 * j, context_tokens=25, capacity_tokens=int(room[j]))
        for j in range(m)
    )
    low, high = dollars.min(axis=0).sum(), dollars.max(axis=0).sum()
    values: dict[str, Any] = {
        "name": f"small-{seed}",
        "variant": variant,
        "models": models,
        "tasks": tuple(f"t{i}" for i in range(n)),
        "tokens_in": tokens,
        "tokens_out": np.zeros(n, np.int64),
        "context": tokens,
        "quality_floor": np.where(rng.random(n) < 0.3, 0.4, 0.0),
        "latency_limit_ms": np.where(rng.random(n) < 0.2, 150.0, np.inf),
        "quality": quality,
        "dollars": dollars,
        "budget_dollars": float(max(low + rng.uniform(-0.1, 0.9) * (high - low), 0.0))
        if variant != "capacitated"
        else np.inf,
        "mean_quality_floor": 0.0,
    }
    return Cascade(**(values | changes))


def solutions(cascade: Cascade) -> Iterator[Routing]:
    """Yield every answer without faults, by enumeration."""
    for model in product(range(cascade.n_models), repeat=cascade.n_tasks):
        routing = Routing(cascade, np.array(model))
        if not routing.faults():
            yield routing
