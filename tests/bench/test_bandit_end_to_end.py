"""The statistics of `benchmarks/bandit_end_to_end/run.py`, what it measures, and a tiny run."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from lagrl.problems.bundled import bundled_names, bundled_path
from lagrl.quantum.bandit.options import BanditOptions, make_bandit
from lagrl.quantum.subproblems.candidate_sampler import ProductSampler
from lagrl.relaxation.sampler import ExactSampler, SampleContext, SampleQuery

for needed in ("qiskit_aer", "qiskit_ibm_runtime"):
    pytest.importorskip(needed, reason="the benchmark needs the extra quantum")


HERE = SampleContext()


@pytest.fixture(scope="module")
def scripts() -> SimpleNamespace:
    """Import the modules of the study."""
    from benchmarks.bandit_end_to_end import crosscheck, knapsack_quality, report, run

    return SimpleNamespace(quality=knapsack_quality, check=crosscheck, report=report, run=run)


def knapsacks() -> tuple[Any, ...]:
    """Return small knapsacks that presolve does not solve."""
    rng = np.random.default_rng(3)
    weight = rng.integers(5, 30, 7)
    return rng.uniform(-20.0, -1.0, (4, 7)), weight, np.full(4, int(weight.sum() * 0.45))


def test_exact_strings_fall_short_of_nothing(scripts: SimpleNamespace) -> None:
    """With all customers as variables, exact strings are at the optimum, and others below it."""
    for sampler, is_exact in ((ExactSampler(), True), (ProductSampler(8), False)):
        measured = scripts.quality.Measured(sampler)
        measured.sample(SampleQuery(*knapsacks(), 64, np.random.default_rng(0), HERE))
        assert measured.shortfalls
        assert (max(measured.shortfalls) < 1e-12) == is_exact
        assert min(measured.shortfalls) > -1e-12


def test_measuring_changes_no_answer(scripts: SimpleNamespace) -> None:
    """Samples and the randomness after them are those of the sampler alone."""
    one, other = np.random.default_rng(1), np.random.default_rng(1)
    alone = ProductSampler(8).sample(SampleQuery(*knapsacks(), 16, one, HERE))
    beside = scripts.quality.Measured(ProductSampler(8)).sample(SampleQuery(*knapsacks(), 16, other, HERE))
    assert (alone.bitstrings == beside.bitstrings).all()
    assert one.random() == other.random()


def test_cvar_counts_strings_as_often_as_drawn(scripts: SimpleNamespace) -> None:
    """A quarter of eight shots is the best two of them."""
    assert scripts.quality.cvar(np.array([1.0, 5.0, 3.0]), np.array([4, 1, 3])) == 4.0
    assert scripts.quality.cvar(np.array([1.0, 5.0, 3.0]), np.array([4, 2, 2])) == 5.0


def test_a_cut_is_found_and_none_is_told_of_nothing(scripts: SimpleNamespace) -> None:
    """Half the excess is a cut of 50 %; of an excess around 0 there is none."""
    rng = np.random.default_rng(0)
    theirs = {str(i): {s: 2.0 + 0.1 * rng.normal() for s in range(3)} for i in range(12)}
    mine = {i: {s: 0.5 * value for s, value in own.items()} for i, own in theirs.items()}
    found = scripts.report.cut(mine, theirs)
    assert found.value == pytest.approx(50.0)
    assert found.low == pytest.approx(50.0)
    nothing = {i: {s: value - 2.0 for s, value in own.items()} for i, own in theirs.items()}
    assert np.isnan(scripts.report.cut(mine, nothing).value)


def test_hindsight_without_a_difference_gains_nothing_on_other_seeds(scripts: SimpleNamespace) -> None:
    """Where samplers differ by luck alone, the oracle's gain is that of selection, and other seeds take it away."""
    rng = np.random.default_rng(0)
    luck = [{str(i): {s: rng.normal() for s in range(4)} for i in range(400)} for _ in range(6)]
    same, split = scripts.report.oracle(luck)
    assert np.mean(list(same.values())) < -0.5
    assert abs(np.mean(list(split.values()))) < 0.1
    real = [{i: {s: float((int(i) + k) % 2) for s in own} for i, own in luck[0].items()} for k in range(2)]
    assert set(scripts.report.oracle(real)[1].values()) == {0.0}


