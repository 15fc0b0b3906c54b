"""Every message of lagrl.samplers on bad input, from the input to the whole line."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import pytest

import lagrl
from lagrl.errors import LagrlError
from lagrl.quantum.circuits.line_qaoa import LineQAOA
from lagrl.relaxation.sampler import ExactSampler
from lagrl.samplers.circuit_sampler import CircuitSampler
from lagrl.samplers.registry import make_sampler, sampler_packages

if TYPE_CHECKING:
    from pathlib import Path

HAS_QISKIT = find_spec("qiskit_ibm_runtime") is not None and find_spec("qiskit_aer") is not None

OWN = """
class NoMethod: pass

class Arguments:
    def __init__(self, width): pass

class Broken:
    def __init__(self): raise OSError("no such device")

class Former:
    def sample(self, reduced_cost, weight, capacity, shots, rng, context): pass

number = 3
"""
NAMES = (
    "annealing, backend:MODULE:FACTORY, bandit, bandit:STATE, exact, greedy, ibm:BACKEND, noisy:BACKEND, product, "
    "qaoa, replay:FILE"
)
FACTORY = "it must take no arguments and give an object with sample(query)"
QUERY = "write sample(self, query): query has reduced_cost, weight, capacity, shots, rng and context"
FORMER = "Former.sample(reduced_cost, weight, capacity, shots, rng, context) given"

REMOVED = "is no option any more; give lagrl.solve(problem, sampler=…) an object instead: "

STRINGS = {
    # the string
    "qaoaa": f"unknown sampler 'qaoaa'; did you mean 'qaoa'? known: {NAMES}; or module:attribute for your own",
    "noisy": "sampler noisy: incomplete; write noisy:BACKEND",
    "ibm:": "sampler ibm:: incomplete; write ibm:BACKEND",
    "backend": "sampler backend: incomplete; write backend:MODULE:FACTORY",
    "replay+sampler=qaoa": "sampler replay+sampler=qaoa: incomplete; write replay:FILE",
    "bandit:": "sampler bandit:: no state given; name a file after the colon, or leave both out",
    "bandit:+width=4": "sampler bandit:+width=4: no state given; name a file after the colon, or leave both out",
    "qaoa:FakeKingston": "sampler qaoa:FakeKingston: 'FakeKingston' given; qaoa takes nothing there",
    "qaoa:": "sampler qaoa:: '' given; qaoa takes nothing there",
    "exact:": "sampler exact:: '' given; exact takes nothing there",
    "mine:Sampler+width=3": "sampler mine:Sampler+width=3: options given; a sampler of your own takes none",
    # options
    "qaoa+width": "sampler qaoa+width: 'width' given; write options as +name=value",
    "qaoa+=3": "sampler qaoa+=3: '=3' given; write options as +name=value",
    "qaoa+width=1+width=2": "sampler qaoa+width=1+width=2: width given twice; give it once",
    "greedy+widht=3": "unknown option of sampler greedy 'widht'; did you mean 'width'? known: width",
    "exact+width=3": "unknown option of sampler exact 'width'; known: none",
    "qaoa+width=wide": "sampler qaoa+width=wide, width: 'wide' given; give a whole number",
    "qaoa+strength=x": "sampler qaoa+strength=x, strength: 'x' given; give a number",
    "qaoa+warm=perhaps": "sampler qaoa+warm=perhaps, warm: 'perhaps' given; give true or false",
    "qaoa+width=99": "width: 99 given; give 1 to 22 variables per vehicle",
    "qaoa+gamma=1": f"sampler qaoa+gamma=1, gamma: {REMOVED}QAOASampler(ramp=Ramp(…))",
    "qaoa+fill=2": f"sampler qaoa+fill=2, fill: {REMOVED}QAOASampler(penalty=TiltedPenalty(fill=…))",
    "annealing+sweeps=5": f"sampler annealing+sweeps=5, sweeps: {REMOVED}AnnealingSampler(sweeps=…)",
    "annealing+strength=5": "unknown option of sampler annealing 'strength'; known: width",
    # the user's own
    "no_such_module:Sampler": (
        "sampler no_such_module:Sampler: cannot import 'no_such_module' (ModuleNotFoundError: No module named "
        "'no_such_module'); run where the module can be imported, or correct it"
    ),
    "own_samplers:Missing": (
        "sampler own_samplers:Missing: module 'own_samplers' has no 'Missing'; check the spelling"
    ),
    "own_samplers:NoMethod": f"sampler own_samplers:NoMethod: makes a NoMethod; {FACTORY}",
    "own_samplers:Arguments": (
        "sampler own_samplers:Arguments: cannot be made (TypeError: Arguments.__init__() missing 1 required positional "
        f"argument: 'width'); {FACTORY}"
    ),
    "own_samplers:Broken": f"sampler own_samplers:Broken: cannot be made (OSError: no such device); {FACTORY}",
    "own_samplers:number": (
        f"sampler own_samplers:number: cannot be made (TypeError: 'int' object is not callable); {FACTORY}"
    ),
    "own_samplers:Former": f"sampler own_samplers:Former: {FORMER}; {QUERY}",
}
CIRCUITS = {
    "noisy:FakeKingston+method=magic": "unknown noise method 'magic'; known: density, surrogate, trajectories",
    "noisy:FakeKingston+ansatz=pairwise+warm=no": "warm: no given; only qaoa has a cold start, not pairwise",
    "noisy:FakeKingston+method=density+width=14": (
        "width: 14 given, density(fake_kingston) takes 10 qubits; give 1 to 10 variables per vehicle"
    ),
    "ibm:FakeKingston+fallback=magic": "fallback: 'magic' given; give product, or leave it out",
    "ibm:FakeKingston+sequence=XY4": (
        "sampler ibm:FakeKingston+sequence=XY4, sequence: is no option any more; omit it for XpXm"
    ),
    "ibm:FakeKingston+session_time=60": (
        "session_time: 60 given; it limits a batch or session: give mode=batch or mode=session"
    ),
}


@pytest.fixture(autouse=True)
def own_samplers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Samplers of the user's, and an empty working folder."""
    (tmp_path / "own_samplers.py").write_text(OWN, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.chdir(tmp_path)


def message(call: Any, *given: Any, **named: Any) -> str:
    """Return the message of the error that a call raises; it is one line."""
    with pytest.raises(LagrlError) as error:
        call(*given, **named)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("text", STRINGS)
def test_a_wrong_string(text: str) -> None:
    """Names, options, values, files and the user's own code."""
    assert message(make_sampler, text) == STRINGS[text]


@pytest.mark.skipif(not HAS_QISKIT, reason="needs the quantum extra")
@pytest.mark.parametrize("text", CIRCUITS)
def test_a_wrong_string_of_circuits(text: str) -> None:
    """Methods, angles, widths and options of circuits."""
    assert message(make_sampler, text) == CIRCUITS[text]


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (
            lambda: make_sampler(3),
            "sampler: 3 given; give a name, such as 'qaoa+width=8'; lagrl.solve(problem, sampler=…) takes an object as "
            "well",
        ),
        (
            lambda: make_sampler("exact", journal="j.jsonl"),
            "journal: j.jsonl given; leave it out: exact has nothing to keep",
        ),
        (
            lambda: sampler_packages("own_samplers:Missing"),
            "sampler own_samplers:Missing: module 'own_samplers' has no 'Missing'; check the spelling",
        ),
        (
            lambda: lagrl.evaluate("G-n16-k3", samplers="exact", journal="j.jsonl"),
            "journal: j.jsonl given; leave it out: exact has nothing to keep",
        ),
    ],
)
def test_a_wrong_argument(call: Any, expected: str) -> None:
    """Other types than strings, and journals of samplers that need none."""
    assert message(call) == expected


