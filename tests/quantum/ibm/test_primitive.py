"""Circuits on any `BackendV2` or `SamplerV2` of qiskit, as objects and by `backend:module:factory`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

pytest.importorskip("qiskit")

from qiskit.primitives import BackendSamplerV2, StatevectorSampler
from qiskit.providers.fake_provider import GenericBackendV2

import lagrl
from lagrl.errors import InputError, UnknownNameError
from lagrl.quantum.circuits.backend import Job
from lagrl.quantum.ibm.failures import ExecutionError, ResultError
from lagrl.quantum.ibm.primitive import PrimitiveBackend
from lagrl.samplers.registry import default_journal, is_built_in, make_sampler, require_known, sampler_packages
from tests.quantum.small_executions import basis_pub

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.filterwarnings("ignore:Qiskit backend .* has no QubitProperties:UserWarning")
CONTEXT = lagrl.samplers.SampleContext()
RING = [[0, 1], [1, 0], [1, 2], [2, 1], [2, 3], [3, 2], [3, 4], [4, 3], [4, 0], [0, 4]]

FACTORIES = """
from qiskit.primitives import StatevectorSampler
from qiskit.providers.fake_provider import GenericBackendV2

calls = 0


def ring():
    global calls
    calls += 1
    return GenericBackendV2(5, seed=1, coupling_map={ring})


def statevector():
    return StatevectorSampler(seed=3)


def broken():
    raise RuntimeError("no token")


def nothing():
    return object()


name = "not a factory"
"""


@pytest.fixture
def factories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put the module `own_backends` on the path."""
    (tmp_path / "own_backends.py").write_text(FACTORIES.replace("{ring}", repr(RING)))
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(__import__("sys").modules, "own_backends", raising=False)


def ideal(gates: list[str]) -> GenericBackendV2:
    """Make a backend of five qubits in a ring without noise."""
    return GenericBackendV2(5, basis_gates=gates, coupling_map=RING, seed=1, noise_info=False)


@pytest.mark.parametrize(
    "given",
    [
        StatevectorSampler(seed=0),
        ideal(["cz", "r", "id"]),  # gates as on IQM's devices
        ideal(["rxx", "r", "rz"]),  # as on AQT's
        ideal(["cx", "rz", "sx", "x"]),
        BackendSamplerV2(backend=ideal(["cx", "rz", "sx", "x"])),
    ],
    ids=["statevector", "cz", "rxx", "cx", "backend sampler"],
)
def test_basis_strings_come_back_bit_by_bit(given: Any) -> None:
    """Angles that prepare a string give this string in every shot, whatever the gates and the qubits chosen."""
    executor = PrimitiveBackend.of(given)
    pubs = [basis_pub(3, [0b001, 0b110]), basis_pub(5, [0b10011]), basis_pub(3, [0b101])]
    done = executor.run(Job(pubs, 20, 0, CONTEXT))
    assert [np.unique(row).tolist() for codes in done.codes for row in codes] == [[0b001], [0b110], [0b10011], [0b101]]
    assert [codes.shape for codes in done.codes] == [(2, 20), (1, 20), (1, 20)]
    assert (done.cost.circuits, done.cost.shots, done.cost.jobs) == (4, 80, 1)
    assert done.cost.two_qubit_gates >= 4
    assert done.cost.backend == executor.name


def test_qaoa_has_the_distribution_of_the_statevector_kernel() -> None:
    """Compiled onto a ring without noise, the frequencies are within five standard deviations of the ansatz."""
    cost, weight, capacity = [-9.0, -7.0, -5.0, -4.0], [4, 3, 3, 2], 8
    backend = ideal(["cz", "r", "id"])
    backend.set_options(seed_simulator=5)
    sampler = lagrl.samplers.CircuitSampler(PrimitiveBackend.of(backend), lagrl.quantum.LineQAOA(), width=4)
    shots = 20_000
    samples = lagrl.quantum.sample(cost, weight, capacity, sampler=sampler, shots=shots)
    arrays = np.array([cost]), np.array(weight), np.array([capacity])
    candidates = lagrl.quantum.select_candidates(*arrays, width=4)
    problem = lagrl.quantum.Subproblem.of(candidates, lagrl.quantum.TiltedPenalty().qubos(candidates), 0)
    probability = lagrl.quantum.LineQAOA().probabilities(problem)
    code = samples.bitstrings[0][:, candidates.item[0, :4]].astype(np.int64) @ (1 << np.arange(4))
    found = np.bincount(code, samples.counts[0], minlength=16)
    assert (abs(found - shots * probability) <= 5 * np.sqrt(shots * probability) + 1).all()


