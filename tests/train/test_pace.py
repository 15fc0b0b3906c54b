"""The estimate of a run's remaining time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from ppo_runs import TINY_POLICY

from envs.config import EnvConfig
from policies.network import DiagonalPrecondNet
from train.pace import Pace
from train.probe import mean_steps, seconds_per_state

if TYPE_CHECKING:
    from collections.abc import Callable


def clocked(plan: dict[str, float], guesses: dict[str, float] | None = None) -> tuple[Pace, Callable[[float], None]]:
    """Return a pace and a function that moves its clock."""
    now = [0.0]

    def wait(seconds: float) -> None:
        now[0] += seconds

    return Pace(plan, guesses, clock=lambda: now[0]), wait


def test_each_kind_has_its_own_pace() -> None:
    """The rest is the pieces of every kind times their mean seconds; unknown kinds make it unknown."""
    pace, wait = clocked({"rollout": 10, "update": 4})
    wait(2.0)
    pace.add("rollout", 1)
    assert pace.seconds_left is None
    wait(5.0)
    pace.add("update", 1)
    assert pace.seconds_left == pytest.approx(9 * 2.0 + 3 * 5.0)
    wait(100.0)
    pace.pause()
    wait(4.0)
    pace.add("rollout", 1)
    assert pace.seconds_left == pytest.approx(8 * 3.0 + 3 * 5.0)


def test_a_guess_serves_until_a_piece_is_measured() -> None:
    """The seconds of the first complete piece replace the guess."""
    pace, wait = clocked({"update": 4}, {"update": 7.0})
    assert pace.seconds_left == pytest.approx(28.0)
    wait(1.0)
    pace.add("update", 1)
    assert pace.seconds_left == pytest.approx(3.0)


def test_a_part_of_a_piece_is_no_piece() -> None:
    """Parts shorten the rest by their seconds; the complete piece lasted as long as its parts."""
    pace, wait = clocked({"update": 2}, {"update": 10.0})
    wait(3.0)
    pace.add("update", 0)
    assert pace.seconds_left == pytest.approx(17.0)
    wait(3.0)
    pace.add("update", 1)
    assert pace.seconds_left == pytest.approx(6.0)


def test_more_work_than_planned_leaves_none() -> None:
    """The rest is never negative."""
    pace, wait = clocked({"epoch": 1})
    wait(1.0)
    pace.add("epoch", 5)
    assert pace.seconds_left == 0.0


def test_the_probe_changes_nothing() -> None:
    """Measuring a training step uses no random numbers and leaves the network without gradients."""
    torch.manual_seed(1)
    net = DiagonalPrecondNet(TINY_POLICY)
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    torch.manual_seed(2)
    expected = torch.rand(3)
    torch.manual_seed(2)
    assert 0 < seconds_per_state(net, 64, (5, 9)) < 1
    assert torch.equal(torch.rand(3), expected)
    assert all(torch.equal(before[name], tensor) for name, tensor in net.state_dict().items())
    assert all(parameter.grad is None for parameter in net.parameters())


def test_the_mean_length_is_that_of_drawn_episodes() -> None:
    """It agrees with the mean of many draws, and with a fixed number of steps."""
    from envs.episode import draw_horizon

    config = EnvConfig(min_steps=9, max_steps=49)
    rng = np.random.default_rng(0)
    drawn = np.mean([draw_horizon(config, rng) for _ in range(4000)])
    assert mean_steps(config) == pytest.approx(drawn, rel=0.03)
    assert mean_steps(EnvConfig(max_steps=20)) == 20.0