def test_components_of_spread_are_told_apart(scripts: SimpleNamespace) -> None:
    """Spread between instances and between seeds is found from values that have both."""
    rng = np.random.default_rng(0)
    table = {str(i): dict(enumerate(rng.normal(rng.normal(0.0, 2.0), 1.0, 5))) for i in range(2000)}
    between, within, count = scripts.report.components(table)
    assert (between, within) == (pytest.approx(2.0, rel=0.1), pytest.approx(1.0, rel=0.1))
    assert count == 10_000


def test_intervals_of_clusters_are_wider(scripts: SimpleNamespace) -> None:
    """Values that resemble each other within an instance tell less than as many independent ones."""
    rng = np.random.default_rng(0)
    numbers = np.repeat(rng.normal(size=20), 30)
    wide = scripts.report.clustered(numbers, [str(i // 30) for i in range(600)])
    narrow = scripts.report.clustered(numbers, [str(i) for i in range(600)])
    assert wide.high - wide.low > 3.0 * (narrow.high - narrow.low)


@pytest.fixture
def small(scripts: SimpleNamespace, monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """Run on bundled instances and few samplers."""
    files = [Path(str(bundled_path(name))) for name in sorted(bundled_names())[:2]]
    monkeypatch.setattr(scripts.run, "smallest", lambda count: files[:count])
    monkeypatch.setattr(scripts.run, "SIX", ("FakeMumbai",))

    def on_one(state: str, options: BanditOptions) -> Any:
        return make_bandit(state, replace(options, backends="FakeMumbai"))

    monkeypatch.setattr(scripts.run, "make_bandit", on_one)
    monkeypatch.setattr(scripts.check, "make_bandit", on_one)
    return scripts


def settings(scripts: SimpleNamespace, **changes: Any) -> Any:
    """Return arguments of a tiny run."""
    return scripts.run.Args(instances=2, evaluations=2, shots=16, methods=("reference",), **{"seeds": 2, **changes})


def test_an_interrupted_run_is_gone_on_with_as_if_nothing_had_been(small: SimpleNamespace, tmp_path: Path) -> None:
    """Rows cut off in the middle of a bandit's learning are made again, the same as before."""

    def made(path: Path) -> list[dict[str, Any]]:
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        return [{name: row.get(name) for name in ("key", "roles", "cost", "circuits", "shortfall")} for row in rows]

    whole, cut_off = tmp_path / "whole.jsonl", tmp_path / "cut.jsonl"
    small.run.run(settings(small), whole)
    lines = whole.read_text().splitlines(keepends=True)
    learning = next(i for i, line in enumerate(lines) if "learning" in json.loads(line)["roles"])
    cut_off.write_text("".join(lines[: learning + 1]))
    small.run.run(settings(small), cut_off)
    assert made(cut_off) == made(whole)
    text = small.report.report([whole])
    assert "| learning | static |" in text
    assert "| other seeds |" in text
    rows = [json.loads(line) for line in lines]
    by_instance = text[text.index("Gap % of every instance") :].splitlines()
    exact = by_instance[2].split(" | ").index("exact")
    for instance in {row["instance"] for row in rows}:
        gaps = [row["gap_pct"] for row in rows if row["instance"] == instance and "exact" in row["roles"]]
        told = next(line for line in by_instance if line.startswith(f"| {instance} |")).split(" | ")[exact]
        assert told == (f"{np.mean(gaps):.2f}" if None not in gaps else "—")


def test_steps_are_answered_twice_with_the_same_plan(small: SimpleNamespace, tmp_path: Path) -> None:
    """Every circuit of the checked steps is there with both qualities, and the answers used are the first ones."""
    out = tmp_path / "check.jsonl"
    small.check.check(small.run.smallest(1), settings(small, seeds=1, crosscheck=1.0), out)
    (line,) = map(json.loads, out.read_text().splitlines())
    assert line["checked"] == line["steps"] == 2
    assert line["pairs"]
    assert any(pair["surrogate"] != pair["trajectories"] for pair in line["pairs"])
    text = small.report.report([out])
    assert "| all |" in text
    small.check.check(small.run.smallest(1), settings(small, seeds=1, crosscheck=1.0), out)
    assert len(out.read_text().splitlines()) == 1
