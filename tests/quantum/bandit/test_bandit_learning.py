"""The bandit's model and policies, against ridge regression and known rewards."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lagrl.bench.off_policy import LoggedChoices, doubly_robust, inverse_propensity
from lagrl.errors import InputError
from lagrl.quantum.bandit.arm_policies import LinearModel, LinUCB, StaticPolicy, choose
from lagrl.quantum.bandit.features import PRODUCT, Arm, all_arms


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 8), st.integers(0, 60), st.floats(1e-3, 10))
def test_it_is_ridge_regression(seed: int, d: int, n: int, ridge: float) -> None:
    """Weights and deviations solve the normal equations in any order, also after a file."""
    rng = np.random.default_rng(seed)
    x, r = rng.normal(size=(n, d)), rng.normal(size=n)
    model = LinearModel(d, ridge)
    for row, reward in zip(x, r, strict=True):
        model.update(row, float(reward))
    precision = x.T @ x + ridge * np.eye(d)
    probe = rng.normal(size=(5, d))
    np.testing.assert_allclose(model.predict(probe), probe @ np.linalg.solve(precision, x.T @ r), atol=1e-7)
    expected = np.sqrt(np.einsum("ai,ij,aj->a", probe, np.linalg.inv(precision), probe))
    np.testing.assert_allclose(model.deviation(probe), expected, atol=1e-7)
    again = LinearModel.restored(json.loads(json.dumps(model.state())))
    np.testing.assert_allclose(again.predict(probe), model.predict(probe), atol=1e-7)
    assert again.n_observations == n


def test_thousands_of_updates_do_not_drift() -> None:
    """Nearly parallel features, for which rank-one updates lose digits, stay accurate."""
    rng = np.random.default_rng(0)
    model = LinearModel(4, 1e-3)
    for _ in range(5500):
        x = np.ones(4) + 1e-4 * rng.normal(size=4)
        model.update(x, float(x[0]))
    np.testing.assert_allclose(model._inverse @ model.precision, np.eye(4), atol=1e-4)


@pytest.mark.parametrize("bad", [np.array([1.0, np.nan]), np.array([1.0]), np.array([np.inf, 0.0])])
def test_invalid_observations_are_refused(bad: np.ndarray) -> None:
    """Invalid observations are refused and leave the model unchanged."""
    model = LinearModel(2)
    with pytest.raises(InputError, match="observation: features"):
        model.update(bad, 1.0)
    with pytest.raises(InputError, match="reward nan"):
        model.update(np.ones(2), np.nan)
    assert model.n_observations == 0
    assert not model.moment.any()


ARMS = (PRODUCT, *(Arm("b", "line0", "qaoa", p) for p in (1, 2, 3)))


def test_it_finds_the_best_arm_of_every_context() -> None:
    """Regret after 300 rounds is below a tenth of that of random choices, though the best arm varies."""
    rng = np.random.default_rng(2)
    truth = rng.normal(size=6)
    policy = LinUCB(LinearModel(6))
    regret = []
    for _ in range(600):
        features = rng.normal(size=(4, 6))
        mean = features @ truth
        choice = choose(policy, features, ARMS, np.ones(4, bool), 0.0, rng)
        policy.learn(features[choice.arm], float(mean[choice.arm] + 0.1 * rng.normal()))
        regret.append((mean.max() - mean[choice.arm]) / (mean.max() - mean.mean()))
    assert np.mean(regret[300:]) < 0.1


def test_the_best_allowed_arm_is_chosen() -> None:
    """The best allowed arm is chosen, scores are of all arms, and exploration draws allowed ones only."""
    rng = np.random.default_rng(3)
    policy = StaticPolicy((ARMS[2], ARMS[1]))
    features = np.zeros((4, 1))
    everything = choose(policy, features, ARMS, np.ones(4, bool), 0.0, rng)
    assert (everything.arm, everything.propensity) == (2, 1.0)
    assert np.argsort(-everything.scores)[:2].tolist() == [2, 1]
    less = choose(policy, features, ARMS, np.array([True, True, False, True]), 0.0, rng)
    assert (less.arm, less.scores.argmax()) == (1, 2)
    least = choose(policy, features, ARMS, np.array([True, False, False, False]), 0.0, rng)
    assert (least.arm, least.scores.argmax(), least.scores.argmin()) == (0, 2, 0)
    explored = {choose(policy, features, ARMS, np.array([True, False, False, True]), 1.0, rng).arm for _ in range(50)}
    assert explored == {0, 3}
    with pytest.raises(InputError, match="choice: 0 arms allowed"):
        choose(policy, features, ARMS, np.zeros(4, bool), 0.1, rng)
    with pytest.raises(InputError, match="a feature is not finite"):
        choose(policy, features * np.nan, ARMS, np.ones(4, bool), 0.1, rng)


@pytest.mark.parametrize("epsilon", [0.05, 0.5, 1.0])
@pytest.mark.parametrize("kind", ["linucb", "static"])
def test_propensities_are_frequencies(kind: str, epsilon: float) -> None:
    """Each arm is chosen as often as its logged propensity says."""
    rng = np.random.default_rng(4)
    model = LinearModel(3)
    for _ in range(5):
        model.update(rng.normal(size=3), float(rng.normal()))
    policies = {"linucb": LinUCB(model), "static": StaticPolicy()}
    features, allowed = rng.normal(size=(4, 3)), np.array([True, True, False, True])
    choices = [choose(policies[kind], features, ARMS, allowed, epsilon, rng) for _ in range(1500)]
    for arm in range(4):
        mine = [choice.propensity for choice in choices if choice.arm == arm]
        assert len(mine) / 1500 == pytest.approx(np.mean(mine) if mine else 0.0, abs=0.06)


def test_off_policy_estimates_hold_the_truth() -> None:
    """Intervals from a random log cover a deterministic policy's value, and the doubly robust ones are narrower."""
    rng = np.random.default_rng(5)
    covered, widths = [], []
    for _ in range(60):
        n = 800
        context = rng.normal(size=n)
        mean = np.stack([0.5 + 0.1 * context, 0.5 - 0.1 * context, np.full(n, 0.4)], axis=1)
        best = mean.argmax(axis=1)
        arm = rng.integers(3, size=n)
        reward = mean[np.arange(n), arm] + 0.1 * rng.normal(size=n)
        guess = mean + 0.02
        log = LoggedChoices(
            reward=reward,
            propensity=np.full(n, 1 / 3),
            target=(arm == best).astype(float),
            predicted=guess[np.arange(n), arm],
            expected=guess[np.arange(n), best],
            group=np.arange(n) // 4,
        )
        truth = mean.max(axis=1).mean()
        estimates = [inverse_propensity(log, rng), doubly_robust(log, rng)]
        covered.append([estimate.low <= truth <= estimate.high for estimate in estimates])
        widths.append([estimate.high - estimate.low for estimate in estimates])
        assert estimates[0].effective == pytest.approx((arm == best).sum())
    assert (np.mean(covered, axis=0) > 0.85).all()
    sure = np.mean(widths, axis=0)
    assert sure[1] < sure[0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"propensity": np.array([0.0, 0.5])}, r"propensity is not in \(0, 1\]; log with epsilon above 0"),
        ({"target": np.array([0.0, 1.5])}, "a target probability"),
        ({"reward": np.array([np.nan, 0.5])}, "not finite"),
        ({"reward": np.array([0.5])}, "columns of one length"),
    ],
)
def test_invalid_logs_are_refused(change: dict, message: str) -> None:
    """Invalid logs are refused with their fault."""
    usual = {name: np.array([0.5, 0.5]) for name in ("reward", "propensity", "target", "predicted", "expected")}
    with pytest.raises(InputError, match=message):
        LoggedChoices(**(usual | {"group": np.array([0, 1])} | change))


