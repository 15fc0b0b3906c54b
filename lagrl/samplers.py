"""Samplers by name: the exact kernel, the quantum ones, and a user's own by `module:attribute`."""

from __future__ import annotations

from collections.abc import Callable

from lagrl.errors import UnknownNameError
from lagrl.plugins import checked, imported
from lagrl.quantum.samplers import ProductSampler, QAOASampler
from lagrl.relaxation.sampler import ExactSampler, SubproblemSampler

SamplerFactory = Callable[[], SubproblemSampler]

SAMPLERS: dict[str, SamplerFactory] = {
    "exact": ExactSampler,
    "product": ProductSampler,
    "qaoa": QAOASampler,
}


def require_known(spec: str) -> None:
    """Refuse a name that is neither in `SAMPLERS` nor `module:attribute`, without importing anything.

    Raises
    ------
    UnknownNameError
        If no such sampler is known.
    """
    if spec not in SAMPLERS and ":" not in spec:
        raise UnknownNameError.of("sampler", spec, SAMPLERS, hint="; or module:attribute for your own")


def make_sampler(spec: str) -> SubproblemSampler:
    """Make the sampler called `spec`.

    Parameters
    ----------
    spec
        A name in `SAMPLERS`, or `module:attribute`, where the attribute is called without arguments.

    Raises
    ------
    UnknownNameError
        If no such sampler is known.
    InputError
        If `module:attribute` cannot be imported or does not make a sampler.
    """
    require_known(spec)
    if spec in SAMPLERS:
        return SAMPLERS[spec]()
    factory = checked("sampler", spec, imported("sampler", spec), SubproblemSampler, "sample(...)")
    made: SubproblemSampler = factory()
    return made
