"""Samplers by name: kernels, annealing, circuits on simulated and real devices, replays, and a user's own.

A name is `NAME[:ARGUMENT][+option=value …]`:

    exact                       the optimal string of every knapsack
    greedy                      the classical control: greedy by efficiency
    product                     independent biased bits: the zero-gate control of every circuit
    annealing                   simulated annealing on the QUBO
    qaoa                        QAOA without noise, by the statevector kernel
    noisy:BACKEND               circuits under the noise of a fake backend, such as noisy:FakeKingston
    ibm:BACKEND                 a quantum computer of your account; ibm:FakeKingston runs the same path offline
    replay:FILE                 the answers that a journal recorded
    module:attribute            your own
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lagrl.errors import UnknownNameError
from lagrl.plugins import checked, imported
from lagrl.quantum.samplers import ProductSampler, QAOASampler
from lagrl.relaxation.sampler import ExactSampler, SubproblemSampler
from lagrl.sampler_spec import SamplerSpec

if TYPE_CHECKING:
    import os

__all__ = ["SAMPLERS", "SamplerFactory", "close_sampler", "make_sampler", "require_known"]

SamplerFactory = Callable[[SamplerSpec], SubproblemSampler]


@dataclass(frozen=True)
class NoOptions:
    """Takes none."""


def _exact(spec: SamplerSpec) -> SubproblemSampler:
    spec.read(NoOptions)
    return ExactSampler()


def _product(spec: SamplerSpec) -> SubproblemSampler:
    @dataclass(frozen=True)
    class ProductOptions:
        width: int = 12

    return ProductSampler(spec.read(ProductOptions).width)


def _qaoa(spec: SamplerSpec) -> SubproblemSampler:
    return QAOASampler()


SAMPLERS: dict[str, SamplerFactory] = {
    "exact": _exact,
    "product": _product,
    "qaoa": _qaoa,
}


def require_known(text: str) -> None:
    if SamplerSpec.parse(text).name not in SAMPLERS and ":" not in text:
        raise UnknownNameError.of("sampler", text, SAMPLERS, hint="; or module:attribute for your own")


def make_sampler(text: str, *, journal: str | os.PathLike[str] | None = None) -> SubproblemSampler:
    spec = SamplerSpec.parse(text)
    require_known(text)
    if spec.name in SAMPLERS:
        return SAMPLERS[spec.name](spec)
    factory = checked("sampler", text, imported("sampler", text), SubproblemSampler, "sample(...)")
    made: SubproblemSampler = factory()
    return made


def close_sampler(sampler: SubproblemSampler) -> None:
    close = getattr(sampler, "close", None)
    if callable(close):
        close()
