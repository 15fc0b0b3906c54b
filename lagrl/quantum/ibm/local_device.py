"""A fake backend as a device: jobs follow the path of real ones and are simulated here."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

from lagrl.errors import MissingExtraError
from lagrl.quantum.devices.fakes import fake_backend
from lagrl.quantum.ibm.failures import guarded
from lagrl.quantum.ibm.service import DeviceState

if TYPE_CHECKING:
    from qiskit.providers import BackendV2
    from qiskit.transpiler import Target

    from lagrl.quantum.ibm.compiled_job import IsaPub
    from lagrl.quantum.ibm.runtime_options import RuntimeOptions
    from lagrl.quantum.ibm.service import ServiceJob


@dataclass(frozen=True, eq=False)
class LocalDevice:
    """Runs jobs through qiskit-ibm-runtime's Sampler in local mode; execution modes and limits are ignored.

    Attributes
    ----------
    backend
        Any backend with a target.
    """

    backend: BackendV2 = field(repr=False)
    is_simulated: ClassVar[bool] = True
    _noises: dict[tuple[int, ...], Any] = field(default_factory=dict, init=False, repr=False)

    @staticmethod
    def of(name: str) -> LocalDevice:
        """Return the device of a fake backend; see `fake_backend` for what it raises."""
        return LocalDevice(fake_backend(name))

    @property
    def name(self) -> str:
        """Name of the backend."""
        return str(self.backend.name)

    @property
    def target(self) -> Target:
        """Target of the backend."""
        return self.backend.target

    @property
    def widest(self) -> int:
        """Largest number of qubits that can be simulated with noise."""
        return min(20, int(self.target.num_qubits))

    def submit(self, pubs: list[IsaPub], shots: int, options: RuntimeOptions, tag: str, seed: int) -> ServiceJob:
        """Start the simulation; see `AccountDevice.submit`.

        Raises
        ------
        MissingExtraError
            Without qiskit-aer or qiskit-ibm-runtime.
        """
        try:
            from qiskit_ibm_runtime.executor_sampler import Sampler

            from lagrl.quantum.simulators.line_simulator import LineSimulator
        except ImportError as error:
            raise MissingExtraError.of("qiskit-aer and qiskit-ibm-runtime", "quantum", self.name) from error
        simulator = LineSimulator(self.backend, self._noises)
        wanted = options.sampler_options(shots, is_simulated=True, tags=[tag], seed=seed)
        job = guarded(lambda: Sampler(mode=simulator, options=wanted).run(pubs, shots=shots), backend=self.name)
        return _LocalJob(job, tag)

    def find(self, tag: str) -> ServiceJob | None:
        """Return None: local jobs end with their process."""
        del tag
        return None

    def job(self, job_id: str) -> ServiceJob:
        """Raise KeyError: local jobs end with their process."""
        raise KeyError(job_id)

    def state(self) -> DeviceState:
        """Return that there is no queue."""
        return DeviceState()

    def refresh(self) -> None:
        """Keep the calibration."""

    def plan_seconds(self) -> float:
        """Return infinity: only time is used."""
        return math.inf

    def close(self) -> None:
        """Do nothing: a local device holds nothing open."""


@dataclass(frozen=True)
class _LocalJob:
    """A local job, whose result takes no timeout."""

    made: Any
    tag: str

    def job_id(self) -> str:
        return self.tag  # the same when it is run again, as a journal expects

    def result(self, timeout: float | None = None) -> Any:
        del timeout
        return self.made.result()

    def metrics(self) -> dict[str, Any]:
        return {"usage": {"status": "complete", "qpu_charge_time_seconds": 0.0}}

    def status(self) -> Any:
        return self.made.status()

    def cancel(self) -> Any:
        return self.made.cancel()
