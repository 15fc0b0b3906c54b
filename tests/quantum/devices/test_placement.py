"""Lines of qubits: brute force on small graphs, snapshots of real devices, unusable qubits and edges."""

from __future__ import annotations

from itertools import pairwise, permutations
from typing import TYPE_CHECKING

import numpy as np
import pytest
from small_circuits import graph_target, line_target

from lagrl.errors import InputError
from lagrl.quantum.circuits.line_qaoa import line_gates, qaoa_line
from lagrl.quantum.devices.noise import DeviceErrors, reduced_target
from lagrl.quantum.devices.placement import find_line, find_lines, network_uses

if TYPE_CHECKING:
    from collections.abc import Sequence

pytest.importorskip("qiskit")


def random_graph(rng: np.random.Generator, n: int, density: float, gate: str = "cz"):
    """Draw a target with some edges, some of them unusable, and its errors."""
    edges = {
        (a, b): 1.0 if rng.random() < 0.1 else float(rng.uniform(0.001, 0.05))
        for a in range(n)
        for b in range(a + 1, n)
        if rng.random() < density
    }
    readout = {q: float(rng.uniform(0.001, 0.2)) for q in range(n)}
    return graph_target(n, edges, gate, readout), edges, readout


def brute_force(n: int, edges: dict, readout: dict, width: int) -> float | None:
    """Return the best log fidelity over all lines of `width` qubits."""
    uses, best = network_uses(width), None
    for line in permutations(range(n), width):
        pairs = [(min(p), max(p)) for p in pairwise(line)]
        if all(edges.get(pair, 1.0) < 1 for pair in pairs):
            score = sum(u * np.log1p(-edges[pair]) for u, pair in zip(uses, pairs, strict=True))
            score += sum(np.log1p(-readout[q]) for q in line)
            best = score if best is None else max(best, score)
    return best


@pytest.mark.parametrize("gate", ["cz", "ecr"])
@pytest.mark.parametrize("width", [1, 2, 3, 5])
def test_brute_force_agrees(width: int, gate: str) -> None:
    """On small graphs the beam search finds the best line, or raises an error if there is none."""
    rng = np.random.default_rng(width)
    for density in (0.2, 0.4, 0.8):
        target, edges, readout = random_graph(rng, 7, density, gate)
        expected = brute_force(7, edges, readout, width)
        if expected is None:
            with pytest.raises(InputError, match="no line"):
                find_line(target, width)
        else:
            assert np.isclose(find_line(target, width).log_fidelity, expected)


def circuit_fidelity(target: object, line: Sequence[int]) -> float:
    """Return ∏ (1 − e) over the two-qubit gates and measurements of the one-layer network on a line."""
    template, errors = qaoa_line(len(line), 1), DeviceErrors.of(target)
    place = {bit: i for i, bit in enumerate(template.circuit.qubits)}
    pairs = [[line[place[q]] for q in step.qubits] for step in template.circuit.data if len(step.qubits) == 2]
    gates = np.prod([1 - errors.error(a, b) for a, b in pairs])
    return float(gates * np.prod([1 - errors.readout[q] for q in line]))


def test_uses_add_up_to_the_closed_form() -> None:
    """The network's gates by edge sum to Ĝ, and the search weighs edges as the circuit does."""
    for n in range(1, 13):
        assert network_uses(n).sum() == line_gates(n, 1)
    target, _, _ = random_graph(np.random.default_rng(1), 7, 0.8)
    found = find_line(target, 5)
    assert np.isclose(found.fidelity, circuit_fidelity(target, found.qubits))


@pytest.mark.parametrize("broken", [1.0, 1.5, np.nan, None])
def test_unusable_edges_are_never_used(broken: float | None) -> None:
    """An edge whose error is 1 or more, missing or not a number is never used; the error names the longest line."""
    errors = [0.01, 0.01, broken, 0.01, 0.01, 0.01]
    target = line_target(7, errors=errors, readout=[0.01] * 7)
    assert set(find_line(target, 4).qubits) == {3, 4, 5, 6}
    with pytest.raises(InputError, match=r"no line of 5 working qubits.*longest found has 4"):
        find_line(target, 5)


def test_unusable_qubits_are_never_used() -> None:
    """A qubit that cannot be measured is never part of a line."""
    target = line_target(5, errors=[0.01] * 4, readout=[0.01, 0.01, 1.0, 0.01, 0.01])
    assert DeviceErrors.of(target).readout.keys() == {0, 1, 3, 4}
    with pytest.raises(InputError, match="longest found has 2"):
        find_line(target, 3)


def test_ideal_devices_have_no_errors() -> None:
    """In a target without any errors every edge is perfect."""
    found = find_line(line_target(5), 5)
    assert found.fidelity == 1.0
    assert set(found.qubits) == set(range(5))


def test_narrow_beams_widen() -> None:
    """A beam that finds no line is widened until it finds one."""
    edges = {(0, i): 0.001 for i in range(1, 6)} | {(6 + i, 7 + i): 0.05 for i in range(5)}
    target = graph_target(12, edges, readout=dict.fromkeys(range(12), 0.01))
    assert set(find_line(target, 6, beam=1).qubits) == {6, 7, 8, 9, 10, 11}


def test_alternates_differ_and_are_ordered() -> None:
    """The best lines are over different qubits, best first, and the same every time."""
    target, _, _ = random_graph(np.random.default_rng(2), 8, 0.7)
    found = find_lines(target, 4, 5)
    assert found == find_lines(target, 4, 5)
    assert found[0] == find_line(target, 4)
    assert len({frozenset(line.qubits) for line in found}) == 5
    fidelity = [line.log_fidelity for line in found]
    assert fidelity == sorted(fidelity, reverse=True)


@pytest.mark.parametrize("name", ["FakeKingston", "FakeNighthawk", "FakeSherbrooke"])
def test_devices(name: str) -> None:
    """On snapshots of Heron, Nighthawk and Eagle the line of 12 is better than the median of random lines."""
    pytest.importorskip("qiskit_ibm_runtime")
    from lagrl.quantum.devices.fakes import fake_backend

    target = fake_backend(name).target
    found = find_line(target, 12)
    errors = DeviceErrors.of(target)
    assert all((min(p), max(p)) in errors.edge for p in pairwise(found.qubits))
    rng, others = np.random.default_rng(0), []
    neighbours = errors.neighbours()
    while len(others) < 50:
        line = [int(rng.choice(list(neighbours)))]
        while len(line) < 12 and (free := [q for q in neighbours[line[-1]] if q not in line]):
            line.append(int(rng.choice(free)))
        if len(line) == 12:
            others.append(circuit_fidelity(target, line))
    assert found.fidelity >= (1 - 1e-12) * max(others)
    assert found.fidelity > 1.2 * np.median(others)


def test_bad_input() -> None:
    """A line without qubits raises an error."""
    target = line_target(4, errors=[0.01] * 3, readout=[0.01] * 4)
    with pytest.raises(InputError, match="n = 0"):
        find_line(target, 0)


def test_a_backend_has_the_lines_of_its_target() -> None:
    """A line is found on a backend as on its target."""
    from types import SimpleNamespace

    target = line_target(5)
    backend = SimpleNamespace(target=target)
    assert find_line(backend, 3) == find_line(target, 3)
    assert reduced_target(backend, (0, 1, 2)).num_qubits == 3
