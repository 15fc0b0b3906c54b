"""How circuits are run on a device: error suppression, limits, execution mode."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lagrl.errors import InputError, MissingExtraError, UnknownNameError

if TYPE_CHECKING:
    from qiskit_ibm_runtime.options_models.sampler import SamplerOptions

MODES = ("job", "batch", "session")
SEQUENCES = ("XX", "XpXm", "XY4")
SWITCH = ("auto", "on", "off")


@dataclass(frozen=True)
class RuntimeOptions:
    """Options of `RuntimeExecutor`; the defaults are fixed, as snapshots of devices cannot teach better ones.

    Attributes
    ----------
    dynamical_decoupling
        Whether idle qubits are kept in phase by pulses. Local runs model idling only with it.
    sequence
        Of these pulses: `XX`, `XpXm` or `XY4`. The default leaves no net rotation from pulse errors, in two pulses.
    twirl_gates
        Whether random Pauli gates around two-qubit gates turn coherent errors into stochastic ones: `on`, `off`, or
        `auto`: on devices only, as the errors of fake backends are stochastic already.
    twirl_measure
        Whether measured bits are flipped at random and back. Off: nothing here inverts readout errors, and it would
        only move errors from ones to zeros, which most bits are.
    randomizations
        Most twirls of a circuit; it gets the largest number of them that divides its shots.
    mode
        `job`; `batch` groups jobs, `session` reserves the device between a loop's jobs (not in open plans).
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
        """Whether gates are twirled on such a device."""
        return self.twirl_gates == "on" or (self.twirl_gates == "auto" and not is_simulated)

    def sampler_options(
        self, shots: int, *, is_simulated: bool, tags: list[str] | None = None, seed: int | None = None
    ) -> SamplerOptions:
        """Return what qiskit-ibm-runtime's Sampler takes.

        Parameters
        ----------
        shots
            Per circuit; twirls times shots per twirl are exactly these.
        is_simulated
            Whether a fake backend runs them.
        tags
            Of the job.
        seed
            Of a simulator.

        Raises
        ------
        MissingExtraError
            Without qiskit-ibm-runtime, or an old one.
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
    """Return the largest divisor of a number that is not above `most`."""
    return next(k for k in range(min(number, most), 0, -1) if number % k == 0)
