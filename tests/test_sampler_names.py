"""Samplers by name."""

from __future__ import annotations

import pytest

from lagrl.errors import UnknownNameError
from lagrl.quantum.samplers import ProductSampler, QAOASampler
from lagrl.relaxation.sampler import ExactSampler, SubproblemSampler
from lagrl.samplers import SAMPLERS, make_sampler, require_known


@pytest.mark.parametrize(
    ("name", "kind"), [("exact", ExactSampler), ("product", ProductSampler), ("qaoa", QAOASampler)]
)
def test_samplers_are_known_by_name(name: str, kind: type) -> None:
    """What the command line calls by a name is that sampler, and names are looked up before any work."""
    require_known(name)
    assert type(make_sampler(name)) is kind
    assert isinstance(SAMPLERS[name](), SubproblemSampler)


def test_own_samplers_are_made_from_module_and_attribute() -> None:
    """Anything with a `sample` method will do."""
    assert type(make_sampler("lagrl.quantum.samplers:QAOASampler")) is QAOASampler


def test_unknown_names_are_refused_with_the_known_ones() -> None:
    """A slip of the pen gets the name that was meant."""
    with pytest.raises(UnknownNameError, match="unknown sampler 'qaoaa'; did you mean 'qaoa'"):
        make_sampler("qaoaa")
    with pytest.raises(UnknownNameError, match="exact, product, qaoa"):
        require_known("nothing")
