"""Options of the samplers, and the samplers made from them."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from lagrl.errors import InputError, UnknownNameError, refuse
from lagrl.quantum.circuits.ansatz import default_ramp, make_ansatz
from lagrl.quantum.circuits.qaoa_sampler import QAOASampler
from lagrl.quantum.circuits.statevector import Ramp
from lagrl.quantum.ibm.device import open_device
from lagrl.quantum.ibm.primitive_executor import open_backend
from lagrl.quantum.ibm.runtime import RuntimeExecutor
from lagrl.quantum.ibm.runtime_options import RuntimeOptions
from lagrl.quantum.simulators.density import DensityMatrixExecutor
from lagrl.quantum.simulators.surrogate import SurrogateExecutor, SurrogateSampler
from lagrl.quantum.simulators.trajectories import TrajectoryExecutor
from lagrl.quantum.subproblems.annealing import AnnealingSampler
from lagrl.quantum.subproblems.penalties import make_penalty
from lagrl.samplers.circuit_sampler import CircuitSampler

if TYPE_CHECKING:
    from lagrl.quantum.circuits.execution import CircuitExecutor
    from lagrl.quantum.simulators.line_executor import LineExecutor
    from lagrl.quantum.subproblems.penalties import Penalty
    from lagrl.relaxation.sampler import SubproblemSampler

EXECUTORS: dict[str, type[LineExecutor]] = {
    "surrogate": SurrogateExecutor,
    "density": DensityMatrixExecutor,
    "trajectories": TrajectoryExecutor,
}


@dataclass(frozen=True)
class WidthOption:
    """Options of the samplers `greedy` and `product`.

    Attributes
    ----------
    width
        Most variables per vehicle (default 12).
    """

    width: int = 12


@dataclass(frozen=True)
class AnnealingOptions(WidthOption):
    """Options of the sampler `annealing`.

    Attributes
    ----------
    sweeps
        Sweeps of every string (default 100).
    penalty
        `tilted`, `unbalanced` or `slack`; if empty, the tilted one with annealing's target load.
    strength
        ρ of that penalty; its default if None.
    """

    sweeps: int = 100
    penalty: str = ""
    strength: float | None = None


@dataclass(frozen=True)
class QAOAOptions(WidthOption):
    """Options of `qaoa` and of all samplers with circuits.

    Attributes
    ----------
    layers
        Number of layers p; if None, 1 from a warm start and 2 from a cold one.
    warm
        Whether to start from the product state (default) or from the uniform superposition.
    gamma, beta
        Angles of the ramp instead of the default ones, radians; both or neither.
    penalty, strength
        `tilted` (default), `unbalanced` or `slack`, and its ρ; the penalty's default if None.
    fill
        Target load from nothing (−1) through the penalty's default (0) to the room (1).
    """

    layers: int | None = None
    warm: bool = True
    gamma: float | None = None
    beta: float | None = None
    penalty: str = "tilted"
    strength: float | None = None
    fill: float = 0.0

    def make_penalty(self) -> Penalty:
        """Return the penalty with these options; see `penalties.make_penalty` for the errors raised."""
        return make_penalty(self.penalty, self.strength, self.fill)

    def ramp(self, ansatz: str = "qaoa") -> Ramp:
        """Return the angles of the layers.

        Raises
        ------
        InputError
            If only one of the angles is given.
        """
        default = default_ramp(ansatz, self.layers, warm=self.warm)
        if self.gamma is None and self.beta is None:
            return default
        if self.gamma is None or self.beta is None:
            raise InputError(
                f"gamma {self.gamma} and beta {self.beta} given", field="angles", remedy="give both or neither"
            )
        return Ramp(default.layers, self.gamma, self.beta)


@dataclass(frozen=True)
class CircuitOptions(QAOAOptions):
    """Options of all samplers whose circuits an executor runs.

    Attributes
    ----------
    ansatz
        Name of the ansatz, see `make_ansatz` (default `qaoa`).
    """

    ansatz: str = "qaoa"


@dataclass(frozen=True)
class NoisyOptions(CircuitOptions):
    """Options of the sampler `noisy:BACKEND`.

    Attributes
    ----------
    method
        `surrogate` (default; calibrated, as fast as `qaoa`), `density` (exact, narrow circuits) or `trajectories`.
    """

    method: str = "surrogate"


@dataclass(frozen=True)
class BackendOptions(CircuitOptions):
    """Options of the sampler `backend:MODULE:FACTORY`.

    Attributes
    ----------
    fallback
        As in `DeviceOptions`.
    """

    fallback: str = ""


@dataclass(frozen=True)
class DeviceOptions(CircuitOptions, RuntimeOptions):
    """Options of the sampler `ibm:BACKEND`, those of `RuntimeOptions` included.

    Attributes
    ----------
    fallback
        With `product` the product state is sampled where the device fails, and the record says so; if empty, a
        failure is an error.
    """

    fallback: str = ""

    def runtime(self) -> RuntimeOptions:
        """Return the options of the executor.

        Raises
        ------
        InputError
            If an option has no effect.
        """
        if not self.dynamical_decoupling and self.sequence != RuntimeOptions.sequence:
            refuse("sequence", self.sequence, "it needs dynamical_decoupling=true")
        is_twirled = self.twirl_gates != "off" or self.twirl_measure
        if not is_twirled and self.randomizations != RuntimeOptions.randomizations:
            refuse("randomizations", self.randomizations, "nothing is twirled: leave it out")
        if self.session_time and self.mode == "job":
            refuse("session_time", self.session_time, "it limits a batch or session: give mode=batch or mode=session")
        return RuntimeOptions(**{field.name: getattr(self, field.name) for field in fields(RuntimeOptions)})


def make_annealing(options: AnnealingOptions) -> SubproblemSampler:
    """Return the annealer with these options.

    Raises
    ------
    InputError
        If a strength is given without a penalty.
    """
    if options.penalty:
        penalty = make_penalty(options.penalty, options.strength)
        return AnnealingSampler(options.width, penalty, options.sweeps)
    if options.strength is not None:
        refuse("strength", options.strength, "it belongs to a penalty: give penalty=tilted, unbalanced or slack too")
    return AnnealingSampler(options.width, sweeps=options.sweeps)


def make_qaoa(options: QAOAOptions) -> QAOASampler:
    """Return QAOA by the statevector kernel with these options."""
    return QAOASampler(options.width, options.warm, options.ramp(), options.make_penalty())


def make_noisy(backend: str, options: NoisyOptions) -> SubproblemSampler:
    """Return circuits under the noise of a fake backend.

    Raises
    ------
    UnknownNameError
        If the backend, method or ansatz is not known.
    """
    if options.method not in EXECUTORS:
        raise UnknownNameError.of("noise method", options.method, EXECUTORS)
    if options.method == "surrogate" and options.ansatz == "qaoa":
        return SurrogateSampler.of(backend, make_qaoa(options))
    return make_circuits(EXECUTORS[options.method].of(backend), options)


def make_device_executor(backend: str, options: DeviceOptions) -> RuntimeExecutor:
    """Return the executor on a device of your account, or on a fake backend with the same code.

    Raises
    ------
    UnknownNameError
        If the backend is not known, or not the account's.
    InputError
        If there is no account, or an option has no effect.
    """
    executor = RuntimeExecutor(open_device(backend), options.runtime())
    executor.max_width = executor.device.widest  # slack bits are added to the variables
    return executor


def make_backend(factory: str, options: BackendOptions) -> CircuitSampler:
    """Return circuits on the backend that a user's factory makes; see `open_backend` for the errors raised."""
    return make_circuits(open_backend(factory), options, options.fallback)


def make_circuits(executor: CircuitExecutor, options: CircuitOptions, fallback: str = "") -> CircuitSampler:
    """Return the sampler whose circuits `executor` runs.

    Raises
    ------
    InputError
        If an option has no effect: angles of a trained circuit, or a cold start of another ansatz than QAOA.
    """
    has_ramp = options.ansatz in ("qaoa", "copula")
    if not has_ramp and (options.gamma is not None or options.beta is not None):
        refuse("gamma, beta", f"{options.gamma}, {options.beta}", f"{options.ansatz} trains its angles")
    if options.ansatz != "qaoa" and not options.warm:
        refuse("warm", "no", f"only qaoa has a cold start, not {options.ansatz}")
    ramp = options.ramp(options.ansatz) if has_ramp else None
    ansatz = make_ansatz(options.ansatz, options.layers, warm=options.warm, ramp=ramp)
    return CircuitSampler(executor, ansatz, options.width, options.make_penalty(), fallback=fallback)
