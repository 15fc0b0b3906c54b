"""Candidates of a training run: validated weights, of which the best ones become the checkpoint."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from train.archive import add_prefix, select_prefix

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from torch import Tensor

Scores = dict[int, float]
"""Mean route cost divided by the Clarke–Wright cost, per budget of evaluations."""


@dataclass(frozen=True)
class TrainingCandidate:
    """Weights of a policy with the result of their validation.

    Attributes
    ----------
    step
        Epochs (cloning) or rollouts (PPO) before them; 0 is the initial policy.
    scores
        Validation result; empty before the first validation.
    weights
        Tensors of the network, on the CPU.
    ratio
        [instances, budgets] route cost divided by the Clarke–Wright cost; None where only the means are kept.
    imitation
        Figures on held-out episodes (cloning).
    """

    step: int
    scores: Scores
    weights: dict[str, Tensor] = field(repr=False)
    ratio: NDArray[np.float64] | None = field(default=None, repr=False)
    imitation: dict[str, float] = field(default_factory=dict)

    @property
    def merit(self) -> float:
        """Mean score over the budgets; lower is better."""
        return float(self.ratio.mean()) if self.ratio is not None else mean_score(self.scores)

    def curve_row(self) -> dict[str, float]:
        """Return the merit and the scores by their names in the curves."""
        return {"validation": self.merit} | {f"validation/{budget}": score for budget, score in self.scores.items()}

    def is_worse_than(self, other: TrainingCandidate) -> bool:
        """Return whether it is worse by more than one standard error of the paired difference; both need `ratio`."""
        assert self.ratio is not None
        assert other.ratio is not None
        loss = (self.ratio - other.ratio).mean(axis=1)
        error = loss.std(ddof=1) / np.sqrt(len(loss)) if len(loss) > 1 else 0.0
        return bool(loss.mean() > error)

    def state(self, name: str) -> tuple[dict[str, Tensor | NDArray[Any]], dict[str, Any]]:
        """Return the state that `from_state` needs: arrays by names that begin with `name`, and plain JSON values."""
        arrays: dict[str, Tensor | NDArray[Any]] = add_prefix(f"{name}/", self.weights)
        if self.ratio is not None:
            arrays[f"{name}-ratio"] = self.ratio
        return arrays, {"step": self.step, "scores": score_pairs(self.scores), "imitation": self.imitation}

    @classmethod
    def from_state(
        cls, name: str, arrays: Mapping[str, Tensor], record: Mapping[str, Any], budgets: tuple[int, ...]
    ) -> TrainingCandidate:
        """Restore the return values of `state`, also those of version 0.1.

        There a candidate of cloning has `epoch` instead of `step`, and one of PPO has `rollout` and no scores.
        """
        ratio = arrays[f"{name}-ratio"].numpy() if f"{name}-ratio" in arrays else None
        step = next(record[key] for key in ("step", "epoch", "rollout") if key in record)
        if "scores" in record:
            scores = scores_from_pairs(record["scores"])
        else:
            assert ratio is not None
            scores = {budget: float(mean) for budget, mean in zip(budgets, ratio.mean(axis=0), strict=True)}
        return cls(step, scores, select_prefix(f"{name}/", arrays), ratio, dict(record.get("imitation", {})))


def mean_score(scores: Scores) -> float:
    """Return the mean score over the budgets; lower is better."""
    return float(np.mean(list(scores.values())))


def score_pairs(scores: Scores) -> list[list[float]]:
    """Return scores as pairs of budget and score: JSON has no numbers as keys."""
    return [[budget, score] for budget, score in scores.items()]


def scores_from_pairs(pairs: list[list[float]]) -> Scores:
    """Return scores from the return value of `score_pairs`."""
    return {int(budget): score for budget, score in pairs}
