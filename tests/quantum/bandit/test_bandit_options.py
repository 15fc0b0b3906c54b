"""Options of `bandit[:STATE][+option=value …]`: effects, sharing and refusals."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import pytest
from small_devices import line_device
from small_knapsacks import knapsacks

from lagrl.errors import InputError, LagrlError, UnknownNameError
from lagrl.quantum.bandit.arm_policies import LinearModel, LinUCB, StaticPolicy
from lagrl.quantum.bandit.bandit_sampler import BanditSampler
from lagrl.quantum.bandit.features import NAMES, PRODUCT, Arm, all_arms
from lagrl.quantum.bandit.options import BanditState
from lagrl.quantum.bandit.profile import Limits
from lagrl.relaxation.sampler import SampleContext, SampleQuery, Samples
from lagrl.samplers.held import HeldSamplers
from lagrl.samplers.registry import (
    close_sampler,
    default_journal,
    family_of,
    make_sampler,
    open_sampler,
    require_known,
    sampler_packages,
)

pytest.importorskip("qiskit_ibm_runtime", reason="needs the quantum extra")
pytest.importorskip("qiskit_aer", reason="needs the quantum extra")

from lagrl.quantum.bandit.options import BanditOptions, make_bandit
from lagrl.quantum.ibm.runtime import DeviceBackend
from lagrl.quantum.journal.journal import Journal
from lagrl.quantum.journal.journaled import JournaledSampler
from lagrl.quantum.simulators.line_backend import SurrogateBackend

if TYPE_CHECKING:
    from pathlib import Path

    from lagrl.relaxation.sampler import SubproblemSampler

SMALL = "+backends=FakeMumbai/FakeParis+families=qaoa/linear+depths=1+placements=line0+width=4"
PROBLEM = knapsacks(np.random.default_rng(0), n_vehicles=4, n_customers=8)


def draw_samples(sampler: SubproblemSampler, seed: int = 0) -> Samples:
    """Sample four small knapsacks."""
    return sampler.sample(SampleQuery(*PROBLEM, 32, np.random.default_rng(seed), SampleContext("run", seed)))


def made(text: str) -> BanditSampler:
    """Make a bandit that is not shared."""
    from lagrl.samplers.spec import SamplerSpec

    spec = SamplerSpec.parse(text)
    return make_bandit(spec.argument, spec.read(BanditOptions))


def state(path: Path, **change: object) -> BanditState:
    """Write a state that has learned from observations."""
    rng = np.random.default_rng(1)
    model = LinearModel.fitted(rng.normal(size=(30, len(NAMES))), rng.normal(size=30))
    own = BanditState(**({"alpha": 0.3, "epsilon": 0.2, "model": model} | change))
    own.write(path)
    return own


def test_options_reach_the_bandit() -> None:
    """Backends, circuits, limits and exploration reach the bandit; the defaults are six backends of 27 arms."""
    own = made(f"bandit{SMALL}+gates=50+epsilon=0.3+alpha=2+learn=false")
    names = ["fake_mumbai", "fake_paris"]
    assert list(own.backends) == names
    assert own.arms == all_arms(names, placements=("line0",), families=("qaoa", "linear"), depths=(1,))
    assert (own.limits, own.epsilon, own.width, own.learns) == (Limits(50), 0.3, 4, False)
    assert isinstance(own.policy, LinUCB)
    assert own.policy.alpha == 2.0
    plain = made("bandit")
    assert list(plain.backends) == [
        *("fake_kingston", "fake_torino", "fake_brisbane", "fake_cusco", "fake_mumbai", "fake_paris")
    ]
    assert len(plain.arms) == 1 + 6 * 27
    assert (plain.epsilon, plain.width, plain.learns, plain.limits) == (0.05, 8, True, Limits())


def test_a_static_arm_is_used() -> None:
    """A static arm works with either spelling of its backend; product needs no backend."""
    arm = Arm("fake_mumbai", "line0", "qaoa", 2)
    for name in ("FakeMumbai", "fake_mumbai"):
        own = made(f"bandit+static={name}/line0/qaoa/2+width=4")
        assert own.policy == StaticPolicy((arm,))
        assert own.arms == (PRODUCT, arm)
        assert (own.epsilon, own.learns, len(own.backends)) == (0.0, False, 1)
    samples = draw_samples(own)
    assert samples.cost.backend == "surrogate(fake_mumbai)"
    product = made("bandit+static=product+width=4")
    assert (product.arms, product.backends) == ((PRODUCT,), {})
    assert draw_samples(product).cost.backend == "product"
    assert draw_samples(product).cost.circuits == 0


def test_a_state_is_continued(tmp_path: Path) -> None:
    """A bandit continues with the state's alpha, epsilon and weights, unless options change them."""
    path = tmp_path / "state.json"
    own = state(path)
    used = made(f"bandit:{path}{SMALL}")
    assert (used.policy.alpha, used.epsilon, used.learns) == (0.3, 0.2, True)
    np.testing.assert_allclose(used.policy.model.weights, own.model.weights)
    other = made(f"bandit:{path}{SMALL}+alpha=0.9+epsilon=0")
    assert (other.policy.alpha, other.epsilon) == (0.9, 0.0)


