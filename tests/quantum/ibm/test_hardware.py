"""Tests on a real quantum computer (`pytest -m hardware`): QISKIT_IBM_BACKEND or the least busy device."""

from __future__ import annotations

import os
from contextlib import closing
from typing import TYPE_CHECKING

import numpy as np
import pytest
from small_executions import basis_pub

from lagrl.quantum.circuits.backend import Job
from lagrl.quantum.ibm.device import RuntimeOptions
from lagrl.quantum.ibm.failures import NoAccountError
from lagrl.quantum.ibm.service import open_device
from lagrl.relaxation.sampler import SampleContext

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lagrl.quantum.ibm.runtime import DeviceBackend

pytestmark = pytest.mark.hardware
pytest.importorskip("qiskit_ibm_runtime")

SHOTS = 64


@pytest.fixture(scope="module")
def backend(request: pytest.FixtureRequest) -> Iterator[DeviceBackend]:
    """A backend on the device, limited to ten QPU seconds."""
    from lagrl.quantum.ibm.runtime import DeviceBackend
    from lagrl.quantum.ibm.service import open_service

    if "hardware" not in request.config.getoption("-m"):
        pytest.skip("costs quantum time; ask for it by -m hardware")
    try:
        service = open_service()
    except NoAccountError as error:
        pytest.skip(str(error))
    name = os.environ.get("QISKIT_IBM_BACKEND") or service.least_busy(operational=True, simulator=False).name
    options = RuntimeOptions(max_execution_time=10, timeout=3600)
    with closing(DeviceBackend(open_device(name, service=service), options)) as made:
        yield made


def test_prepared_strings_come_back(backend: DeviceBackend) -> None:
    """Most of the 64 shots of each of two prepared strings of three bits are that string, and the job is charged."""
    found = backend.run(Job([basis_pub(3, [0b011, 0b100])], SHOTS, 0, SampleContext("hardware")))
    assert found.codes[0].shape == (2, SHOTS)
    assert (found.codes[0] == np.array([[0b011], [0b100]])).mean() > 0.5
    assert found.cost.jobs == 1
    assert found.cost.qpu_seconds > 0
