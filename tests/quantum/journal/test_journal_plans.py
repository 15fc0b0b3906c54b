"""Plans in a journal: a resumed call sends what was planned before the crash."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lagrl.errors import InputError
from lagrl.quantum.journal.journal import Journal

if TYPE_CHECKING:
    from pathlib import Path


def test_the_first_plan_is_kept(tmp_path: Path) -> None:
    """The first plan of a call counts for every process, also after a second one was recorded."""
    path = tmp_path / "journal.sqlite"
    with Journal(path) as journal, Journal(path) as other:
        assert journal.kept_plan("a") is None
        journal.keep_plan("a", {"work": [1, 2]})
        other.keep_plan("a", {"work": [3]})
        assert other.kept_plan("a") == {"work": [1, 2]}
        assert other.kept_plan("b") is None
    with Journal(path) as again:
        assert again.kept_plan("a") == {"work": [1, 2]}
        assert len(again) == 0
        assert again.summary().pending == ()


def test_a_changed_plan_is_damage(tmp_path: Path) -> None:
    """A plan that was changed in the file is refused as damaged."""
    path = tmp_path / "journal.sqlite"
    with Journal(path) as journal:
        journal.keep_plan("a", {"work": 1})
    path.write_bytes(path.read_bytes().replace(b'{"work": 1}', b'{"work": 2}'))
    with pytest.raises(InputError, match="table plans, row 'a': checksum does not match"):
        Journal(path)
