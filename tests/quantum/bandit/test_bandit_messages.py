"""Messages about bandits and sampler options that changed when options were removed: what they were, and are now.

Messages that did not change are in `test_bandit_options`, `test_trace_damage`, `test_train_bandit` and
`test_sampler_names`. An empty text before means that the input was accepted.
"""

from __future__ import annotations

import pytest

from lagrl.errors import InputError
from lagrl.samplers.registry import make_sampler

pytest.importorskip("qiskit_ibm_runtime", reason="needs the quantum extra")
pytest.importorskip("qiskit_aer", reason="needs the quantum extra")

_OBJECT = "is no option any more; give lagrl.solve(problem, sampler=…) an object instead: "
_POLICY = (
    "policy: is no option any more; omit it for linucb; alpha=0 for greedy, static=ARM for static, "
    "epsilon=1+learn=false for uniform"
)
_STATIC = "given; static is the only arm, and does not learn: omit it"

MESSAGES = [  # bad input, message before, message now
    ("bandit+policy=greedy", "", _POLICY),
    ("bandit+policy=thompson", "", _POLICY),
    ("bandit+policy=uniform", "", _POLICY),
    ("bandit+policy=static", "policy static: no arm given; write static=BACKEND/PLACEMENT/FAMILY/LAYERS", _POLICY),
    ("bandit+policy=linear", "unknown policy 'linear'; known: greedy, linucb, static, thompson, uniform", _POLICY),
    ("bandit+policy=thompson+alpha=0", "alpha: 0.0 given; give a number above 0", _POLICY),
    ("bandit+policy=uniform+epsilon=0.5", "epsilon: 0.5 given; uniform always chooses at random: omit it", _POLICY),
    ("bandit+fidelity=0.1", "", "fidelity: is no option any more; omit it: limit the number of gates"),
    ("bandit+fidelity=2", "limits: …; give a fidelity from 0 to below 1", "fidelity: is no option any more"),
    ("bandit+decay=0.5", "", "decay: is no option any more; omit it: limit the number of gates"),
    ("bandit+spread=0.1", "", "spread: is no option any more; omit it: other backends run a job after failures only"),
    ("bandit+spread=-1", "spread: -1.0 given; give a finite number of 0 or more", "spread: is no option any more"),
    ("bandit+per_job=1", "", "per_job: is no option any more; omit it: the circuits on one line of qubits are one job"),
    ("bandit+per_job=-1", "per_job: -1 given; give 1 or more, or 0 for no limit", "per_job: is no option any more"),
    ("bandit+static=FakeParis/line0/qaoa/1+backends=FakeParis", "", f"backends: FakeParis {_STATIC}"),
    ("bandit+static=FakeParis/line0/qaoa/1+backends=FakeMumbai", "static: …; name it in backends too", _STATIC),
    ("bandit+static=FakeParis/line0/qaoa/1+families=qaoa", "", f"families: qaoa {_STATIC}"),
    ("bandit+static=FakeParis/line0/qaoa/1+epsilon=0.5", "", f"epsilon: 0.5 {_STATIC}"),
    ("bandit+static=product+epsilon=0.5", "epsilon: 0.5 given; product is the only arm", f"epsilon: 0.5 {_STATIC}"),
    ("bandit+static=product+alpha=1", "alpha: 1.0 given; static does not learn: omit it", f"alpha: 1.0 {_STATIC}"),
    ("qaoa+gamma=1+beta=1", "", f"gamma: {_OBJECT}QAOASampler(ramp=Ramp(…))"),
    ("qaoa+gamma=1", "angles: gamma 1.0 and beta None given; give both or neither", f"gamma: {_OBJECT}"),
    ("noisy:FakeParis+ansatz=linear+beta=1", "gamma, beta: …; linear trains its angles", f"beta: {_OBJECT}"),
    ("qaoa+fill=0.5", "", f"fill: {_OBJECT}QAOASampler(penalty=TiltedPenalty(fill=…))"),
    ("qaoa+fill=2", "fill: 2.0 given; give a number from −1 (no load) to 1 (the room)", f"fill: {_OBJECT}"),
    ("qaoa+penalty=slack+fill=0.5", "fill: 0.5 given; slack has no target load: leave it out", f"fill: {_OBJECT}"),
    ("annealing+sweeps=5", "", f"sweeps: {_OBJECT}AnnealingSampler(sweeps=…)"),
    ("annealing+penalty=slack", "", "unknown option of sampler annealing 'penalty'; known: width"),
    ("annealing+strength=5", "strength: 5.0 given; give penalty=tilted, unbalanced or slack too", "'strength'"),
]


@pytest.mark.parametrize(("text", "before", "now"), MESSAGES, ids=[text for text, _, _ in MESSAGES])
def test_each_input_has_its_message(text: str, before: str, now: str) -> None:
    """One line that names the option and the remedy; another one than before."""
    with pytest.raises(InputError) as refused:
        make_sampler(text)
    message = str(refused.value)
    assert now in message
    assert len(message.splitlines()) == 1
    assert not before or before not in message
