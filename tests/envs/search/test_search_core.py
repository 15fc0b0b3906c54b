"""The batch of searches: moves, rewards, copies, states, lookahead."""

from __future__ import annotations

import copy
import json
import pickle
from typing import Any

import numpy as np
import pytest
from searches import SMALL, started

from envs.search.baselines import baseline, lookahead
from envs.search.config import SearchEnvConfig
from envs.search.core import SearchBatch
from lagrl.controllers.registry import controller_factory
from lagrl.errors import InputError, InstanceError, UnknownNameError
from lagrl.problems.cvrp import CVRP
from lagrl.problems.solution import faults
from lagrl.recovery.savings import clarke_wright
from lagrl.relaxation.sampler import ExactSampler
from lagrl.search.schedule import Decision, schedule_of
from lagrl.search.search import Search
from lagrl.solve_config import SolveConfig

MIDDLE: dict[str, Any] = {"n_max": 60, "n_customers": (60, 60)}
"""Instances whose start routes can be improved."""


def actions_of(batch: SearchBatch, step: int) -> np.ndarray:
    """Return random actions of a step."""
    return baseline("random", np.random.default_rng([9, step]))(batch)


def seen_by(batch: SearchBatch, steps: range) -> list[Any]:
    """Return all results of some steps, resets excluded, as comparable values."""
    seen = []
    for step in steps:
        result = batch.step(actions_of(batch, step))
        arrays = batch.observations()
        seen.append((result.rewards.tolist(), repr(result.infos), {name: a.tobytes() for name, a in arrays.items()}))
    return seen


def test_a_step_is_the_searchs_own_move() -> None:
    """Choosing the only drawn set is bit-equal to a `Search` that frees it, with the same random numbers."""
    batch = started(action="choice", choices=1, max_moves=12, **MIDDLE)
    batch.reset(0, np.random.default_rng([0, 1]))
    (episode,) = batch.episodes
    problem, seed = episode.problem, episode.seed
    settings = SolveConfig(evaluations=12, shots=64, seed=seed, without=("partition", "bound"))
    controller = controller_factory(settings.controller)
    own = Search(problem, settings, controller, ExactSampler(), schedule_of(settings), local_size=problem.n_customers)
    own.start_from([np.array(route) for route in clarke_wright(problem).routes])
    decision = Decision("partial", (1,), freed=5, noise=0.1)
    for move in range(12):
        freed = own.moving.draw_freed(decision, np.random.default_rng([seed, move, 1]))
        own.current.neighbourhood.reseed(int(np.random.default_rng([seed, move, 0]).integers(2**31)))
        own.improve(decision, freed)
        info = batch.step(np.zeros(1, np.int64)).infos[0]
        assert own.current.neighbourhood.lists == episode.routes
        assert info["best_route_cost"] == own.incumbent.cost
        assert info["evaluations"] == own.incumbent.evaluations == move + 1
    assert own.incumbent.cost < episode.start_cost
    assert sum(outcome.is_accepted for outcome in own.history.outcomes) > 1


@pytest.mark.parametrize("action", ["scores", "choice"])
@pytest.mark.parametrize(("reward", "unit"), [("best", "arc"), ("current", "savings")])
def test_rewards_add_up_to_the_improvement(action: str, reward: str, unit: str) -> None:
    """Their sum is the decrease of the rewarded cost, in its unit; routes serve everybody; the budget ends it."""
    batch = started(3, action=action, reward=reward, unit=unit, max_moves=10, **MIDDLE)
    n_start_routes = {episode.problem.name: len(episode.routes) for episode in batch.episodes}
    total = np.zeros(3)
    for step in range(10):
        result = batch.step(actions_of(batch, step))
        total += result.rewards
        assert result.terminated.tolist() == [step == 9] * 3
    for earned, episode in zip(total, batch.episodes, strict=True):
        assert faults(episode.problem, episode.routes) == []
        info = episode.info()
        n_arcs = episode.n_customers + n_start_routes[episode.problem.name]
        scale = episode.start_cost / n_arcs if unit == "arc" else clarke_wright(episode.problem).cost
        end = info[f"{reward}_route_cost"]
        assert earned == pytest.approx((info["start_route_cost"] - end) / scale)
    assert total.max() > 0
    with pytest.raises(InputError, match="environment 0: the episode is over; reset it first"):
        batch.step(actions_of(batch, 10))


