"""The statistics of `benchmarks/knapsack_circuits/run.py`, its knapsacks, and a tiny run."""

from __future__ import annotations

import itertools
import json
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from lagrl.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path

for needed in ("qiskit_aer", "qiskit_ibm_runtime", "dwave.samplers", "matplotlib", "scipy"):
    pytest.importorskip(needed, reason="the benchmark needs the extras quantum and viz")


@pytest.fixture(scope="module")
def scripts() -> SimpleNamespace:
    """Import the modules of the study."""
    from benchmarks.knapsack_circuits import picture, report, results, run
    from lagrl.paper import circuit_grid as grid
    from lagrl.paper import drawn_knapsacks as knapsacks
    from lagrl.paper import string_measures as measures

    return SimpleNamespace(
        set=knapsacks, measures=measures, grid=grid, results=results, report=report, picture=picture, circuits=run
    )


@pytest.fixture(scope="module")
def knapsacks(scripts: SimpleNamespace) -> list[Any]:
    """Draw some of two widths."""
    drawn: list[Any] = scripts.set.draw_knapsacks((4, 6), 3, 20, seed=5)
    return drawn


def test_expected_best_is_the_mean_over_all_draws(scripts: SimpleNamespace) -> None:
    """Order statistics equal the enumeration of all sequences of draws, ties included."""
    value = np.array([0.0, 0.25, 0.25, 1.0])
    probability = np.array([0.1, 0.2, 0.3, 0.4])
    for shots in (1, 2, 5):
        expected = sum(
            np.prod(probability[list(draws)]) * value[list(draws)].min()
            for draws in itertools.product(range(4), repeat=shots)
        )
        assert scripts.measures.expected_best(value, probability, shots) == pytest.approx(expected)


def test_a_lost_probability_does_no_harm(scripts: SimpleNamespace) -> None:
    """Probabilities that add up to just above 1 give no NaN and nothing below the least value."""
    value, probability = np.array([0.0, 0.5, 1.0]), np.array([0.5, 0.5, 1e-12])
    assert scripts.measures.expected_best(value, probability, 63) == pytest.approx(0.5 * 0.5**63, abs=1e-12)


def test_worth_is_what_brute_force_says(scripts: SimpleNamespace, knapsacks: list[Any]) -> None:
    """Every string's gap is that of its cost; overloads carry nothing; repair leaves no gap above the string's own."""
    for knapsack in knapsacks:
        worth = scripts.measures.Worth.of(knapsack)
        strings = list(itertools.product((0, 1), repeat=knapsack.width))
        loads = {s: sum(w * y for w, y in zip(knapsack.weight, s, strict=True)) for s in strings}
        costs = {s: sum(c * y for c, y in zip(knapsack.reduced_cost, s, strict=True)) for s in strings}
        best = min(costs[s] for s in strings if loads[s] <= knapsack.room)
        for s in strings:
            code = sum(y << i for i, y in enumerate(s))
            fits = loads[s] <= knapsack.room
            assert worth.fits[code] == fits
            assert worth.gap[code] == pytest.approx(1 - costs[s] / best if fits else 1.0, abs=1e-9)
            assert worth.is_optimal[code] == (fits and costs[s] <= best * (1 - 1e-9))
            if fits:
                assert worth.repaired_gap[code] <= worth.gap[code]


def test_measures_of_points_and_of_all_strings(scripts: SimpleNamespace, knapsacks: list[Any]) -> None:
    """The optimum alone has no gap, an overload alone the gap 1; uniform strings' yield is the share that fits."""
    worth = scripts.measures.Worth.of(knapsacks[0])
    point = np.eye(len(worth.gap))
    optimum = worth.measures(point[worth.is_optimal.argmax()])
    assert optimum == pytest.approx(
        {**dict.fromkeys(optimum, 0.0), "feasible": 1.0, "optimal": 1.0, "repaired_optimal": 1.0}
    )
    overload = worth.measures(point[-1])
    assert (overload["feasible"], overload["optimal"], overload["gap"], overload["cvar"]) == (0, 0, 1, 1)
    assert overload["repaired_gap"] == worth.repaired_gap[-1] < 1
    greedy = worth.measures(point[worth.greedy])
    assert greedy["gap"] == greedy["repaired_gap"] == worth.repaired_gap[0]
    uniform = worth.measures(np.full(len(worth.gap), 1 / len(worth.gap)))
    assert uniform["feasible"] == pytest.approx(worth.fits.mean())


