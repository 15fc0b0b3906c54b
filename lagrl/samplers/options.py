"""Options of the samplers: the fields of a dataclass, each `+name=value` in a sampler string."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from lagrl.errors import refuse
from lagrl.quantum.circuits.ansatz import default_ramp
from lagrl.quantum.circuits.statevector import Ramp
from lagrl.quantum.ibm.runtime_options import RuntimeOptions
from lagrl.quantum.subproblems.penalties import make_penalty

if TYPE_CHECKING:
    from lagrl.quantum.subproblems.penalties import Penalty


@dataclass(frozen=True)
class NoOptions:
    """Options of the sampler `exact`, and of a user's own: none."""


@dataclass(frozen=True)
class ReplayOptions:
    """Options of the sampler `replay:FILE`.

    Attributes
    ----------
    sampler
        The sampler string whose samples are replayed; needed where the journal has samples of several.
    """

    sampler: str = ""


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
        """Return the angles of the layers; InputError if only one of the angles is given."""
        default = default_ramp(ansatz, self.layers, warm=self.warm)
        if self.gamma is None and self.beta is None:
            return default
        if self.gamma is None or self.beta is None:
            refuse("angles", f"gamma {self.gamma} and beta {self.beta}", "give both or neither")
        return Ramp(default.layers, self.gamma, self.beta)


@dataclass(frozen=True)
class CircuitOptions(QAOAOptions):
    """Options of all samplers whose circuits a backend runs.

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
        With `product` the product state is sampled where the device fails, and the record says so; if empty, a
        failure is an error.
    """

    fallback: str = ""


@dataclass(frozen=True)
class DeviceOptions(BackendOptions, RuntimeOptions):
    """Options of the sampler `ibm:BACKEND`, those of `RuntimeOptions` included."""

    def runtime(self) -> RuntimeOptions:
        """Return the options of the backend; InputError if one has no effect."""
        if not self.dynamical_decoupling and self.sequence != RuntimeOptions.sequence:
            refuse("sequence", self.sequence, "it needs dynamical_decoupling=true")
        is_twirled = self.twirl_gates != "off" or self.twirl_measure
        if not is_twirled and self.randomizations != RuntimeOptions.randomizations:
            refuse("randomizations", self.randomizations, "nothing is twirled: leave it out")
        if self.session_time and self.mode == "job":
            refuse("session_time", self.session_time, "it limits a batch or session: give mode=batch or mode=session")
        return RuntimeOptions(**{field.name: getattr(self, field.name) for field in fields(RuntimeOptions)})
