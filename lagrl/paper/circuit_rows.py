"""Rows of the comparison of penalties and circuits: what each source of strings is worth on a knapsack."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np

from lagrl.paper.circuit_grid import Case, StringSource, circuits_run, template_of
from lagrl.paper.string_measures import SHOTS
from lagrl.quantum.devices.noisy_device import Channel

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from lagrl.quantum.devices.noisy_device import NoisyDevice


def grid_rows(case: Case, device: NoisyDevice, wanted: list[StringSource], seed: int) -> list[dict[str, Any]]:
    """Measure configurations without noise and, where there is a circuit, under the surrogate's."""
    rows = []
    for configuration in wanted:
        if not case.allows(configuration):
            continue
        started = time.perf_counter()
        ideal = case.distribution(configuration, stream(case, configuration, seed))
        seconds = time.perf_counter() - started
        rows.append(row(case, configuration, "ideal", case.of_variables(ideal), seconds))
        qubits = case.qubits(configuration)
        if configuration.has_circuit:
            template = template_of(configuration, qubits)
            channel = Channel.on(device.line(qubits), template)
            compiled = device.line(qubits).circuit(template)
            started = time.perf_counter()
            noisy = case.of_variables(channel.distribution(ideal))
            rows.append(row(case, configuration, "surrogate", noisy, time.perf_counter() - started))
            rows[-1]["gates"] = compiled.template.two_qubit_gates
            rows[-1]["fidelity"] = round(float(np.exp(compiled.log_fidelity)), 4)
    return rows


def stream(case: Case, configuration: StringSource, seed: int) -> np.random.Generator:
    """Return the randomness of a configuration on a knapsack, whatever else is run."""
    return np.random.default_rng([seed, *f"{case.knapsack.name} {configuration.name}".encode()])


def row(
    case: Case, configuration: StringSource, noise: str, distribution: NDArray[np.float64], seconds: float
) -> dict[str, Any]:
    """Measure a distribution over the variables; trained circuits also get the product state at as many shots."""
    qubits = case.qubits(configuration)
    circuits = circuits_run(configuration, qubits)
    found: dict[str, Any] = {
        "kind": "row",
        "knapsack": case.knapsack.name,
        "noise": noise,
        "name": configuration.name,
        "qubits": qubits,
        "circuits": circuits,
        **{name: float(f"{value:.6g}") for name, value in case.worth.measures(distribution).items()},
    }
    if configuration.is_trained:
        equal = case.worth.measures(case.product, SHOTS * circuits)
        found["equal_gap"] = float(f"{equal['gap']:.6g}")
        found["equal_repaired_gap"] = float(f"{equal['repaired_gap']:.6g}")
    return {**found, "seconds": round(seconds, 4)}
