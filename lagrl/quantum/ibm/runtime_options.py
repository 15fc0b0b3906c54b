"""Options of running circuits on a device: error suppression, limits, execution mode."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lagrl.errors import InputError, MissingExtraError, UnknownNameError

if TYPE_CHECKING:
    from qiskit_ibm_runtime.options_models.sampler import SamplerOptions

MOST_EXECUTIONS = 10_000_000  # circuits times shots of one job, by IBM's job limits
MODES = ("job", "batch", "session")
SEQUENCES = ("XX", "XpXm", "XY4")
SWITCH = ("auto", "on", "off")


@dataclass(frozen=True)
class RuntimeOptions:
    """Options of `DeviceBackend`; the defaults are fixed, because snapshots of devices give no better ones.

    Attributes
    ----------
    dynamical_decoupling
        Whether pulses keep idle qubits in phase. Local runs simulate idling only with it.
    sequence
        Pulse sequence: `XX`, `XpXm` or `XY4`. The two pulses of the default leave no net rotation from pulse errors.
    twirl_gates
        Whether random Pauli gates around two-qubit gates turn coherent errors into stochastic ones: `on`, `off`, or
        `auto` (on devices only, because the errors of fake backends are stochastic already).
    twirl_measure
        Whether measured bits are flipped at random and back. Off by default: readout errors are not inverted here, and
        twirling would only move errors from ones to zeros, and most bits are zeros.
    randomizations
        Largest number of twirls of a circuit; the largest divisor of its shots up to this is used.
    mode
        `job`; `batch` groups jobs; `session` reserves the device between a loop's jobs (not in open plans).
    max_execution_time
        Seconds a quantum computer may spend on one job; 0 for the service's own limit.
    session_time
        Seconds after which a batch or session closes; 0 for the service's own limit.
    timeout
        Seconds to wait for a job's result, queueing included; 0 for no limit.

    Raises
    ------
    InputError
        If a number is out of range.
    UnknownNameError
        If a mode, sequence or switch is not one of those above.
    """

    dynamical_decoupling: bool = True
    sequence: str = "XpXm"
    twirl_gates: str = "auto"
    twirl_measure: bool = False
    randomizations: int = 8
    mode: str = "job"
    max_execution_time: int = 0
    session_time: int = 0
    timeout: int = 0

    def __post_init__(self) -> None:
        for kind, value, known in (
            ("mode", self.mode, MODES),
            ("sequence", self.sequence, SEQUENCES),
            ("twirl_gates", self.twirl_gates, SWITCH),
        ):
            if value not in known:
                raise UnknownNameError.of(kind, value, known)
        for name, least in (("randomizations", 1), ("max_execution_time", 0), ("session_time", 0), ("timeout", 0)):
            if getattr(self, name) < least:
                raise InputError(f"{getattr(self, name)} given", field=name, remedy=f"give {least} or more")

    def twirls_gates(self, is_simulated: bool) -> bool:
        """Whether gates are twirled on a simulated or real device."""
        return self.twirl_gates == "on" or (self.twirl_gates == "auto" and not is_simulated)

    def sampler_options(
        self, shots: int, *, is_simulated: bool, tags: list[str] | None = None, seed: int | None = None
    ) -> SamplerOptions:
        """Return the options of qiskit-ibm-runtime's Sampler.

        Parameters
        ----------
        shots
            Shots per circuit: twirls times shots per twirl.
        is_simulated
            Whether a fake backend runs the circuits.
        tags
            Tags of the job.
        seed
            Seed of a simulator.

        Raises
        ------
        MissingExtraError
            Without qiskit-ibm-runtime, or with an old version.
        """
        try:
            from qiskit_ibm_runtime.options_models.sampler import SamplerOptions
        except ImportError as error:
            raise MissingExtraError.of("qiskit-ibm-runtime>=0.50", "quantum", "running circuits") from error
        options = SamplerOptions(default_shots=shots, max_execution_time=self.max_execution_time or None)
        options.dynamical_decoupling.enable = self.dynamical_decoupling
        options.dynamical_decoupling.sequence_type = self.sequence
        twirls = divisor(shots, self.randomizations)
        options.twirling.enable_gates = self.twirls_gates(is_simulated)
        options.twirling.enable_measure = self.twirl_measure
        options.twirling.num_randomizations = twirls
        options.twirling.shots_per_randomization = shots // twirls
        options.environment.job_tags = list(tags or [])
        options.simulator.seed_simulator = seed
        return options


def divisor(number: int, most: int) -> int:
    """Return the largest divisor of a number up to `most`."""
    return next(k for k in range(min(number, most), 0, -1) if number % k == 0)