def test_without_learning_there_is_no_exploration(tmp_path: Path) -> None:
    """A bandit that does not learn does not explore, unless options say so."""
    path = tmp_path / "state.json"
    state(path)
    still = made(f"bandit:{path}{SMALL}+learn=false")
    assert isinstance(still.policy, LinUCB)
    assert (still.policy.alpha, still.epsilon, still.learns) == (0.0, 0.0, False)
    drawn = made(f"bandit:{path}{SMALL}+learn=false+alpha=0.7+epsilon=0.3")
    assert (drawn.policy.alpha, drawn.epsilon) == (0.7, 0.3)


def test_an_owner_shares_one_bandit_of_a_name(tmp_path: Path) -> None:
    """One owner has one bandit of a name, which learns until it is closed; others start with the state."""
    name = f"bandit{SMALL}+epsilon=0.11"
    with HeldSamplers() as held, HeldSamplers() as other:
        first = held.make(name)
        assert isinstance(first, BanditSampler)
        draw_samples(first)
        held.rest()
        learned = first.policy.model.n_observations
        assert learned > 0
        assert held.make(name) is first
        draw_samples(held.make(name))
        assert first.policy.model.n_observations == 2 * learned
        assert held.make(f"bandit{SMALL}+epsilon=0.12") is not first
        assert other.make(name) is not first
        assert make_sampler(name).policy.model.n_observations == 0
        held.close()
        assert held.make(name).policy.model.n_observations == 0
    path = tmp_path / "state.json"
    for epsilon in (0.2, 0.9):
        state(path, epsilon=epsilon)
        assert make_sampler(f"bandit:{path}{SMALL}").epsilon == epsilon


def test_without_learning_equal_seeds_give_equal_strings() -> None:
    """Without learning, equal seeds give equal strings; with learning they do not."""
    still, learning = made(f"bandit{SMALL}+learn=false+epsilon=0.5"), made(f"bandit{SMALL}+epsilon=0.5")
    for sampler in (still, learning):
        rounds = [draw_samples(sampler, seed) for seed in (0, 1, 2, 0)]
        assert (rounds[0].cost.two_qubit_gates > 0) or sampler.learns
        is_same = rounds[0].bitstrings.shape == rounds[3].bitstrings.shape and np.array_equal(
            rounds[0].bitstrings, rounds[3].bitstrings
        )
        assert is_same == (sampler is still)


def test_journals_store_results_of_a_bandit(tmp_path: Path) -> None:
    """Journals store a bandit's results; devices of an account always have a journal."""
    file = tmp_path / "run.sqlite"
    name = f"bandit{SMALL}+epsilon=0.5+learn=false"
    kept = make_sampler(name, journal=file)
    first = draw_samples(kept)
    close_sampler(kept)
    replayed = make_sampler(f"replay:{file}")
    assert np.array_equal(draw_samples(replayed).bitstrings, first.bitstrings)
    assert family_of(name).keeps_answers
    assert default_journal(name) is None
    assert "qiskit" in sampler_packages(name)
    for paid in ("bandit+backends=ibm_x/FakeParis", "bandit+static=ibm_x/line0/qaoa/1"):
        assert str(default_journal(paid)) == "bandit.journal.sqlite"
    require_known("bandit")
    require_known("bandit:some.json+width=3")


