"""Rewards: potentials of best-so-far quantities."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from envs.config import EnvConfig, RewardWeights
from envs.core import EpisodeBatch
from envs.reward import BestSoFar, potential

WEIGHTS = RewardWeights()


@dataclass
class Point:
    """A dual point's value, sampled and exact."""

    sampled_value: float
    value: float | None = None


@dataclass
class Evaluation:
    """The fields of a step that BestSoFar reads."""

    point: Point
    assignment_cost: float = np.inf
    route_cost: float = np.inf

    @property
    def exact_value(self) -> float | None:
        """The exact value; that of the point where none is given."""
        return self.point.sampled_value if self.point.value is None else self.point.value


def test_potentials_by_hand() -> None:
    """Shares, gaps and cost ratios times their weights."""
    best = BestSoFar(savings_cost=200.0)
    best.note(Evaluation(Point(80.0), 100.0, 210.0), 0.5)
    assert potential(best, 1, WEIGHTS) == pytest.approx(3.0 * 0.5)
    assert potential(best, 2, WEIGHTS) == pytest.approx(-3.0 * 0.2)
    assert potential(best, 3, WEIGHTS) == pytest.approx(-10.0 * 1.05 - 1.0 * 0.2)


def test_before_anything_is_found_potentials_are_finite() -> None:
    """No routes count as twice the savings cost, no assignment as a gap of 1."""
    best = BestSoFar(savings_cost=200.0)
    best.note(Evaluation(Point(-50.0)), 0.0)
    assert [potential(best, phase, WEIGHTS) for phase in (1, 2, 3)] == [0.0, -3.0, -21.0]


def test_worse_evaluations_change_nothing() -> None:
    """Potentials never fall: best-so-far quantities only improve."""
    best, rng = BestSoFar(savings_cost=100.0), np.random.default_rng(0)
    last = [-np.inf] * 3
    for _ in range(50):
        costs = rng.uniform(90, 300, 2)
        best.note(Evaluation(Point(float(rng.uniform(0, 90))), *costs), float(rng.random()))
        now = [potential(best, phase, WEIGHTS) for phase in (1, 2, 3)]
        assert all(new >= old for new, old in zip(now, last, strict=True))
        last = now
    best.note(Evaluation(Point(-1e9), 1e9, 1e9), 0.0)
    assert [potential(best, phase, WEIGHTS) for phase in (1, 2, 3)] == last


def test_sampled_values_above_the_assignment_close_the_gap_at_most() -> None:
    """A value of fresh samples may exceed the assignment's cost: the gap is then 0, never negative."""
    best = BestSoFar(savings_cost=100.0)
    best.note(Evaluation(Point(500.0), 100.0), 0.0)
    assert best.gap == 0.0


def test_free_instances_have_finite_ratios() -> None:
    """Where every customer is at the depot, the savings cost and the route cost are 0."""
    best = BestSoFar(savings_cost=0.0)
    best.note(Evaluation(Point(0.0), 0.0, 0.0), 1.0)
    assert (best.route_ratio, best.gap) == (1.0, 0.0)
    assert potential(best, 3, WEIGHTS) == -10.0


@pytest.mark.parametrize("phase", [1, 2, 3])
def test_an_episodes_rewards_sum_to_what_its_best_improved(phase: int) -> None:
    """The undiscounted return is the last potential minus the first, recomputed from the infos alone."""
    config = EnvConfig(n_max=50, n_customers=(20, 50), max_steps=40, route_sampler="exact", phases=(phase,))
    batch = EpisodeBatch(config, 1)
    batch.set_phase(phase)
    first = batch.reset(0, np.random.default_rng(0), "G-n51-k6")
    total, shares = 0.0, [first["last_share_served"]]
    for _ in range(40):
        step = batch.step(np.full((1, 50), -0.2, np.float32))
        total += step.rewards[0]
        shares.append(step.infos[0]["last_share_served"])
        if step.terminated[0]:
            break
    last = step.infos[0]
    wanted = {
        1: 3.0 * (max(shares) - shares[0]),
        2: 3.0 * (first["best_gap"] - last["best_gap"]),
        3: 10.0 * (first["best_route_ratio"] - last["best_route_ratio"]) + first["best_gap"] - last["best_gap"],
    }[phase]
    assert total == pytest.approx(wanted)
    assert total > 0
