"""The statistics of `benchmarks/bandit_study/run.py` on logs whose truth is known."""

from __future__ import annotations

import itertools
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from lagrl.bench.trace_table import TraceTable
from lagrl.bench.trace_training import fit
from lagrl.errors import InputError
from lagrl.quantum.bandit.arm_policies import LinUCB, StaticPolicy
from lagrl.quantum.bandit.bandit_sampler import BanditSampler
from lagrl.quantum.bandit.features import PRODUCT, Arm, ArmDecision, KnapsackContext, all_arms, ansatz_of, quality
from lagrl.quantum.bandit.profile import NO_CIRCUIT, Profile, ScreenedArms
from lagrl.quantum.bandit.traces import Trace
from lagrl.quantum.simulators.line_backend import SurrogateBackend
from lagrl.quantum.subproblems.candidates import select_candidates

for needed in ("qiskit_aer", "qiskit_ibm_runtime", "matplotlib"):
    pytest.importorskip(needed, reason="the benchmark needs the extras quantum and viz")

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.bandit_study.reward_table import RewardTable

GATES = {1: 10, 2: 60, 3: 150}
A = Arm("a", "line0", "qaoa", 1)
B = Arm("b", "line0", "qaoa", 1)


@pytest.fixture(scope="module")
def scripts() -> SimpleNamespace:
    """Import the modules of the study."""
    from benchmarks.bandit_study import (
        coverage,
        curve,
        devices,
        judge,
        learnable,
        logs,
        picture,
        report,
        reward_table,
        run,
        truth,
    )

    return SimpleNamespace(
        logs=logs,
        table=reward_table,
        truth=truth,
        devices=devices,
        curve=curve,
        coverage=coverage,
        learnable=learnable,
        judge=judge,
        report=report,
        picture=picture,
        study=run,
    )


def screened_arms(width: int, arms: tuple[Arm, ...], forbidden: tuple[Arm, ...] = ()) -> ScreenedArms:
    """Return arms with made-up circuits."""
    profiles = tuple(
        Profile(
            width, arm.layers, GATES[arm.layers], 5, -0.1 if arm.backend == "a" else -0.5, -0.1, 1e-6, 1e-4, 1e-4, 2
        )
        if arm.backend
        else NO_CIRCUIT
        for arm in arms
    )
    objections = tuple("fidelity" if arm in forbidden else "" for arm in arms)
    return ScreenedArms(width, arms, profiles, objections)


def mean_reward(arm: Arm, knapsack: KnapsackContext) -> float:
    """Return the truth: `a` is better on wide knapsacks, `b` on narrow ones, fewer layers are better."""
    if not arm.backend:
        return 0.0
    return (0.2 if (arm.backend == "a") == (knapsack.width == 8) else 0.05) - 0.02 * arm.layers


def synthetic_log(n: int, rng: np.random.Generator, screened: dict[int, ScreenedArms]) -> list[Trace]:
    """Return random decisions on 40 instances."""
    found = []
    for i in range(n):
        width = 4 if rng.random() < 0.5 else 8
        own = screened[width]
        allowed = np.flatnonzero(own.is_allowed)
        knapsack = KnapsackContext(width, *rng.random(5).tolist())
        chosen = int(rng.choice(allowed))
        reward = mean_reward(own.arms[chosen], knapsack) + (0.05 * rng.normal() if own.arms[chosen].backend else 0.0)
        decision = ArmDecision(0, knapsack, own, chosen, 1.0 / len(allowed), "", chosen, 0.5 + reward, 0.5)
        found.append(Trace(f"i{i % 40}/0/{i % 3}", i, decision))
    return found


@pytest.fixture(scope="module")
def screened() -> dict[int, ScreenedArms]:
    """Return arms of two backends; most of `b`'s may not run on wide knapsacks."""
    arms = all_arms(["a", "b"], placements=("line0",), families=("qaoa", "linear"))
    scarce = tuple(arm for arm in arms if arm.backend == "b" and (arm.family, arm.layers) != ("qaoa", 1))
    return {4: screened_arms(4, arms), 8: screened_arms(8, arms, scarce)}


