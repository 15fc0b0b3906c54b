"""QAOA of one hour on two devices: a chain, whose circuit couples only neighbouring qubits.

With limits priced by multipliers the chain stays a chain, so that no qubits are swapped: one layer of the circuit has
depth two in two-qubit gates for every number of layers of the model.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lagrl.errors import InputError
from lagrl.quantum.circuits.companion_circuits import chain_circuit
from lagrl.quantum.devices.fakes import fake_backend
from lagrl.quantum.devices.placement import disjoint_lines
from lagrl.quantum.simulators.independent_parts import compiled_for, draw_codes, part_distributions
from lagrl.quantum.simulators.line_backend import run_long

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from lagrl.problems.carbon.placement_problem import PlacementProblem

Method = Literal["statevector", "matrix_product_state"]
MOST_QUBITS = {"statevector": 26, "matrix_product_state": 2000}

ANGLES = {(1, False): (2.0, 0.8), (1, True): (0.3, 0.4), (2, False): (0.3, 0.5), (2, True): (0.3, 0.8)}
"""γ per root mean square of the energy's terms, and β, by layers p and warm start.

Least mean energy on a grid of 7 × 6, over five chains of 12 layers by `placement_experiments.generated_chain`, seeds
100 to 104.
"""

_SHARPNESS, _LEAST = 1.0, 0.05


@dataclass(frozen=True, eq=False)
class PlacementChain:
    """Emissions of one hour on two devices, as a function of bits: Σ a_i·y_i + Σ w_i·[y_i ≠ y_{i+1}] + offset.

    Attributes
    ----------
    difference
        [N] a, emissions on the second device less those on the first, gCO2e.
    transfer
        [N − 1] w, gCO2e.
    offset
        Emissions of everything on the first device, gCO2e.
    """

    difference: NDArray[np.float64] = field(repr=False)
    transfer: NDArray[np.float64] = field(repr=False)
    offset: float

    @classmethod
    def of(
        cls,
        problem: PlacementProblem,
        hour: int = 0,
        *,
        before: NDArray[np.int64] | None = None,
        price_g_per_gb: tuple[float, float] = (0.0, 0.0),
    ) -> PlacementChain:
        """Return the chain of an hour.

        Parameters
        ----------
        problem
            The placement problem.
        hour
            The hour t.
        before
            [N] devices in the hour before: a layer that moves costs what switching does; None leaves that out.
        price_g_per_gb
            Multipliers of the devices' memory, gCO2e per GB.

        Raises
        ------
        InputError
            If there are not two devices.
        """
        if problem.n_devices != 2:
            raise InputError(f"{problem.n_devices} devices", field="chain", remedy="give two devices")
        running = problem.running_g[hour] + np.array(price_g_per_gb) * problem.layer_gb[:, None]
        if before is not None:
            running = running + problem.switching_g[hour - 1][:, None] * (before[:, None] != np.arange(2))
        return cls(running[:, 1] - running[:, 0], problem.transfer_g[hour], float(running[:, 0].sum()))

    @property
    def n_layers(self) -> int:
        """Number of layers N."""
        return len(self.difference)

    def emissions(self, bits: NDArray[np.uint8]) -> NDArray[np.float64]:
        """Return the emissions [...] of bits [..., N], gCO2e."""
        changes = bits[..., :-1] != bits[..., 1:]
        emissions: NDArray[np.float64] = self.offset + bits @ self.difference + changes @ self.transfer
        return emissions

    def optimum(self) -> float:
        """Return the least emissions, by dynamic programming (Viterbi 1967), gCO2e."""
        stay, other = 0.0, float(self.difference[0])
        for a, w in zip(self.difference[1:].tolist(), self.transfer.tolist(), strict=True):
            stay, other = min(stay, other + w), min(other, stay + w) + a
        return self.offset + min(stay, other)

    def probability(self) -> NDArray[np.float64]:
        """Return the product state's P(y_i = 1) [N], from the differences alone: the warm start, and a control."""
        unit = float(np.median(np.abs(self.difference))) or 1.0
        return np.clip(1.0 / (1.0 + np.exp(_SHARPNESS * self.difference / unit)), _LEAST, 1.0 - _LEAST)


def placement_circuit(
    chain: PlacementChain, gamma: NDArray[np.float64], beta: NDArray[np.float64], *, warm: bool
) -> Any:
    """Return the QAOA circuit of a chain, with γ [p] and β [p], radians; see `chain_circuit`.

    Parameters
    ----------
    chain
        Its emissions are the energy; bit i is y_i.
    gamma, beta
        [p] angles.
    warm
        Whether to start from the product state, with the mixer aligned to it, or from the uniform superposition.

    Raises
    ------
    MissingExtraError
        Without qiskit.
    """
    theta = 2 * np.arcsin(np.sqrt(chain.probability())) if warm else np.full(chain.n_layers, np.pi / 2)
    return chain_circuit(-chain.difference / 2, -chain.transfer / 2, gamma, beta, theta)


