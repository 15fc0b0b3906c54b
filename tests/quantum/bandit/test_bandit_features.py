"""Features of the shared model: by hand, one by one and many at once."""

from __future__ import annotations

import numpy as np
from small_logs import knapsack, screened

from lagrl.quantum.bandit.arm_policies import LinearModel, LinUCB, choose
from lagrl.quantum.bandit.features import LOGGED, NAMES, PRODUCT, knapsack_rows


def test_features_by_hand() -> None:
    """An arm has the features of its circuit, knapsack and family; those of other families are 0."""
    own, context = screened(), knapsack(np.random.default_rng(0))
    features = own.table.features(context)
    for arm, profile, row in zip(own.arms, own.profiles, features, strict=True):
        value = dict(zip(NAMES, row.tolist(), strict=True))
        if arm == PRODUCT:
            continue
        assert value["bias"] == 1.0
        assert value["width"] == context.width / 12.0
        assert value["layers"] == value[f"{arm.family}:layers"] == arm.layers - 2
        assert value["layers_squared"] == value[f"{arm.family}:layers_squared"] == (arm.layers - 2) ** 2
        assert value["log_gate_fidelity"] == value[f"{arm.family}:log_gate_fidelity"] == profile.log_gates / 2.0
        assert value["duration_over_t2"] == profile.duration / profile.t2
        assert value[arm.family] == 1.0
        others = {name: x for name, x in value.items() if name.partition(":")[0] in LOGGED}
        assert all(x == 0.0 for name, x in others.items() if name.partition(":")[0] != arm.family)


def test_the_product_state_has_no_uncertainty() -> None:
    """The product state has features 0: a predicted reward of 0 without uncertainty, and no effect on learning."""
    own, context = screened(), knapsack(np.random.default_rng(0))
    features = own.table.features(context)
    product = own.index["product"]
    assert not features[product].any()
    model = LinearModel(len(NAMES))
    model.update(features[1], -0.5)
    weights = model.weights
    model.update(features[product], 0.0)
    np.testing.assert_allclose(model.weights, weights)
    assert model.predict(features)[product] == model.deviation(features)[product] == 0.0


def test_the_product_state_is_chosen_if_circuits_are_worse() -> None:
    """The product state is chosen if all circuits are worse, and only then."""
    own, context = screened(), knapsack(np.random.default_rng(0))
    features = own.table.features(context)
    for reward, is_product in ((-0.3, True), (0.3, False)):
        model = LinearModel(len(NAMES), 0.1)
        for _ in range(30):
            for row in features[1:]:
                model.update(row, reward)
        rng = np.random.default_rng(0)
        choice = choose(LinUCB(model, 0.1), features, own.arms, own.is_allowed, 0.0, rng)
        assert (own.arms[choice.arm] == PRODUCT) == is_product


def test_many_at_once_are_as_one_by_one() -> None:
    """Rows, means and deviations of many knapsacks are those of each one."""
    rng = np.random.default_rng(1)
    own, contexts = screened(), [knapsack(rng) for _ in range(5)]
    model = LinearModel(len(NAMES))
    for _ in range(20):
        model.update(own.table.features(knapsack(rng))[int(rng.integers(1, len(own.arms)))], float(rng.normal()))
    rows = knapsack_rows(contexts)
    means = own.table.means(rows, model.weights)
    deviations = own.table.deviations(rows, model.covariance)
    for d, context in enumerate(contexts):
        features = own.table.features(context)
        np.testing.assert_allclose(means[d], model.predict(features), atol=1e-12)
        np.testing.assert_allclose(deviations[d], model.deviation(features), atol=1e-10)
