"""Journals of earlier versions are imported whole or not at all, and what is exported can be imported."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
import numpy as np
import pytest
from hypothesis import example, given, settings
from journal_samples import COST, drawn_call, drawn_samples, same

from lagrl.errors import InputError, LagrlError, OutputError
from lagrl.io.jsonl import JsonLines
from lagrl.io.line_format import TornLineWarning
from lagrl.quantum.journal.database import Tables
from lagrl.quantum.journal.journal import Journal
from lagrl.quantum.journal.lines import JOURNAL, require_imported
from lagrl.relaxation.sampler import SampleContext, SamplingCost

EARLIER = Path(__file__).parent / "earlier.jsonl"
"""A journal that lagrl 0.1 wrote: three answers, a plan, and a job in every state that it knew."""

CODES = [np.array([[3, 0, 2**40]], np.int64), np.array([[1], [2]], np.int64)]


def copied(folder: Path) -> Path:
    """Copy the earlier journal into a folder."""
    return Path(shutil.copy(EARLIER, folder / "old.journal.jsonl"))


def imported(folder: Path) -> Path:
    """Import the earlier journal into a new one."""
    with Journal(folder / "old.journal.sqlite") as journal:
        journal.import_lines(copied(folder))
        return journal.path


def test_a_journal_of_an_earlier_version_is_imported(tmp_path: Path) -> None:
    """Answers, plans, results, pending jobs and charges are those of the earlier version."""
    with Journal(imported(tmp_path)) as journal:
        for call, seed in ((drawn_call(0), 0), (drawn_call(1), 1), (drawn_call(0, sampler="die"), 5)):
            answer = journal.answer(call)
            assert answer is not None
            assert same(answer.samples, drawn_samples(seed))
            assert answer.state["bit_generator"] == ("MT19937" if seed == 5 else "PCG64")
        assert journal.kept_plan(drawn_call(0).key) == {"choices": [[0, "dev/line0/qaoa/1", 0.5, ""]], "work": []}
        told = journal.summary().record()
        assert (told["runs"], told["samplers"], told["calls"]) == ({"toy/0/0": 2}, ["dice", "die"], 3)
        assert (told["jobs"], told["failed"]) == (7, 2)
        assert (
            told["paid"]
            == told["sampling"]
            == {
                **{"circuits": 9, "shots": 576, "jobs": 3, "seconds": 0.9000000000000001, "qpu_seconds": 1.0},
                "backend": "dice",
            }
        )
        states = {job["tag"]: (job["state"], job["job"], job["problem"]) for job in told["pending"]}
        assert states == {
            "tag 2": ("unusable", "id 2", "damaged"),
            "tag 4": ("submitted", "id 4", ""),
            "tag 6": ("submitted", "id 6", ""),
            "tag 7": ("intended", "", ""),
        }
        assert {(job["run"], job["step"]) for job in told["pending"]} == {("toy/0/0", 1)}
        record = journal.find_job("finished")
        assert record is not None and record.codes is not None
        assert (record.tag, record.job, record.cost) == ("tag 1", "id 1", COST)
        assert all(np.array_equal(a, b) for a, b in zip(record.codes, CODES, strict=True))
        for name in ("refused", "claimed"):
            assert journal.find_job(name) is None
        taken = journal.find_job("intended")
        assert taken is not None and (taken.tag, taken.job) == ("tag 7", "")


def test_an_imported_journal_is_marked(tmp_path: Path) -> None:
    """The old file gets a last line, which earlier versions refuse; it is not imported twice."""
    new = imported(tmp_path)
    old = tmp_path / "old.journal.jsonl"
    assert old.read_bytes().startswith(EARLIER.read_bytes())
    last = json.loads(old.read_text().splitlines()[-1])
    assert (last["kind"], last["into"]) == ("imported", str(new))
    with Journal(new) as journal:
        before = journal.summary()
        with pytest.raises(InputError, match=rf"{old}: was imported before; use that journal; without its last line"):
            journal.import_lines(old)
        assert journal.summary() == before


def test_a_default_journal_is_not_used_beside_one_that_was_not_imported(tmp_path: Path) -> None:
    """The message has the command; other files of that name, and imported ones, do not matter."""
    new, old = tmp_path / "old.journal.sqlite", tmp_path / "old.journal.jsonl"
    require_imported(new)
    old.write_text('{"a": 1}\n')
    require_imported(new)
    copied(tmp_path)
    with pytest.raises(InputError) as caught:
        require_imported(new)
    assert str(caught.value) == (
        f"{old}: is a journal of lines, as earlier versions wrote them, and its jobs may be paid for; "
        f"import it: lagrl journal {new} --import {old}"
    )
    imported(tmp_path)
    require_imported(new)
    with old.open("ab") as stream:  # an earlier version that goes on nevertheless
        stream.write(JOURNAL.encode({"kind": "plan", "call": "x", "plan": {}}))
    with pytest.raises(InputError, match="may be paid for"):
        require_imported(new)


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_interrupted_import_is_repeated(tmp_path: Path, when: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed before or after its transaction ended, an import that is started again adds everything once."""
    commit = Tables._commit

    def killed(self: Tables, connection: Any) -> None:
        if when == "after":
            commit(self, connection)
        raise KeyboardInterrupt

    old = copied(tmp_path)
    with Journal(tmp_path / "new.sqlite") as journal:
        with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
            patched.setattr(Tables, "_commit", killed)
            journal.import_lines(old)
        assert old.read_bytes() == EARLIER.read_bytes()
        assert len(journal) == (3 if when == "after" else 0)
        journal.import_lines(old)
        summary = journal.summary()
    folder = tmp_path / "other"
    folder.mkdir()
    with Journal(imported(folder)) as other:
        assert {**summary.record(), "journal": ""} == {**other.summary().record(), "journal": ""}


