"""Bad inputs of journals and their messages, for the tests of journals."""

from __future__ import annotations

import os
import re
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from lagrl.quantum.journal import job_table
from lagrl.quantum.journal.journal import Journal

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import pytest

FILE = "j.sqlite"
RESTORE = "; give a journal that a run with --journal wrote; restore a damaged one: its results may be paid for"
SAME = "the same"
NONE = "no message: the case is new"


@dataclass(frozen=True)
class Case:
    """A bad input and its messages; `...` stands for any text, FILE for the journal and PID for a number."""

    act: Callable[[], object]
    before: str
    after: str


def steps(*calls: tuple[Any, ...]) -> Callable[[], None]:
    """Return a function that calls methods of a journal, each given by its name and arguments."""

    def act() -> None:
        with Journal(FILE) as journal:
            for name, *values in calls:
                getattr(journal, name)(*values)

    return act


def require_message(case: Case, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Require that an act in a folder gives the message `after`, alone and on one line."""
    monkeypatch.chdir(folder)
    monkeypatch.setattr(job_table, "is_alive_elsewhere", lambda owner: True)
    told: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            case.act()
        except Exception as error:
            told.append(str(error))
    told += [str(warning.message) for warning in caught if warning.category is not ResourceWarning]
    pattern = re.escape(case.after.replace("FILE", FILE).replace("PID", str(os.getpid()))).replace(r"\.\.\.", ".*")
    assert len(told) == 1
    assert re.fullmatch(pattern, told[0]), told[0]
    assert "\n" not in told[0]
    assert case.before != case.after, "a message that did not change is entered as SAME"
