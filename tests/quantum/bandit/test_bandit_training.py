"""Training on logs: vectorised results equal single ones, the best arm is found, estimates cover the truth."""

from __future__ import annotations

import numpy as np
import pytest
from small_logs import knapsack, log, mean_reward, screened

from lagrl.bench.trace_table import TraceTable, target_probabilities
from lagrl.bench.trace_training import best_static, cross_fitted, evaluate, fit, held_out, share_runnable
from lagrl.errors import InputError
from lagrl.quantum.bandit.arm_policies import LinearModel, LinUCB, StaticPolicy, choose
from lagrl.quantum.bandit.features import NAMES, PRODUCT, Arm, knapsack_rows

BEST = Arm("fine", "line0", "qaoa", 1)


def test_features_of_many_are_those_of_each() -> None:
    """Rows, means and deviations of all decisions are those of single features."""
    rng = np.random.default_rng(0)
    own = screened()
    knapsacks = [knapsack(rng) for _ in range(6)]
    rows = knapsack_rows(knapsacks)
    weights, root = rng.normal(size=len(NAMES)), rng.normal(size=(len(NAMES), len(NAMES)))
    covariance = root @ root.T
    every = np.arange(len(own.arms))
    means, deviations = own.table.means(rows, weights), own.table.deviations(rows, covariance)
    for d, context in enumerate(knapsacks):
        features = own.table.features(context)
        np.testing.assert_allclose(own.table.rows(rows[[d] * len(every)], every), features)
        np.testing.assert_allclose(means[d], features @ weights)
        np.testing.assert_allclose(deviations[d] ** 2, np.einsum("ai,ij,aj->a", features, covariance, features))


def test_fitting_at_once_is_fitting_one_by_one() -> None:
    """Fitting at once solves the same normal equations as updates, over arms of two widths."""
    traces = log(60) + log(60, seed=1, width=3)
    model = LinearModel(len(NAMES), 0.7)
    for trace in traces:
        decision = trace.decision
        model.update(decision.screened.table.features(decision.knapsack)[decision.executed], decision.reward)
    fitted = fit(TraceTable.of(traces), 0.7)
    np.testing.assert_allclose(fitted.precision, model.precision)
    np.testing.assert_allclose(fitted.weights, model.weights, atol=1e-8)
    assert fitted.n_observations == model.n_observations == 120
    with pytest.raises(InputError, match="not finite"):
        LinearModel.fitted(np.full((2, 2), np.nan), np.zeros(2))
    with pytest.raises(InputError, match=r"give \[N, d\] and \[N\]"):
        LinearModel.fitted(np.zeros((2, 2)), np.zeros(3))


@pytest.mark.parametrize("epsilon", [0.0, 0.3, 1.0])
@pytest.mark.parametrize("kind", ["linucb", "greedy", "static", "uniform", "own"])
def test_targets_are_the_probabilities_of_the_policy(kind: str, epsilon: float) -> None:
    """Probabilities of all decisions are the propensities of single ones, also for a policy of another class."""
    rng = np.random.default_rng(1)
    own = screened(forbidden=("poor",))
    model = fit(TraceTable.of(log(50)), 1.0)

    class Own:
        """A policy of a class that is not built in."""

        name, learn, scores = "own", LinUCB.learn, LinUCB(model, 0.5).scores

    policies = {
        "linucb": LinUCB(model, 1.5),
        "greedy": LinUCB(model, 0.0),
        "static": StaticPolicy((own.arms[-1], own.arms[4])),
        "uniform": StaticPolicy(),
        "own": Own(),
    }
    knapsacks = [knapsack(rng) for _ in range(8)]
    found = target_probabilities(policies[kind], epsilon, own, knapsack_rows(knapsacks))
    for d, context in enumerate(knapsacks):
        for _ in range(5):
            choice = choose(policies[kind], own.table.features(context), own.arms, own.is_allowed, epsilon, rng)
            assert found[d, choice.arm] == pytest.approx(choice.propensity, abs=1e-12)
    np.testing.assert_allclose(found.sum(axis=1), 1.0)
    assert not found[:, ~own.is_allowed].any()


def test_the_best_arm_is_found() -> None:
    """The best arm is found among those that may run often enough."""
    table = TraceTable.of(log(4000))
    assert best_static(table) == BEST
    assert best_static(TraceTable.of(log(4000, forbidden=("fine",)))).backend in ("poor", "")
    mixed = log(3000) + log(3000, seed=1, width=6, forbidden=("fine",))
    assert best_static(TraceTable.of(mixed)).backend != "fine"
    assert best_static(TraceTable.of(mixed), often=0.4) == BEST
    with pytest.raises(InputError, match="often: 0"):
        best_static(table, often=0.0)


def test_the_best_arm_is_on_no_backend_that_is_held_out() -> None:
    """Arms on backends held out are not returned, although the remaining decisions list them."""
    left = held_out(log(4000), backends=["fine"])
    assert {arm.backend for trace in left for arm in trace.decision.screened.arms} == {"", "fine", "poor"}
    assert best_static(TraceTable.of(left)).backend == "fine"
    assert best_static(TraceTable.of(left), without=["fine"]).backend in ("poor", "")


