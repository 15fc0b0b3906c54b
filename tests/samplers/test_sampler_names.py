"""Samplers by name, with options, journals and errors that list the known names."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING

import numpy as np
import pytest

from lagrl.errors import InputError, MissingExtraError, UnknownNameError
from lagrl.quantum.circuits.line_qaoa import WARM_RAMP, WARM_RAMPS
from lagrl.quantum.circuits.statevector import QAOASampler
from lagrl.quantum.journal.journaled import JournaledSampler, ReplaySampler
from lagrl.quantum.journal.lines import JOURNAL
from lagrl.quantum.subproblems.candidate_sampler import GreedySampler, ProductSampler
from lagrl.quantum.subproblems.penalties import TiltedPenalty
from lagrl.quantum.subproblems.slack import SlackPenalty
from lagrl.relaxation.sampler import ExactSampler, SampleContext, SampleQuery, SubproblemSampler
from lagrl.samplers.circuit_sampler import CircuitSampler
from lagrl.samplers.families import FAMILIES
from lagrl.samplers.registry import (
    close_sampler,
    default_journal,
    make_sampler,
    require_known,
    sampler_packages,
)

if TYPE_CHECKING:
    from pathlib import Path

HAS_QISKIT = find_spec("qiskit_ibm_runtime") is not None and find_spec("qiskit_aer") is not None
needs_qiskit = pytest.mark.skipif(not HAS_QISKIT, reason="the extra quantum is not installed")
KNAPSACKS = (np.array([[-5.0, -4.0, -3.0], [-1.0, -6.0, 2.0]]), np.array([2, 3, 4]), np.array([5, 6]))


def answers(sampler: SubproblemSampler) -> np.ndarray:
    """Sample two small knapsacks and return the best strings."""
    samples = sampler.sample(SampleQuery(*KNAPSACKS, 32, np.random.default_rng(0), SampleContext("test", 0)))
    return samples.best(*KNAPSACKS)[0]


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("exact", ExactSampler),
        ("greedy", GreedySampler),
        ("product", ProductSampler),
        ("qaoa", QAOASampler),
    ],
)
def test_samplers_are_known_by_name(name: str, kind: type) -> None:
    """Each name makes its sampler, and `require_known` accepts it."""
    require_known(name)
    made = make_sampler(name)
    assert type(made) is kind
    assert name in FAMILIES
    assert answers(made).tolist() == [[1, 1, 0], [1, 1, 0]]


@needs_qiskit
@pytest.mark.parametrize(
    ("name", "backend"),
    [
        ("noisy:FakeKingston", "surrogate(fake_kingston)"),
        ("noisy:fake_torino+method=density+width=4", "density(fake_torino)"),
        ("noisy:FakeKingston+method=trajectories+layers=2", "trajectories(fake_kingston)"),
        ("noisy:FakeKingston+ansatz=pairwise+width=6", "surrogate(fake_kingston)"),
        ("ibm:FakeKingston+width=4", "ibm(fake_kingston)"),
        ("ibm:FakeTorino+penalty=slack+width=3", "ibm(fake_torino)"),
        ("qaoa", "statevector"),
        ("bandit+backends=FakeKingston+epsilon=0+width=4", "surrogate(fake_kingston)"),
    ],
)
def test_circuits_are_known_by_name(name: str, backend: str) -> None:
    """The cost names method and backend, and has seconds of encoding; noise by three methods, and a local device."""
    made = make_sampler(name)
    samples = made.sample(SampleQuery(*KNAPSACKS, 32, np.random.default_rng(0), SampleContext("test", 0)))
    assert samples.cost.backend == backend
    assert samples.cost.circuits == 1  # presolve answers the second vehicle
    assert samples.cost.two_qubit_gates > 0
    assert 0 < samples.cost.encoding_seconds < samples.cost.seconds
    assert samples.counts.sum(axis=1).tolist() == [32, 32]
    close_sampler(made)


def test_options_reach_the_sampler() -> None:
    """Width, layers and penalty reach the sampler."""
    assert make_sampler("product+width=5") == ProductSampler(5)
    plain = make_sampler("qaoa")
    assert isinstance(plain, QAOASampler)
    assert (plain.ramp, plain.penalty, plain.width) == (WARM_RAMP, TiltedPenalty(), 12)
    chosen = make_sampler("qaoa+width=6+layers=3+strength=50")
    assert isinstance(chosen, QAOASampler)
    assert (chosen.width, chosen.ramp, chosen.penalty) == (6, WARM_RAMPS[2], TiltedPenalty(50.0))
    assert make_sampler("qaoa+penalty=slack+strength=50").penalty == SlackPenalty(50.0)


@needs_qiskit
def test_circuit_options_reach_the_sampler() -> None:
    """Ansatz, fallback and runtime options reach the sampler."""
    made = make_sampler("ibm:FakeKingston+width=5+ansatz=pairwise+fallback=product+twirl_measure=yes+timeout=60")
    assert isinstance(made, CircuitSampler)
    assert (made.width, made.ansatz.name, made.fallback) == (5, "pairwise", "product")
    assert (made.backend.options.twirl_measure, made.backend.options.timeout) == (True, 60)


@needs_qiskit
def test_a_device_is_closed_if_its_journal_cannot_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A sampler that no one gets leaves no connection open."""
    closed = []
    monkeypatch.setattr("lagrl.quantum.ibm.runtime.DeviceBackend.close", lambda backend: closed.append(backend.name))
    file = tmp_path / "j.sqlite"
    file.write_text("the end of a novel")
    with pytest.raises(InputError, match="cannot be read"):
        make_sampler("ibm:FakeKingston+width=5", journal=file)
    assert closed == ["ibm(fake_kingston)"]


