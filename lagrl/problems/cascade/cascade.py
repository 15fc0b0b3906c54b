"""An instance of LLM cascade routing: which language model answers which task."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from lagrl.errors import InstanceError, UnknownNameError, refuse
from lagrl.printable import shown

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

Variant = Literal["reference", "quality", "capacitated"]

TOKENS_PER_PRICE = 1_000_000  # prices are in dollars per million tokens


@dataclass(frozen=True)
class LanguageModel:
    """A language model with its price.

    Attributes
    ----------
    name
        Name, unique in an instance.
    dollars_per_million_in, dollars_per_million_out
        Price of a million tokens of the prompt and of the answer, dollars, 0 or more.
    quality
        Score of a task that states none for this model, 0 … 1.
    latency_ms
        Time of an answer, milliseconds, 0 or more.
    context_tokens
        Most tokens of prompt and answer together; None: no limit.
    capacity_tokens
        Most tokens of all its tasks together; None: no limit.
    """

    name: str
    dollars_per_million_in: float
    dollars_per_million_out: float
    quality: float = 0.0
    latency_ms: float = 0.0
    context_tokens: int | None = None
    capacity_tokens: int | None = None

    def __post_init__(self) -> None:
        for name in ("dollars_per_million_in", "dollars_per_million_out", "latency_ms"):
            value = getattr(self, name)
            if not 0 <= value < np.inf:  # NaN is neither
                raise InstanceError(
                    f"{value} given", field=f"model {shown(self.name)}, {name}", remedy="give a finite number ≥ 0"
                )
        if not 0 <= self.quality <= 1:
            raise InstanceError(
                f"{self.quality} given", field=f"model {shown(self.name)}, quality", remedy="give a number in 0 … 1"
            )
        for name, least in (("context_tokens", 1), ("capacity_tokens", 0)):
            value = getattr(self, name)
            if value is not None and value < least:
                remedy = f"give a whole number ≥ {least}, or none"
                raise InstanceError(f"{value} given", field=f"model {shown(self.name)}, {name}", remedy=remedy)


@dataclass(frozen=True, eq=False)
class Cascade:
    """Give each of n tasks one of M language models.

    A pair of a model and a task is *admissible* if the model's score reaches the task's quality floor, its latency
    the task's limit, and its context holds the task. The variants, with X_ji = 1 if model j answers task i::

        reference    min Σ c_ji X_ji    s.t.  Σ c_ji X_ji ≤ B
        quality      max Σ q_ji X_ji    s.t.  Σ c_ji X_ji ≤ B        (multiple-choice knapsack)
        capacitated  min Σ c_ji X_ji    s.t.  Σ_i t_i X_ji ≤ Q_j     (generalised assignment)

    each over the admissible pairs, with one model per task. `reference` and `capacitated` may have a floor of the mean
    quality too. Without it the cheapest admissible model of each task solves `reference`: the objective and the budget
    are the same sum.

    Attributes
    ----------
    name
        Name of the instance.
    variant
        Objective and constraints.
    models
        M language models.
    tasks
        n names, unique.
    tokens_in, tokens_out
        [n] int64, tokens of the prompt and of the answer.
    context
        [n] int64, tokens that a model's context must hold.
    quality_floor
        [n] float64, least score, 0 … 1.
    latency_limit_ms
        [n] float64, longest latency, milliseconds; infinite: no limit.
    quality
        [M, n] float64, scores q_ji, 0 … 1.
    dollars
        [M, n] float64, costs c_ji, dollars.
    budget_dollars
        B, dollars; infinite: no limit.
    mean_quality_floor
        Least mean score of the tasks, 0 … 1; 0: no limit.

    Raises
    ------
    InstanceError
        If an array has the wrong shape, a value is out of range, or a name occurs twice.
    InputError
        If a limit is given that the variant does not use, or `quality` has no budget.
    """

    name: str
    variant: Variant
    models: tuple[LanguageModel, ...]
    tasks: tuple[str, ...] = field(repr=False)
    tokens_in: NDArray[np.int64] = field(repr=False)
    tokens_out: NDArray[np.int64] = field(repr=False)
    context: NDArray[np.int64] = field(repr=False)
    quality_floor: NDArray[np.float64] = field(repr=False)
    latency_limit_ms: NDArray[np.float64] = field(repr=False)
    quality: NDArray[np.float64] = field(repr=False)
    dollars: NDArray[np.float64] = field(repr=False)
    budget_dollars: float = np.inf
    mean_quality_floor: float = 0.0

    def __post_init__(self) -> None:
        if self.variant not in get_args(Variant):
            raise UnknownNameError.of("variant", str(self.variant), get_args(Variant))
        require_names("models", [model.name for model in self.models])
        require_names("tasks", self.tasks)
        n, shape = len(self.tasks), (len(self.models), len(self.tasks))
        for name in ("tokens_in", "tokens_out", "context"):
            self._require(name, np.int64, (n,))
        for name, most in (("quality_floor", 1.0), ("latency_limit_ms", np.inf)):
            self._require(name, np.float64, (n,), most)
        self._require("quality", np.float64, shape, 1.0)
        self._require("dollars", np.float64, shape, np.finfo(np.float64).max)
        if not self.budget_dollars >= 0:
            raise InstanceError(f"{self.budget_dollars} given", field="budget_dollars", remedy="give a number ≥ 0")
        if not 0 <= self.mean_quality_floor <= 1:
            remedy = "give a number in 0 … 1"
            raise InstanceError(f"{self.mean_quality_floor} given", field="mean_quality_floor", remedy=remedy)
        if self.variant == "quality" and np.isinf(self.budget_dollars):
            raise InstanceError("no budget given", field="budget_dollars", remedy="variant quality needs one")
        if self.variant == "quality" and self.mean_quality_floor:
            refuse("mean_quality_floor", self.mean_quality_floor, "variant quality maximises it: leave it out")

    @property
    def n_tasks(self) -> int:
        """Number of tasks n."""
        return len(self.tasks)

    @property
    def n_models(self) -> int:
        """Number of models M."""
        return len(self.models)

    @cached_property
    def tokens(self) -> NDArray[np.int64]:
        """[n] tokens of prompt and answer together, t_i."""
        return self.tokens_in + self.tokens_out

    @cached_property
    def capacity(self) -> NDArray[np.int64]:
        """[M] tokens, Q_j; that of all tasks where a model has no limit, or the variant is another one."""
        whole = int(self.tokens.sum())
        limits = [model.capacity_tokens if self.variant == "capacitated" else None for model in self.models]
        return np.array([whole if limit is None else limit for limit in limits], np.int64)

    def _require(self, name: str, dtype: type[np.generic], shape: tuple[int, ...], most: float = np.inf) -> None:
        array: NDArray[Any] = getattr(self, name)
        if array.dtype != dtype or array.shape != shape:
            problem = f"array of shape {array.shape} and type {array.dtype}"
            raise InstanceError(problem, field=name, remedy=f"give {dtype.__name__} of shape {shape}")
        array.setflags(write=False)
        if array.min() >= 0 and array.max() <= most:  # NaN is neither
            return
        place = tuple(np.argwhere(~((array >= 0) & (array <= most)))[0])
        of_model = f", model {shown(self.models[place[0]].name)}" if len(shape) == 2 else ""
        upper = f" … {most:g}" if most <= 1 else " or more"
        raise InstanceError(
            f"{array[place]} given",
            field=f"task {shown(self.tasks[place[-1]])}{of_model}, {name}",
            remedy=f"give a number of 0{upper}",
        )


def require_names(kind: str, names: Sequence[str]) -> None:
    """Raise InstanceError if there is no name, or one occurs twice."""
    if not names:
        raise InstanceError("none given", field=kind, remedy="give 1 or more")
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise InstanceError(f"{shown(name)} occurs twice", field=kind, remedy="give each its own name")
        seen.add(name)


def token_dollars(
    models: tuple[LanguageModel, ...], tokens_in: NDArray[np.int64], tokens_out: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the costs [M, n] in dollars of tasks by the models' prices per token."""
    price_in = np.array([model.dollars_per_million_in for model in models])[:, None]
    price_out = np.array([model.dollars_per_million_out for model in models])[:, None]
    costs: NDArray[np.float64] = (price_in * tokens_in + price_out * tokens_out) / TOKENS_PER_PRICE
    return costs