@dataclass
class Narrow:
    """A backend of at most 5 qubits."""

    name: str = "narrow"
    max_width: int = 5
    target: None = None

    def status(self, *, wait: bool = False) -> Any:
        """Never called."""

    def run(self, job: Any) -> Any:
        """Never called."""


@pytest.mark.parametrize(
    ("parts", "expected"),
    [
        ({"backend": "ideal"}, "backend: a str given; give an object that implements Backend"),
        ({"ansatz": "qaoa"}, "ansatz: a str given; give an object that implements Ansatz"),
        ({"penalty": 30.0}, "penalty: a float given; give an object that implements Penalty"),
        ({"width": 0}, "width: 0 given; give 1 to 22 variables per vehicle"),
        ({"width": 6}, "width: 6 given, narrow takes 5 qubits; give 1 to 5 variables per vehicle"),
        ({"fallback": "greedy"}, "fallback: 'greedy' given; give product, or leave it out"),
    ],
)
def test_a_wrong_circuit_sampler(parts: dict[str, Any], expected: str) -> None:
    """The parts of a `CircuitSampler`."""
    assert message(CircuitSampler, **({"backend": Narrow(), "ansatz": LineQAOA(), "width": 4} | parts)) == expected


class Nothing:
    """A sampler that returns nothing."""

    def sample(self, *_: Any) -> None:
        """Return nothing."""


