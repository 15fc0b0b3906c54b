"""The runtime backend on fake backends, where jobs follow the path of real ones."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest
from small_executions import basis_pub, mirrored

from lagrl.errors import InputError, UnknownNameError
from lagrl.quantum.circuits.backend import Backend, Job, Pub, Template
from lagrl.quantum.devices.compile import compile_template
from lagrl.quantum.devices.placement import placed_line
from lagrl.quantum.ibm.device import RuntimeOptions, divisor
from lagrl.quantum.ibm.failures import ResultError
from lagrl.quantum.ibm.service import open_device
from lagrl.quantum.journal.journal import Journal
from lagrl.relaxation.sampler import SampleContext

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("qiskit_ibm_runtime")
pytest.importorskip("qiskit_aer")

from lagrl.quantum.ibm.device import LocalDevice
from lagrl.quantum.ibm.runtime import CompiledJob, DeviceBackend, packed

HERE = SampleContext("test", 0)
PLAIN = RuntimeOptions(dynamical_decoupling=False)


def run(executor: DeviceBackend, pubs: list[Pub], shots: int = 64, seed: int = 0) -> list[np.ndarray]:
    return executor.run(Job(pubs, shots, seed, HERE)).codes


@pytest.mark.parametrize(
    "options",
    [
        PLAIN,
        RuntimeOptions(),
        RuntimeOptions(twirl_gates="on", twirl_measure=True),
    ],
    ids=["plain", "decoupled", "twirled"],
)
def test_bit_i_is_variable_i(options: RuntimeOptions) -> None:
    """Most shots of a prepared string are that string, with every error suppression, PUB and row."""
    wanted = [[0b0011, 0b0100], [0b101]]
    executor = DeviceBackend(open_device("FakePittsburgh"), options)
    found = run(executor, [basis_pub(4, wanted[0]), basis_pub(3, wanted[1])], shots=60)
    for codes, expected in zip(found, wanted, strict=True):
        assert codes.dtype == np.int64 and codes.shape == (len(expected), 60)
        for row, code in zip(codes, expected, strict=True):
            assert np.mean(row == code) > 0.8


def test_the_same_seed_gives_the_same_shots() -> None:
    """Local runs with one seed are equal to the bit, and other seeds give other shots."""
    executor = DeviceBackend(open_device("FakeHanoi"))
    pub = Pub(mirrored(4), np.full((2, 4), np.pi / 2))
    first, again, other = (run(executor, [pub], seed=seed)[0] for seed in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()


def test_circuits_of_a_job_are_not_correlated() -> None:
    """Rows, PUBs and widths of one job use different random streams."""
    executor = DeviceBackend(open_device("FakeHanoi"), PLAIN)
    pubs = [Pub(mirrored(n), np.full((2, n), np.pi / 2)) for n in (4, 5, 4)]
    found = run(executor, pubs)
    streams = [codes & 15 for pub in found for codes in pub]
    for i, first in enumerate(streams):
        for second in streams[i + 1 :]:
            assert np.mean(first == second) < 0.5


def test_cut_down_simulation_is_the_whole_devices() -> None:
    """A distribution simulated on the used qubits equals the whole device's within four standard errors."""
    from qiskit_ibm_runtime.executor_sampler import Sampler

    backend = open_device("FakeHanoi").backend
    shots = 4000
    executor = DeviceBackend(LocalDevice(backend), RuntimeOptions(twirl_gates="off"))
    pub = basis_pub(4, [0b1011])
    compiled = compile_template(
        pub.template, executor.device.target, placed_line(executor.target, pub.template.n_qubits, "line0").qubits
    )
    ours = np.bincount(run(executor, [pub], shots)[0][0], minlength=16) / shots
    options = executor.options.sampler_options(shots, is_simulated=True, seed=3)
    result = Sampler(mode=backend, options=options).run(CompiledJob.of([pub], [compiled]).isa).result()
    whole = np.bincount(packed(result[0].data.meas.array)[0], minlength=16) / shots
    deviation = np.sqrt((ours * (1 - ours) + whole * (1 - whole)) / shots)
    assert (np.abs(ours - whole) <= 4 * deviation + 1e-3).all()
    assert 0.7 < ours[0b1011] < 0.999


def test_cost_tells_what_was_run() -> None:
    """Circuits, shots, gates and depth are counted over all rows of one job without charge or queue."""
    executor = DeviceBackend(open_device("FakeHanoi"), PLAIN)
    cost = executor.run(Job([basis_pub(4, [1, 2]), basis_pub(3, [1])], 10, 0, HERE)).cost
    assert (cost.circuits, cost.shots, cost.jobs, cost.two_qubit_gates, cost.depth) == (3, 30, 1, 9, 3)
    assert (cost.qpu_seconds, cost.queue_seconds, cost.backend) == (0.0, 0.0, "ibm(fake_hanoi)")
    assert cost.seconds > 0


