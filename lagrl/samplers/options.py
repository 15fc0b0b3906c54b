"""Options of the samplers: the fields of a dataclass, each `+name=value` in a sampler string."""

from __future__ import annotations

from dataclasses import dataclass, fields

from lagrl.errors import refuse
from lagrl.quantum.ibm.device import RuntimeOptions


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
    """Options of the samplers `greedy`, `product` and `annealing`.

    Attributes
    ----------
    width
        Most variables per vehicle (default 12).
    """

    width: int = 12


@dataclass(frozen=True)
class QAOAOptions(WidthOption):
    """Options of `qaoa` and of all samplers with circuits.

    Attributes
    ----------
    layers
        Number of layers p; if None, 1 from a warm start and 2 from a cold one.
    warm
        Whether to start from the product state (default) or from the uniform superposition.
    penalty, strength
        `tilted` (default), `unbalanced` or `slack`, and its ρ; the penalty's default if None.
    """

    layers: int | None = None
    warm: bool = True
    penalty: str = "tilted"
    strength: float | None = None


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
        if self.session_time and self.mode == "job":
            refuse("session_time", self.session_time, "it limits a batch or session: give mode=batch or mode=session")
        return RuntimeOptions(**{field.name: getattr(self, field.name) for field in fields(RuntimeOptions)})
