"""Ownership of open samplers: who opens one, which calls share it, and when it is closed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import lagrl
from lagrl.relaxation.sampler import ExactSampler
from lagrl.samplers.families import FAMILIES, Family
from lagrl.samplers.held import HeldSamplers
from lagrl.samplers.options import NoOptions
from lagrl.samplers.registry import family_of, require_known

if TYPE_CHECKING:
    from pathlib import Path

DEVICE = "ibm:FakeHanoi+width=4"
BANDIT = "bandit+backends=FakeMumbai/FakeParis+families=qaoa+depths=1+placements=line0+width=4"


class Watched(ExactSampler):
    """A sampler that keeps what happens to it."""

    made: list[Watched]

    def __init__(self) -> None:
        self.closed = 0
        Watched.made.append(self)

    def close(self) -> None:
        """Count the call."""
        self.closed += 1


@pytest.fixture(params=[False, True])
def stays_open(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """Whether the family `watched`, of this test only, has one sampler for all rows."""
    Watched.made = []
    own = Family("watched", "of this test", lambda: NoOptions, lambda *_: Watched(), stays_open=request.param)
    monkeypatch.setitem(FAMILIES, "watched", own)
    return bool(request.param)


def test_open_closes_at_any_end(stays_open: bool) -> None:
    """`with open` gives the sampler itself, parsed or not, and closes it after an error too."""
    with lagrl.samplers.open("watched") as sampler:
        assert type(sampler) is Watched and not sampler.closed
    assert sampler.closed == 1
    spec = require_known("watched")
    with pytest.raises(KeyboardInterrupt), lagrl.samplers.open(spec) as sampler:
        raise KeyboardInterrupt
    assert [one.closed for one in Watched.made] == [1, 1]
    del stays_open


def test_a_solve_opens_and_closes_its_own(stays_open: bool) -> None:
    """Each solve by name opens a sampler and closes it; an open one is used and left open."""
    problem = lagrl.read("G-n16-k3")
    for _ in range(2):
        lagrl.solve(problem, sampler="watched", evaluations=2)
    assert [one.closed for one in Watched.made] == [1, 1]
    with lagrl.samplers.open("watched") as sampler:
        lagrl.solve(problem, sampler=sampler, evaluations=2)
        assert not Watched.made[2].closed
    del stays_open


def test_rows_share_what_stays_open(stays_open: bool) -> None:
    """An evaluation has one sampler that stays open, which rests after every row, or a new one for each row."""
    lagrl.evaluate("G-n16-k3", ["cfm", "hwc", "volume"], 2, samplers="watched")
    if stays_open:
        (one,) = Watched.made  # the check before the rows included
        assert one.closed == 3 + 1
    else:
        assert [one.closed for one in Watched.made] == [1] * 4


def test_an_owner_keeps_what_stays_open(stays_open: bool) -> None:
    """What is not held is made anew; what is held is closed by its owner, who may open it again."""
    with HeldSamplers() as held:
        first, second = held.make("watched"), held.make("watched")
        assert (first is second) == stays_open
        held.close()
        assert held.make("watched") is not first
    assert [one.closed for one in Watched.made] == ([1, 1] if stays_open else [0, 0, 0])


def test_an_evaluation_connects_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All rows of a device use one connection and one open journal; its batch or session ends after every row."""
    pytest.importorskip("qiskit_aer", reason="needs the quantum extra")
    from lagrl.quantum.ibm import runtime
    from lagrl.quantum.ibm.runtime import DeviceBackend
    from lagrl.quantum.journal.journal import Journal

    count = {"connections": 0, "ends": 0, "journals": 0}

    def counted(name: str, call: Any) -> Any:
        def wrapped(*given: Any, **named: Any) -> Any:
            count[name] += 1
            return call(*given, **named)

        return wrapped

    monkeypatch.setattr(runtime, "open_device", counted("connections", runtime.open_device))
    monkeypatch.setattr(DeviceBackend, "close", counted("ends", DeviceBackend.close))
    monkeypatch.setattr(Journal, "__init__", counted("journals", Journal.__init__))
    settings: dict[str, Any] = {"samplers": DEVICE, "shots": 8, "journal": tmp_path / "jobs.jsonl"}
    rows = lagrl.evaluate("G-n16-k3", ["cfm", "hwc"], 2, **settings)
    assert all(row["jobs"] > 0 for row in rows)
    assert count == {"connections": 1, "ends": len(rows) + 1, "journals": 1}


def test_a_bandit_learns_over_the_rows_of_an_evaluation(monkeypatch: pytest.MonkeyPatch) -> None:
    """All rows have one bandit, which knows more after each; the next evaluation starts without knowledge."""
    pytest.importorskip("qiskit_aer", reason="needs the quantum extra")
    from lagrl.quantum.bandit import options

    made: list[Any] = []
    make = options.make_bandit
    monkeypatch.setattr(options, "make_bandit", lambda *given: made.append(make(*given)) or made[-1])
    seen: list[int] = []

    def on_row(_: object) -> None:
        seen.append(made[-1].policy.model.n_observations)

    for _ in range(2):
        lagrl.evaluate("G-n16-k3", ["cfm", "hwc"], 2, samplers=BANDIT, shots=8, on_row=on_row)
    assert len(made) == 2
    assert 0 < seen[0] < seen[1]
    assert seen[:2] == seen[2:]


def test_every_family_says_what_it_is() -> None:
    """Names are unique, summaries are sentences, and only what is shared between rows may learn or be paid."""
    for name, family in FAMILIES.items():
        assert family_of(name) is family
        assert len(family.summary.split()) >= 3
        spec = require_known(f"{name}:x" if name not in family.forms else name)
        assert family.stays_open or not (family.learns(spec) or family.paid(spec))