def test_restricted_log_finds_the_truth(scripts: SimpleNamespace, screened: dict[int, ScreenedArms]) -> None:
    """Always the first arm of `b`, judged among `b`'s: the mean over all decisions, wide and narrow ones alike."""
    traces = synthetic_log(20_000, np.random.default_rng(0), screened)
    truth = np.mean([mean_reward(B, trace.decision.knapsack) for trace in traces])
    judge = scripts.logs.Judge.of(TraceTable.of(traces)).only(lambda arm, _: arm.backend == "b")
    snips, robust = judge.both(StaticPolicy((A, B)))  # `a` comes first, but is not among them
    assert snips["low"] <= truth <= snips["high"]
    assert robust["low"] <= truth <= robust["high"]
    assert robust["high"] - robust["low"] < 0.02
    # without the other decisions narrow knapsacks would count for more: there `b` may run more often
    left = [trace for trace in traces if trace.decision.arm.backend == "b"]
    naive = np.mean([mean_reward(B, trace.decision.knapsack) for trace in left])
    assert not snips["low"] <= naive <= snips["high"]
    assert judge.scores(StaticPolicy((A, B))).mean() == pytest.approx(robust["value"])


def test_uniform_among_some_arms(scripts: SimpleNamespace, screened: dict[int, ScreenedArms]) -> None:
    """By lot among `a`'s arms alone."""
    traces = synthetic_log(20_000, np.random.default_rng(1), screened)
    truth = np.mean(
        [
            np.mean([mean_reward(arm, t.decision.knapsack) for arm in screened[4].arms if arm.backend == "a"])
            for t in traces
        ]
    )
    judge = scripts.logs.Judge.of(TraceTable.of(traces)).only(lambda arm, _: arm.backend == "a")
    snips, robust = judge.both(StaticPolicy(), 1.0)
    assert snips["low"] <= truth <= snips["high"]
    assert robust["low"] <= truth <= robust["high"]


def test_restriction_to_nothing_is_refused(scripts: SimpleNamespace, screened: dict[int, ScreenedArms]) -> None:
    """No arm left."""
    table = TraceTable.of(synthetic_log(50, np.random.default_rng(2), screened))
    with pytest.raises(InputError, match="none of the arms"):
        scripts.logs.restricted(table, lambda arm, _: arm.backend == "c")


def test_only_random_logs_are_taken(scripts: SimpleNamespace, screened: dict[int, ScreenedArms]) -> None:
    """A propensity of another rule is told with its place."""
    traces = synthetic_log(20, np.random.default_rng(3), screened)
    scripts.logs.require_uniform(traces)
    own = traces[7].decision
    other = ArmDecision(0, own.knapsack, own.screened, own.chosen, 0.5, "", own.executed, own.quality, own.baseline)
    traces[7] = Trace(traces[7].run, 7, other)
    with pytest.raises(InputError, match="decision 7"):
        scripts.logs.require_uniform(traces)


def test_no_overlap_gives_no_snips(scripts: SimpleNamespace, screened: dict[int, ScreenedArms]) -> None:
    """Where the log has none of the policy's choices, only the model speaks."""
    traces = [t for t in synthetic_log(600, np.random.default_rng(4), screened) if t.decision.arm != A]
    snips, robust = scripts.logs.Judge.of(TraceTable.of(traces)).both(StaticPolicy((A,)))
    assert snips["value"] is None and snips["effective"] == 0.0
    assert robust["low"] <= robust["value"] <= robust["high"]


def test_intervals_draw_groups_whole(scripts: SimpleNamespace) -> None:
    """Repeating every value within its group changes nothing; one group has no interval."""
    value, group = np.random.default_rng(5).normal(size=30), np.arange(30)
    once = scripts.logs.grouped_interval(value, group)
    assert scripts.logs.grouped_interval(np.repeat(value, 4), np.repeat(group, 4)) == pytest.approx(once)
    assert scripts.logs.interval(value, np.zeros(30, np.int64))[1:] == [None, None]


def synthetic_table(scripts: SimpleNamespace, screened: dict[int, ScreenedArms], seed: int, name: str) -> RewardTable:
    """Return the truth of 60 knapsacks."""
    rng = np.random.default_rng(seed)
    knapsacks = tuple(KnapsackContext(int(rng.choice([4, 8])), *rng.random(5).tolist()) for _ in range(60))
    arms = screened[4].arms
    expected = np.array([[mean_reward(arm, own) for arm in arms] for own in knapsacks])
    for c, own in enumerate(knapsacks):
        expected[c, ~screened[own.width].is_allowed] = np.nan
    names = np.array([f"{name}{c % 12}" for c in range(60)])
    return scripts.table.RewardTable(
        arms, knapsacks, names, expected, expected + 0.05 * rng.normal(size=expected.shape)
    )