class Former:
    """A sampler of the former shape."""

    def sample(self, reduced_cost: Any, weight: Any, capacity: Any, shots: Any, rng: Any, context: Any) -> None:
        """Never called."""


@pytest.mark.parametrize(
    ("sampler", "expected"),
    [
        (ExactSampler, "sampler: the class ExactSampler given; give an object with sample(query)"),
        (3, "sampler: a int given; give an object with sample(query)"),
        (Former(), f"sampler: {FORMER}; {QUERY}"),
    ],
)
def test_a_wrong_object(sampler: Any, expected: str) -> None:
    """What is no sampler is refused where it is given: by solves, duals and the samples of one knapsack."""
    problem = lagrl.read("G-n16-k3")
    assert message(lagrl.solve, problem, sampler=sampler) == expected
    assert message(lagrl.quantum.sample, [-1.0], [1], 3, sampler=sampler) == expected
    assert message(lagrl.AssignmentDual, lagrl.linearise(problem), sampler) == expected


def test_a_wrong_answer_and_a_journal_for_an_object() -> None:
    """A sampler that returns no samples is named; an object is wrapped in a journal by its owner."""
    expected = "sampler Nothing: returned NoneType; return Samples with strings [1, S, 1]"
    assert message(lagrl.quantum.sample, [-1.0], [1], 3, sampler=Nothing()) == expected
    expected = "journal: j.jsonl given; wrap your sampler: JournaledSampler(sampler, Journal(file), name)"
    assert message(lagrl.solve, lagrl.read("G-n16-k3"), sampler=ExactSampler(), journal="j.jsonl") == expected


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"shots": 0}, "shots: 0 allows nothing; give 1 or more"),
        ({"shots": 2.5}, "shots: 2.5 given; give one whole number for all circuits"),
        (
            {"weight": [1, 2]},
            "knapsacks: (1, 1) costs for (1, 2), or an entry that is negative or not finite; give finite [K, n] costs "
            "with n weights and K capacities of 0 or more",
        ),
        ({"sampler": "qaoa+width=0"}, "width: 0 given; give 1 to 22 variables per vehicle"),
    ],
)
def test_a_wrong_knapsack(change: dict[str, Any], expected: str) -> None:
    """Arrays, shots and names given to `lagrl.quantum.sample`."""
    given = {"reduced_cost": [-1.0], "weight": [1], "capacity": 3}
    assert message(lagrl.quantum.sample, **(given | change)) == expected
