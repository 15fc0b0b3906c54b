"""Quadratic functions of bits and of spins, the input of annealers and quantum circuits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import InputError, InstanceError

if TYPE_CHECKING:
    from numpy.typing import NDArray

LARGEST_ENUMERATION = 24  # variables; their 2^m energies take 128 MiB


@dataclass(frozen=True, eq=False)
class QUBO:
    """A quadratic unconstrained binary optimisation problem: minimise E over y in {0, 1}^m.

    E(y) = offset + Σ_i l_i y_i + Σ_{i<j} q_ij y_i y_j

    Attributes
    ----------
    linear
        [m] float64, l.
    quadratic
        [m, m] float64, q: strictly upper triangular.
    offset
        Constant term.

    Raises
    ------
    InstanceError
        If an array has the wrong type or shape, an entry is not finite, or q has one on or below the diagonal.
    """

    linear: NDArray[np.float64] = field(repr=False)
    quadratic: NDArray[np.float64] = field(repr=False)
    offset: float = 0.0

    def __post_init__(self) -> None:
        _require_terms("linear", "quadratic", self.linear, self.quadratic, self.offset)

    @property
    def n_variables(self) -> int:
        """Number of bits m."""
        return len(self.linear)

    def energy(self, bits: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return the energies [...] of strings [..., m] in {0, 1}."""
        y = bits.astype(np.float64)
        energy: NDArray[np.float64] = self.offset + y @ self.linear + ((y @ self.quadratic) * y).sum(axis=-1)
        return energy

    def energies(self) -> NDArray[np.float64]:
        """Return the energies of all strings, [2^m]: bit i of the index is y_i.

        By doubling: the strings with y_i = 1 are those over the earlier bits, raised by what bit i adds to each,
        and that sum is doubled in the same way. 2·2^m additions.

        Raises InputError if there are more than 24 variables.
        """
        if self.n_variables > LARGEST_ENUMERATION:
            raise InputError(
                f"{self.n_variables} variables have too many strings",
                field="QUBO",
                remedy=f"at most {LARGEST_ENUMERATION}",
            )
        found = np.array([self.offset])
        for i in range(self.n_variables):
            added = self.linear[i : i + 1]
            for j in range(i):
                added = np.concatenate([added, added + self.quadratic[j, i]])
            found = np.concatenate([found, found + added])
        return found

    def to_ising(self) -> Ising:
        """Return the same energies as a function of spins z_i = 1 − 2 y_i.

        y_i = (1 − z_i)/2 gives h_i = −l_i/2 − Σ_j q_ij/4 (over pairs with i in them) and J_ij = q_ij/4.
        """
        pairs = self.quadratic.sum(axis=0) + self.quadratic.sum(axis=1)
        return Ising(
            field=-self.linear / 2 - pairs / 4,
            coupling=self.quadratic / 4,
            offset=float(self.offset + self.linear.sum() / 2 + self.quadratic.sum() / 4),
        )


@dataclass(frozen=True, eq=False)
class Ising:
    """The same function of spins z in {1, −1}^m, the eigenvalues of Pauli Z.

    E(z) = offset + Σ_i h_i z_i + Σ_{i<j} J_ij z_i z_j

    Attributes
    ----------
    field
        [m] float64, h.
    coupling
        [m, m] float64, J: strictly upper triangular.
    offset
        Constant term, which no sample depends on.

    Raises
    ------
    InstanceError
        As in `QUBO`.
    """

    field: NDArray[np.float64]
    coupling: NDArray[np.float64]
    offset: float = 0.0

    def __post_init__(self) -> None:
        _require_terms("field", "coupling", self.field, self.coupling, self.offset)

    @property
    def n_variables(self) -> int:
        """Number of spins m."""
        return len(self.field)

    @property
    def scale(self) -> float:
        """The energy's standard deviation over uniformly random strings, σ = sqrt(Σ h² + Σ J²)."""
        return float(np.sqrt((self.field**2).sum() + (self.coupling**2).sum()))

    def energy(self, spins: NDArray[np.int8]) -> NDArray[np.float64]:
        """Return the energies [...] of spins [..., m] in {1, −1}."""
        z = spins.astype(np.float64)
        energy: NDArray[np.float64] = self.offset + z @ self.field + ((z @ self.coupling) * z).sum(axis=-1)
        return energy


def _require_terms(
    first: str, second: str, linear: NDArray[np.float64], quadratic: NDArray[np.float64], offset: float
) -> None:
    m = linear.shape[0] if linear.ndim == 1 else -1
    for name, array, shape in ((first, linear, (m,)), (second, quadratic, (m, m))):
        if array.dtype != np.float64 or array.shape != shape:
            raise InstanceError(
                f"array of shape {array.shape} and type {array.dtype}",
                field=name,
                remedy=f"give float64: {first} [m] and {second} [m, m]",
            )
    if not (np.isfinite(linear).all() and np.isfinite(quadratic).all() and np.isfinite(offset)):
        raise InstanceError("an entry is not finite", field=f"{first}, {second}, offset", remedy="give finite numbers")
    if np.tril(quadratic).any():
        raise InstanceError(
            "an entry on or below the diagonal is not 0",
            field=second,
            remedy="add each pair up in the upper triangle, and squares to the linear terms",
        )
    for array in (linear, quadratic):
        array.setflags(write=False)
