"""The copula mixer of two neighbours (van Dam et al. 2021), as a matrix and as the angles of a circuit with two CX.

    U_ij(β) = R_ij exp(iβ (Z_i + Z_j)) R_ij†

R is RY(2 arcsin √p_i) on i, then an RY on j that i multiplexes, of angle s + d z_i; see `copula`. As circuits R and R†
take two CX each. But tr U (Y⊗Y) Uᵀ (Y⊗Y) is real, so that two suffice for U (Shende, Bullock and Markov 2004): let
exp(iβ (sin θ_i X + cos θ_i Z)) = RZ(u) RX(v) RZ(u). Up to RY_j(s) and RZ_i(u) around it, U_ij is
exp(−i d/2 Z_iY_j) RX_i(v) RZ_j(−2β) exp(i d/2 Z_iY_j): where X_iZ_j = ±1, a rotation by ±v − 2β about the axis
cos d Z_j + sin d Z_iX_j. Each of the two is split as the first was, and only exp(−i/2 (w Z_iX_j + w' Y_iY_j)) couples
the qubits: one rotation on each between two CX.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lagrl.quantum.circuits.line_qaoa import tilted_rotation
from lagrl.quantum.subproblems.product import rotation_angles

if TYPE_CHECKING:
    from numpy.typing import NDArray


def pair_unitaries(probability: NDArray[np.float64], correlation: float, beta: float) -> NDArray[np.complex128]:
    """Return U_ij(β) of all neighbours, [n − 1, 4, 4], in the basis |x_j x_i⟩, index x_i + 2 x_j."""
    theta_i, zero, one = _preparation(probability, correlation)
    first, if_zero, if_one = _rotations(theta_i), _rotations(zero), _rotations(one)
    joint = np.zeros((len(theta_i), 2, 2, 2, 2))  # [pair, x_j, x_i, from x_j, from x_i]
    for x, second in enumerate((if_zero, if_one)):
        joint[:, :, x] = second[:, :, :, None] * first[:, x, None, None, :]
    prepare = joint.reshape(-1, 4, 4)
    phases: NDArray[np.complex128] = np.exp(1j * beta * np.array([2.0, 0.0, 0.0, -2.0]))
    made: NDArray[np.complex128] = (prepare * phases) @ prepare.transpose(0, 2, 1)
    return made


def pair_angles(probability: NDArray[np.float64], correlation: float, beta: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the circuit's angles of all neighbours' mixers, [p, n − 1, 6] radians: s, u, U0, U1, w, w'.

    Parameters
    ----------
    probability
        [n] marginals.
    correlation
        κ.
    beta
        [p].
    """
    theta_i, zero, one = _preparation(probability, correlation)
    lean, turn = 0.5 * (zero + one), 0.5 * (zero - one)
    b = -2.0 * beta[:, None]
    around, through = tilted_rotation(b, theta_i)
    outer_even, inner_even = tilted_rotation(b + through, turn)
    outer_odd, inner_odd = tilted_rotation(b - through, turn)
    return np.stack(
        [
            np.broadcast_to(lean, around.shape),
            around,
            0.5 * (outer_even + outer_odd),
            0.5 * (outer_even - outer_odd),
            0.5 * (inner_even + inner_odd),
            0.5 * (inner_even - inner_odd),
        ],
        axis=2,
    )


def _preparation(
    probability: NDArray[np.float64], correlation: float
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the RY angles of R: of i, and of j where x_i is 0 and where it is 1, each [n − 1]."""
    p, q = probability[:-1], probability[1:]
    spread = correlation * q * (1.0 - q)
    given_zero, given_one = np.clip(q - spread * p, 0.0, 1.0), np.clip(q + spread * (1.0 - p), 0.0, 1.0)
    return rotation_angles(p), rotation_angles(given_zero), rotation_angles(given_one)


def _rotations(theta: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the matrices of RY(θ), [K, 2, 2]."""
    c, s = np.cos(0.5 * theta), np.sin(0.5 * theta)
    return np.stack([np.stack([c, -s], axis=1), np.stack([s, c], axis=1)], axis=1)
