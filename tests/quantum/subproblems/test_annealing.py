"""Simulated annealing as a knapsack sampler."""

from __future__ import annotations

import sys

import numpy as np
import pytest
from small_knapsacks import knapsacks, strings

from lagrl.errors import InputError, MissingExtraError
from lagrl.quantum.subproblems.candidate_sampler import AnnealingSampler
from lagrl.quantum.subproblems.candidates import select_candidates
from lagrl.quantum.subproblems.penalties import TiltedPenalty
from lagrl.quantum.subproblems.slack import SlackPenalty
from lagrl.relaxation.knapsack import solve_knapsacks
from lagrl.relaxation.sampler import SampleQuery, Samples, SubproblemSampler

pytest.importorskip("dwave.samplers")

SHOTS = 48


def mixed_knapsacks() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Six vehicles, the last solved by presolve."""
    reduced_cost, weight, capacity = knapsacks(np.random.default_rng(0), 6, 24)
    capacity[-1] = weight.sum()
    return reduced_cost, weight, capacity


def drawn(sampler: AnnealingSampler, seed: int = 0) -> Samples:
    """Sample the mixed knapsacks."""
    return sampler.sample(SampleQuery(*mixed_knapsacks(), SHOTS, np.random.default_rng(seed)))


@pytest.mark.parametrize(
    "sampler", [AnnealingSampler(8), AnnealingSampler(5, SlackPenalty(), 30), AnnealingSampler(9, TiltedPenalty(), 10)]
)
def test_samples_are_valid(sampler: AnnealingSampler) -> None:
    """Shots add up over distinct strings without slack bits; solved vehicles have the optimal string."""
    reduced_cost, weight, capacity = mixed_knapsacks()
    samples = drawn(sampler)
    assert isinstance(sampler, SubproblemSampler)
    assert (samples.counts.sum(axis=1) == SHOTS).all()
    found = select_candidates(reduced_cost, weight, capacity, sampler.width)
    for k in range(6):
        own = samples.bitstrings[k, samples.counts[k] > 0]
        assert len(np.unique(own, axis=0)) == len(own)
        others = np.setdiff1d(np.arange(24), found.item[k, : found.width[k]])
        assert (own[:, others] == found.fixed[k, others]).all()
    assert samples.counts[-1].tolist() == [SHOTS] + [0] * (samples.counts.shape[1] - 1)
    assert np.array_equal(samples.bitstrings[-1, 0], solve_knapsacks(reduced_cost, weight, capacity)[0][-1])


def test_it_finds_ground_states() -> None:
    """Most reads of a long anneal of small problems end in the enumerated minimum of the QUBO."""
    reduced_cost, weight, capacity = mixed_knapsacks()
    sampler = AnnealingSampler(6, TiltedPenalty(10.0, 0.5, is_aimed=True), 300)
    samples = drawn(sampler)
    found = select_candidates(reduced_cost, weight, capacity, 6)
    problems = sampler.penalty.qubos(found)
    hits = []
    for k in np.flatnonzero(found.width):
        m = found.width[k]
        ground = strings(m)[problems.qubo(k).energies().argmin()]
        same = (samples.bitstrings[k][:, found.item[k, :m]] == ground).all(axis=1)
        hits.append(samples.counts[k, same].sum() / SHOTS)
    assert np.mean(hits) > 0.5


def test_its_best_strings_fit_and_are_good() -> None:
    """With the default penalty the best of 48 reads is within 3 % of the optimum on average."""
    reduced_cost, weight, capacity = knapsacks(np.random.default_rng(5), 20, 60)
    samples = AnnealingSampler().sample(SampleQuery(reduced_cost, weight, capacity, SHOTS, np.random.default_rng(0)))
    chosen, value = samples.best(reduced_cost, weight, capacity)
    _, optimum = solve_knapsacks(reduced_cost, weight, capacity)
    assert (chosen @ weight <= capacity).all()
    assert (1.0 - value / optimum).mean() < 0.03


def test_the_same_seed_draws_the_same() -> None:
    """The same seed draws the same samples bit for bit, another seed others."""
    sampler = AnnealingSampler(8, sweeps=5)
    first, second, other = drawn(sampler), drawn(sampler), drawn(sampler, 1)
    assert np.array_equal(first.bitstrings, second.bitstrings)
    assert np.array_equal(first.counts, second.counts)
    assert first.counts.shape != other.counts.shape or not np.array_equal(first.counts, other.counts)


def test_a_vehicle_draws_the_same_whatever_the_others_price() -> None:
    """A vehicle's seed does not depend on whether presolve solved the vehicles before it."""
    reduced_cost, weight, capacity = mixed_knapsacks()
    freed = capacity.copy()
    freed[:3] = weight.sum()
    one, other = (
        AnnealingSampler(8, sweeps=5).sample(SampleQuery(reduced_cost, weight, q, SHOTS, np.random.default_rng(0)))
        for q in (capacity, freed)
    )
    for k in (3, 4):
        own = one.bitstrings[k, one.counts[k] > 0]
        assert np.array_equal(own, other.bitstrings[k, other.counts[k] > 0])


def test_it_is_classical() -> None:
    """Annealing counts no circuits and no shots."""
    cost = drawn(AnnealingSampler(4, sweeps=2)).cost
    assert (cost.circuits, cost.shots, cost.backend) == (0, 0, "annealing")
    assert cost.seconds > 0


def test_bad_input_is_refused() -> None:
    """Widths, sweeps and shots out of range raise an error."""
    with pytest.raises(InputError, match="width"):
        AnnealingSampler(0)
    with pytest.raises(InputError, match="sweeps"):
        AnnealingSampler(sweeps=0)
    with pytest.raises(InputError, match="shots"):
        AnnealingSampler().sample(SampleQuery(*mixed_knapsacks(), 0, np.random.default_rng(0)))


def test_without_the_extra_its_name_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing package raises an error when the sampler is made."""
    monkeypatch.setitem(sys.modules, "dwave.samplers", None)
    with pytest.raises(MissingExtraError, match=r"annealing needs dwave-samplers.*pip install -c .* '\.\[quantum\]'"):
        AnnealingSampler()