def test_a_log_without_overlap_has_only_the_models_estimate() -> None:
    """For choices that were never made there is only the model's prediction."""
    half = np.array([0.5, 0.5])
    log = LoggedChoices(half, half, np.zeros(2), half, np.array([0.2, 0.4]), np.array([0, 1]))
    assert not log.has_overlap
    with pytest.raises(InputError, match="none of the logged choices; log with a larger epsilon"):
        inverse_propensity(log, np.random.default_rng(0))
    estimate = doubly_robust(log, np.random.default_rng(0))
    assert (estimate.value, estimate.effective) == (pytest.approx(0.3), 0.0)
    assert 0.2 <= estimate.low <= estimate.high <= 0.4


def test_arms_have_names() -> None:
    """Every arm is read back from its name; other texts are refused."""
    arms = all_arms(["fake_kingston", "ibm_x"])
    assert len(set(arms)) == len(arms) == 1 + 2 * 27
    assert all(Arm.parse(str(arm)) == arm for arm in arms)
    for text in (
        "",
        "product/1",
        "a/line0/qaoa/0",
        "a/line0/qaoa/x",
        "a/line9/qaoa/1",
        "a/line0/qaao/1",
        "/line0/qaoa/1",
    ):
        with pytest.raises(InputError):
            Arm.parse(text)
    with pytest.raises(InputError, match="name each once"):
        all_arms(["a", "a"])


def test_features_of_far_apart_sizes_are_refused() -> None:
    """Squares of numbers that drown the ridge leave no inverse: one line that says what to leave out."""
    features = np.outer(np.ones(3), [1e8, 1e16, 1.0])
    with pytest.raises(InputError, match=r"features: .* leave out"):
        LinearModel.fitted(features, np.ones(3))
