"""Random instances of LLM cascade routing: the published mix of tasks, or a market of models with scores per task."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

import numpy as np

from lagrl.errors import InputError
from lagrl.problems.cascade.admissible import admissible_pairs, obstacles, require_feasible
from lagrl.problems.cascade.cascade import Cascade, LanguageModel, Variant, token_dollars
from lagrl.problems.cascade.published_cascades import FLOORS, LATENCY_LIMITS_MS, SHARES, TOKENS

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

MOST_TASKS: Final = 1_000_000
MOST_MODELS: Final = 200
_PRICES: Final = (0.05, 60.0)  # dollars per million tokens of the prompt, cheapest and dearest
_OUT: Final = 4.0  # price of an answer's token, in prices of a prompt's
_SHARE_IN: Final = (0.5, 0.95)  # share of a task's tokens in its prompt
_CONTEXTS: Final = (32_768, 128_000, 200_000, 1_000_000)


@dataclass(frozen=True)
class CascadeParams:
    """Characteristics of a random instance.

    Attributes
    ----------
    n_tasks
        Number of tasks, 1 … 1,000,000.
    n_models
        Number of models, 2 … 200.
    variant
        `reference`, `quality` or `capacitated`.
    budget_share
        Budget of `reference` and `quality`: 0 is the cheapest assignment, 1 that of the best scores.
    slack
        Room of `capacitated`: capacity of all models in tokens of all tasks, above 1; more where it proves too little.

    Raises
    ------
    InputError
        If a value is out of range.
    """

    n_tasks: int = 100
    n_models: int = 5
    variant: Variant = "quality"
    budget_share: float = 0.3
    slack: float = 1.25

    def __post_init__(self) -> None:
        limits = ("n_tasks", self.n_tasks, 1, MOST_TASKS), ("n_models", self.n_models, 2, MOST_MODELS)
        for name, value, low, high in limits:
            if not low <= value <= high:
                raise InputError(f"{value} given", field=name, remedy=f"give a whole number in {low} … {high}")
        if not 0 <= self.budget_share <= 1:
            raise InputError(f"{self.budget_share} given", field="budget_share", remedy="give a number in 0 … 1")
        if not 1 < self.slack < np.inf:
            raise InputError(f"{self.slack} given", field="slack", remedy="give a finite number above 1")


def generate_cascade(params: CascadeParams, seed: int = 0, models: tuple[LanguageModel, ...] | None = None) -> Cascade:
    """Return a random instance; see `CascadeParams`.

    Complexities 1 … 5, tokens and latency limits have the published distribution. A score is the logistic function of
    the model's quality less the task's complexity, with noise for each pair. `reference` has the published quality
    floors where a model reaches them; `capacitated` has floors that about a third of the models miss; `quality` has
    none.

    Parameters
    ----------
    params
        Characteristics; `n_models` is not used where models are given.
    seed
        Source of randomness, 0 or more.
    models
        Models; random ones if None, whose prices are spread evenly on a logarithmic scale, the dearer the better.

    Raises
    ------
    InputError
        If the seed is below 0.
    InstanceError
        If the models' contexts or latencies do not suffice, with a proof.
    """
    if seed < 0:
        raise InputError(f"{seed} given", field="seed", remedy="give 0 or more")
    rng = np.random.default_rng(seed)
    n = params.n_tasks
    models = _market(rng, params.n_models) if models is None else models
    m = len(models)
    complexity = rng.choice(5, size=n, p=SHARES)
    low, high = np.array(TOKENS).T[:, complexity]
    tokens = (low + rng.random(n) * (high - low)).astype(np.int64)
    tokens_in = np.ceil(tokens * rng.uniform(*_SHARE_IN, size=n)).astype(np.int64)
    tokens_out = tokens - tokens_in
    strength = np.array([model.quality for model in models])[:, None]
    margin = 6.0 * strength - 1.1 * complexity + rng.normal(0.0, 0.5, (m, n))
    quality = np.round(1.0 / (1.0 + np.exp(-margin)), 4)
    floor = _floors(rng, params.variant, complexity, quality)
    cascade = Cascade(
        f"C-{params.variant}-n{n}-m{m}-s{seed}",
        "reference",
        models,
        tuple(f"T-{i}" for i in range(n)),
        tokens_in,
        tokens_out,
        tokens,
        floor,
        np.array(LATENCY_LIMITS_MS)[complexity],
        quality,
        token_dollars(models, tokens_in, tokens_out),
    )
    return _limited(cascade, params, rng)


def _floors(
    rng: Generator, variant: Variant, complexity: NDArray[np.int64], quality: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the quality floors [n] of tasks whose scores are `quality` [M, n]."""
    if variant == "quality":
        return np.zeros(len(complexity))
    if variant == "reference":
        published: NDArray[np.float64] = np.minimum(np.array(FLOORS)[complexity], quality.max(axis=0))
        return published
    rank = rng.integers(0, max(1, 2 * len(quality) // 3), len(complexity))
    floors: NDArray[np.float64] = np.sort(quality, axis=0)[rank, np.arange(len(complexity))]
    return floors


def _market(rng: Generator, m: int) -> tuple[LanguageModel, ...]:
    """Return m models from the cheapest to the dearest; their `quality` is their strength."""
    price = np.geomspace(*_PRICES, m) * rng.uniform(0.8, 1.25, m)
    strength = np.clip(np.linspace(0.25, 0.98, m) + rng.normal(0.0, 0.04, m), 0.05, 0.99)
    latency = np.round(np.geomspace(80.0, 4000.0, m) * rng.uniform(0.7, 1.4, m))
    context = rng.choice(_CONTEXTS, size=m)
    return tuple(
        LanguageModel(
            f"model-{j}",
            round(float(price[j]), 4),
            round(_OUT * float(price[j]), 4),
            round(float(strength[j]), 4),
            float(latency[j]),
            int(context[j]),
        )
        for j in range(m)
    )


def _limited(cascade: Cascade, params: CascadeParams, rng: Generator) -> Cascade:
    """Return the instance with the budget or the capacities of its variant."""
    if params.variant == "capacitated":
        share = rng.dirichlet(np.full(cascade.n_models, 8.0))
        room = params.slack * share * cascade.tokens.sum()
        found = _with_capacities(cascade, room)
        while any("capacity_tokens" in proof.constraint for proof in obstacles(found)):
            room = 1.1 * room
            found = _with_capacities(cascade, room)
    else:
        pairs, each = admissible_pairs(cascade), np.arange(cascade.n_tasks)
        cheapest = float(np.where(pairs, cascade.dollars, np.inf).min(axis=0).sum())
        best = np.where(pairs, cascade.quality - 1e-9 * cascade.dollars, -np.inf).argmax(axis=0)
        dearest = float(cascade.dollars[best, each].sum())
        budget = cheapest + params.budget_share * max(0.0, dearest - cheapest)
        found = replace(cascade, variant=params.variant, budget_dollars=budget * (1 + 1e-12))
    require_feasible(found, found.name)
    return found


def _with_capacities(cascade: Cascade, room: NDArray[np.float64]) -> Cascade:
    """Return the instance as `capacitated` with capacities [M] in tokens, rounded up."""
    models = zip(cascade.models, np.ceil(room), strict=True)
    limited = tuple(replace(model, capacity_tokens=int(most)) for model, most in models)
    return replace(cascade, variant="capacitated", models=limited)
