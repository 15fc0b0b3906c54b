"""What arms cost on their devices: gates over a budget by rank, and compiled circuits against the closed form."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence

import numpy as np

from benchmarks.bandit_study.reward_table import every_arm
from benchmarks.bandit_study.truth import priced_knapsacks
from lagrl.quantum.bandit.arm_policies import LinearModel, StaticPolicy
from lagrl.quantum.bandit.bandit_sampler import BanditSampler
from lagrl.quantum.bandit.features import DEPTHS, Arm, knapsack_rows
from lagrl.quantum.bandit.options import SIX, arm_backends
from lagrl.quantum.bandit.profile import Limits, Profile, arm_profile
from lagrl.quantum.circuits.ansatz import ANSATZE, make_ansatz

BUDGETS = (50, 100, 200, 400)
WIDTHS = (4, 6, 8, 10, 12, 14, 16)


def budget_rows(model: LinearModel, count: int, seed: int) -> Iterator[dict[str, object]]:
    """Yield a row for every width: share of knapsacks whose top-ranked arm has more gates than each budget."""
    pool = arm_backends(SIX)
    arms = every_arm(list(pool))
    sampler = BanditSampler(pool, StaticPolicy(), arms, Limits(least_fidelity=0.0, most_decay=np.inf), learns=False)
    for width in WIDTHS:
        found = list(priced_knapsacks(count, (20, 50), seed, width, 25))
        print(f"width {width}: {len(found)} knapsacks", file=sys.stderr, flush=True)
        if not found:
            continue
        screened = sampler.screened(width)
        gates = np.array([profile.two_qubit_gates for profile in screened.profiles])
        is_circuit = np.array([bool(arm.backend) for arm in screened.arms])
        scores = screened.table.means(knapsack_rows([decision.knapsack for _, decision in found]), model.weights)
        top = scores.argmax(axis=1)
        yield {
            "kind": "budget",
            "width": width,
            "knapsacks": len(found),
            "instances": len({name for name, _ in found}),
            "arms": len(screened.arms),
            "top_gates": np.unique(gates[top], return_counts=True)[0].tolist(),
            "top_times": np.unique(gates[top], return_counts=True)[1].tolist(),
            "bandit": {str(most): float((gates[top] > most).mean()) for most in BUDGETS},
            "uniform": {str(most): float((gates[is_circuit] > most).mean()) for most in BUDGETS},
            "limits": {
                "fidelity": float(np.mean([_is_faint(screened.profiles[a]) for a in top])),
                "duration": float(np.mean([screened.profiles[a].duration > screened.profiles[a].t2 for a in top])),
            },
            "uniform_limits": {
                "fidelity": float(np.mean([_is_faint(own) for own in screened.profiles])),
                "duration": float(np.mean([own.duration > own.t2 for own in screened.profiles])),
            },
        }


def _is_faint(profile: Profile) -> bool:
    return bool(profile.log_gates + profile.log_readout < np.log(Limits.least_fidelity))


def overhead_rows(widths: Sequence[int] = (4, 8, 12)) -> Iterator[dict[str, object]]:
    """Yield a row for every backend, family, depth and width: the compiled circuit on two places, and the closed form.

    Gates and depth are those of the arm's profile: compiled to the native gates.
    """
    for name, backend in arm_backends(SIX).items():
        for family in ANSATZE:
            for layers in DEPTHS:
                for width in widths:
                    template = make_ansatz(family, layers).template(width)
                    row: dict[str, object] = {
                        "kind": "overhead",
                        "backend": name,
                        "family": family,
                        "layers": layers,
                        "width": width,
                        "closed": [template.two_qubit_gates, template.two_qubit_depth],
                    }
                    for placement in ("line0", "default"):
                        profile = arm_profile(backend, Arm(name, placement, family, layers), width)
                        if profile is None:
                            row[placement] = None
                            continue
                        row[placement] = {
                            "gates": profile.two_qubit_gates,
                            "depth": profile.two_qubit_depth,
                            "duration": profile.duration,
                            "decay": profile.duration / profile.t2,
                            "fidelity": float(np.exp(profile.log_gates + profile.log_readout)),
                        }
                    yield row
        print(f"{name}: compiled", file=sys.stderr, flush=True)
