"""A concave model of the dual from cuts, kept small: duplicates and idle cuts are dropped, the lightest are merged."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.controllers.cutting_plane_kernels import Chains, Cuts
    from lagrl.controllers.pieces import Pieces

_ITERATIONS = 2000  # of a maximisation; most take a few dozen


@dataclass(frozen=True)
class Maximum:
    """The maximum of the model minus the proximal term.

    Attributes
    ----------
    multipliers
        [n] λ within the bounds, distance units.
    value
        The model there, distance units.
    gap
        Bound on how much higher the penalised model is elsewhere, distance units.
    """

    multipliers: NDArray[np.float64] = field(repr=False)
    value: float
    gap: float


class CutModel:
    """Σ_k min_c (c + s·λ) over the cuts of every piece, and the weights α of its last maximisation.

    Parameters
    ----------
    low, high
        [n] bounds of the multipliers, distance units.
    most_cuts
        Cuts kept per piece, 2 or more.
    patience
        Maximisations in a row that a cut may be without weight before it is purged.

    Attributes
    ----------
    piece, intercept, weight, idle
        [cuts] each cut's piece, c in distance units, α, and maximisations since it last had any.
    start, index, entry
        The slopes' nonzero entries: those of cut c are `entry[start[c]:start[c + 1]]`, of the multipliers `index[...]`.
    """

    def __init__(self, low: NDArray[np.float64], high: NDArray[np.float64], *, most_cuts: int, patience: int) -> None:
        self.low, self.high = np.array(low, dtype=np.float64), np.array(high, dtype=np.float64)
        self.most_cuts, self.patience = most_cuts, patience
        self.piece = np.empty(0, np.int64)
        self.intercept = np.empty(0)
        self.weight = np.empty(0)
        self.idle = np.empty(0, np.int64)
        self.start = np.zeros(1, np.int64)
        self.index = np.empty(0, np.int64)
        self.entry = np.empty(0)
        self._n_pieces = 0

    def __len__(self) -> int:
        """Return the number of cuts."""
        return len(self.piece)

    def add(self, pieces: Pieces) -> None:
        """Add one cut per piece; of two with the same slope, the lower is kept."""
        from lagrl.controllers.cutting_plane_kernels import equal_cut

        if pieces.may_be_empty and not len(self):
            self.add(pieces.empty())
        self._n_pieces = len(pieces.intercept)
        new: list[int] = []
        for k, (slope, intercept) in enumerate(zip(pieces.slope, pieces.intercept, strict=True)):
            where = np.flatnonzero(slope)
            known = equal_cut(self.piece, self.start, self.index, self.entry, k, where, slope[where])
            if known < 0:
                new.append(k)
            else:
                self.intercept[known] = min(intercept, self.intercept[known])
                self.idle[known] = 0
        is_first = ~np.isin(new, self.piece)
        self._make_room(new)
        self._append(np.array(new, np.int64), pieces.slope[new], pieces.intercept[new], is_first.astype(np.float64))

    def value(self, multipliers: NDArray[np.float64]) -> float:
        """Return the model at λ [n], distance units: nowhere below the dual."""
        from lagrl.controllers.cutting_plane_kernels import rate_weights

        outcome = np.empty(2)
        rate_weights(self._cuts(), self._chains(), self.weight, multipliers, np.empty(len(self)), outcome)
        return float(outcome[0])

    def maximise(
        self,
        centre: NDArray[np.float64],
        step: NDArray[np.float64],
        reference: float,
        *,
        relative: float,
        absolute: float,
    ) -> Maximum:
        """Maximise the model minus Σ_i (λ_i − centre_i)²/(2·step_i) within the bounds, from the last weights.

        Parameters
        ----------
        centre
            [n] distance units.
        step
            [n] proximal steps, distance units: how far a supergradient of 1 moves each multiplier.
        reference
            Value at the centre, distance units.
        relative, absolute
            Duality gap to stop at: a share of what the model rises above the reference, and distance units.
        """
        from lagrl.controllers.bundle_kernels import maximise_model

        multipliers, outcome = np.empty(len(centre)), np.empty(3)
        cuts, chains, proximal = self._cuts(), self._chains(), (step, self.low, self.high)
        tolerances = reference, relative, absolute, _ITERATIONS
        maximise_model(cuts, chains, self.weight, centre, proximal, *tolerances, multipliers, outcome)
        self.idle = np.where(self.weight > 0.0, 0, self.idle + 1)
        return Maximum(multipliers, float(outcome[0]), float(outcome[1]))

    def upper_bound(self) -> float:
        """Return an upper bound on the dual within the bounds, distance units.

        The cuts' average under the last weights lies above the model; as a linear function it is highest in a corner.
        """
        weight = self.weight / np.bincount(self.piece, self.weight, self._n_pieces)[self.piece]
        slope = np.bincount(self.index, self.entry * np.repeat(weight, np.diff(self.start)), len(self.low))
        up, down = slope > 0, slope < 0
        return float(weight @ self.intercept + slope[up] @ self.high[up] + slope[down] @ self.low[down])

    def purge(self) -> None:
        """Drop the cuts that had no weight for longer than the patience."""
        self._keep(self.idle <= self.patience)

    def _cuts(self) -> Cuts:
        return self.intercept, self.start, self.index, self.entry

    def _chains(self) -> Chains:
        from lagrl.controllers.cutting_plane_kernels import link_pieces

        head, following = np.empty(self._n_pieces, np.int64), np.empty(len(self), np.int64)
        link_pieces(self.piece, head, following)
        return head, following

    def _make_room(self, pieces: list[int]) -> None:
        """Free one place in the pieces that are full by removing their lightest cuts.

        Those with weight are merged into their weighted average, which keeps the model's last maximum: that is enough
        for convergence (Kiwiel 1990).
        """
        count = np.bincount(self.piece, minlength=self._n_pieces)
        for k in pieces:
            if count[k] < self.most_cuts:
                continue
            mine = np.flatnonzero(self.piece == k)
            lightest = mine[np.argsort(self.weight[mine], kind="stable")][: count[k] - self.most_cuts + 2]
            weight = self.weight[lightest]
            kept = np.ones(len(self), dtype=bool)
            if not weight[:-1].any():
                kept[lightest[:-1]] = False
                self._keep(kept)
                continue
            kept[lightest] = False
            share = weight / weight.sum()
            intercept, slope = share @ self.intercept[lightest], self._average_slope(lightest, share)
            self._keep(kept)
            self._append(np.array([k]), slope[None], np.array([intercept]), np.array([weight.sum()]))

    def _average_slope(self, cuts: NDArray[np.int64], share: NDArray[np.float64]) -> NDArray[np.float64]:
        slope = np.zeros(len(self.low))
        for cut, part in zip(cuts, share, strict=True):
            entries = slice(self.start[cut], self.start[cut + 1])
            slope[self.index[entries]] += part * self.entry[entries]
        return slope

    def _append(
        self,
        piece: NDArray[np.int64],
        slope: NDArray[np.float64],
        intercept: NDArray[np.float64],
        weight: NDArray[np.float64],
    ) -> None:
        row, index = np.nonzero(slope)
        self.piece = np.append(self.piece, piece)
        self.intercept = np.append(self.intercept, intercept)
        self.weight = np.append(self.weight, weight)
        self.idle = np.append(self.idle, np.zeros(len(piece), np.int64))
        length = np.bincount(row, minlength=len(piece))
        self.start = np.append(self.start, self.start[-1] + np.cumsum(length))
        self.index = np.append(self.index, index)
        self.entry = np.append(self.entry, slope[row, index])

    def _keep(self, kept: NDArray[np.bool_]) -> None:
        if kept.all():
            return
        length = np.diff(self.start)
        entries = np.repeat(kept, length)
        self.index, self.entry = self.index[entries], self.entry[entries]
        self.start = np.append(0, np.cumsum(length[kept]))
        self.piece, self.intercept = self.piece[kept], self.intercept[kept]
        self.weight, self.idle = self.weight[kept], self.idle[kept]