def test_table_values_and_file(scripts: SimpleNamespace, screened: dict[int, ScreenedArms], tmp_path: Path) -> None:
    """Values of simple policies are means of the table; a file gives the same table to half precision."""
    table = synthetic_table(scripts, screened, 6, "v")
    first = table.among(screened, StaticPolicy((A,)))
    np.testing.assert_array_equal(first, table.expected[:, 1])
    lot = table.among(screened, StaticPolicy(), 1.0)
    np.testing.assert_allclose(lot, np.nanmean(table.expected, axis=1))
    cut = scripts.judge.cut(screened, lambda arm, _: arm.backend == "b")
    second = table.among(cut, StaticPolicy((A, B)))
    np.testing.assert_array_equal(second, table.expected[:, table.arms.index(B)])
    table.write(tmp_path / "t.npz")
    read = scripts.table.RewardTable.read(tmp_path / "t.npz")
    assert read.arms == table.arms and read.knapsacks == table.knapsacks
    np.testing.assert_allclose(read.expected, table.expected, atol=1e-3)


def test_curves_rise_to_the_best(scripts: SimpleNamespace, screened: dict[int, ScreenedArms]) -> None:
    """With more decisions the fitted policy comes near the best arm of every knapsack; so do learners on the way."""
    truth, world = synthetic_table(scripts, screened, 7, "v"), synthetic_table(scripts, screened, 8, "w")
    best = truth.best().mean()
    traces = synthetic_log(3000, np.random.default_rng(9), screened)
    judge = scripts.logs.Judge.of(TraceTable.of(synthetic_log(2000, np.random.default_rng(10), screened)))
    rows = list(scripts.curve.offline_curve(traces, judge, truth, screened, 2))
    fitted = {(row["order"], row["decisions"]): row["value"] for row in rows if row["learner"] == "fitted, by the mean"}
    assert set(n for _, n in fitted) == {100, 200, 500, 1000, 2000, 3000}
    assert min(fitted[0, 3000], fitted[1, 3000]) > 0.85 * best
    static = [row["value"] for row in rows if row["learner"] == "best static" and row["decisions"] == 3000]
    assert max(static) < fitted[0, 3000]  # no arm is best everywhere
    last = [row for row in rows if row["decisions"] == 3000]
    assert all(row["robust"]["low"] - 0.01 <= row["value"] <= row["robust"]["high"] + 0.01 for row in last)
    online = list(scripts.curve.online_curve(world, screened, truth, 1, 600))
    for learner in scripts.curve.LEARNERS:
        own = {row["decisions"]: row for row in online if row["learner"] == learner}
        assert set(own) == {100, 200, 500, 600}
        assert own[600]["value"] > 0.8 * best


def test_orders_keep_runs_together(scripts: SimpleNamespace, screened: dict[int, ScreenedArms]) -> None:
    """Every order has every decision once, and a run's in a row."""
    traces = synthetic_log(500, np.random.default_rng(11), screened)
    for ordered in scripts.curve.orders(traces, 2):
        assert sorted(trace.step for trace in ordered) == list(range(500))
        runs = [trace.run for trace in ordered]
        assert sum(a != b for a, b in itertools.pairwise(runs)) == len(set(runs)) - 1