@pytest.mark.parametrize("action", ["scores", "choice"])
def test_equal_seeds_give_equal_steps(action: str) -> None:
    """Bit by bit, and other seeds other ones."""
    assert seen_by(started(2, action=action), range(5)) == seen_by(started(2, action=action), range(5))
    assert seen_by(started(2, 1, action=action), range(5)) != seen_by(started(2, action=action), range(5))


@pytest.mark.parametrize("action", ["scores", "choice"])
def test_environments_do_not_depend_on_each_other(action: str) -> None:
    """A batch of three equals three batches of one; one that rests is left as it is."""
    batch, singles = started(3, action=action), [started(action=action) for _ in range(3)]
    for index, single in enumerate(singles):
        single.reset(0, np.random.default_rng([0, index]))
    for step in range(5):
        actions, resting = actions_of(batch, step), [step % 3]
        before = batch.observation(step % 3)
        result = batch.step(actions, resting)
        for index, single in enumerate(singles):
            if index not in resting:
                alone = single.step(actions[index : index + 1])
                assert alone.rewards[0] == result.rewards[index]
                assert alone.infos[0] == result.infos[index]
            else:
                assert (result.rewards[index], result.infos[index]) == (0.0, {})
            for name, array in single.observation(0).items():
                np.testing.assert_array_equal(array, batch.observation(index)[name])
        for name, array in before.items():
            np.testing.assert_array_equal(array, batch.observation(step % 3)[name])


@pytest.mark.parametrize("sampler", ["exact", "qaoa"])
@pytest.mark.parametrize("action", ["scores", "choice"])
def test_copies_pickles_and_states_continue_to_the_bit(sampler: str, action: str) -> None:
    """In the middle of an episode, with a given instance too."""
    batch = started(2, action=action, sampler=sampler, max_moves=12)
    batch.reset(1, np.random.default_rng(3), "G-n16-k3")
    seen_by(batch, range(4))
    twins = [copy.deepcopy(batch), pickle.loads(pickle.dumps(batch)), SearchBatch(batch.config, 2)]
    record, arrays = batch.state()
    twins[2].load_state(json.loads(json.dumps(record)), arrays)
    undisturbed = seen_by(batch, range(4, 9))
    assert [seen_by(twin, range(4, 9)) == undisturbed for twin in twins] == [True] * 3
    with pytest.raises(InputError, match="the state has 2 environments, the batch 1"):
        SearchBatch(batch.config, 1).load_state(record, arrays)
    with pytest.raises(InputError, match="another configuration"):
        SearchBatch(batch.config.changed({"noise": 0.2}), 2).load_state(record, arrays)


def test_approximate_samplers_price_the_moves() -> None:
    """The sampler's circuits and shots are counted."""
    batch = started(action="choice", sampler="qaoa", shots=16, **MIDDLE)
    for _ in range(6):
        info = batch.step(np.zeros(1, np.int64)).infos[0]
    assert info["circuits"] > 0 and info["shots"] >= 16


def test_lookahead_is_what_the_steps_lead_to() -> None:
    """Each try equals the step of that choice on a copy, the episode stays as it is, and the best is chosen."""
    batch = started(action="choice", max_moves=8, seed=3)
    for _ in range(6):
        (episode,) = batch.episodes
        before = batch.state()[1]
        look = lookahead(episode, batch.sets(0))
        assert all(np.array_equal(before[name], array) for name, array in batch.state()[1].items())
        results = []
        for choice in range(4):
            tried = copy.deepcopy(batch)
            results.append((tried.step(np.array([choice])).rewards[0], tried.episodes[0].search.current.cost))
        assert list(zip(look.reward, look.cost, strict=True)) == results
        assert results[look.best] == min(results, key=lambda result: (-result[0], result[1]))
        assert baseline("oracle", np.random.default_rng(0))(batch).tolist() == [look.best]
        batch.step(np.array([look.best]))
    assert len({freed for freed in episode.trail}) > 1