def test_a_torn_mark_is_written_again(tmp_path: Path) -> None:
    """If the machine stopped while an imported file was being marked, the import is repeated and changes nothing."""
    new, old = imported(tmp_path), tmp_path / "old.journal.jsonl"
    whole = old.read_bytes()
    old.write_bytes(whole[:-20])
    with pytest.raises(InputError, match="import it"):
        require_imported(new)
    with Journal(new) as journal:
        before = journal.summary()
        with pytest.warns(TornLineWarning, match="line 32 is torn"):
            journal.import_lines(old)
        assert journal.summary() == before
    assert old.read_bytes() == whole
    require_imported(new)


def test_an_import_is_added_to_what_is_there(tmp_path: Path) -> None:
    """Answers of both are kept, the first of two counts; a job of both is refused and nothing is added."""
    with Journal(tmp_path / "j.sqlite") as journal:
        journal.record(drawn_call(0), drawn_samples(9), np.random.default_rng(9))
        journal.intend_job("submitted", "another tag")
        with pytest.raises(
            InputError, match=r"old.journal.jsonl: line 25: its job is in .*j.sqlite too; import the file"
        ):
            journal.import_lines(copied(tmp_path))
        assert (len(journal), journal.summary().jobs) == (1, 1)
    with Journal(tmp_path / "k.sqlite") as journal:
        journal.record(drawn_call(0), drawn_samples(9), np.random.default_rng(9))
        journal.import_lines(copied(tmp_path))
        answer = journal.answer(drawn_call(0))
        assert answer is not None
        assert same(answer.samples, drawn_samples(9))
        assert len(journal) == 3


def test_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    """What a killed process of an earlier version left is cut off with a warning, the lines before it are imported."""
    old = copied(tmp_path)
    old.write_bytes(old.read_bytes()[:-30])
    with Journal(tmp_path / "j.sqlite") as journal:
        with pytest.warns(TornLineWarning, match=rf"{old}: line 31 is torn"):
            journal.import_lines(old)
        assert (len(journal), journal.summary().jobs) == (3, 7)


def test_what_cannot_be_imported_or_exported(tmp_path: Path) -> None:
    """Missing files, other files and existing targets are refused in one line, and stay as they are."""
    other = tmp_path / "rows.jsonl"
    other.write_text('{"schema": "lagrl-row/2"}\n')
    header = tmp_path / "header.jsonl"
    header.write_bytes(JOURNAL.encode({"schema": "lagrl.journal/9", "kind": "header"}))
    with Journal(tmp_path / "j.sqlite") as journal:
        with pytest.raises(InputError, match=r"none.jsonl: cannot be read \(No such file"):
            journal.import_lines(tmp_path / "none.jsonl")
        with pytest.raises(InputError, match=r"rows.jsonl: is no journal of lines; give one"):
            journal.import_lines(other)
        with pytest.raises(InputError, match=r"header.jsonl: cannot be read .the first line is .*journal/9"):
            journal.import_lines(header)
        with pytest.raises(InputError, match="is no journal of lines"):
            journal.import_lines(tmp_path / "j.sqlite")
        with pytest.raises(OutputError, match=r"rows.jsonl: exists already; choose another name"):
            journal.export_lines(other)
        with pytest.raises(OutputError, match="cannot be written"):
            journal.export_lines(tmp_path / "nowhere" / "out.jsonl")
        assert len(journal) == 0
    assert other.read_text() == '{"schema": "lagrl-row/2"}\n'