@dataclass(frozen=True)
class ChainSamples:
    """Bits drawn for a chain, and their worth.

    Attributes
    ----------
    best_gap_percent
        Excess of the best string over the optimum, %.
    mean_gap_percent
        Mean excess, %.
    optimal_share
        Share of the strings that are optimal.
    seconds
        Wall-clock time.
    encoding_seconds
        Those in which the circuit was built and compiled; 0 without a circuit.
    """

    best_gap_percent: float
    mean_gap_percent: float
    optimal_share: float
    seconds: float
    encoding_seconds: float = 0.0

    @classmethod
    def of(cls, chain: PlacementChain, bits: NDArray[np.uint8], seconds: float, encoding: float = 0.0) -> ChainSamples:
        """Rate strings [S, N]."""
        emissions, best = chain.emissions(bits), chain.optimum()
        gap = 100 * (emissions - best) / best
        return cls(float(gap.min()), float(gap.mean()), float((gap < 1e-7).mean()), seconds, encoding)


def sample_chain(
    chain: PlacementChain,
    shots: int,
    rng: Generator,
    *,
    layers: int = 1,
    warm: bool = True,
    method: Method = "statevector",
) -> ChainSamples:
    """Sample the QAOA circuit of a chain by Aer, on one thread.

    Parameters
    ----------
    chain
        The chain.
    shots
        Strings drawn.
    rng
        Draws the simulator's seed.
    layers
        Number of layers p of the circuit, 1 or 2.
    warm
        Whether to start from the product state.
    method
        `statevector`, or `matrix_product_state`, which is exact for a chain up to rounding.

    Raises
    ------
    InputError
        If the chain is too long for the method, or there are no angles for that many layers.
    MissingExtraError
        Without qiskit-aer.
    """
    if chain.n_layers > MOST_QUBITS[method]:
        remedy = "use matrix_product_state" if method == "statevector" else f"at most {MOST_QUBITS[method]}"
        raise InputError(f"{chain.n_layers} layers", field=f"method {method}", remedy=remedy)
    started = time.perf_counter()
    circuit = _with_angles(chain, layers, warm)
    encoding = time.perf_counter() - started
    bits = run_long(method, circuit, shots, rng)
    return ChainSamples.of(chain, bits, time.perf_counter() - started, encoding)


def sample_noisy_chain(
    chain: PlacementChain, device: str, shots: int, rng: Generator, *, layers: int = 1, warm: bool = True
) -> ChainSamples:
    """Sample the QAOA circuit of a chain on the best line of a fake backend, with the noise of its gates and readout.

    Parameters
    ----------
    chain
        The chain, of at most 9 layers: its density matrix is computed exactly.
    device
        Name of a fake backend, such as FakeFez.
    shots, rng, layers, warm
        See `sample_chain`.

    Raises
    ------
    InputError
        If the chain is too long, there are no angles for that many layers, or the device is unknown.
    MissingExtraError
        Without qiskit-aer.
    """
    started = time.perf_counter()
    backend = fake_backend(device)
    (line,) = disjoint_lines(backend, chain.n_layers, 1)
    compiled = compiled_for(_with_angles(chain, layers, warm), backend, list(line))
    encoding = time.perf_counter() - started
    codes = draw_codes(part_distributions(compiled, backend.target), shots, rng)
    bits = (codes[:, None] >> np.arange(chain.n_layers) & 1).astype(np.uint8)
    return ChainSamples.of(chain, bits, time.perf_counter() - started, encoding)


def _with_angles(chain: PlacementChain, layers: int, warm: bool) -> Any:
    if (layers, warm) not in ANGLES:
        raise InputError(f"{layers} given", field="layers", remedy="give 1 or 2")
    g, b = ANGLES[layers, warm]
    step = np.arange(layers)
    return placement_circuit(chain, g * (step + 1) / layers, b * (1 - step / layers), warm=warm)


def sample_product(chain: PlacementChain, shots: int, rng: Generator, *, uniform: bool = False) -> ChainSamples:
    """Draw independent bits: those of the product state, or uniform ones, the controls of a circuit."""
    started = time.perf_counter()
    probability = 0.5 if uniform else chain.probability()
    bits = (rng.random((shots, chain.n_layers)) < probability).astype(np.uint8)
    return ChainSamples.of(chain, bits, time.perf_counter() - started)
