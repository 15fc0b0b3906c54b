"""Acceptance by simulated annealing: cold for short budgets, in cycles for long ones."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from lagrl.search.acceptance import Annealing

SHORT, LONG = (60, 500), (20_000, 3)  # turns and customers


def annealed(n_turns: int, n_customers: int) -> list[list[float]]:
    """Spend a budget over `n_turns` steps and return the temperatures of each cycle, in order."""
    annealing = Annealing(n_customers, np.random.default_rng(0))
    cycles: list[list[float]] = [[]]
    for turn in range(1, n_turns + 1):
        cycles[-1].append(annealing.temperature((turn - 1) / n_turns))
        if annealing.update(turn / n_turns):
            cycles.append([])
            assert annealing.cycle == len(cycles) - 1
    return cycles


def test_long_budgets_have_cycles_and_short_ones_do_not() -> None:
    """Far more steps than a cycle needs start several cycles; the last step starts none."""
    assert len(annealed(*SHORT)) == 1
    cycles = annealed(*LONG)
    assert len(cycles) >= 3
    length = [len(cycle) for cycle in cycles[1:]]
    assert max(length) - min(length) <= 2
    assert length[-1] > 0


def test_temperature_falls_within_a_cycle_and_rises_with_the_next() -> None:
    """Geometrically down, up again where a cycle begins, as hot each time."""
    cycles = annealed(*LONG)
    for cycle in cycles[1:]:
        ratio = np.array(cycle[1:]) / np.array(cycle[:-1])
        assert (ratio < 1.0).all()
        assert ratio == pytest.approx(np.full(len(ratio), ratio[0]))
    for former, latter in itertools.pairwise(cycles):
        assert latter[0] > former[-1]
    assert [cycle[0] for cycle in cycles[1:]] == pytest.approx([cycles[1][0]] * (len(cycles) - 1), rel=0.05)


def test_short_budgets_are_cold() -> None:
    """The fewer steps per customer are expected, the lower the first temperature."""
    hottest = [max(annealed(n_turns, 100)[0]) for n_turns in (50, 200, 800)]
    assert 0.0 < hottest[0] < hottest[1] < hottest[2]
    assert hottest[0] < 0.1


def test_nothing_dearer_is_accepted_before_the_budget_can_be_foretold() -> None:
    """At first it is cold: better is accepted, as good or dearer is not."""
    annealing = Annealing(10, np.random.default_rng(0))
    assert annealing.temperature(0.0) == 0.0
    assert annealing.accepts(-1e-9, 10.0, 0.0)
    assert not annealing.accepts(0.0, 10.0, 0.0)
    assert not annealing.accepts(1e-9, 10.0, 0.0)


def warm() -> Annealing:
    """Return annealing past its first look, with a budget long enough to be warm."""
    annealing = Annealing(5, np.random.default_rng(1))
    for turn in range(1, 40):
        annealing.update(turn / 2000)
    return annealing


def test_improvements_are_always_accepted() -> None:
    """Whatever the temperature, the mean arc and the draw."""
    annealing = warm()
    for progress in np.linspace(0.0, 1.0, 200):
        assert annealing.accepts(-1e-9, 100.0, float(progress))
        assert annealing.accepts(-5.0, 0.0, float(progress))
    assert not any(annealing.accepts(np.inf, 100.0, 0.02) for _ in range(50))


def test_dearer_routes_are_accepted_by_boltzmanns_chance() -> None:
    """An increase of T mean arcs passes with probability 1/e, and of three with 1/e³."""
    annealing = warm()
    one = annealing.temperature(0.02) * 100.0
    assert one > 0.0
    for arcs in (1.0, 3.0):
        accepted = np.mean([annealing.accepts(arcs * one, 100.0, 0.02) for _ in range(20_000)])
        assert accepted == pytest.approx(np.exp(-arcs), abs=0.01)


def test_every_question_draws_once() -> None:
    """Certain answers draw as well, so that what follows does not depend on them."""
    first, second = (np.random.default_rng(4) for _ in range(2))
    one, other = Annealing(5, first), Annealing(5, second)
    one.accepts(-np.inf, 10.0, 0.0)
    other.accepts(np.inf, 10.0, 0.5)
    assert first.random() == second.random()