def test_an_export_holds_everything(tmp_path: Path) -> None:
    """Everything that an earlier version wrote is in the export of its import; only its owner may read it."""
    out = tmp_path / "out.jsonl"
    with Journal(imported(tmp_path)) as journal:
        journal.export_lines(out)
        summary = journal.summary().record()
    assert out.stat().st_mode & 0o777 == 0o600
    with Journal(tmp_path / "again.sqlite") as journal:
        journal.import_lines(out)
        assert {**journal.summary().record(), "journal": ""} == {**summary, "journal": ""}
        record = journal.find_job("finished")
        assert record is not None and record.codes is not None
        assert [code.tolist() for code in record.codes] == [code.tolist() for code in CODES]
        assert journal.kept_plan(drawn_call(0).key) is not None


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from("ecisfxulptng"), st.sampled_from("xy")), max_size=40))
@example([("a", step, "x") for step in "ilxslu"])  # three charges, of which a late one is recorded twice
@example([("a", step, "x") for step in "ixixlf"])  # two attempts with one tag; the second has a result without an id
@example([("a", "i", "y"), ("a", "x", "y"), ("a", "t", "x")])  # the second attempt belongs to a run that sorts first
def test_an_export_reads_as_the_journal(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str, str]]
) -> None:
    """After any sequence of steps, the import of an export has the same answers, plans, jobs and costs."""
    folder = tmp_path_factory.mktemp("journal")
    with Journal(folder / "j.sqlite") as journal:
        for job, step, run in steps:
            act = {
                "e": lambda job=job: journal.record(drawn_call(0, job), drawn_samples(), np.random.default_rng(0)),
                "c": lambda job=job: journal.find_job(job),
                "i": lambda job=job: journal.intend_job(job, f"tag {job}"),
                "s": lambda job=job: journal.submitted_job(job, f"id {job}"),
                "f": lambda job=job: journal.finished_job(job, CODES, COST),
                "x": lambda job=job: journal.failed_job(job, "why", COST),
                "u": lambda job=job: journal.unusable_job(job, "how", SamplingCost(qpu_seconds=2.0)),
                "l": lambda job=job: journal.finished_job(job, CODES, COST, f"other id {job}"),
                "p": lambda job=job: journal.keep_plan(job, {"work": [job]}),
                "t": lambda job=job: journal.intend_job(job, f"next tag {job}"),
                "n": lambda job=job: journal.submitted_job(job, f"next id {job}"),
                "g": lambda: [journal.give_up(known.job or known.tag) for known in journal.pending()],
            }[step]
            try:
                with journal.calling(SampleContext(run, 3)):
                    act()
            except InputError:
                continue
        before = journal.summary().record()
        jobs = journal._jobs.all()
        journal.export_lines(folder / "out.jsonl")
        with Journal(folder / "k.sqlite") as other:
            other.import_lines(folder / "out.jsonl")
            assert {**other.summary().record(), "journal": ""} == {**before, "journal": ""}
            assert other._jobs.all() == jobs
            assert other._jobs.charges() == journal._jobs.charges()
            for job in "abc":
                assert other.kept_plan(job) == journal.kept_plan(job)
                assert (other.answer(drawn_call(0, job)) is None) == (journal.answer(drawn_call(0, job)) is None)
                assert str(other.find_job(job)) == str(journal.find_job(job))


def test_a_damaged_line_is_named_and_nothing_is_imported(tmp_path: Path) -> None:
    """A changed byte in a complete line is an error with file and line, and both files stay as they are."""
    whole = EARLIER.read_bytes()
    old = copied(tmp_path)
    start = len(JOURNAL.first_line)
    with Journal(tmp_path / "j.sqlite") as journal:
        for place in [*range(start, len(whole), 611), len(whole) - 4]:
            damaged = bytearray(whole)
            damaged[place] ^= 1
            old.write_bytes(damaged)
            line = whole[:place].count(b"\n") + 1
            with pytest.raises(InputError, match=rf"{old}: line {line}: damaged"):
                journal.import_lines(old)
            assert old.read_bytes() == damaged
            assert (len(journal), journal.summary().jobs) == (0, 0)


def written(path: Path, *records: dict[str, Any]) -> Path:
    """Write lines with right checksums."""
    with JsonLines(path, JOURNAL, lambda *_: None, lock="none") as file:
        file.append(*records)
    return path


def refused(path: Path, *records: dict[str, Any]) -> str:
    """Return the message with which the lines are refused."""
    path.unlink(missing_ok=True)
    with Journal(path.with_suffix(".sqlite")) as journal, pytest.raises(LagrlError) as caught:
        journal.import_lines(written(path, *records))
    return str(caught.value)


JOB = "a" * 64


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([{"kind": "plan", "call": "x", "plan": []}], "plan: [] is not an object"),
        ([{"kind": "claimed", "job_of": JOB, "run": "r", "step": 0}], "lacks owner"),
        ([{"kind": "claimed", "job_of": [JOB], "run": "r", "step": 0, "owner": "a 1 2"}], "job_of: ["),
        ([{"kind": "late", "job_of": JOB, "job": {}, "cost": {}}], "job: {} is not text"),
        (
            [{"kind": "finished", "job_of": JOB, "codes": [], "cost": {}}],
            "is unknown and cannot become finished",
        ),
        ([{"kind": "taken", "job_of": JOB, "owner": "a 1 2"}], "is unknown and cannot become taken"),
        ([{"kind": "call", "run": "a"}], "lacks "),
        ([{"kind": "song"}], "'song' is no kind of line"),
        ([{}], "null is no kind of line"),
    ],
)
def test_wrong_lines_are_refused(tmp_path: Path, lines: list[dict[str, Any]], message: str) -> None:
    """Missing and mistyped fields, and steps that cannot follow, are named with their line."""
    told = refused(tmp_path / "j.jsonl", *lines)
    assert told.startswith(f"{tmp_path / 'j.jsonl'}: line 2: damaged (")
    assert message in told
    assert "its results may be paid for" in told
