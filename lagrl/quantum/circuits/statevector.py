"""QAOA on QUBOs, simulated without noise: exact for up to 22 variables."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import InputError
from lagrl.quantum.subproblems.candidates import require_width

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.problems.qubo import QUBO
    from lagrl.quantum.subproblems.penalties import QUBOBatch


@dataclass(frozen=True)
class Ramp:
    """Untrained angles: γ_l = g (l + 1)/p and β_l = b (1 − l/p) for layers l = 0 … p − 1.

    A layer is exp(−iγ E/σ) and then the mixer exp(+iβ …). The signs belong together: the start is the mixer's state
    of largest eigenvalue, and with exp(−iβ …) and γ > 0 the energy would rise.

    Attributes
    ----------
    layers
        Number of layers p.
    gamma
        g, radians per standard deviation σ of the energy.
    beta
        b, radians.

    Raises
    ------
    InputError
        If there is no layer, or an angle is not finite.
    """

    layers: int
    gamma: float
    beta: float

    def __post_init__(self) -> None:
        if self.layers < 1:
            raise InputError(f"{self.layers} given", field="layers", remedy="give 1 or more")
        if not np.isfinite([self.gamma, self.beta]).all():
            raise InputError(f"{self.gamma}, {self.beta} given", field="gamma, beta", remedy="give finite angles")

    def angles(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return γ [p] and β [p], radians; read-only."""
        return _angles(self.layers, self.gamma, self.beta)


# about the least best-of-64 gap of a grid, over knapsacks from dual ascents on bundled instances
WARM_RAMP = Ramp(layers=1, gamma=1.2, beta=0.4)
COLD_RAMP = Ramp(layers=2, gamma=2.0, beta=0.6)


def qaoa_state(
    qubo: QUBO, gamma: NDArray[np.float64], beta: NDArray[np.float64], theta: NDArray[np.float64] | None = None
) -> NDArray[np.complex128]:
    """Evolve ∏_l [∏_i exp(iβ_l (sin θ_i X_i + cos θ_i Z_i)) · exp(−iγ_l E)] ⊗_i RY(θ_i)|0⟩.

    At θ = π/2 this is QAOA (Farhi et al. 2014) from the uniform superposition with the mixer Σ X; other angles start
    from a product state, with the mixer aligned to it (Egger et al. 2021, equation 4).

    Parameters
    ----------
    qubo
        E; its offset is a global phase and is left out.
    gamma, beta
        [p] angles of the layers; γ in radians per unit of E.
    theta
        [m] angles of the start, radians; π/2 if None.

    Returns
    -------
    Amplitudes [2^m]; bit i of the index is y_i.

    Raises
    ------
    InputError
        If there are more than 22 variables or none, or the angles' shapes do not match.
    """
    from lagrl.quantum.circuits.statevector_kernels import evolve

    m = qubo.n_variables
    require_width(m)
    start = np.full(m, np.pi / 2) if theta is None else np.ascontiguousarray(theta, np.float64)
    if start.shape != (m,) or gamma.ndim != 1 or gamma.shape != beta.shape:
        raise InputError(
            f"θ {start.shape}, γ {gamma.shape}, β {beta.shape}",
            field="angles",
            remedy=f"give θ [{m}] and as many γ as β",
        )
    work = np.empty((6, 2**m))
    evolve(qubo.linear, qubo.quadratic, start, _floats(gamma), _floats(beta), m, work)
    state: NDArray[np.complex128] = work[0] + 1j * work[1]
    return state


def sample_qaoa(
    problems: QUBOBatch, ramp: Ramp, theta: NDArray[np.float64], uniform: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Sample the QAOA state of K problems, each Hamiltonian divided by its own σ.

    Parameters
    ----------
    problems
        K QUBOs of up to W variables.
    ramp
        Angles of the layers.
    theta
        [K, W] angles of the starts, radians.
    uniform
        [K, shots] independent uniforms in [0, 1).

    Returns
    -------
    Codes [K, S], distinct in each row, and their counts [K, S]; a count of 0 is padding.

    Raises
    ------
    InputError
        If a problem has more than 22 variables, or the shapes do not match.
    """
    from lagrl.quantum.circuits.statevector_kernels import sample_qaoa_batch

    n_problems, width = problems.linear.shape
    require_width(width)
    if theta.shape != (n_problems, width) or uniform.ndim != 2 or len(uniform) != n_problems or uniform.shape[1] < 1:
        raise InputError(
            f"θ {theta.shape}, uniforms {uniform.shape}",
            field="angles",
            remedy=f"give θ {(n_problems, width)} and uniforms [{n_problems}, shots]",
        )
    gamma, beta = ramp.angles()
    code, count = np.empty((2, *uniform.shape), np.int64)
    n_distinct = sample_qaoa_batch(
        problems.linear,
        problems.quadratic,
        _floats(theta),
        problems.width,
        gamma,
        beta,
        _floats(uniform),
        code,
        count,
        np.empty((6, 2 ** int(problems.width.max(initial=0)))),
    )
    return code[:, :n_distinct], count[:, :n_distinct]


@lru_cache(maxsize=256)
def _angles(layers: int, gamma: float, beta: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    step = np.arange(layers)
    gammas, betas = gamma * (step + 1) / layers, beta * (1.0 - step / layers)
    for angles in (gammas, betas):
        angles.setflags(write=False)
    return gammas, betas


def _floats(array: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.ascontiguousarray(array, np.float64)