def test_equal_templates_go_as_one_pub() -> None:
    """All rows of a template are sent as one PUB, and results are in the given order."""
    bit_array = pytest.importorskip("qiskit.primitives").BitArray
    pubs = [basis_pub(3, [1, 2]), basis_pub(2, [3]), basis_pub(3, [4])]
    merged = CompiledJob.of(pubs, [pub.template for pub in pubs])
    assert [values.shape for _, values in merged.isa] == [(3, 3), (1, 2)]
    result = [
        SimpleNamespace(
            data=SimpleNamespace(meas=bit_array.from_samples(own, num_bits=width).reshape(len(own) // 2, 2))
        )
        for own, width in (([0, 1, 2, 3, 4, 5], 3), ([3, 2], 2))
    ]
    found = merged.codes(result, 2, backend="here", job="a")
    assert [part.tolist() for part in found] == [[[0, 1], [2, 3]], [[3, 2]], [[4, 5]]]


def test_circuits_without_parameters_run_once_per_row() -> None:
    """A template without angles has one result per row."""
    qiskit = pytest.importorskip("qiskit")
    circuit = qiskit.QuantumCircuit(qiskit.QuantumRegister(2, "q"), qiskit.ClassicalRegister(2, "meas"))
    circuit.x(1)
    circuit.measure([0, 1], [0, 1])
    pub = Pub(Template("fixed", circuit, 0, 0, 0), np.zeros((3, 0)))
    found = run(DeviceBackend(open_device("FakeHanoi"), PLAIN), [pub])[0]
    assert found.shape == (3, 64) and np.mean(found == 2) > 0.8


def test_a_simulated_job_of_a_dead_process_is_run_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With a journal, an interrupted local job is simulated again with the same shots; a finished one is read."""
    pubs = [Pub(mirrored(4), np.full((2, 4), np.pi / 2))]
    expected = run(DeviceBackend(open_device("FakeHanoi")), pubs)[0]
    with monkeypatch.context() as patch, Journal(tmp_path / "journal") as journal:
        patch.setattr(CompiledJob, "codes", lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            run(DeviceBackend(open_device("FakeHanoi"), journal=journal), pubs)
    for _ in range(2):
        with Journal(tmp_path / "journal") as journal:
            assert (run(DeviceBackend(open_device("FakeHanoi"), journal=journal), pubs)[0] == expected).all()


def test_a_simulation_that_went_wrong_is_over(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A job that failed before it was paid may be sent again, here or elsewhere."""

    def damaged(*_: object, **__: object) -> None:
        raise ResultError("damaged")

    pubs = [basis_pub(3, [5])]
    with Journal(tmp_path / "journal") as journal:
        executor = DeviceBackend(open_device("FakeHanoi"), journal=journal)
        with monkeypatch.context() as patch:
            patch.setattr(CompiledJob, "codes", damaged)
            with pytest.raises(ResultError) as caught:
                run(executor, pubs)
        assert not caught.value.may_be_sent
        assert executor.job_state(Job(pubs, 64, 0, HERE)) == ""
        assert run(executor, pubs)[0].shape == (1, 64)


@pytest.mark.parametrize("width", [8, 9, 17])
def test_bytes_are_joined_in_order(width: int) -> None:
    """Codes of more than eight bits keep every bit."""
    bit_array = pytest.importorskip("qiskit.primitives").BitArray
    codes = np.random.default_rng(0).integers(0, 2**width, 50)
    bits = ((codes[:, None] >> np.arange(width)) & 1).astype(bool)
    assert (packed(bit_array.from_bool_array(bits, order="little").array) == codes).all()


def test_bad_input_is_told_before_anything_runs() -> None:
    """Wrong widths, PUBs, shots and devices each have a clear error."""
    executor = DeviceBackend(open_device("FakeHanoi"))
    with pytest.raises(InputError, match="21 qubits is above the limit of 20"):
        run(executor, [basis_pub(21, [1])])
    with pytest.raises(InputError, match="give 1 PUB or more"):
        run(executor, [])
    with pytest.raises(InputError, match="shots: 0 allows nothing"):
        run(executor, [basis_pub(3, [1])], shots=0)
    with pytest.raises(InputError, match="limit of 10000000"):
        run(executor, [basis_pub(3, [1, 2])], shots=6_000_000)
    with pytest.raises(UnknownNameError, match="unknown placement 'best'"):
        executor.run(Job([basis_pub(3, [1])], 16, placement="best"))
    with pytest.raises(UnknownNameError, match="FakeHanoi"):
        DeviceBackend(open_device("FakeHanoj"))


def test_options_are_mapped() -> None:
    """Every option is passed to the Sampler; twirls times shots per twirl are the shots."""
    options = RuntimeOptions(max_execution_time=30).sampler_options(100, is_simulated=False, tags=["t"], seed=5)
    assert options.dynamical_decoupling.enable and options.dynamical_decoupling.sequence_type == "XpXm"
    assert options.twirling.enable_gates and not options.twirling.enable_measure
    assert (options.twirling.num_randomizations, options.twirling.shots_per_randomization) == (5, 20)
    assert (options.max_execution_time, options.environment.job_tags) == (30, ["t"])
    assert options.simulator.seed_simulator == 5
    assert not RuntimeOptions().sampler_options(100, is_simulated=True).twirling.enable_gates
    assert RuntimeOptions().sampler_options(100, is_simulated=True).max_execution_time is None


@pytest.mark.parametrize(("shots", "expected"), [(256, 8), (100, 5), (97, 1), (4, 4)])
def test_twirls_divide_shots(shots: int, expected: int) -> None:
    """The number of twirls divides the shots, so that no shot is lost or added."""
    assert divisor(shots, 8) == expected


@pytest.mark.parametrize("wrong", [{"mode": "batsh"}, {"twirl_gates": "yes"}, {"timeout": -1}])
def test_wrong_options_are_refused(wrong: dict[str, object]) -> None:
    """Invalid options are refused at construction."""
    with pytest.raises(InputError):
        RuntimeOptions(**wrong)


def test_it_is_a_backend() -> None:
    """The device's backend satisfies the Protocol."""
    assert isinstance(DeviceBackend(open_device("FakeHanoi")), Backend)