def test_baselines_are_what_they_are_called() -> None:
    """Zero scores are zero, random ones are in [−1, 1]; the oracle needs sets; other names are refused."""
    scores, choice = started(2), started(2, action="choice")
    rng = np.random.default_rng(0)
    assert not baseline("zero", rng)(scores).any() and baseline("zero", rng)(choice).tolist() == [0, 0]
    assert np.ptp(baseline("random", rng)(scores)) > 1.5
    assert baseline("random", rng)(choice).dtype == np.int64
    with pytest.raises(InputError, match="oracle with scores"):
        baseline("oracle", rng)(scores)
    with pytest.raises(UnknownNameError, match="lookahed"):
        baseline("lookahed", rng)


@pytest.mark.parametrize(
    ("freed", "message"),
    [([[]], "nobody is freed"), ([range(1, 16)], "everybody is freed"), ([[1], [2]], "2 sets for 1 environments")],
)
def test_bad_sets_are_refused_before_anything_moves(freed: list[Any], message: str) -> None:
    """Nobody, everybody, a wrong number of sets: one line, and no move is counted."""
    batch = started()
    batch.reset(0, np.random.default_rng(0), "G-n16-k3")
    with pytest.raises(InputError, match=message):
        batch.step_freed([list(one) for one in freed])
    assert batch.episodes[0].moves == 0


def test_starts_from_savings_or_seeds_meet_the_fleet_rule() -> None:
    """Both start at a local optimum of their own; an impossible start is an error with a remedy."""
    costs = {}
    for start in ("savings", "seeds"):
        batch = started(start=start)
        batch.reset(0, np.random.default_rng(0), "G-n31-k5")
        (episode,) = batch.episodes
        assert episode.problem.fleet.allows(len(episode.routes))
        assert faults(episode.problem, episode.routes) == []
        costs[start] = episode.start_cost
        assert episode.info()["evaluations"] == 0
    assert costs["savings"] <= clarke_wright(episode.problem).cost
    tight = CVRP.from_coordinates("tight", [(0, 0), (1, 0), (2, 0), (3, 0)], [2, 2, 2], 3, fleet="exact:3")
    started().reset(0, np.random.default_rng(0), tight)
    alone = CVRP.from_coordinates("alone", [(0, 0), (1, 0)], [2], 3)
    with pytest.raises(InstanceError, match="alone: 1 customer; give an instance with 2 or more"):
        started().reset(0, np.random.default_rng(0), alone)


def test_tiny_instances_never_free_everybody() -> None:
    """Two customers: the drawn and the grown sets have one."""
    pair = CVRP.from_coordinates("pair", [(0, 0), (1, 0), (2, 0)], [1, 1], 3)
    for action in ("scores", "choice"):
        batch = started(action=action)
        batch.reset(0, np.random.default_rng(0), pair)
        for step in range(6):
            batch.step(actions_of(batch, step))
        assert {len(freed) for freed in batch.episodes[0].trail} == {1}


def test_nothing_works_before_the_first_reset() -> None:
    """Steps and episodes of an environment that was not reset are an error, and B below 1 too."""
    batch = SearchBatch(SearchEnvConfig(**SMALL), 1)
    with pytest.raises(InputError, match="environment 0: no episode has started; call reset first"):
        batch.step(np.zeros((1, 30), np.float32))
    with pytest.raises(InputError, match="n_envs: 0 given"):
        SearchBatch(SearchEnvConfig(**SMALL), 0)