@pytest.mark.usefixtures("factories")
@pytest.mark.parametrize(
    ("factory", "backend"), [("ring", "backend(generic_backend_5q)"), ("statevector", "backend(StatevectorSampler)")]
)
def test_a_factory_is_a_sampler_string(factory: str, backend: str) -> None:
    """`backend:module:factory+options` samples the knapsacks of a solve, and the factory is called once."""
    problem = lagrl.read("G-n16-k3")
    result = lagrl.solve(problem, sampler=f"backend:own_backends:{factory}+width=4+layers=1", evaluations=2, shots=32)
    assert result.solution.is_feasible(problem)
    assert result.sampling.circuits > 0
    assert result.sampling.backend == backend
    assert __import__("own_backends").calls == (factory == "ring")


@pytest.mark.usefixtures("factories")
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("backend", "write backend:MODULE:FACTORY"),
        ("backend:own_backends", "'own_backends' is not module:attribute"),
        ("backend:no_such_module:make", "cannot import 'no_such_module' (ModuleNotFoundError"),
        ("backend:own_backends:missing", "module 'own_backends' has no 'missing'"),
        ("backend:own_backends:broken", "backend own_backends:broken: cannot be made (RuntimeError: no token)"),
        ("backend:own_backends:nothing", "backend own_backends:nothing: makes a object; it must take no arguments"),
        ("backend:own_backends:name", "cannot be made (TypeError: 'str' object is not callable)"),
        ("backend:own_backends:ring+width=6", "backend(generic_backend_5q) takes 5 qubits"),
        ("backend:own_backends:ring+mode=batch", "unknown option of sampler backend 'mode'"),
        ("backend:own_backends:ring+ansatz=magic", "unknown ansatz 'magic'"),
    ],
)
def test_wrong_factories_raise_errors(name: str, message: str) -> None:
    """Missing, failing and wrong factories, and options without effect, are errors with a remedy."""
    with pytest.raises((InputError, UnknownNameError)) as error:
        make_sampler(name)
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_name_is_known_without_running_its_code() -> None:
    """A file may not choose a factory, and to check the name imports nothing."""
    name = "backend:no_such_module:make+width=4"
    require_known(name)
    assert not is_built_in(name)
    assert default_journal(name) is None
    assert sampler_packages(name) == ("qiskit",)


def test_other_objects_are_refused() -> None:
    """Neither a backend nor a sampler primitive."""
    with pytest.raises(InputError, match="backend: a str given; give a BackendV2 or a BaseSamplerV2 of qiskit"):
        PrimitiveBackend.of("FakeTorino")  # a wrong type on purpose


def test_a_provider_that_fails_is_an_execution_error_that_a_fallback_may_answer() -> None:
    """The provider's exception becomes an `ExecutionError` with the backend's name, or the product state answers."""

    class Closed(StatevectorSampler):
        def run(self, pubs: Any, *, shots: int | None = None) -> Any:
            raise RuntimeError("the device is closed")

    executor = PrimitiveBackend.of(Closed())
    with pytest.raises(ExecutionError, match=r"backend\(Closed\).*the device is closed"):
        executor.run(Job([basis_pub(2, [1])], 8, 0, CONTEXT))
    sampler = lagrl.samplers.CircuitSampler(executor, lagrl.quantum.LineQAOA(), width=4, fallback="product")
    samples = lagrl.quantum.sample([-9.0, -7.0, -5.0], [4, 3, 3], 8, sampler=sampler, shots=8)
    assert "the device is closed" in samples.cost.fallback


def test_a_result_that_lacks_shots_is_not_used() -> None:
    """Half of the shots are an error, not half of the samples."""

    class Short(StatevectorSampler):
        def run(self, pubs: Any, *, shots: int | None = None) -> Any:
            return super().run(pubs, shots=(shots or 2) // 2)

    with pytest.raises(ResultError, match="PUB 0 has 4 shots, not 8"):
        PrimitiveBackend.of(Short()).run(Job([basis_pub(2, [1])], 8, 0, CONTEXT))


def test_a_backend_without_room_is_an_input_error() -> None:
    """Qubits that are not connected cannot carry the circuit."""
    backend = GenericBackendV2(4, coupling_map=[[0, 1], [1, 0], [2, 3], [3, 2]], seed=1)
    template = lagrl.quantum.LineQAOA().template(3)
    pub = lagrl.quantum.Pub(template, np.zeros((1, template.n_parameters)))
    with pytest.raises(InputError, match="cannot be compiled for generic_backend_4q"):
        PrimitiveBackend.of(backend).run(Job([pub], 4, 0, CONTEXT))