def test_knapsacks_are_binding_and_the_same_for_a_seed(scripts: SimpleNamespace, knapsacks: list[Any]) -> None:
    """As wide as asked for, heavier than the room, one per instance and width; more of them begin with the same."""
    assert [knapsack.width for knapsack in knapsacks] == [4, 4, 4, 6, 6, 6]
    assert all(sum(knapsack.weight) > knapsack.room >= max(knapsack.weight) for knapsack in knapsacks)
    assert len({knapsack.name for knapsack in knapsacks}) == len(knapsacks)
    more = scripts.set.draw_knapsacks((4, 6), 4, 20, seed=5)
    assert [k for k in more if k.width == 4][:3] == knapsacks[:3]
    assert [k for k in more if k.width == 6][:3] == knapsacks[3:]
    written = json.loads(json.dumps([knapsack.to_json() for knapsack in knapsacks]))
    assert [scripts.set.Knapsack.from_json(fields) for fields in written] == knapsacks


def test_unbalanced_has_the_literatures_constants(scripts: SimpleNamespace, knapsacks: list[Any]) -> None:
    """Where values and weights average 10, it is ã·y − λ₁ h + λ₂ h² of h = room − d·y, up to units and a constant."""
    knapsack = knapsacks[0]
    energies = scripts.grid.make_qubos(knapsack, "unbalanced").qubo(0).energies()
    bits = (np.arange(2**4)[:, None] >> np.arange(4)) & 1
    cost = 10 * np.array(knapsack.reduced_cost) / np.abs(knapsack.reduced_cost).mean()
    per_weight = 10 / np.mean(knapsack.weight)
    left = (knapsack.room - bits @ np.array(knapsack.weight)) * per_weight
    expected = (bits @ cost - 0.96 * left + 0.0371 * left**2) / 10
    assert energies - energies[0] == pytest.approx(expected - expected[0])


def test_a_run_that_was_cut_goes_on(
    scripts: SimpleNamespace, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file cut in the middle is completed to the same rows; the report needs the file alone."""
    monkeypatch.setattr(scripts.grid, "LONGER_ITERATIONS", 20)
    monkeypatch.setattr(scripts.results, "RESAMPLES", 100)
    monkeypatch.setattr(scripts.circuits, "CHECKED", scripts.circuits.CHECKED[:4])
    monkeypatch.setattr(scripts.circuits, "SAMPLED", scripts.circuits.SAMPLED[:2])
    path, picture = tmp_path / "rows.jsonl", tmp_path / "picture.png"
    arguments = {"widths": (4,), "per_width": 2, "evaluations": 20, "density_widths": (4,), "density_knapsacks": 1}
    arguments |= {"trajectory_widths": (4,), "trajectory_knapsacks": 1, "trajectory_shots": 32, "seed": 5}
    scripts.circuits.run(scripts.circuits.Args(out=path, **arguments), path)

    def rows() -> list[dict[str, Any]]:
        read = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
        return [{key: value for key, value in row.items() if key != "seconds"} for row in read]

    whole = rows()
    keys = [(row["knapsack"], row["noise"], row["name"]) for row in whole if row["kind"] == "row"]
    assert len(keys) == len(set(keys))
    assert {noise for _, noise, _ in keys} == {"ideal", "surrogate", "density", "trajectories"}
    written = path.read_bytes()
    noises = [row.get("noise") for row in whole]
    first = noises.index("surrogate")  # the cut is between an ideal row and its noisy one
    between = len(b"".join(written.splitlines(keepends=True)[:first]))
    path.write_bytes(written[: between + 150])
    scripts.circuits.run(scripts.circuits.Args(out=path, **arguments), path)
    assert sorted(map(str, rows())) == sorted(map(str, whole))
    with pytest.raises(InputError, match="another run"):
        scripts.circuits.run(scripts.circuits.Args(out=path, **arguments | {"seed": 6}), path)
    scripts.circuits.main(scripts.circuits.Args(report=path, picture=picture))
    printed = capsys.readouterr().out
    assert "Where a circuit beats" in printed
    assert "nan" not in printed
    assert picture.stat().st_size > 0
    results = scripts.results.Results.of(whole)
    product = results.chosen("ideal", scripts.grid.REFERENCE)
    untrained = [c for c in scripts.grid.CIRCUITS if c.ansatz == scripts.grid.UNTRAINED]
    for circuit in untrained:  # CX leave |0…0⟩ alone: without noise it is the product state
        for row, expected in zip(results.chosen("ideal", circuit), product, strict=True):
            assert row["gap"] == pytest.approx(expected["gap"])
        assert results.difference("ideal", circuit, "optimal").mean == pytest.approx(0, abs=1e-5)
    exact = scripts.grid.CONTROLS[0]
    gains = [1 - row["optimal"] for row in product]
    assert results.difference("ideal", exact, "optimal").mean == pytest.approx(np.mean(gains), abs=1e-5)