def test_devices_of_an_account_keep_their_jobs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All devices of a bandit share one journal; without an account no journal is created."""
    monkeypatch.chdir(tmp_path)
    with monkeypatch.context() as without, pytest.raises(LagrlError, match="no account"):
        without.setattr(DeviceBackend, "of", lambda name: (_ for _ in ()).throw(InputError("no account")))
        make_sampler("bandit+backends=ibm_a/FakeParis+width=4")
    assert not list(tmp_path.iterdir())
    offline = DeviceBackend.of
    monkeypatch.setattr(DeviceBackend, "of", lambda name: offline({"ibm_a": "FakeMumbai", "ibm_b": "FakeParis"}[name]))
    few = "+families=qaoa+depths=1+placements=line0+width=3+epsilon=0.5"
    sampler = make_sampler(f"bandit+backends=ibm_a/ibm_b{few}")
    assert isinstance(sampler, JournaledSampler)
    first = draw_samples(sampler)
    close_sampler(sampler)
    with open_sampler(f"bandit+backends=ibm_a/ibm_b{few}") as again:
        assert np.array_equal(draw_samples(again).bitstrings, first.bitstrings)
    with Journal(tmp_path / "bandit.journal.sqlite", read_only=True) as journal:
        summary = journal.summary()
    assert first.cost.jobs > 0
    assert (summary.calls, summary.jobs) == (1, first.cost.jobs)


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("bandit:none.json", InputError, r"none.json: no such file"),
        ("bandit+backends=FakeKingstn", UnknownNameError, r"did you mean 'FakeKingston'"),
        ("bandit+backends=kingston", UnknownNameError, r"unknown backend 'kingston'.*ibm_… of your account"),
        ("bandit+backends=FakeParis/fake_paris", InputError, "backends: FakeParis/fake_paris given; name each once"),
        ("bandit+static=FakeParis/line0/qaoa", InputError, "write BACKEND/PLACEMENT/FAMILY/LAYERS, or product"),
        ("bandit+static=FakeParis/line9/qaoa/1", UnknownNameError, "placement"),
        (
            "bandit+static=FakeParis/line0/qaoa/1+backends=FakeMumbai",
            InputError,
            "^backends: FakeMumbai given.*omit",
        ),
        (
            "bandit+static=FakeParis/line0/qaoa/1+epsilon=0.5",
            InputError,
            "^epsilon: 0.5 given.*learn: omit",
        ),
        ("bandit:x.json+static=product", InputError, "^state: .*x.json given; static uses no state"),
        ("bandit+families=qaoa/qaao", UnknownNameError, "circuit family 'qaao'.*did you mean 'qaoa'"),
        ("bandit+placements=line7", UnknownNameError, "unknown placement"),
        ("bandit+depths=1/two", InputError, "depths: 1/two given; give whole numbers above 0"),
        ("bandit+depths=0", InputError, "depths: 0 given"),
        ("bandit+depths=1/1", InputError, "name each once"),
        ("bandit+method=exact", UnknownNameError, "noise method"),
        ("bandit+method=density+width=14", InputError, "14 given, density takes 10 qubits"),
        ("bandit+width=0", InputError, "width"),
        ("bandit+epsilon=1.5", InputError, "epsilon: 1.5 given"),
        ("bandit+epsilon=nan", InputError, "epsilon: nan given"),
        ("bandit+alpha=-1", InputError, "alpha: -1.0 given"),
        ("bandit+alpha=nan", InputError, "alpha: nan given"),
        ("bandit+timeout=0", InputError, "^timeout: 0.0 given; give seconds above 0"),
        ("bandit+static=FakeParis/line0/product/1", InputError, "^static: 'FakeParis/line0/product/1' given"),
        ("bandit+static=FakeParis/line0/qaoa/0", InputError, "^static: 'FakeParis/line0/qaoa/0' given.*1 layer"),
        ("bandit:", InputError, "no state given; name a file after the colon"),
        ("bandit:+width=4", InputError, "no state given"),
        ("bandit+gates=-1", InputError, "limits"),
        (
            "bandit:x.json+save=true",
            InputError,
            "save: is no option any more; omit it: collect",
        ),
        ("bandit+static=FakeParis/line0/copula/1", UnknownNameError, "unknown ansatz 'copula'"),
        ("bandit+static=FakeParis/line0/qaoa/1+learn=false", InputError, "^learn: false given; static is the only arm"),
        ("bandit+static=product+gates=9", InputError, "^gates: 9 given; static is the only arm"),
        ("bandit+backends=ibm_x+method=density+width=4", InputError, "^method: density given; no backend is simulated"),
        ("bandit+wdith=3", UnknownNameError, "did you mean 'width'"),
    ],
)
def test_invalid_options_are_refused(text: str, error: type[Exception], message: str) -> None:
    """Invalid options are refused in one line with the remedy."""
    with pytest.raises(error, match=message):
        make_sampler(text)


def test_other_states_are_refused(tmp_path: Path) -> None:
    """States of other features, damaged ones and other files are refused."""
    path = tmp_path / "state.json"
    state(path)
    content = json.loads(path.read_text())
    model = content["model"]
    skewed = [list(row) for row in model["precision"]]
    skewed[0][1] += 1.0
    for change, message in (
        ({"schema": "0" * 16, "features": ["bias", "luck"]}, "features differ .*train again with this version"),
        ({"kind": "poem"}, "is no state of a bandit"),
        ({"policy": "thompson"}, "damaged: policy: 'thompson' given"),
        ({"model": {}}, "damaged"),
        ({"schema": "0" * 16, "features": 5}, "features differ"),
        ({"schema": "0" * 16, "features": [[1]]}, "features differ"),
        ({"epsilon": 5}, "damaged: epsilon: 5.0 given"),
        ({"epsilon": float("nan")}, "epsilon: NaN is not a JSON number"),
        ({"parameter": -1}, "damaged"),
        ({"model": model | {"n_observations": float("inf")}}, "model.n_observations: Infinity is not a JSON number"),
        ({"model": model | {"n_observations": 2**70}}, "damaged: model.n_observations"),
        ({"model": model | {"moment": [1e200] * len(model["moment"])}}, "damaged.*above 1e"),
        ({"model": model | {"moment": ["1"] * len(model["moment"])}}, r"damaged: model.moment\[0\]: '1' is not"),
        ({"model": model | {"moment": 3.0}}, "damaged"),
        (
            {"model": model | {"moment": [[x] for x in model["moment"]]}},
            r"damaged: model.moment\[0\]: .* is not a finite number",
        ),
        ({"model": model | {"precision": skewed}}, "damaged.*not symmetric"),
    ):
        path.write_text(json.dumps(content | change))
        with pytest.raises(InputError, match=message) as refused:
            make_sampler(f"bandit:{path}{SMALL}")
        assert str(refused.value).startswith(str(path))
        assert len(str(refused.value).splitlines()) == 1


def test_a_state_that_cannot_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A state that cannot be read is refused with its file; a folder is no state."""

    def unreadable(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    path = tmp_path / "state.json"
    with pytest.raises(InputError, match="cannot be read"):
        make_sampler(f"bandit:{tmp_path}{SMALL}")
    state(path)
    monkeypatch.setattr(type(path), "read_bytes", unreadable)
    with pytest.raises(InputError, match=r"state\.json: cannot be read: Permission denied; check its permissions"):
        make_sampler(f"bandit:{path}{SMALL}")


def test_invalid_states_are_not_made(tmp_path: Path) -> None:
    """Invalid states are not made, so that every written one can be read."""
    model = LinearModel(len(NAMES))
    for words in ((0.1, 5.0), (0.1, float("nan")), (float("nan"), 0.1), (-1.0, 0.1)):
        with pytest.raises(InputError, match="given; give"):
            BanditState(*words, model)
    model.moment[0] = np.inf
    with pytest.raises(InputError, match=r"state\.json: model: a number is not finite"):
        BanditState(0.1, 0.05, model).write(tmp_path / "state.json")
    assert not list(tmp_path.iterdir())


def test_if_no_circuit_may_run_the_product_state_is_used() -> None:
    """If no circuit is within the limits, fits or has a full calibration, the product state is used."""
    strict = made(f"bandit{SMALL}+gates=0+learn=false")
    assert draw_samples(strict).cost.backend == "product"
    assert set(strict.screened(4).objections) == {"", "gates"}
    narrow, incomplete = SurrogateBackend(line_device(2)), SurrogateBackend(line_device(6))
    for backend in (narrow, incomplete):  # the second one's qubits have no T1 and T2
        name = backend.device.name
        arms = all_arms([name], placements=("line0",), families=("qaoa",), depths=(1,))
        sampler = BanditSampler({name: backend}, LinUCB(LinearModel(len(NAMES))), arms, width=4)
        samples = draw_samples(sampler)
        assert sampler.screened(4).arms == (PRODUCT,)
        assert (samples.cost.backend, samples.cost.circuits) == ("product", 0)
        assert samples.counts.sum(axis=1).tolist() == [32] * 4
