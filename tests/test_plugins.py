"""The decision which names a file may choose."""

from __future__ import annotations

import pytest

from lagrl.errors import InputError
from lagrl.plugins import NamedRule, require_trusted


def test_a_refused_name_is_printed_short_and_escaped() -> None:
    """A name of any length and content makes one short line, in the problem and in the remedy."""
    rule = NamedRule("env.sampler", "mine:\x1b[2J\n" + "x" * 100_000, is_built_in=False)
    with pytest.raises(InputError, match="is not built in") as refused:
        require_trusted([rule], source="card.json")
    assert len(str(refused.value)) < 350
    assert str(refused.value).isprintable()
    assert "--env.sampler 'mine:" in str(refused.value)
    with pytest.raises(InputError, match="the file has 'mine:") as other:
        require_trusted([rule], {"env.sampler": "exact"})
    assert len(str(other.value)) < 250
