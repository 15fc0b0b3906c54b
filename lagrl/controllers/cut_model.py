"""A concave model of the dual from cuts, kept small: duplicates dropped, idle cuts purged, the lightest merged."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.controllers.pieces import Pieces


@dataclass(frozen=True)
class Maximum:
    """Where the model minus the proximal term is highest.

    Attributes
    ----------
    multipliers
        [n] λ within the bounds, distance units.
    value
        The model there, distance units.
    gap
        By how much the penalised model may be higher elsewhere, distance units.
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
    """

    def __init__(
        self, low: NDArray[np.float64], high: NDArray[np.float64], *, most_cuts: int, patience: int
    ) -> None:
        self.low, self.high = np.array(low, dtype=np.float64), np.array(high, dtype=np.float64)
        self.most_cuts, self.patience = most_cuts, patience
        self.piece = np.empty(0, np.int64)
        self.intercept = np.empty(0)
        self.weight = np.empty(0)
        self.idle = np.empty(0, np.int64)
        self._start = np.zeros(1, np.int64)
        self._index = np.empty(0, np.int64)
        self._entry = np.empty(0)
        self._n_pieces = 0

    def __len__(self) -> int:
        """Number of cuts."""
        return len(self.piece)

    def add(self, pieces: Pieces) -> bool:
        """File one cut per piece; return whether any was new (or lower than the one with its slope)."""
        from lagrl.controllers.bundle_kernels import equal_cut

        self._n_pieces = len(pieces.intercept)
        new: list[int] = []
        is_news = False
        for k, (slope, intercept) in enumerate(zip(pieces.slope, pieces.intercept, strict=True)):
            where = np.flatnonzero(slope)
            known = equal_cut(self.piece, self._start, self._index, self._entry, k, where, slope[where])
            if known < 0:
                new.append(k)
                continue
            self.idle[known] = 0
            if intercept < self.intercept[known]:
                is_news |= bool(intercept < self.intercept[known] - 1e-9 * max(1.0, abs(intercept)))
                self.intercept[known] = intercept
        if not new:
            return is_news
        self._make_room(new)
        self._append(np.array(new), pieces.slope[new], pieces.intercept[new])
        first_of_piece = ~np.isin(new, self.piece[: -len(new)])
        self.weight[-len(new) :][first_of_piece] = 1.0
        return True

    def value(self, multipliers: NDArray[np.float64]) -> float:
        """Return the model at λ [n], distance units: nowhere below the dual."""
        from lagrl.controllers.bundle_kernels import piece_minima

        minimum = np.empty(self._n_pieces)
        piece_minima(self.intercept, self._start, self._index, self._entry, *self._links(), multipliers, minimum)
        return float(minimum.sum())

    def maximise(
        self, centre: NDArray[np.float64], step: float, reference: float, *, relative: float, absolute: float,
        most_rounds: int,
    ) -> Maximum:
        """Maximise the model minus ‖λ − centre‖²/(2·step) within the bounds, from the last weights.

        Parameters
        ----------
        centre
            [n] distance units.
        step
            Proximal step, distance units (a multiplier whose supergradient is 1 would move by it).
        reference
            Value at the centre, distance units.
        relative, absolute
            Duality gap to stop at: a share of what the model rises above the reference, and distance units.
        most_rounds
            Limit of its work.
        """
        from lagrl.controllers.bundle_kernels import maximise_model

        multipliers, outcome = np.empty(len(centre)), np.empty(3)
        maximise_model(
            self.intercept, self._start, self._index, self._entry, *self._links(), self.weight,
            centre, self.low, self.high, step, reference, relative, absolute, most_rounds, multipliers, outcome,
        )
        self.rounds = int(outcome[2])
        self.idle = np.where(self.weight > 0.0, 0, self.idle + 1)
        return Maximum(multipliers, float(outcome[0]), float(outcome[1]))

    def upper_bound(self) -> float:
        """Return what no λ within the bounds exceeds, distance units: the maximum of the weighted sum of all cuts."""
        slope = np.zeros(len(self.low))
        np.add.at(slope, self._index, self._entry * np.repeat(self.weight, np.diff(self._start)))
        return float(self.weight @ self.intercept + np.where(slope > 0, slope * self.high, slope * self.low).sum())

    def purge(self) -> None:
        """Drop the cuts that had no weight for longer than the patience."""
        kept = self.idle <= self.patience
        if not kept.all():
            self._keep(kept)

    def _links(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        from lagrl.controllers.bundle_kernels import link_pieces

        head, following = np.empty(self._n_pieces, np.int64), np.empty(len(self), np.int64)
        link_pieces(self.piece, head, following)
        return head, following

    def _make_room(self, pieces: list[int]) -> None:
        """Merge the lightest cuts of full pieces into their weighted sum, which the next maximum needs (Kiwiel 1990)."""
        count = np.bincount(self.piece, minlength=self._n_pieces)
        for k in pieces:
            if count[k] < self.most_cuts:
                continue
            mine = np.flatnonzero(self.piece == k)
            order = mine[np.argsort(self.weight[mine], kind="stable")]
            lightest = order[: count[k] + 2 - self.most_cuts]
            kept = np.ones(len(self), dtype=bool)
            weight = self.weight[lightest]
            if weight[:-1].any():
                kept[lightest] = False
                share = weight / weight.sum()
                slope = np.zeros(len(self.low))
                for cut, part in zip(lightest, share, strict=True):
                    entries = slice(self._start[cut], self._start[cut + 1])
                    slope[self._index[entries]] += part * self._entry[entries]
                intercept = float(share @ self.intercept[lightest])
                self._keep(kept)
                self._append(np.array([k]), slope[None], np.array([intercept]))
                self.weight[-1] = weight.sum()
            else:
                kept[lightest[:-1]] = False
                self._keep(kept)

    def _append(self, piece: NDArray[np.int64], slope: NDArray[np.float64], intercept: NDArray[np.float64]) -> None:
        row, index = np.nonzero(slope)
        self.piece = np.append(self.piece, piece)
        self.intercept = np.append(self.intercept, intercept)
        self.weight = np.append(self.weight, np.zeros(len(piece)))
        self.idle = np.append(self.idle, np.zeros(len(piece), np.int64))
        length = np.bincount(row, minlength=len(piece))
        self._start = np.append(self._start, self._start[-1] + np.cumsum(length))
        self._index = np.append(self._index, index)
        self._entry = np.append(self._entry, slope[row, index])

    def _keep(self, kept: NDArray[np.bool_]) -> None:
        length = np.diff(self._start)
        entries = np.repeat(kept, length)
        self._index, self._entry = self._index[entries], self._entry[entries]
        self._start = np.concatenate([[0], np.cumsum(length[kept])])
        self.piece, self.intercept = self.piece[kept], self.intercept[kept]
        self.weight, self.idle = self.weight[kept], self.idle[kept]
