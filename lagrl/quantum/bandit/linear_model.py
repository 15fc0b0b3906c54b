"""Ridge regression of rewards on features, one observation at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lagrl.errors import InputError
from lagrl.io.records import read_fields

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

_STATE = {"ridge": float, "n_observations": int, "precision": list[list[float]], "moment": list[float]}
_LARGEST = 1e100  # of the numbers of a state; their products are finite
_REFRESH = 1000  # rank-one updates of the inverse before it is recomputed


class LinearModel:
    """Weights w of d features that minimise Σ (r − w·x)² + ρ‖w‖², and the uncertainty of w·x.

    The inverse of Σ xxᵀ + ρI is updated by Sherman and Morrison (1950), O(d²) per observation.

    Attributes
    ----------
    ridge
        ρ, above 0.
    n_observations
        Number of rewards observed.
    precision
        [d, d] Σ xxᵀ + ρI.
    moment
        [d] Σ r x.
    """

    def __init__(self, n_features: int, ridge: float = 1.0) -> None:
        if n_features < 1 or not 0.0 < ridge < np.inf:
            raise InputError(
                f"{n_features} features, ridge {ridge}", field="linear model", remedy="give 1 or more, and above 0"
            )
        self.ridge = ridge
        self.n_observations = 0
        self.precision = ridge * np.eye(n_features)
        self.moment = np.zeros(n_features)
        self._inverse = np.eye(n_features) / ridge

    @property
    def n_features(self) -> int:
        """Number of features d."""
        return len(self.moment)

    @property
    def weights(self) -> NDArray[np.float64]:
        """Weights w of the features, [d]."""
        return self._inverse @ self.moment

    def update(self, features: NDArray[np.float64], reward: float) -> None:
        """Add the observation of [d] x and r; InputError if one is not finite, or x has another length."""
        x = np.asarray(features, dtype=np.float64)
        if x.shape != self.moment.shape or not np.isfinite(x).all() or not np.isfinite(reward):
            raise InputError(
                f"features {x.shape}, finite: {bool(np.isfinite(x).all())}, reward {reward}",
                field="observation",
                remedy=f"give {self.n_features} finite numbers and a finite reward",
            )
        self.precision += np.outer(x, x)
        self.moment += reward * x
        self.n_observations += 1
        if self.n_observations % _REFRESH:
            ahead = self._inverse @ x
            self._inverse -= np.outer(ahead, ahead) / (1.0 + x @ ahead)
        else:
            self._inverse = _inverse(self.precision)

    def predict(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return [A] w·x for [A, d] features."""
        return np.asarray(features @ self.weights, dtype=np.float64)

    def deviation(self, features: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return [A] √(xᵀ (Σ xxᵀ + ρI)⁻¹ x), the uncertainty in each direction."""
        squared = np.einsum("ai,ai->a", features @ self._inverse, features)
        return np.asarray(np.sqrt(np.maximum(squared, 0.0)), dtype=np.float64)

    @property
    def covariance(self) -> NDArray[np.float64]:
        """Covariance (Σ xxᵀ + ρI)⁻¹, [d, d]."""
        return self._inverse

    def state(self) -> dict[str, object]:
        """Return the input of `restored`, in JSON's types."""
        return {
            "ridge": self.ridge,
            "n_observations": self.n_observations,
            "precision": self.precision.tolist(),
            "moment": self.moment.tolist(),
        }

    @classmethod
    def fitted(cls, features: NDArray[np.float64], reward: NDArray[np.float64], ridge: float = 1.0) -> LinearModel:
        """Return the model of [N, d] x and [N] r at once; as `update` one by one, except for rounding.

        Raises `InputError` if shapes do not fit, or a number is not finite.
        """
        if features.ndim != 2 or reward.shape != features.shape[:1]:
            raise InputError(
                f"features {features.shape}, rewards {reward.shape}", field="observations", remedy="give [N, d] and [N]"
            )
        if not (np.isfinite(features).all() and np.isfinite(reward).all()):
            raise InputError("a number is not finite", field="observations", remedy="omit such rows")
        model = cls(features.shape[1], ridge)
        model.precision += features.T @ features
        model.moment += features.T @ reward
        model.n_observations = len(reward)
        model._inverse = _inverse(model.precision)
        return model

    @classmethod
    def restored(cls, state: Mapping[str, Any]) -> LinearModel:
        """Return the model with this `state`; InputError if it is no state."""
        read_fields(state, _STATE, source=None, field="model", remedy="give a result of state()")
        moment, d = np.array(state["moment"], dtype=np.float64), len(state["moment"])
        is_square = {len(state["precision"]), *map(len, state["precision"])} <= {d}
        precision = np.array(state["precision"], dtype=np.float64) if is_square else np.empty(0)
        model, n_observations = cls(max(d, 1), float(state["ridge"])), state["n_observations"]
        wrong = ""
        if moment.shape != (d,) or precision.shape != (d, d):
            wrong = f"moment {moment.shape}, precision {precision.shape}"
        elif n_observations < 0 or max(np.abs(precision).max(initial=0.0), np.abs(moment).max(initial=0.0)) > _LARGEST:
            wrong = f"{n_observations} observations, or a number above {_LARGEST:g}"
        elif not np.allclose(precision, precision.T, rtol=1e-9) or np.linalg.eigvalsh(precision).min(initial=1.0) <= 0:
            wrong = "a precision that is not symmetric, or not positive definite"
        if wrong:
            raise InputError(f"no linear model: {wrong}", field="state", remedy="give a result of state()")
        model.precision, model.moment, model.n_observations = precision, moment, n_observations
        model._inverse = _inverse(precision)
        return model


def _inverse(precision: NDArray[np.float64]) -> NDArray[np.float64]:
    try:
        return np.asarray(np.linalg.inv(precision), dtype=np.float64)
    except np.linalg.LinAlgError as error:
        remedy = "leave out decisions with numbers far larger than the others"
        raise InputError("the features' sizes differ too much for a fit", field="features", remedy=remedy) from error
