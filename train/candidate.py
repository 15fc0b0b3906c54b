"""Candidates of a training run: validated weights, of which the best ones become the checkpoint."""

from __future__ import annotations

from dataclasses import dataclass, field
from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np

from lagrl.bench.statistics import Interval
from lagrl.errors import InputError
from policies.checkpoint_files import require_same_tensors
from policies.network import types_of
from train.archive import add_prefix, select_prefix

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray
    from torch import Tensor

    from policies.network import TensorType
    from train.archive_record import CandidateRecord
    from train.config import TrainingConfig

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

    def gain_over(self, other: TrainingCandidate, comparisons: int = 1) -> Interval:
        """Return by how much its routes are better, paired by instance; both need `ratio`.

        Parameters
        ----------
        other
            The candidate to compare with.
        comparisons
            Number of comparisons that are made. The level of the normal interval is 1 − 0.05 divided by it
            (Bonferroni), so that all intervals are right together with a probability of 95 %.

        Returns
        -------
        Mean and interval, in units of the Clarke–Wright cost. It is unbounded for a single instance.
        """
        assert self.ratio is not None
        assert other.ratio is not None
        gain = (other.ratio - self.ratio).mean(axis=1)
        mean = float(gain.mean())
        if len(gain) == 1:
            return Interval(mean, -np.inf, np.inf)
        width = NormalDist().inv_cdf(1 - 0.025 / comparisons) * float(gain.std(ddof=1)) / len(gain) ** 0.5
        return Interval(mean, mean - width, mean + width)

    def state(self, name: str) -> tuple[dict[str, Tensor | NDArray[Any]], dict[str, Any]]:
        """Return the state that `from_state` needs: arrays by names that begin with `name`, and plain JSON values."""
        arrays: dict[str, Tensor | NDArray[Any]] = add_prefix(f"{name}/", self.weights)
        if self.ratio is not None:
            arrays[f"{name}-ratio"] = self.ratio
        return arrays, {"step": self.step, "scores": score_pairs(self.scores), "imitation": self.imitation}

    @classmethod
    def from_state(
        cls,
        name: str,
        arrays: Mapping[str, Tensor],
        record: CandidateRecord,
        config: TrainingConfig,
        weights: Mapping[str, TensorType],
    ) -> TrainingCandidate:
        """Restore the return values of `state`, also those of version 0.1, where one of PPO has no scores.

        Parameters
        ----------
        name, arrays, record
            See `state`.
        config
            Configuration of the run.
        weights
            Types and shapes of its network's tensors.

        Raises
        ------
        InputError
            If an array is missing or does not fit the configuration.
        """
        own = select_prefix(f"{name}/", arrays)
        require_same_tensors(types_of(own), weights, source=None, remedy="start a new run", prefix=f"{name}/")
        ratio = arrays[f"{name}-ratio"].numpy() if f"{name}-ratio" in arrays else None
        shape = (config.validation_instances, len(config.budgets))
        if ratio is not None and (ratio.shape != shape or ratio.dtype != np.float64):
            problem = f"{ratio.dtype} {list(ratio.shape)} found, float64 {list(shape)} wanted"
            raise InputError(problem, field=f"{name}-ratio", remedy="start a new run")
        if record.scores is not None:
            scores = scores_from_pairs(record.scores)
        elif ratio is not None:
            scores = {budget: float(mean) for budget, mean in zip(config.budgets, ratio.mean(axis=0), strict=True)}
        else:
            raise InputError("lacks scores", field=name, remedy="start a new run")
        return cls(record.step, scores, own, ratio, dict(record.imitation or {}))


def mean_score(scores: Scores) -> float:
    """Return the mean score over the budgets; lower is better."""
    return float(np.mean(list(scores.values())))


def score_pairs(scores: Scores) -> list[list[float]]:
    """Return scores as pairs of budget and score: JSON has no numbers as keys."""
    return [[budget, score] for budget, score in scores.items()]


def scores_from_pairs(pairs: Iterable[tuple[int, float]]) -> Scores:
    """Return scores from the return value of `score_pairs`."""
    return dict(pairs)
