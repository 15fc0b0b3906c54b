"""Configurations share a knapsack's shots, the best gets what the pilot leaves, and nothing drawn is lost."""

from __future__ import annotations

import numpy as np
import pytest
from small_knapsacks import knapsacks

from lagrl.errors import InputError
from lagrl.quantum.circuits.portfolio import Configuration, Portfolio, Round, draw_portfolio
from lagrl.quantum.circuits.qaoa_sampler import QAOASampler
from lagrl.quantum.circuits.statevector import Ramp
from lagrl.quantum.subproblems.candidates import Candidates, select_candidates
from lagrl.quantum.subproblems.penalties import TiltedPenalty, make_penalty
from lagrl.quantum.subproblems.ranking import repaired_costs
from lagrl.quantum.subproblems.slack import SlackPenalty
from lagrl.relaxation.knapsack import solve_knapsacks
from lagrl.relaxation.sampler import SampleContext

TWO = (Configuration(fill=0.0), Configuration(fill=0.5))


def some(width: int = 6) -> Candidates:
    """Six vehicles, the last one solved by presolve."""
    reduced_cost, weight, capacity = knapsacks(np.random.default_rng(0), room=0.5)
    capacity[-1] = weight.sum()
    found = select_candidates(reduced_cost, weight, capacity, width)
    assert (found.width[:-1] > 0).all()
    assert found.width[-1] == 0
    return found


class Scripted:
    """Draws the same code for every vehicle in a round, and remembers what it was asked."""

    def __init__(self, candidates: Candidates, codes: list[int]) -> None:
        self.candidates = candidates
        self.codes = codes
        self.calls: list[tuple[list[list[bool]], int]] = []

    def __call__(self, rounds: list[Round], shots: int) -> list[tuple[np.ndarray, np.ndarray]]:
        self.calls.append(([own.is_asked.tolist() for own in rounds], shots))
        shape = (len(self.candidates.width), 1)
        by_fill = dict(zip((0.0, 0.5), self.codes, strict=True))
        return [
            (np.full(shape, by_fill[own.configuration.fill], np.int64), np.full(shape, shots, np.int64))
            for own in rounds
        ]


def test_a_single_configuration_takes_all_shots() -> None:
    """One round, and what it drew comes back as it is; solved vehicles have the empty string."""
    candidates = some()
    draw = Scripted(candidates, [3, 5])
    code, count = draw_portfolio(candidates, TiltedPenalty(), Portfolio(TWO[:1]), 64, draw)
    assert [shots for _, shots in draw.calls] == [64]
    assert code[:-1].tolist() == [[3]] * 5
    assert (code[-1].tolist(), count.tolist()) == ([0], [[64]] * 6)


def test_all_shots_are_shared_equally_without_a_second_round() -> None:
    """With pilot 1 there is one call, whose rounds have equal shots; all strings are kept."""
    candidates = some()
    draw = Scripted(candidates, [3, 5])
    code, count = draw_portfolio(candidates, TiltedPenalty(), Portfolio(TWO), 65, draw)
    assert [(len(asked), shots) for asked, shots in draw.calls] == [(2, 32)]
    assert code[0].tolist() == [3, 5]
    assert count[0].tolist() == [32, 32]


@pytest.mark.parametrize(("pilot", "total"), [(1.0, 64), (0.5, 65), (0.9, 65)])
def test_every_vehicle_has_as_many_samples(pilot: float, total: int) -> None:
    """Whatever the rounds, also those that presolve solves; so it is if all of them are."""
    candidates = some()
    draw = Scripted(candidates, [3, 5])
    _, count = draw_portfolio(candidates, TiltedPenalty(), Portfolio(TWO, pilot), 65, draw)
    assert count.sum(axis=1).tolist() == [total] * 6
    knapsack = knapsacks(np.random.default_rng(0), room=0.5)[:2]
    solved = select_candidates(*knapsack, np.full(6, knapsack[1].sum()), 6)
    code, count = draw_portfolio(solved, TiltedPenalty(), Portfolio(TWO, pilot), 65, Scripted(solved, [0, 0]))
    assert (code.sum(), count.tolist()) == (0, [[total]] * 6)


