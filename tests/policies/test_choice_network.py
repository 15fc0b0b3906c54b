"""Networks that score sets of customers or seedings, and their files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from envs.search.observation import FEATURES
from lagrl.errors import InputError
from lagrl.problems.generate import generate
from lagrl.relaxation.seeding import candidate_seeds
from policies.card import model_card
from policies.choice_checkpoint import load_choice, new_network, save_choice
from policies.choice_network import ChoiceNetworkConfig
from policies.graph import as_tensors
from policies.seed_features import SEED_FEATURES, SEEDING_NUMBERS, observe_seedings

if TYPE_CHECKING:
    from pathlib import Path
    from typing import Any

    from numpy.typing import NDArray

TINY = ChoiceNetworkConfig(hidden=8, layers=1, heads=2)


def observation(n: int, n_max: int, n_sets: int = 3) -> dict[str, NDArray[Any]]:
    """Return a random observation of the search with some sets of customers."""
    rng = np.random.default_rng(n)
    found: dict[str, NDArray[Any]] = {
        "nodes": np.zeros((1, n_max, len(FEATURES)), np.float32),
        "node_mask": np.zeros((1, n_max), np.int8),
        "neighbours": np.zeros((1, n_max, 5), np.int16),
        "sets": np.zeros((1, n_sets, n_max), np.int8),
    }
    found["nodes"][0, :n] = rng.normal(size=(n, len(FEATURES)))
    found["node_mask"][0, :n] = 1
    found["neighbours"][0, :n] = rng.integers(n, size=(n, 5))
    found["sets"][0, :, :n] = rng.random((n_sets, n)) < 0.4
    found["sets"][0, :, 0] = 1
    return found


def card() -> dict[str, Any]:
    """Return a complete card."""
    training = {"instances": "", "seed": 0, "steps": 0, "seconds": 0.0, "hardware": "", "parent": None}
    return model_card(name="t", kind="other", description="d", command="c", config={}, training=training)


def random_network(choice: Any) -> torch.nn.Module:
    """Return a network with weights far from their initial values."""
    torch.manual_seed(0)
    net = new_network(choice, TINY)
    with torch.no_grad():
        for parameter in net.parameters():
            parameter.add_(0.3 * torch.randn_like(parameter))
    return net.eval()


def test_scores_belong_to_sets_and_ignore_padding() -> None:
    """Sets in another order have the same scores in that order, and padding changes no bit."""
    net = random_network("sets")
    found = observation(12, 12)
    scores = net(as_tensors(found))
    assert scores.shape == (1, 3)
    assert len(set(scores[0].tolist())) == 3
    turned = net(as_tensors(found | {"sets": found["sets"][:, ::-1].copy()}))
    assert torch.allclose(turned.flip(1), scores, atol=1e-6)
    assert torch.allclose(net(as_tensors(observation(12, 20))), scores, atol=1e-6)


def test_without_attention_a_set_is_scored_by_its_customers_and_the_mean() -> None:
    """Without attention layers a set's score depends on its own customers and on the whole instance's mean only."""
    torch.manual_seed(0)
    net = new_network("sets", ChoiceNetworkConfig(hidden=8, layers=0, heads=2))
    found = observation(12, 12)
    outside = int(np.flatnonzero(found["sets"][0, 0] == 0)[0])
    other = int(np.flatnonzero(found["sets"][0, 0] == 0)[1])
    before = net(as_tensors(found))[0, 0]
    found["nodes"][0, [outside, other]] = found["nodes"][0, [other, outside]]
    assert torch.allclose(net(as_tensors(found))[0, 0], before, atol=1e-6)


def test_an_untrained_network_chooses_seeds_as_the_rule_does() -> None:
    """Its highest score is that of the seeding whose rounded routes are shortest."""
    problem = generate(40, seed=5)
    seedings = candidate_seeds(problem, problem.minimum_vehicles, np.random.default_rng(0), ("kmeans", "sweep"), 8)
    seen, rounded = observe_seedings(problem, seedings)
    assert seen["nodes"].shape == (8, 40, len(SEED_FEATURES))
    assert seen["own"].shape == (8, 1, len(SEEDING_NUMBERS))
    assert all(np.isfinite(array).all() for array in seen.values())
    scores = new_network("seeds", TINY)(as_tensors(seen)).view(-1)
    assert int(scores.argmax()) == int(np.argmin([one.cost for one in rounded]))


def test_a_saved_network_scores_the_same(tmp_path: Path) -> None:
    """The file holds weights, size and card; a network for another choice is refused."""
    net = random_network("sets")
    save_choice(tmp_path / "net", "sets", net, card())
    loaded = load_choice(tmp_path / "net", "sets")
    found = as_tensors(observation(9, 9))
    assert torch.equal(loaded.net(found), net(found))
    assert loaded.card["name"] == "t"
    with pytest.raises(InputError, match="chooses sets, not seeds"):
        load_choice(tmp_path / "net", "seeds")


def test_other_files_and_weights_are_refused(tmp_path: Path) -> None:
    """A missing or foreign file and a weight that is not finite are clear errors."""
    with pytest.raises(InputError, match="no such file"):
        load_choice(tmp_path / "none", "sets")
    (tmp_path / "other.safetensors").write_bytes(b"x")
    with pytest.raises(InputError, match="is not a choice network"):
        load_choice(tmp_path / "other", "sets")
    net = new_network("sets", TINY)
    with torch.no_grad():
        net.head.bias.fill_(float("nan"))
    with pytest.raises(InputError, match="not finite"):
        save_choice(tmp_path / "net", "sets", net, card())
    assert not (tmp_path / "net.safetensors").exists()
