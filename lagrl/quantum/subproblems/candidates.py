"""Candidates: the customers of each vehicle's knapsack that become variables, their codes, and their product state."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import InputError
from lagrl.relaxation.sampler import require_knapsacks

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Counted = tuple[NDArray[np.int64], NDArray[np.int64]]  # codes [K, S] and counts [K, S]

    from lagrl.relaxation.sampler import SampleQuery

MAX_WIDTH = 22  # variables that the statevector kernel takes: 64 MiB of amplitudes


@dataclass(frozen=True, eq=False)
class Candidates:
    """K knapsacks min ã_k·y, d·y ≤ Q_k, reduced to at most W variables each.

    Presolve leaves out customers with ã_i ≥ 0 and those heavier than the capacity; where the rest fits, the vehicle
    is solved. Otherwise the W customers of least √d·|e − e_stop| are variables, where e = −ã/d and e_stop is that of
    the first customer that greedy cannot fit. More efficient customers are carried, less efficient ones are not: the
    core of Balas and Zemel (1980). By |e − e_stop| alone, or weighted by d as in their bounds, the optimum was lost
    more often or by more.

    Attributes
    ----------
    fixed
        [K, n] uint8: the customers that are always carried; the whole solution where a vehicle has no variables.
    item
        [K, W] int64: the customers that are variables, in descending order of efficiency; −1 is padding.
    width
        [K] int64: number of variables; 0 where the vehicle is solved.
    room
        [K] int64: capacity left for the variables, demand units.
    reduced_cost
        [K, W] float64: ã of the variables, distance units (< 0); 0 in padding.
    weight
        [K, W] int64: d of the variables, demand units; 0 in padding.
    greedy_load
        [K] int64: load of greedy's choice among the variables, demand units.
    stop
        [K] float64: e_stop, distance per demand unit; 0 where all customers with ã < 0 fit.
    """

    fixed: NDArray[np.uint8] = field(repr=False)
    item: NDArray[np.int64] = field(repr=False)
    width: NDArray[np.int64]
    room: NDArray[np.int64]
    reduced_cost: NDArray[np.float64] = field(repr=False)
    weight: NDArray[np.int64] = field(repr=False)
    greedy_load: NDArray[np.int64] = field(repr=False)
    stop: NDArray[np.float64] = field(repr=False)

    @classmethod
    def of(cls, query: SampleQuery, width: int) -> Candidates:
        """Presolve the knapsacks of a query, see `select_candidates`; `width` is in 1 … 22."""
        return _chosen(*query.knapsacks, width)

    @property
    def is_variable(self) -> NDArray[np.bool_]:
        """[K, W] bool: True where `item` is not padding."""
        return self.item >= 0

    def strings(self, code: NDArray[np.int64]) -> NDArray[np.uint8]:
        """Return full strings [K, S, n] of codes [K, S]: bit j of a code is the vehicle's variable j."""
        from lagrl.quantum.subproblems.candidate_kernels import write_strings

        strings = np.empty((*code.shape, self.fixed.shape[1]), np.uint8)
        write_strings(self.fixed, self.item, self.width, np.ascontiguousarray(code, np.int64), strings)
        return strings

    def repair(self, code: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Make every string feasible and maximal.

        While a string is too heavy, its least efficient customer is dropped. Then customers that are not carried are
        added where they fit, the most efficient first.

        Raises `InputError` if there is not one row of codes per vehicle.

        Parameters
        ----------
        code
            [K, S], bit j is variable j; bits above the variables (slack, padding) are ignored.

        Returns
        -------
        Repaired codes [K, S] int64, and the costs Σ ã_j y_j of their variables [K, S], distance units, without the
        fixed customers. Both are 0 where a vehicle is solved.
        """
        from lagrl.quantum.subproblems.candidate_kernels import repair_codes

        if code.ndim != 2 or len(code) != len(self.width):
            raise InputError(
                f"codes of shape {code.shape} for {len(self.width)} vehicles", field="code", remedy="give [K, S]"
            )
        repaired = np.empty(code.shape, np.int64)
        cost = np.empty(code.shape)
        repair_codes(
            np.ascontiguousarray(self.reduced_cost),
            np.ascontiguousarray(self.weight),
            np.ascontiguousarray(self.width),
            np.ascontiguousarray(self.room),
            np.ascontiguousarray(code, np.int64),
            repaired,
            cost.reshape(-1),
        )
        return repaired, cost


def select_candidates(
    reduced_cost: NDArray[np.float64], weight: NDArray[np.int64], capacity: NDArray[np.int64], width: int = 12
) -> Candidates:
    """Presolve K knapsacks and choose their variables.

    Parameters
    ----------
    reduced_cost
        [K, n] ã, distance units.
    weight
        [n] demand units.
    capacity
        [K] demand units.
    width
        Most variables of a vehicle, W.

    Raises
    ------
    InputError
        If the shapes do not match, a reduced cost is not finite, a weight or capacity is negative, or the width is
        not in 1 … 22.
    """
    require_width(width)
    require_knapsacks(reduced_cost, weight, capacity)
    return _chosen(reduced_cost, weight, capacity, width)


def _chosen(
    reduced_cost: NDArray[np.float64], weight: NDArray[np.int64], capacity: NDArray[np.int64], width: int
) -> Candidates:
    from lagrl.quantum.subproblems.candidate_kernels import choose_candidates

    n_vehicles, n_customers = shape = reduced_cost.shape
    fixed = np.empty(shape, np.uint8)
    item = np.full((n_vehicles, width), -1, np.int64)
    n_variables, room, greedy_load = np.empty((3, n_vehicles), np.int64)
    stop = np.empty(n_vehicles)
    choose_candidates(
        np.ascontiguousarray(reduced_cost, np.float64),
        np.ascontiguousarray(weight, np.int64),
        np.ascontiguousarray(capacity, np.int64),
        min(width, n_customers),
        fixed,
        item,
        n_variables,
        room,
        greedy_load,
        stop,
    )
    item[np.arange(width) >= n_variables[:, None]] = -1
    return Candidates(
        fixed=fixed,
        item=item,
        width=n_variables,
        room=room,
        reduced_cost=np.where(item >= 0, np.take_along_axis(reduced_cost, np.maximum(item, 0), axis=1), 0.0),
        weight=np.where(item >= 0, weight[item], 0),
        greedy_load=greedy_load,
        stop=stop,
    )


def require_width(width: int) -> None:
    """Raise an error for a number of variables that cannot be simulated.

    Raises `InputError` if it is not in 1 … 22.
    """
    if not 1 <= width <= MAX_WIDTH:
        raise InputError(f"{width} given", field="width", remedy=f"give 1 to {MAX_WIDTH} variables per vehicle")


def count_codes(
    code: NDArray[np.int64], count: NDArray[np.int64] | None = None, width: NDArray[np.int64] | None = None
) -> Counted:
    """Merge equal codes of each of K problems.

    Parameters
    ----------
    code
        [K, N] in any order.
    count
        [K, N] how often each was drawn; once if None. Codes with a count of 0 are dropped.
    width
        [K] number of low bits to read, which merges strings that differ only in slack bits; all bits if None.

    Returns
    -------
    Codes [K, S], distinct and ascending in each row, and their counts [K, S]; a count of 0 is padding, at the end of
    the row.
    """
    drawn = np.ones(code.shape, np.int64) if count is None else count
    kept = code if width is None else code & ((np.int64(1) << width) - 1)[:, None]
    kept = np.where(drawn > 0, kept, np.iinfo(np.int64).max)  # last in order
    order = np.argsort(kept, axis=1, kind="stable")
    kept, drawn = (np.take_along_axis(array, order, axis=1) for array in (kept, drawn))
    is_new = np.ones(kept.shape, np.bool_)
    is_new[:, 1:] = kept[:, 1:] != kept[:, :-1]
    place = is_new.cumsum(axis=1) - 1
    problem = np.arange(len(kept))[:, None]
    distinct, total = np.zeros((2, len(kept), int(place.max(initial=-1)) + 1), np.int64)
    distinct[problem, place] = kept
    np.add.at(total, (problem, place), drawn)
    used = int((total > 0).sum(axis=1).max(initial=1))
    distinct = np.where(total > 0, distinct, 0)
    return distinct[:, :used], total[:, :used]


@dataclass(frozen=True)
class ProductState:
    """Independent bits, more probably 1 the more efficient their customer is:

    P(y_i = 1) = clip(sigmoid(k (e_i − e_stop) / median_j |e_j − e_stop|), c, 1 − c),    e = −ã/d

    Attributes
    ----------
    sharpness
        k: how fast the probabilities go to 0 or 1 away from the first customer that greedy cannot fit.
    clip
        c: least probability of either value.

    Raises
    ------
    InputError
        If the sharpness is not a finite number of 0 or more, or the clip is not in [0, 1/2].
    """

    sharpness: float = 1.5
    clip: float = 0.05

    def __post_init__(self) -> None:
        if not 0 <= self.sharpness < np.inf:
            raise InputError(f"{self.sharpness} given", field="sharpness", remedy="give a finite number of 0 or more")
        if not 0 <= self.clip <= 0.5:
            raise InputError(f"{self.clip} given", field="clip", remedy="give a probability from 0 to 0.5")

    def probabilities(self, candidates: Candidates) -> NDArray[np.float64]:
        """Return P(y_i = 1) of every variable, [K, W]; 0 in padding.

        Where more than half of the variables are exactly as efficient as e_stop, the mean replaces the median.
        """
        is_variable = candidates.is_variable
        efficiency = -candidates.reduced_cost / np.where(is_variable, candidates.weight, 1)
        distance = np.where(is_variable, efficiency - candidates.stop[:, None], 0.0)
        size = np.abs(distance)
        unit = _median(np.where(is_variable, size, np.inf), candidates.width)
        unit = np.where(unit > 0, unit, size.sum(axis=1) / np.maximum(candidates.width, 1))
        exponent = self.sharpness * distance / np.where(unit > 0, unit, 1.0)[:, None]
        probability = 1.0 / (1.0 + np.exp(-np.clip(exponent, -50.0, 50.0)))
        return np.where(is_variable, np.clip(probability, self.clip, 1.0 - self.clip), 0.0)


def draw_product(probability: NDArray[np.float64], shots: int, rng: np.random.Generator) -> Counted:
    """Draw as `product_codes`, and count: codes [K, S], distinct in each row, and counts; a count of 0 is padding."""
    return count_codes(product_codes(probability, shots, rng))


def product_codes(probability: NDArray[np.float64], shots: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Draw codes [K, shots] of independent bits with P(y_i = 1), [K, W], shot by shot; bit j is variable j."""
    n_problems, width = probability.shape
    ones = rng.random((n_problems, shots, width)) < probability[:, None, :]
    codes: NDArray[np.int64] = ones @ (1 << np.arange(width))
    return codes


def rotation_angles(probability: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return θ = 2 arcsin √P: RY(θ)|0⟩ measures 1 with probability P (Egger et al. 2021)."""
    theta: NDArray[np.float64] = 2.0 * np.arcsin(np.sqrt(probability))
    return theta


def product_amplitudes(theta: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the amplitudes [2^n] of ⊗ RY(θ_i)|0⟩; bit i of the index is qubit i."""
    state = np.ones(1)
    for half in 0.5 * theta:
        state = np.concatenate((np.cos(half) * state, np.sin(half) * state))
    return state


def _median(padded: NDArray[np.float64], length: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the medians [K] of rows whose padding is infinite; 0 of empty ones."""
    ordered = np.sort(padded, axis=1)
    rows = np.arange(len(ordered))
    lower, upper = np.maximum(length - 1, 0) // 2, length // 2
    upper = np.minimum(upper, padded.shape[1] - 1)
    return np.where(length > 0, 0.5 * (ordered[rows, lower] + ordered[rows, upper]), 0.0)
