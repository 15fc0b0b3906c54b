"""Subproblem samplers: what solves the knapsacks of a price vector, by name or as an object.

Examples
--------
>>> import lagrl
>>> problem = lagrl.read("G-n16-k3")
>>> with lagrl.samplers.open("qaoa+width=6") as sampler:
...     results = [lagrl.solve(problem, sampler=sampler, evaluations=10, seed=seed) for seed in (0, 1)]
>>> all(result.solution.is_feasible(problem) for result in results)
True
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lagrl.lazy import lazy_names

__all__ = [
    "FAMILIES",
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
    "open",
]

if TYPE_CHECKING:
    from lagrl.quantum.bandit.bandit_sampler import BanditSampler
    from lagrl.quantum.circuits.statevector import QAOASampler
    from lagrl.quantum.journal.journaled import JournaledSampler, ReplaySampler
    from lagrl.quantum.subproblems.candidate_sampler import AnnealingSampler, GreedySampler, ProductSampler
    from lagrl.relaxation.sampler import (
        ExactSampler,
        SampleContext,
        SampleQuery,
        Samples,
        SamplingCost,
        SubproblemSampler,
    )
    from lagrl.samplers.circuit_sampler import CircuitSampler
    from lagrl.samplers.families import FAMILIES
    from lagrl.samplers.registry import close_sampler, make_sampler
    from lagrl.samplers.registry import open_sampler as open
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "lagrl.quantum.bandit.bandit_sampler": ["BanditSampler"],
            "lagrl.quantum.circuits.statevector": ["QAOASampler"],
            "lagrl.quantum.journal.journaled": ["JournaledSampler", "ReplaySampler"],
            "lagrl.quantum.subproblems.candidate_sampler": ["AnnealingSampler", "GreedySampler", "ProductSampler"],
            "lagrl.relaxation.sampler": [
                "ExactSampler",
                "SampleContext",
                "SampleQuery",
                "Samples",
                "SamplingCost",
                "SubproblemSampler",
            ],
            "lagrl.samplers.circuit_sampler": ["CircuitSampler"],
            "lagrl.samplers.families": ["FAMILIES"],
            "lagrl.samplers.registry": ["close_sampler", "make_sampler", "open_sampler as open"],
        },
    )