def test_the_best_by_repaired_cost_gets_the_rest() -> None:
    """After the pilot each vehicle goes on with the configuration whose samples cost least once repaired."""
    candidates = some()
    best = np.zeros(len(candidates.width), np.int64)
    for k, m in enumerate(candidates.width):
        codes = np.arange(2**m)
        bits = (codes[:, None] >> np.arange(m)) & 1
        fits = bits @ candidates.weight[k, :m] <= candidates.room[k]
        best[k] = codes[fits][(bits[fits] @ candidates.reduced_cost[k, :m]).argmin()]

    def draw(rounds: list[Round], shots: int) -> list[tuple[np.ndarray, np.ndarray]]:
        """Only the second configuration finds the optimum, but for vehicle 0, where only the first one does."""
        calls.append([own.is_asked.copy() for own in rounds])
        drawn = []
        for own in rounds:
            is_good = (own.configuration.fill == 0.5) != (np.arange(len(best)) == 0)
            drawn.append((np.where(is_good, best, 0)[:, None], np.full((len(best), 1), shots)))
        return drawn

    calls: list[list[np.ndarray]] = []
    code, count = draw_portfolio(candidates, TiltedPenalty(), Portfolio(TWO, pilot=0.5), 64, draw)
    (first, second), finals = calls
    assert first.tolist() == second.tolist() == [True] * 5 + [False]
    drawn = np.where(np.arange(len(best)) == 0, [best, np.zeros_like(best)], [np.zeros_like(best), best])
    value = repaired_costs(candidates, drawn.T)[:-1]
    assert (value[1:, 1] < value[1:, 0]).any()  # greedy completes an empty string, often to the optimum
    is_second = value[:, 1] < value[:, 0]
    asked = [next((f[k] for f in finals if f[k]), False) for k in range(5)]
    assert asked == [True] * 5
    assert [bool(finals[-1][k]) for k in range(5)] == is_second.tolist()
    assert count.sum(axis=1)[:-1].tolist() == [64] * 5
    assert [int(count[k][code[k] == best[k]].sum()) for k in range(1, 5)] == np.where(is_second[1:], 48, 16).tolist()


@pytest.mark.parametrize(
    ("portfolio", "shots", "allotted"),
    [
        (Portfolio(), 7, (7, 0)),
        (Portfolio(TWO), 7, (3, 0)),
        (Portfolio(TWO, pilot=0.5), 100, (25, 50)),
        (Portfolio(TWO, pilot=0.5), 7, (1, 5)),
    ],
)
def test_shots_are_allotted(portfolio: Portfolio, shots: int, allotted: tuple[int, int]) -> None:
    """Equal shots in the pilot, whole numbers, and what is left for the best."""
    assert portfolio.allot(shots) == allotted


def test_what_cannot_be_shared_is_refused() -> None:
    """Fewer shots than configurations, no configuration, shares outside (0, 1]."""
    with pytest.raises(InputError, match="1 shots, of which 1 for 2 configurations"):
        Portfolio(TWO).allot(1)
    with pytest.raises(InputError, match="configurations"):
        Portfolio(())
    for wrong in ({"pilot": 0.0}, {"pilot": 1.5}, {"alpha": 0.0}, {"alpha": float("nan")}):
        with pytest.raises(InputError, match=next(iter(wrong))):
            Portfolio(TWO, **wrong)


@pytest.mark.parametrize("penalty", [TiltedPenalty(), make_penalty("unbalanced"), SlackPenalty()], ids=str)
def test_the_sampler_spends_what_it_says(penalty: TiltedPenalty) -> None:
    """Circuits and shots are those of all configurations; slack bits never reach the strings."""
    reduced_cost, weight, capacity = knapsacks(np.random.default_rng(3), 4, 12)
    portfolio = Portfolio((*TWO, Configuration(Ramp(1, 0.5, 0.5), 0.2)), pilot=0.75)
    sampler = QAOASampler(width=5, penalty=penalty, portfolio=portfolio)
    samples = sampler.sample(reduced_cost, weight, capacity, 80, np.random.default_rng(0), SampleContext())
    unsolved = int((select_candidates(reduced_cost, weight, capacity, 5).width > 0).sum())
    assert unsolved > 0
    assert samples.cost.circuits == 4 * unsolved
    assert samples.cost.shots == unsolved * 80
    assert samples.cost.two_qubit_gates > 0
    assert samples.cost.depth > 0
    assert samples.counts.sum(axis=1).max() == 80
    for strings, counts in zip(samples.bitstrings, samples.counts, strict=True):
        assert len({bytes(string) for string in strings[counts > 0]}) == (counts > 0).sum()
    again = sampler.sample(reduced_cost, weight, capacity, 80, np.random.default_rng(0), SampleContext())
    assert (again.bitstrings == samples.bitstrings).all()
    assert (again.counts == samples.counts).all()


def test_sweeping_targets_finds_at_least_as_much() -> None:
    """Over many knapsacks, five targets with as many shots are not clearly worse than one, and near the optimum."""
    rng = np.random.default_rng(5)
    reduced_cost, weight, capacity = knapsacks(rng, 60, 24)
    _, value = solve_knapsacks(reduced_cost, weight, capacity)
    found = {}
    for fills in ((0.0,), (-0.2, -0.1, 0.0, 0.1, 0.2)):
        portfolio = Portfolio(tuple(Configuration(fill=fill) for fill in fills))
        samples = QAOASampler(10, portfolio=portfolio).sample(
            reduced_cost, weight, capacity, 200, np.random.default_rng(0), SampleContext()
        )
        found[len(fills)] = float((samples.best(reduced_cost, weight, capacity)[1] / value).mean())
    assert found[1] > 0.95
    assert found[5] > found[1] - 0.02
