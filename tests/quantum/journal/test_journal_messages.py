"""Every message of journals, each made by a real bad input, beside the message that journals of lines had before."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from journal_messages import FILE, RESTORE, SAME, Case, require_message, steps
from journal_samples import COST, Counting, drawn_call, drawn_samples
from small_knapsacks import knapsacks

from lagrl.quantum.journal.journal import Journal
from lagrl.quantum.journal.journaled import JournaledSampler, ReplaySampler
from lagrl.quantum.journal.lines import JOURNAL
from lagrl.quantum.journal.values import MOST_UNPACKED, pack, set_state
from lagrl.relaxation.sampler import SampleContext, SampleQuery, Samples, SamplingCost

if TYPE_CHECKING:
    from collections.abc import Callable

FIRST = f"FILE: cannot be read (the first line is ..., not b'...lagrl.journal/2...'){RESTORE}"
REPLAY = "; replay with the same instance, seed, controller, budget, shots and version as recorded"


def rng(seed: int = 0) -> np.random.Generator:
    """Return a generator."""
    return np.random.default_rng(seed)


def ask(sampler: Any, seed: int = 0, step: int = 0, run: str = "toy", shots: int = 16, shift: float = 0.0) -> Samples:
    """Sample the knapsacks of a step."""
    reduced_cost, weight, capacity = knapsacks(rng(step), 4, 14)
    context = SampleContext(run, step)
    found: Samples = sampler.sample(SampleQuery(reduced_cost + shift, weight, capacity, shots, rng(seed), context))
    return found


def write(content: bytes, *, read_only: bool = False) -> None:
    """Open a file with this content."""
    Path(FILE).write_bytes(content)
    Journal(FILE, read_only=read_only)


def replays(*names: str, chosen: str | None = None, times: int = 1, **question: Any) -> Callable[[], None]:
    """Return a function that records a call of each sampler, and replays another one."""

    def act() -> None:
        with Journal(FILE) as journal:
            for name in names:
                ask(JournaledSampler(Counting(), journal, name))
        sampler = ReplaySampler(FILE, chosen)
        for _ in range(times):
            ask(sampler, **question)

    return act


def of_another_version() -> None:
    """Open a file whose header has a later schema."""
    Journal(FILE).close()
    content = bytearray(Path(FILE).read_bytes())
    content[60:64] = (4).to_bytes(4, "big")
    write(bytes(content))


def damaged(old: bytes, new: bytes) -> None:
    """Open a journal in which some bytes were changed."""
    steps(("record", drawn_call(), drawn_samples(), rng()))()
    content = Path(FILE).read_bytes()
    assert old in content
    write(content.replace(old, new, 1))


def closed() -> None:
    """Use a journal that is closed."""
    journal = Journal(FILE)
    journal.close()
    journal.find_job("f")


def full() -> None:
    """Record an answer where the disk has no room."""
    with Journal(FILE) as journal:
        connection = journal._tables._connection
        assert connection is not None
        connection.execute("PRAGMA max_page_count = 17")
        for step in range(20):
            journal.record(drawn_call(step), drawn_samples(), rng())


def locked() -> None:
    """Write while another connection holds the write lock."""
    with Journal(FILE) as holder, Journal(FILE) as other, holder._tables.transaction():
        connection = other._tables._connection
        assert connection is not None
        connection.execute("PRAGMA busy_timeout = 1")
        other.find_job("f")


def sent_elsewhere() -> None:
    """Give up a job that a running process is sending."""
    with Journal(FILE) as journal:
        journal.intend_job("f", "tag")
        journal.give_up("tag")


def waited_for() -> None:
    """Ask for a job that a running process is about to send."""
    with Journal(FILE) as owner, Journal(FILE) as other:
        owner.find_job("f")
        acts = iter([lambda: owner.intend_job("f", "t"), lambda: owner.submitted_job("f", "id")])
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("lagrl.quantum.journal.journal._PATIENCE", 0.04)
            patch.setattr("lagrl.quantum.journal.journal.time.sleep", lambda seconds: next(acts)())
            other.find_job("f")


class Strange(np.random.PCG64):
    """A bit generator whose state JSON cannot hold."""

    @property
    def state(self) -> Any:
        """Return a state."""
        return {"a": object()}


class Wrong:
    """A sampler of other knapsacks."""

    def sample(self, query: SampleQuery) -> Samples:
        """Return samples of 3 vehicles."""
        return drawn_samples()


def wrong_samples() -> None:
    """Record samples of other knapsacks."""
    with Journal(FILE) as journal:
        ask(JournaledSampler(Wrong(), journal, "wrong"))


SENT = (("intend_job", "f", "tag"), ("submitted_job", "f", "id"))
NOISE = [np.random.default_rng(0).integers(0, 2**62, 2**22)]
CASES = {
    "a missing file": Case(
        lambda: Journal(FILE, read_only=True), SAME, f"FILE: cannot be read (No such file or directory){RESTORE}"
    ),
    "a folder": Case(lambda: Journal("."), SAME, ".: is a folder; give the name of a file"),
    "a missing folder": Case(lambda: Journal("a/j"), SAME, "...a/j: folder ...a does not exist; create it first"),
    "another file": Case(
        lambda: write(b"the end of a novel"),
        FIRST,
        f"FILE: cannot be read (it starts with b'the end of a novel', a journal with b'SQLite format 3\\x00'){RESTORE}",
    ),
    "an empty file that is only read": Case(
        lambda: write(b"", read_only=True),
        FIRST,
        f"FILE: cannot be read (it starts with b'', a journal with b'SQLite format 3\\x00'){RESTORE}",
    ),
    "a later version": Case(
        of_another_version, FIRST, "FILE: has schema 4; use the version of lagrl that wrote it; this one has schema 3"
    ),
    "an earlier version": Case(
        lambda: write(JOURNAL.first_line),
        "no message: it was a journal",
        "FILE: is a journal of lines, as earlier versions wrote them; "
        "import it into a new one: lagrl journal NEW.journal.sqlite --import FILE",
    ),
    "another database": Case(
        lambda: write(b"SQLite format 3\0" + bytes(84)),
        FIRST,
        f"FILE: cannot be read (it is an SQLite database of another program){RESTORE}",
    ),
    "a compressed file": Case(
        lambda: Journal("j.gz"),
        "j.gz: gzipped files cannot be appended to; unpack it first",
        "j.gz: a journal cannot be compressed; choose a name that does not end in .gz",
    ),
    "a changed value": Case(
        lambda: damaged(b'"backend": "dice"', b'"backend": "nice"'),
        f"FILE: line 2: damaged (checksum does not match){RESTORE}",
        f"FILE: damaged (table calls, row '...': checksum does not match){RESTORE}",
    ),
    "a changed table": Case(
        lambda: damaged(b"CREATE TABLE plans", b"CREATE TABLE plant"),
        f"FILE: line 2: damaged (checksum does not match){RESTORE}",
        f"FILE: damaged (...){RESTORE}",
    ),
    "a closed journal": Case(closed, SAME, "FILE: is closed; open it again"),
    "a full disk": Case(
        full,
        "FILE: cannot be written (No space left on device); check the folder, its permissions and free space",
        "FILE: cannot be written (database or disk is full); check the folder, its permissions and free space",
    ),
    "a lock that stays": Case(
        locked,
        "no message: it waited for ever",
        "FILE: another process has locked it for 60 s; stop that process",
    ),
    "a job that was not intended": Case(
        steps(("submitted_job", "f", "id")),
        SAME,
        "FILE: job f is unknown and cannot become submitted; call find_job first",
    ),
    "a job that is intended twice": Case(
        steps(("intend_job", "f", "tag"), ("intend_job", "f", "tag 2")),
        SAME,
        "FILE: job tag is intended and cannot become intended; call find_job first",
    ),
    "a job that is sent after its result": Case(
        steps(*SENT, ("finished_job", "f", [], COST), ("submitted_job", "f", "id 2")),
        SAME,
        "FILE: job id is finished and cannot become submitted; call find_job first",
    ),
    "an unknown job that is given up": Case(
        steps(("intend_job", "f", "tag"), ("give_up", "job")), SAME, "unknown pending job of FILE 'job'; known: tag"
    ),
    "a job that is given up while it is sent": Case(
        sent_elsewhere, SAME, "FILE: job tag is being sent by process PID; wait, or stop that process first"
    ),
    "a job that another process sends": Case(
        waited_for,
        SAME,
        "FILE: process PID is about to send the same job; waiting for it; stop that process if it hangs",
    ),
    "a plan that is no JSON": Case(
        steps(("keep_plan", "c", {"a": float("nan")})),
        SAME,
        "FILE: not plain JSON (Out of range float values are not JSON compliant...); give finite numbers and text",
    ),
    "a result above the limit of a row": Case(
        steps(*SENT, ("finished_job", "f", NOISE, COST)),
        "FILE: a line of 44753129 bytes; at most 33554432 can be read back; record less at once, such as fewer shots",
        "FILE: a row of more than 33554432 bytes could not be read back; record less at once, such as fewer shots",
    ),
    "arrays above the limit": Case(
        lambda: pack(np.broadcast_to(np.zeros(1, np.int64), (MOST_UNPACKED,))),
        "array: 2147483648 bytes in a line; record at most 268435456 at once, with fewer shots",
        "array: 2147483648 bytes of arrays; record at most 268435456 at once, with fewer shots",
    ),
    "an impossible cost": Case(
        steps(("record", drawn_call(), replace(drawn_samples(), cost=SamplingCost(jobs=-1)), rng())),
        f"FILE: line 2: damaged (cost: {{'jobs': -1}} is not possible){RESTORE}",
        "FILE: cost: {'jobs': -1} is not possible; give finite numbers and text",
    ),
    "an impossible step": Case(
        steps(("record", replace(drawn_call(), step=2**70), drawn_samples(), rng())),
        f"FILE: line 2: damaged (step: 1180591620717411303424 is not a whole number){RESTORE}",
        "FILE: step: 1180591620717411303424 is not a whole number; give finite numbers and text",
    ),
    "a generator that cannot be recorded": Case(
        steps(("record", drawn_call(), drawn_samples(), np.random.Generator(Strange(1)))),
        SAME,
        "rng: the state of Strange cannot be recorded (Object of type object is not JSON serializable); "
        "use numpy.random.default_rng",
    ),
    "a state of another generator": Case(
        lambda: set_state(rng(), {"bit_generator": "PCG64"}),
        SAME,
        "rng_after: the recorded state of PCG64 cannot be used ('state'); use another journal",
    ),
    "samples of other knapsacks": Case(
        wrong_samples,
        SAME,
        "sampler wrong: returned Samples with strings of shape (3, 5, 11); return Samples with strings [4, S, 14]",
    ),
    "a replay of nothing": Case(replays(), SAME, "FILE: holds no answers; record some with --journal first"),
    "a replay of several samplers": Case(
        replays("qaoa", "die"),
        SAME,
        "FILE: holds the answers of 2 samplers; choose replay:FILE+sampler=qaoa or replay:FILE+sampler=die",
    ),
    "a replay of an unknown sampler": Case(
        replays("qaoa", chosen="qoa"), SAME, "unknown sampler in FILE 'qoa'; did you mean 'qaoa'? known: qaoa"
    ),
    "a replay of another step": Case(
        replays("qaoa", step=4),
        SAME,
        f"FILE: run 'toy', step 4: not recorded; recorded steps of this run are 0{REPLAY}",
    ),
    "a replay of another run": Case(
        replays("qaoa", run="x"), SAME, f"FILE: run 'x', step 0: not recorded; recorded runs are 'toy'{REPLAY}"
    ),
    "a replay of other shots": Case(
        replays("qaoa", shots=17), SAME, f"FILE: run 'toy', step 0: recorded with different shots{REPLAY}"
    ),
    "a replay of other prices": Case(
        replays("qaoa", shift=1e-12), SAME, f"FILE: run 'toy', step 0: recorded with different reduced costs{REPLAY}"
    ),
    "a replay too often": Case(
        replays("qaoa", seed=9, times=2),
        SAME,
        f"FILE: run 'toy', step 0: called 2 times, but recorded 1 times{REPLAY}",
    ),
    "a journal for another process": Case(
        lambda: pickle.dumps(Journal(FILE)),
        SAME,
        "Journal is open in this process and cannot be pickled; make it in each process, such as with make_sampler "
        "and its string",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_every_fault_has_one_line(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The message is that of the table, on one line, with the file and what to do."""
    require_message(CASES[name], tmp_path, monkeypatch)
