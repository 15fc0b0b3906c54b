"""Fit of the surrogate's exponents to exact noisy distributions of knapsack circuits."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import InputError, MissingExtraError
from lagrl.quantum.circuits.backend import Pub
from lagrl.quantum.devices.noisy_device import Channel, Exponents

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from lagrl.quantum.circuits.ansatz import Ansatz
    from lagrl.quantum.simulators.line_backend import DensityMatrixBackend
    from lagrl.quantum.subproblems.penalties import Subproblem


@dataclass(frozen=True, eq=False)
class NoisyCase:
    """One knapsack's circuit on a device, without readout errors, which the surrogate models exactly.

    Attributes
    ----------
    log_fidelity
        ln F = Σ ln(1 − e) over its gates.
    ideal, noisy
        [2^n] distributions; bit i of the index is variable i.
    energy
        [2^n] (E − mean)/σ, so that uniform strings have 0 on average and a variance of 1.
    is_optimal, is_feasible
        [2^n] bool: the feasible strings of least cost, and all feasible strings.
    """

    log_fidelity: float
    ideal: NDArray[np.float64] = field(repr=False)
    noisy: NDArray[np.float64] = field(repr=False)
    energy: NDArray[np.float64] = field(repr=False)
    is_optimal: NDArray[np.bool_] = field(repr=False)
    is_feasible: NDArray[np.bool_] = field(repr=False)

    @staticmethod
    def of(
        problem: Subproblem, log_fidelity: float, ideal: NDArray[np.float64], noisy: NDArray[np.float64]
    ) -> NoisyCase:
        """Return the case of a knapsack, with its optimal and feasible strings; see the attributes."""
        n = problem.n_variables
        bits = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
        fits = bits @ problem.weight <= problem.room
        value = np.where(fits, bits @ problem.reduced_cost, np.inf)
        energy = problem.qubo.energies()
        standard = (energy - energy.mean()) / problem.scale
        return NoisyCase(log_fidelity, ideal, noisy, standard, value <= value.min() + 1e-9, fits)

    @property
    def n_variables(self) -> int:
        """Number of variables and qubits n."""
        return len(self.ideal).bit_length() - 1

    def surrogate(self, exponents: Exponents) -> NDArray[np.float64]:
        """Return the surrogate's distribution [2^n]."""
        nothing = np.zeros((self.n_variables, 2))
        return Channel.of(self.log_fidelity, nothing, exponents).distribution(self.ideal)

    def departures(self, q: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the errors of a distribution q [2^n], [4].

        They are the total variation distance, and the differences in the probability of the optimum, in the
        probability of a feasible string and in mean energy (units of its standard deviation over uniform strings).
        """
        off = q - self.noisy
        return np.array(
            [0.5 * np.abs(off).sum(), off @ self.is_optimal, off @ self.is_feasible, off @ self.energy], np.float64
        )


@dataclass(frozen=True)
class ExponentFit:
    """Fitted exponents and their errors.

    Attributes
    ----------
    exponents
        The exponents of least squared error.
    error
        [4] root mean square of `NoisyCase.departures` with them.
    ideal_error
        [4] the same if noise is ignored.
    """

    exponents: Exponents
    error: NDArray[np.float64]
    ideal_error: NDArray[np.float64]


def noisy_cases(executor: DensityMatrixBackend, problems: Sequence[Subproblem], ansatz: Ansatz) -> list[NoisyCase]:
    """Compute the exact noisy distributions of the knapsacks' circuits by density matrices.

    Raises
    ------
    InputError
        If a knapsack has more than `executor.max_width` variables.
    """
    found = []
    for problem in problems:
        n = problem.n_variables
        template = ansatz.template(n)
        noisy = executor.distributions(Pub(template, ansatz.values(problem)[None]), readout=False)[0]
        log_fidelity = executor.device.line(n).circuit(template).log_fidelity
        found.append(NoisyCase.of(problem, log_fidelity, ansatz.probabilities(problem), noisy))
    return found


def calibrate(cases: Sequence[NoisyCase], *, is_local: bool = True) -> ExponentFit:
    """Fit the exponents: least mean over the cases of the summed squares of `NoisyCase.departures`.

    Parameters
    ----------
    cases
        Circuits, preferably of several devices, widths and depths, so that the exponents hold for others too.
    is_local
        Whether to fit both exponents (by Nelder and Mead 1965), or only κ with η = 0: global depolarising,
        q = F^κ p + (1 − F^κ)/2ⁿ.

    Raises
    ------
    InputError
        If there is no case.
    MissingExtraError
        Without scipy.
    """
    if not cases:
        raise InputError("no cases given", field="calibration", remedy="give 1 or more")
    try:
        from scipy.optimize import minimize
    except ImportError as error:
        raise MissingExtraError.of("scipy", "quantum", "a calibration") from error

    def exponents(x: NDArray[np.float64]) -> Exponents:
        return Exponents(abs(float(x[0])), abs(float(x[1])) if is_local else 0.0)

    def loss(x: NDArray[np.float64]) -> float:
        return float((_errors(cases, exponents(x)) ** 2).sum())

    start = [0.1, 0.8] if is_local else [0.5]
    best = exponents(minimize(loss, start, method="Nelder-Mead", options={"xatol": 1e-3, "fatol": 1e-10}).x)
    return ExponentFit(best, _errors(cases, best), _errors(cases, Exponents(0.0, 0.0)))


def _errors(cases: Sequence[NoisyCase], exponents: Exponents) -> NDArray[np.float64]:
    squares = [case.departures(case.surrogate(exponents)) ** 2 for case in cases]
    root: NDArray[np.float64] = np.sqrt(np.mean(squares, axis=0))
    return root
