"""Route feedback of any named sampler, circuits included."""

from __future__ import annotations

import gymnasium
import numpy as np
import pytest

SAMPLERS = ["greedy", "annealing", "qaoa+width=6+layers=2", "noisy:FakeKingston+width=6", "ibm:FakeKingston+width=4"]


@pytest.mark.parametrize("sampler", SAMPLERS)
def test_route_feedback_by_name(sampler: str) -> None:
    """Routes are proposed, the infos count their circuits, and equal seeds give equal infos."""
    pytest.importorskip("dwave.samplers" if sampler == "annealing" else "qiskit_aer")
    infos = []
    for _ in range(2):
        env = gymnasium.make(
            "envs:LagrangianCVRP-v0", route_sampler=sampler, route_every=2, max_steps=3, shots=16, start="zero"
        )
        env.reset(seed=3, options={"instance": "G-n16-k3"})
        for _ in range(3):
            *_, info = env.step(np.full(env.action_space.shape, 0.9, np.float32))
        infos.append(info)
    assert np.isfinite(infos[0]["best_route_cost"])
    assert infos[0]["shots"] == infos[0]["circuits"] * 16
    assert (infos[0]["circuits"] > 0) == sampler.startswith(("qaoa", "noisy", "ibm"))
    assert infos[0] == pytest.approx(infos[1], nan_ok=True)
