"""Quantum samplers from plain options: what a name such as `noisy:FakeKingston+width=8` stands for."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from lagrl.errors import InputError, UnknownNameError, refuse
from lagrl.quantum.circuits.ansatz import default_ramp, make_ansatz
from lagrl.quantum.circuits.portfolio import Configuration, Portfolio
from lagrl.quantum.circuits.qaoa_sampler import QAOASampler
from lagrl.quantum.circuits.statevector import Ramp
from lagrl.quantum.ibm.runtime import RuntimeExecutor
from lagrl.quantum.ibm.runtime_options import RuntimeOptions
from lagrl.quantum.simulators.density import DensityMatrixExecutor
from lagrl.quantum.simulators.surrogate import SurrogateExecutor, SurrogateSampler
from lagrl.quantum.simulators.trajectories import TrajectoryExecutor
from lagrl.quantum.subproblems.annealing import AnnealingSampler
from lagrl.quantum.subproblems.penalties import make_penalty, target_fills
from lagrl.samplers.circuit_sampler import CircuitSampler

if TYPE_CHECKING:
    from lagrl.quantum.circuits.execution import CircuitExecutor
    from lagrl.quantum.subproblems.penalties import Penalty
    from lagrl.relaxation.sampler import SubproblemSampler

METHODS = ("surrogate", "density", "trajectories")


@dataclass(frozen=True)
class WidthOption:
    """Options of `greedy` and `product`.

    Attributes
    ----------
    width
        Most variables per vehicle.
    """

    width: int = 12


@dataclass(frozen=True)
class AnnealingOptions(WidthOption):
    """Options of `annealing`.

    Attributes
    ----------
    sweeps
        Of every string.
    penalty
        `tilted` or `unbalanced` or `slack`; aimed at annealing's own target if left out.
    strength
        ρ of that penalty; its own default if None.
    """

    sweeps: int = 100
    penalty: str = ""
    strength: float | None = None


@dataclass(frozen=True)
class QAOAOptions(WidthOption):
    """Options of `qaoa`, and of all that runs circuits.

    Attributes
    ----------
    layers
        p; 1 from a warm start and 2 from a cold one if None.
    warm
        Whether to start from the product state.
    gamma, beta
        The ramp's angles instead of the default ones; both or neither.
    penalty, strength
        `tilted`, `unbalanced` or `slack`, and its ρ; its own default if None.
    fill
        Target load between what greedy loads (0) and the room (1).
    targets
        Target loads swept around that one, by the same circuits.
    pilot
        Share of the shots that all targets share equally; the best by CVaR gets the rest.
    alpha
        Share of samples that CVaR is the mean of.
    """

    layers: int | None = None
    warm: bool = True
    gamma: float | None = None
    beta: float | None = None
    penalty: str = "tilted"
    strength: float | None = None
    fill: float = 0.0
    targets: int = 1
    pilot: float = 1.0
    alpha: float = 0.25

    def own_penalty(self) -> Penalty:
        """Return the penalty, aimed at `fill`.

        Raises
        ------
        InputError
            If it has no target to aim at.
        """
        made = make_penalty(self.penalty, self.strength)
        aimed = made.at(self.fill)
        if self.fill and aimed is made:
            refuse("fill", self.fill, f"{self.penalty} has no target load: leave it out")
        return aimed

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

    def own_portfolio(self) -> Portfolio:
        """Return the configurations that share the shots.

        Raises
        ------
        InputError
            If a number is out of range, or would do nothing.
        """
        if self.targets == 1 and self.pilot != QAOAOptions.pilot:
            refuse("pilot", self.pilot, "it shares shots among targets: give targets=3 or more, or leave it out")
        if (self.targets == 1 or self.pilot == QAOAOptions.pilot) and self.alpha != QAOAOptions.alpha:
            refuse("alpha", self.alpha, "it ranks targets after a pilot: give targets=3 and pilot=0.5, or leave it out")
        if self.targets == 1:
            return Portfolio()
        penalty = make_penalty(self.penalty, self.strength)
        if penalty.at(1.0) is penalty:
            refuse("targets", self.targets, f"{self.penalty} has no target load: all circuits would be the same")
        fills = (min(max(self.fill + shift, -1.0), 1.0) for shift in target_fills(self.targets))
        return Portfolio(tuple(Configuration(fill=fill) for fill in fills), pilot=self.pilot, alpha=self.alpha)


@dataclass(frozen=True)
class CircuitOptions(QAOAOptions):
    """Options of all that runs circuits as such.

    Attributes
    ----------
    ansatz
        See `make_ansatz`.
    """

    ansatz: str = "qaoa"


@dataclass(frozen=True)
class NoisyOptions(CircuitOptions):
    """Options of `noisy:BACKEND`.

    Attributes
    ----------
    method
        `surrogate` (calibrated, as fast as `qaoa`), `density` (exact, narrow circuits) or `trajectories`.
    """

    method: str = "surrogate"


@dataclass(frozen=True)
class DeviceOptions(CircuitOptions):
    """Options of `ibm:BACKEND`; see `RuntimeOptions` for those not told here.

    Attributes
    ----------
    fallback
        `product` answers by the product state where the device fails, and says so in the record; else it is an error.
    """

    fallback: str = ""
    dynamical_decoupling: bool = RuntimeOptions.dynamical_decoupling
    sequence: str = RuntimeOptions.sequence
    twirl_gates: str = RuntimeOptions.twirl_gates
    twirl_measure: bool = RuntimeOptions.twirl_measure
    randomizations: int = RuntimeOptions.randomizations
    mode: str = RuntimeOptions.mode
    max_execution_time: int = RuntimeOptions.max_execution_time
    session_time: int = RuntimeOptions.session_time
    timeout: int = RuntimeOptions.timeout

    def runtime(self) -> RuntimeOptions:
        """Return what the executor is told.

        Raises
        ------
        InputError
            If an option is out of range, or would do nothing.
        """
        if not self.dynamical_decoupling and self.sequence != RuntimeOptions.sequence:
            refuse("sequence", self.sequence, "it needs dynamical_decoupling=true")
        if (
            self.twirl_gates == "off"
            and not self.twirl_measure
            and self.randomizations != RuntimeOptions.randomizations
        ):
            refuse("randomizations", self.randomizations, "nothing is twirled: leave it out")
        if self.session_time and self.mode == "job":
            refuse("session_time", self.session_time, "it limits a batch or session: give mode=batch or mode=session")
        return RuntimeOptions(**{field.name: getattr(self, field.name) for field in fields(RuntimeOptions)})


def annealing(options: AnnealingOptions) -> SubproblemSampler:
    """Return the annealer."""
    if not options.penalty:
        if options.strength is not None:
            refuse("strength", options.strength, "it is a penalty's: give penalty=tilted, unbalanced or slack too")
        return AnnealingSampler(options.width, sweeps=options.sweeps)
    penalty = make_penalty(options.penalty, options.strength)
    return AnnealingSampler(options.width, penalty, options.sweeps)


def qaoa(options: QAOAOptions) -> SubproblemSampler:
    """Return QAOA by the statevector kernel."""
    return QAOASampler(
        width=options.width,
        warm=options.warm,
        ramp=options.ramp(),
        penalty=options.own_penalty(),
        portfolio=options.own_portfolio(),
    )


def noisy(backend: str, options: NoisyOptions) -> SubproblemSampler:
    """Return circuits under the noise of a fake backend.

    Raises
    ------
    UnknownNameError
        If the backend, method or ansatz is not known.
    """
    if options.method not in METHODS:
        raise UnknownNameError.of("noise method", options.method, METHODS)
    if options.method == "surrogate" and options.ansatz == "qaoa":
        return SurrogateSampler.of(
            backend,
            width=options.width,
            warm=options.warm,
            ramp=options.ramp(),
            penalty=options.own_penalty(),
            portfolio=options.own_portfolio(),
        )
    executor: CircuitExecutor
    match options.method:
        case "surrogate":
            executor = SurrogateExecutor.of(backend)
        case "density":
            executor = DensityMatrixExecutor.of(backend)
        case _:
            executor = TrajectoryExecutor.of(backend)
    return _circuits(executor, options)


def device_executor(backend: str, options: DeviceOptions) -> RuntimeExecutor:
    """Return what runs circuits on a device of your account, or on a fake backend by the same path.

    Raises
    ------
    UnknownNameError
        If the backend is not known, or not the account's.
    InputError
        If there is no account, or an option would do nothing.
    """
    executor = RuntimeExecutor.of(backend, options.runtime())
    executor.max_width = executor.device.widest  # slack bits come on top of the variables
    return executor


def on_device(executor: RuntimeExecutor, options: DeviceOptions) -> SubproblemSampler:
    """Return the sampler of a `device_executor`."""
    return _circuits(executor, options, options.fallback)


def _circuits(executor: CircuitExecutor, options: CircuitOptions, fallback: str = "") -> CircuitSampler:
    """Hand the options on; trained circuits have no ramp, and only QAOA starts cold."""
    has_ramp = options.ansatz in ("qaoa", "copula")
    if not has_ramp and (options.gamma is not None or options.beta is not None):
        refuse("gamma, beta", f"{options.gamma}, {options.beta}", f"{options.ansatz} trains its own angles")
    if options.ansatz != "qaoa" and not options.warm:
        refuse("warm", "no", f"only qaoa has a cold start, not {options.ansatz}")
    return CircuitSampler(
        executor,
        make_ansatz(
            options.ansatz,
            options.layers,
            warm=options.warm,
            ramp=options.ramp(options.ansatz) if has_ramp else None,
        ),
        width=options.width,
        penalty=options.own_penalty(),
        portfolio=options.own_portfolio(),
        fallback=fallback,
    )
