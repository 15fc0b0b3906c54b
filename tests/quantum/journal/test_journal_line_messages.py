"""Every message of imports and exports of journals, each made by a real bad input; see `test_journal_messages`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from journal_messages import FILE, NONE, RESTORE, Case, require_message, steps

from lagrl.quantum.journal.lines import JOURNAL, require_imported

if TYPE_CHECKING:
    from collections.abc import Callable

TORN = "line 2 is torn (its writer was stopped while writing) and was cut off; all lines before it are kept"
INTENT = {"kind": "intended", "job_of": "f", "run": "r", "step": 0, "owner": "", "tag": "t"}


def imports(content: bytes | None, *, times: int = 1, before: tuple[Any, ...] = ()) -> Callable[[], None]:
    """Return a function that imports a file with this content, after steps of the journal."""

    def act() -> None:
        if content is not None:
            Path("old.jsonl").write_bytes(content)
        steps(*before, *[("import_lines", Path("old.jsonl"))] * times)()

    return act


def default_beside_old() -> None:
    """Use the default journal where that of an earlier version is."""
    Path("j.jsonl").write_bytes(JOURNAL.first_line)
    require_imported(Path(FILE))


def exported_twice() -> None:
    """Export to a file that exists."""
    steps(("export_lines", Path("out.jsonl")), ("export_lines", Path("out.jsonl")))()


CASES = {
    "a torn line": Case(
        imports(JOURNAL.first_line + JOURNAL.encode({"kind": "plan", "call": "c", "plan": {}})[:-9]),
        f"FILE: {TORN}",
        f"old.jsonl: {TORN}",
    ),
    "an import of a missing file": Case(
        imports(None), NONE, f"old.jsonl: cannot be read (No such file or directory){RESTORE}"
    ),
    "an import of another file": Case(
        imports(b"a,b\n"), NONE, "old.jsonl: is no journal of lines; give one that lagrl wrote or exported"
    ),
    "an import of another version": Case(
        imports(JOURNAL.encode({"schema": "lagrl.journal/9", "kind": "header"})),
        NONE,
        f"old.jsonl: cannot be read (the first line is ..., not ...){RESTORE}",
    ),
    "an import of a damaged file": Case(
        imports(JOURNAL.first_line + b'{"a": 1}\n'),
        "FILE: line 2: damaged (checksum does not match)" + RESTORE,
        f"old.jsonl: line 2: damaged (checksum does not match){RESTORE}",
    ),
    "an import of a step that cannot follow": Case(
        imports(JOURNAL.first_line + JOURNAL.encode({"kind": "submitted", "job_of": "f", "job": "j"})),
        f"FILE: line 2: damaged (job f is unknown and cannot become submitted){RESTORE}",
        f"old.jsonl: line 2: damaged (job f is unknown and cannot become submitted){RESTORE}",
    ),
    "an import that is repeated": Case(
        imports(JOURNAL.first_line, times=2),
        NONE,
        "old.jsonl: was imported before; use that journal; without its last line, which names it, "
        "this one is imported again",
    ),
    "an import of a job that is known": Case(
        imports(JOURNAL.first_line + JOURNAL.encode(INTENT), before=(("intend_job", "f", "tag"),)),
        NONE,
        "old.jsonl: line 2: its job is in FILE too; import the file into a new journal",
    ),
    "a default journal of an earlier version": Case(
        default_beside_old,
        NONE,
        "j.jsonl: is a journal of lines, as earlier versions wrote them, and its jobs may be paid for; "
        "import it: lagrl journal FILE --import j.jsonl",
    ),
    "an export to a file that exists": Case(exported_twice, NONE, "out.jsonl: exists already; choose another name"),
}


@pytest.mark.parametrize("name", CASES)
def test_every_fault_of_lines_has_one_line(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message is that of the table, on one line, with the file and what to do."""
    require_message(CASES[name], tmp_path, monkeypatch)