def test_rows_become_tables_and_a_picture(
    scripts: SimpleNamespace, screened: dict[int, ScreenedArms], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Transfer, values and budgets of the synthetic world, told."""
    monkeypatch.setattr(scripts.judge, "DEFAULTS", ("a/line0/qaoa/1", "b/line0/qaoa/1"))
    truth, world = synthetic_table(scripts, screened, 12, "v"), synthetic_table(scripts, screened, 13, "w")
    judge = scripts.logs.Judge.of(TraceTable.of(synthetic_log(2000, np.random.default_rng(14), screened)))
    traces = synthetic_log(3000, np.random.default_rng(15), screened)
    evidence = scripts.judge.Evidence(traces, judge, truth, world, screened)
    rows = [*evidence.value_rows(), *evidence.ceiling_rows(), *evidence.transfer_rows(), *evidence.cap_rows()]
    value = {row["policy"]: row["table"][0] for row in rows if row["kind"] == "value"}
    assert value["product"] == 0.0
    assert value["bandit (mean)"] > value["uniform"]
    ceiling = {row["what"]: row["value"][0] for row in rows if row["kind"] == "ceiling"}
    assert max(value.values()) <= ceiling["best arm of every knapsack"] + 1e-12
    regret = [row["regret"] for row in rows if row["kind"] == "transfer" and row["policy"] == "trained with it"]
    assert regret and all(own == [0.0, 0.0, 0.0] for own in regret)
    caps = {row["gates"]: row for row in rows if row["kind"] == "cap"}
    assert caps[400]["lost"] == [0.0, 0.0, 0.0] and caps[5]["value"][0] == 0.0  # all circuits have 10 gates or more
    rows += scripts.judge.mix_rows("bandit", traces)
    shares = [sum(row["shares"].values()) for row in rows if row["kind"] == "mix"]
    np.testing.assert_allclose(shares, 1.0)
    text = scripts.report.tables(rows)
    assert "trained without it" in text and "| bandit (mean) |" in text
    scripts.picture.draw(rows, tmp_path / "p.png")
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")


def test_share_of_best_is_quality(scripts: SimpleNamespace) -> None:
    """On counts of strings it is what `reward.quality` says of these strings."""
    rng = np.random.default_rng(16)
    weight, capacity = np.array([3, 5, 4, 6, 2]), np.array([9])
    candidates = select_candidates(-rng.random((1, 5)) * 10, weight, capacity, 5)
    n = int(candidates.width[0])
    codes = rng.integers(2**n, size=256)
    bits = (np.arange(2**n)[:, None] >> np.arange(n)) & 1
    fits = bits @ candidates.weight[0, :n] <= candidates.room[0]
    worth = np.where(fits, bits @ -candidates.reduced_cost[0, :n], 0.0)
    counts = np.bincount(codes, minlength=2**n)[None] / 256
    most = scripts.table.linear_value(candidates, 0)
    assert scripts.table.share_of_best(counts, worth)[0] / most == pytest.approx(quality(candidates, 0, codes))


def test_expected_rewards_are_the_backends(scripts: SimpleNamespace) -> None:
    """Many strings of the surrogate backend come to the expected reward, on every placement."""
    from lagrl.quantum.circuits.backend import Job, Pub
    from lagrl.quantum.subproblems.candidates import ProductState
    from lagrl.quantum.subproblems.penalties import Subproblem, TiltedPenalty

    backend = SurrogateBackend.of("FakeParis")
    arms = all_arms(["fake_paris"], placements=("line0", "default"), families=("qaoa", "linear"), depths=(1,))
    sampler = BanditSampler({"fake_paris": backend}, StaticPolicy(), arms, learns=False)
    try:
        candidates = select_candidates(np.array([[-9.0, -8.0, -5.0, -4.0]]), np.array([4, 5, 3, 4]), np.array([8]), 4)
        n = int(candidates.width[0])
        own = sampler.screened(n)
        rng = np.random.default_rng(17)
        expected, drawn = scripts.table.rewards(candidates, 0, own, {"fake_paris": backend}, 256, rng)
        assert np.isfinite(expected).all() and expected[0] == drawn[0] == 0.0
        problem = Subproblem.of(
            candidates, TiltedPenalty().qubos(candidates), 0, ProductState().probabilities(candidates)
        )
        probability = problem.probability
        strings = (rng.random((40_000, n)) < probability) @ (1 << np.arange(n))
        baseline = quality(candidates, 0, strings)
        for a, arm in enumerate(own.arms):
            if arm.backend:
                ansatz = ansatz_of(arm)
                pub = Pub(ansatz.template(n), ansatz.values(problem)[None])
                codes = backend.run(Job([pub], 40_000, rng, placement=arm.placement)).codes[0][0]
                assert quality(candidates, 0, codes) - baseline == pytest.approx(expected[a], abs=0.01)
    finally:
        sampler.close()


def test_trained_mean_is_linear(screened: dict[int, ScreenedArms]) -> None:
    """The synthetic world is learnable at all: `a` and `b` differ by features that the model has."""
    model = fit(TraceTable.of(synthetic_log(5000, np.random.default_rng(18), screened)))
    policy = LinUCB(model, 0.0)
    knapsack = KnapsackContext(8, 0.5, 0.5, 0.5, 0.5, 0.5)
    scores = policy.scores(screened[8].table.features(knapsack), screened[8].arms)
    assert screened[8].arms[int(scores.argmax())] != PRODUCT


def test_intervals_hold_the_truth_of_drawn_logs(scripts: SimpleNamespace, screened: dict[int, ScreenedArms]) -> None:
    """With a dozen arms and many decisions, nearly always; logs have the table's knapsacks and arms that may run."""
    table = synthetic_table(scripts, screened, 19, "v")
    log = scripts.coverage.drawn_log(table, screened, 500, np.random.default_rng(20))
    assert sum(len(group.place) for group in log.groups) == len(log) == 500
    for group in log.groups:
        assert group.screened.is_allowed[group.chosen].all()
    policies = {"uniform": (StaticPolicy(), 1.0), "a": (StaticPolicy((A,)), 0.0)}
    for row in scripts.coverage.coverage_rows(table, screened, policies, 2000, 10):
        assert row["snips"]["covered"] >= 0.7 and row["robust"]["covered"] >= 0.7
        assert abs(row["robust"]["bias"]) < 0.01