def test_own_samplers_are_made_from_module_and_attribute() -> None:
    """A class with a `sample` method is a sampler."""
    assert type(make_sampler("lagrl.quantum.circuits.statevector:QAOASampler")) is QAOASampler


def test_journals_keep_and_replay(tmp_path: Path) -> None:
    """A journal keeps samples, which can be replayed; exact and replayed samples are not kept."""
    file = tmp_path / "run.sqlite"
    kept = make_sampler("qaoa+width=3", journal=file)
    assert isinstance(kept, JournaledSampler)
    first = answers(kept)
    close_sampler(kept)
    replay = make_sampler(f"replay:{file}")
    assert isinstance(replay, ReplaySampler)
    assert (answers(replay) == first).all()
    close_sampler(replay)
    for name in ("exact", f"replay:{file}"):
        with pytest.raises(InputError, match=r"journal: .* given; leave it out: .* has nothing to keep"):
            make_sampler(name, journal=tmp_path / "none.jsonl")
    assert not (tmp_path / "none.jsonl").exists()


def test_paid_samplers_have_a_journal() -> None:
    """Only a real device has a journal by default."""
    assert default_journal("ibm:ibm_kingston+width=8").name == "ibm_kingston.journal.sqlite"
    assert default_journal("ibm:FakeKingston") is None
    assert default_journal("qaoa") is None


