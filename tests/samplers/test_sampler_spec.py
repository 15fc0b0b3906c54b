"""Parsing of a sampler string and conversion of its options."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from lagrl.errors import InputError, UnknownNameError
from lagrl.samplers.spec import SamplerSpec


@dataclass(frozen=True)
class Options:
    """Options with a field of each type."""

    width: int = 12
    gamma: float = 1.2
    warm: bool = True
    penalty: str = "tilted"
    layers: int | None = None


def test_names_are_taken_apart() -> None:
    """Name, argument and options are separated; an argument may contain colons, slashes and dots."""
    spec = SamplerSpec.parse("noisy:FakeKingston+width=8+warm=no")
    assert (spec.name, spec.argument, dict(spec.options)) == ("noisy", "FakeKingston", {"width": "8", "warm": "no"})
    assert spec.read(Options) == Options(width=8, warm=False)
    assert SamplerSpec.parse("replay:runs/a:b.jsonl").argument == "runs/a:b.jsonl"
    assert SamplerSpec.parse("exact") == SamplerSpec("exact", "exact", "", {})


def test_options_have_the_type_of_their_default() -> None:
    """Options become integers, numbers, truth values and strings."""
    spec = SamplerSpec.parse("qaoa+width=5+gamma=2+warm=True+penalty=slack")
    assert spec.read(Options) == Options(5, 2.0, True, "slack")
    assert type(spec.read(Options).gamma) is float
    assert SamplerSpec.parse("qaoa+layers=0").read(Options).layers == 0


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("qaoa+width", "'width' given; write options as +name=value"),
        ("qaoa+=3", "write options as"),
        ("qaoa+width=", "write options as"),
        ("qaoa+width=1+width=2", "width given twice"),
        ("qaoa+width=wide", "width: 'wide' given; give a whole number"),
        ("qaoa+warm=perhaps", "warm: 'perhaps' given; give true or false"),
    ],
)
def test_what_cannot_be_read_is_refused(text: str, told: str) -> None:
    """The error names the sampler, the option and the allowed values."""
    with pytest.raises(InputError) as error:
        SamplerSpec.parse(text).read(Options)
    assert told in str(error.value)


def test_unknown_options_are_refused_with_the_known_ones() -> None:
    """A misspelt option raises an error with the nearest known one."""
    with pytest.raises(UnknownNameError, match="did you mean 'width'"):
        SamplerSpec.parse("qaoa+widht=3").read(Options)


def test_a_replay_names_another_sampler_with_all_its_options() -> None:
    """After +sampler= the rest is one sampler string; a file name may contain a plus."""
    spec = SamplerSpec.parse("replay:runs/a+b.jsonl+sampler=noisy:FakeKingston+width=8+layers=2")
    assert (spec.name, spec.argument) == ("replay", "runs/a+b.jsonl")
    assert dict(spec.options) == {"sampler": "noisy:FakeKingston+width=8+layers=2"}
    with pytest.raises(InputError, match=r"write options as \+name=value"):
        SamplerSpec.parse("replay:run.jsonl+sampler=")
    assert SamplerSpec.parse("replay:n=5.jsonl+sampler=qaoa+width=8").options == {"sampler": "qaoa+width=8"}
    assert set(SamplerSpec.parse("replay:run.jsonl+smapler=x+sampler=qaoa").options) == {"smapler", "sampler"}


@pytest.mark.parametrize(("text", "told"), [("true", True), ("No", False), ("1", True), ("0", False)])
def test_flags_are_read_as_options_are(text: str, told: bool) -> None:
    """`flag` converts like `read`, and returns the default for an absent option."""
    spec = SamplerSpec.parse(f"qaoa+warm={text}")
    assert spec.flag("warm", not told) is told
    assert spec.flag("cold", True) and not spec.flag("cold", False)
