"""Subproblem samplers: what solves the knapsacks of a price vector, by name or as an object.

Examples
--------
>>> import lagrl
>>> sampler = lagrl.samplers.make_sampler("qaoa+width=6")
>>> problem = lagrl.read("G-n16-k3")
>>> lagrl.solve(problem, sampler=sampler, evaluations=10).solution.is_feasible(problem)
True
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lagrl.lazy import lazy_names

__all__ = [
    "SAMPLERS",
    "AnnealingSampler",
    "BanditSampler",
    "CircuitSampler",
    "ExactSampler",
    "GreedySampler",
    "JournaledSampler",
    "ProductSampler",
    "QAOASampler",
    "ReplaySampler",
    "SampleContext",
    "SampleQuery",
    "Samples",
    "SamplingCost",
    "SubproblemSampler",
    "close_sampler",
    "make_sampler",
]

if TYPE_CHECKING:
    from lagrl.quantum.bandit.bandit_sampler import BanditSampler
    from lagrl.quantum.circuits.qaoa_sampler import ProductSampler, QAOASampler
    from lagrl.quantum.journal.journaled import JournaledSampler
    from lagrl.quantum.journal.replay import ReplaySampler
    from lagrl.quantum.subproblems.annealing import AnnealingSampler
    from lagrl.quantum.subproblems.greedy import GreedySampler
    from lagrl.relaxation.sampler import (
        ExactSampler,
        SampleContext,
        SampleQuery,
        Samples,
        SamplingCost,
        SubproblemSampler,
    )
    from lagrl.samplers.circuit_sampler import CircuitSampler
    from lagrl.samplers.registry import SAMPLERS, close_sampler, make_sampler
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "lagrl.quantum.bandit.bandit_sampler": ["BanditSampler"],
            "lagrl.quantum.circuits.qaoa_sampler": ["ProductSampler", "QAOASampler"],
            "lagrl.quantum.journal.journaled": ["JournaledSampler"],
            "lagrl.quantum.journal.replay": ["ReplaySampler"],
            "lagrl.quantum.subproblems.annealing": ["AnnealingSampler"],
            "lagrl.quantum.subproblems.greedy": ["GreedySampler"],
            "lagrl.relaxation.sampler": [
                "ExactSampler",
                "SampleContext",
                "SampleQuery",
                "Samples",
                "SamplingCost",
                "SubproblemSampler",
            ],
            "lagrl.samplers.circuit_sampler": ["CircuitSampler"],
            "lagrl.samplers.registry": ["SAMPLERS", "close_sampler", "make_sampler"],
        },
    )