@pytest.mark.parametrize("name", ["ibm:ibm_kingston+width=8", "bandit+backends=ibm_kingston/FakeParis"])
def test_a_journal_of_an_earlier_version_is_never_ignored(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A default journal of an earlier version holds paid jobs: it is imported first, before any device is opened."""
    monkeypatch.chdir(tmp_path)
    kept = default_journal(name)
    assert kept is not None
    old = kept.with_suffix(".jsonl")
    old.write_bytes(JOURNAL.first_line)
    with pytest.raises(InputError, match=f"{old}: .* may be paid for; import it: lagrl journal {kept} --import {old}"):
        make_sampler(name)
    assert list(tmp_path.iterdir()) == [tmp_path / old]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("qaoaa", "unknown sampler 'qaoaa'; did you mean 'qaoa'"),
        ("nothing", "noisy:BACKEND, product, qaoa, replay:FILE; or module:attribute"),
        ("qaoa+widht=3", "did you mean 'width'"),
        ("exact+width=3", "unknown option of sampler exact 'width'"),
        ("qaoa:FakeKingston", "qaoa takes nothing there"),
        ("noisy", "write noisy:BACKEND"),
        ("replay", "write replay:FILE"),
        ("mine:Sampler+width=3", "a sampler of your own takes none"),
        ("qaoa+width=99", "give 1 to 22 variables"),
        ("qaoa+layers=0", "layers"),
        ("qaoa+strength=-1", "strength: -1.0 given; give a finite number of 0 or more"),
        ("annealing+strength=5", "unknown option of sampler annealing 'strength'"),
        ("qaoa+penalty=taylor", "unknown penalty 'taylor'"),
        ("replay:nowhere.jsonl", "nowhere.jsonl"),
    ],
)
def test_wrong_names_raise_errors(name: str, message: str) -> None:
    """Wrong names, options and values raise an error with the remedy."""
    with pytest.raises(InputError) as error:
        make_sampler(name)
    assert message in str(error.value)


@needs_qiskit
@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("noisy:FakeKingstown", "did you mean 'FakeKingston'"),
        ("noisy:FakeKyoto", "no usable two-qubit gate"),
        ("noisy:FakeKingston+method=magic", "unknown noise method 'magic'"),
        ("noisy:FakeKingston+ansatz=magic", "unknown ansatz 'magic'"),
        ("noisy:FakeKingston+method=density+width=14", "density(fake_kingston) takes 10 qubits"),
        ("ibm:FakeNowhere", "unknown backend 'FakeNowhere'"),
        ("ibm:FakeKingston+mode=turbo", "unknown mode 'turbo'"),
        ("ibm:FakeKingston+fallback=magic", "give product, or leave it out"),
        ("ibm:FakeKingston+randomizations=4", "omit it for 8"),
        ("ibm:FakeKingston+width=21", "ibm(fake_kingston) takes 20 qubits"),
        ("ibm:FakeKingston+session_time=60", "give mode=batch or mode=session"),
        ("noisy:FakeKingston+ansatz=pairwise+warm=no", "only qaoa has a cold start, not pairwise"),
    ],
)
def test_wrong_circuits_raise_errors(name: str, message: str) -> None:
    """Unknown backends, methods, ansätze and modes, and widths out of range, raise an error."""
    with pytest.raises(InputError) as error:
        make_sampler(name)
    assert message in str(error.value)


@pytest.mark.parametrize("name", ["noisy:FakeKingston", "ibm:FakeKingston"])
def test_a_missing_extra_is_named(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without qiskit the error names the extra to install."""
    import builtins

    from lagrl.quantum.devices import fakes as backends

    real = builtins.__import__

    def without_qiskit(module: str, *rest: object, **named: object) -> object:
        if module.startswith("qiskit"):
            raise ImportError(module)
        return real(module, *rest, **named)

    backends._snapshots.cache_clear()
    monkeypatch.setattr(builtins, "__import__", without_qiskit)
    with pytest.raises(MissingExtraError, match=r"pip install -c constraints.txt '\.\[quantum\]'"):
        make_sampler(name + "+width=7")
    backends._snapshots.cache_clear()


def test_unknown_names_raise_errors_early() -> None:
    """`require_known` raises an error for an unknown name without importing anything."""
    with pytest.raises(UnknownNameError, match="unknown sampler"):
        require_known("nothing")


def test_rows_know_the_packages_behind_a_sampler(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows record the packages of circuits and annealing, and those that a user's sampler names."""
    (tmp_path / "sampler_with_packages.py").write_text("class Mine:\n    packages = ('scipy',)\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    assert sampler_packages("noisy:FakeKingston+width=8") == ("qiskit", "qiskit-aer", "qiskit-ibm-runtime")
    assert "dwave-samplers" in sampler_packages("annealing")
    assert sampler_packages("sampler_with_packages:Mine") == ("scipy",)
    assert sampler_packages("qaoa") == sampler_packages("exact") == ()


@needs_qiskit
def test_no_journal_is_left_where_there_is_no_device(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An unknown backend or option raises an error before a journal is opened."""
    monkeypatch.chdir(tmp_path)
    for name in ("ibm:FakeNowhere", "ibm:FakeKingston+ansatz=magic"):
        with pytest.raises(UnknownNameError):
            make_sampler(name, journal=tmp_path / "j.jsonl")
    assert not list(tmp_path.iterdir())
