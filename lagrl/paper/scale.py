"""How much is run for the figures: quick, within minutes on two cores, or in full."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """Sizes of the runs behind the figures.

    Attributes
    ----------
    name
        `quick` or `full`.
    route_seeds
        Seeds of the solves with exact knapsacks.
    sampler_instances, sampler_seeds, shots
        Smallest instances that samplers are run on (0: all), seeds, and strings per vehicle.
    hardware
        Fake backends in place of quantum computers, each with one static circuit.
    peer_seconds
        Time limit of OR-Tools.
    width_evaluations
        Multiplier vectors of each ascent whose knapsacks are counted.
    trace_instances, trace_sizes, trace_widths, trace_evaluations
        Generated instances of the bandit's decisions, their customers, largest knapsacks, and evaluations.
    gate_budgets
        Limits G_max on two-qubit gates under which the trained bandit decides.
    knapsack_widths, knapsacks
        Variables of the knapsacks of the micro-benchmark, and how many of each.
    circuit_backends, circuit_widths
        Fake backends and numbers of variables of the compiled circuits.
    """

    name: str
    route_seeds: tuple[int, ...]
    sampler_instances: int
    sampler_seeds: tuple[int, ...]
    shots: int
    hardware: tuple[str, ...]
    peer_seconds: float
    width_evaluations: int
    trace_instances: int
    trace_sizes: tuple[int, int]
    trace_widths: tuple[int, ...]
    trace_evaluations: int
    gate_budgets: tuple[int, ...]
    knapsack_widths: tuple[int, ...]
    knapsacks: int
    circuit_backends: tuple[str, ...]
    circuit_widths: tuple[int, ...]


ROUTE_BUDGETS = (25, 200)  # evaluations of the solves with exact knapsacks
SAMPLER_EVALUATIONS = 25
POLICIES = ("checkpoints/bc-small", "checkpoints/ppo-small")  # a cloned and a PPO policy

QUICK = Scale(
    name="quick",
    route_seeds=(0,),
    sampler_instances=6,
    sampler_seeds=(0,),
    shots=128,
    hardware=("FakeKingston", "FakeBrisbane"),
    peer_seconds=2.0,
    width_evaluations=20,
    trace_instances=6,
    trace_sizes=(20, 60),
    trace_widths=(4, 8, 12),
    trace_evaluations=5,
    gate_budgets=(0, 100, 200, 400),
    knapsack_widths=(6, 8),
    knapsacks=4,
    circuit_backends=("FakeKingston", "FakeBrisbane"),
    circuit_widths=(4, 8, 12),
)

FULL = Scale(
    name="full",
    route_seeds=(0, 1, 2, 3, 4),
    sampler_instances=0,
    sampler_seeds=(0, 1, 2, 3, 4),
    shots=256,
    hardware=("FakeKingston", "FakeTorino", "FakeBrisbane", "FakeCusco", "FakeMumbai", "FakeParis"),
    peer_seconds=20.0,
    width_evaluations=50,
    trace_instances=40,
    trace_sizes=(20, 120),
    trace_widths=(4, 6, 8, 10, 12, 14, 16),
    trace_evaluations=25,
    gate_budgets=(0, 50, 100, 200, 400, 800),
    knapsack_widths=(6, 8, 10, 12),
    knapsacks=60,
    circuit_backends=("FakeKingston", "FakePittsburgh", "FakeNighthawk", "FakeSherbrooke"),
    circuit_widths=(4, 8, 12, 16, 20),
)
