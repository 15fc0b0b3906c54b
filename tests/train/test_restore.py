"""What both trainers archive alike comes back, under the names that each trainer's archives have."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
from ppo_runs import TINY, clone, weights

from lagrl.errors import InputError
from lagrl.io.records import from_record
from train.archive import DAMAGED, rng_state
from train.archive_record import GeneratorsRecord, RunRecord
from train.bc.config import BCConfig
from train.bc.run import BCRun
from train.candidate import TrainingCandidate
from train.ppo.config import PPOConfig
from train.ppo.run import PPORun
from train.restore import common_state, network_weights, read_record, restore

if TYPE_CHECKING:
    from collections.abc import Callable

CPU = torch.device("cpu")


def cloning() -> tuple[BCRun, torch.optim.Optimizer]:
    """Return a cloning run and its optimiser."""
    run = BCRun(BCConfig(policy=TINY.policy, env=TINY.env, budgets=(3,), seed=4), Path("run"), CPU)
    return run, run.optimizer


def fine_tuning() -> tuple[PPORun, torch.optim.Optimizer]:
    """Return a PPO run and its optimiser."""
    run = PPORun(replace(TINY, imitation=(0.0, 0.0)), clone(), device="cpu")
    return run, run.model.policy.optimizer


@pytest.mark.parametrize(("make", "config"), [(cloning, BCConfig), (fine_tuning, PPOConfig)])
def test_a_run_gets_back_what_both_have_in_common(make: Callable[[], Any], config: type) -> None:
    """Network, optimiser, best candidate, seconds and generators are those of the record, to the last bit."""
    run, optimizer = make()
    for parameter in run.net.parameters():
        parameter.grad = torch.full_like(parameter, 0.1)
    optimizer.step()
    run.best = TrainingCandidate(3, {3: 0.9}, run.weights(), imitation={"mse": 0.5})
    run.seconds = 12.5
    arrays, record = common_state(run, optimizer, "own/")
    random_arrays, random_record = rng_state()
    generators = from_record(GeneratorsRecord, random_record, "generators")
    drawn = torch.rand(3)
    found, read = read_record(RunRecord, config, record | {"other": 1}, source=None, given=None)
    assert read == run.config

    again, other = make()
    tensors = {name: torch.as_tensor(array) for name, array in (arrays | random_arrays).items()}
    before, wanted = weights(run.net), {name: (t.dtype, tuple(t.shape)) for name, t in weights(run.net).items()}
    restore(again, other, tensors, found, generators, weights=network_weights(tensors, "own/", wanted, None))
    assert torch.equal(torch.rand(3), drawn)
    assert all(torch.equal(before[name], tensor) for name, tensor in weights(again.net).items())
    assert again.best is not None
    assert (again.best.step, again.best.scores, again.seconds) == (3, {3: 0.9}, 12.5)
    states = [one.state_dict()["state"] for one in (optimizer, other)]
    assert states[0].keys() == states[1].keys()
    assert all(torch.equal(states[0][key]["exp_avg"], states[1][key]["exp_avg"]) for key in states[0])


def test_a_network_of_another_size_is_refused_by_name() -> None:
    """The message names the file, the array under its name in the archive, both shapes and the remedy."""
    arrays = {"own/bias": torch.zeros(2)}
    with pytest.raises(InputError, match=r"a\.json: own/bias: torch.float32 \[2\] found") as caught:
        network_weights(arrays, "own/", {"bias": (torch.float32, (3,))}, "a.json")
    assert str(caught.value).endswith(DAMAGED)