def test_a_static_arm_is_evaluated_where_it_may_run() -> None:
    """A static arm is evaluated only where it may run; the share of such decisions is known."""
    table = TraceTable.of(log(60) + log(20, width=3, forbidden=("fine",)))
    assert share_runnable(table, BEST) == 0.75
    assert share_runnable(table, PRODUCT) == 1.0
    absent = Arm("other", "line0", "qaoa", 1)
    assert share_runnable(table, absent) == 0.0
    evaluate(table, StaticPolicy((BEST,)))
    with pytest.raises(InputError, match="other/line0/qaoa/1 may run in none of the decisions"):
        evaluate(table, StaticPolicy((absent,)))


def test_a_policy_that_was_never_followed_is_evaluated_by_the_model() -> None:
    """A policy that was never followed is evaluated by the model alone, others as usual."""
    traces = [trace for trace in log(600) if trace.decision.arm != BEST]
    table = TraceTable.of(traces)
    estimates = evaluate(table, StaticPolicy((BEST,)))
    assert estimates.snips is None
    assert estimates.doubly_robust.effective == 0.0
    expected = np.mean([mean_reward(t.decision.screened, t.decision.knapsack)[1] for t in traces])
    assert traces[0].decision.screened.arms[1] == BEST
    assert estimates.doubly_robust.value == pytest.approx(expected, abs=0.05)
    assert evaluate(table, StaticPolicy((PRODUCT,))).snips is not None


def test_luck_is_shrunk() -> None:
    """An arm taken once with a lucky reward is not the best."""
    traces = log(3000)
    arm = Arm("poor", "line1", "linear", 2)
    lucky = next(t for t in traces if t.decision.arm == arm)
    others = [t for t in traces if t.decision.arm != arm]
    object.__setattr__(lucky.decision, "quality", 1.0)
    assert best_static(TraceTable.of([*others, lucky])) == BEST


def test_a_trained_policy_has_higher_rewards() -> None:
    """Both estimates cover each policy's true mean on other instances, and keep the order of policies."""
    model = fit(TraceTable.of(log(800)))
    table, traces = TraceTable.of(log(1500, seed=9, n_instances=30, name="j")), log(1500, seed=9)
    rules = {"trained": LinUCB(model, 0.0), "static": StaticPolicy((BEST,)), "product": StaticPolicy((PRODUCT,))}
    values = {}
    for name, policy in rules.items():
        estimates = evaluate(table, policy, name=name)
        truth = []
        for trace in traces:
            own, context = trace.decision.screened, trace.decision.knapsack
            chosen = target_probabilities(policy, 0.0, own, knapsack_rows([context]))[0]
            truth.append(chosen @ mean_reward(own, context))
        assert estimates.snips is not None
        for estimate in (estimates.snips, estimates.doubly_robust):
            assert estimate.low - 0.02 <= np.mean(truth) <= estimate.high + 0.02
        assert estimates.policy == name
        values[name] = estimates.doubly_robust.value
    uniform = evaluate(table, StaticPolicy(), 1.0)
    assert uniform.snips is not None
    assert uniform.snips.value == pytest.approx(table.reward.mean())
    assert values["trained"] > uniform.doubly_robust.value > values["product"]
    assert values["trained"] == pytest.approx(values["static"], abs=0.03)
    assert evaluate(table, rules["trained"]) == evaluate(table, rules["trained"])


def test_models_predict_other_instances_than_they_saw() -> None:
    """The parts are disjoint, cover all decisions, and split no instance."""
    table = TraceTable.of(log(100, n_instances=7))
    parts = cross_fitted(table)
    assert len(parts) == 5
    assert np.sum([mask for mask, _ in parts], axis=0).tolist() == [1] * 100
    for mask, model in parts:
        assert not set(table.instance[mask]) & set(table.instance[~mask])
        assert model.n_observations == int((~mask).sum())
    with pytest.raises(InputError, match="decisions on one instance"):
        cross_fitted(TraceTable.of(log(10, n_instances=1)))


def test_decisions_held_out_are_not_used() -> None:
    """Backends and widths are held out; unknown ones are refused with the known ones."""
    traces = log(200) + log(20, width=3)
    assert {t.decision.arm.backend for t in held_out(traces, backends=["poor"])} == {"", "fine"}
    assert {t.decision.knapsack.width for t in held_out(traces, widths=[3])} == {5}
    assert len(held_out(traces)) == 220
    with pytest.raises(InputError, match="backend ibm_x is not in the traces; there are fine, poor"):
        held_out(traces, backends=["ibm_x"])
    with pytest.raises(InputError, match="width 8 is not in the traces; there are 3, 5"):
        held_out(traces, widths=[8])
    with pytest.raises(InputError, match="no decision is left"):
        held_out(traces, widths=[3, 5])
    with pytest.raises(InputError, match="no decision"):
        TraceTable.of([])
