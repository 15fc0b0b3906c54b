"""Reports say what the rows say, and what they do not."""

from __future__ import annotations

import csv
import io
import random
from typing import Any

import pytest
from synthetic_rows import synthetic_row

from lagrl.bench.report import report
from lagrl.errors import InputError, UnknownNameError

# Worked by hand; costs are 800 + 8·gap.
# Instance means of gaps at 10: 5, 7 (perturbed) and 3, 6 (polyak); at 50: 1, 3 and 1.5, 2.25.
_GAPS = {
    ("A-n32-k5", "perturbed", 10): (5.0, 5.0),
    ("A-n32-k5", "polyak", 10): (2.0, 4.0),
    ("B-n31-k5", "perturbed", 10): (6.0, 8.0),
    ("B-n31-k5", "polyak", 10): (6.0, 6.0),
    ("A-n32-k5", "perturbed", 50): (1.0, 1.0),
    ("A-n32-k5", "polyak", 50): (1.0, 2.0),
    ("B-n31-k5", "perturbed", 50): (3.0, 3.0),
    ("B-n31-k5", "polyak", 50): (2.0, 2.5),
}

_GOLDEN = """\
## Results

### Mean gap to the best known cost, %, by budget in evaluations (instances)

| controller | sampler | method    |            10 (2) |            50 (2) |
| ---------- | ------- | --------- | ----------------: | ----------------: |
| perturbed  | exact   | reference | 6.00 [5.00, 7.00] | 2.00 [1.00, 3.00] |
| polyak     | exact   | reference | 4.50 [3.00, 6.00] | 1.88 [1.50, 2.25] |

In brackets: 95 % percentile bootstrap interval over instances, each the mean over its seeds.

### Mean cost by budget, and its difference from `perturbed` run the same way (negative is better)

| controller | sampler | method    |     10 |             difference |     50 |           difference |
| ---------- | ------- | --------- | -----: | ---------------------: | -----: | -------------------: |
| perturbed  | exact   | reference | 848.00 |                      — | 816.00 |                    — |
| polyak     | exact   | reference | 836.00 | -12.00 [-16.00, -8.00] | 815.00 | -1.00 [-6.00, +4.00] |

In distance units, over instances with feasible rows of all lines; in brackets: 95 % bootstrap interval, paired by \
instance.

### Spread, feasible rows and time

| controller | sampler | method    | budget | median gap | max gap | feasible | seconds | dual value |
| ---------- | ------- | --------- | -----: | ---------: | ------: | -------: | ------: | ---------: |
| perturbed  | exact   | reference |     10 |       6.00 |    7.00 |      4/4 |     1.5 |     700.00 |
| perturbed  | exact   | reference |     50 |       2.00 |    3.00 |      4/4 |     5.5 |     700.00 |
| polyak     | exact   | reference |     10 |       4.50 |    6.00 |      4/4 |     1.5 |     700.00 |
| polyak     | exact   | reference |     50 |       1.88 |    2.25 |      4/4 |     5.5 |     700.00 |

Seconds are classical, compilation excluded; means over instances. The dual value is that of the linearisation whose \
routes were best, so it need not rise with the budget; it bounds that linearisation's assignment surrogate, **not** \
the CVRP, and may lie above the cost of routes.

### Mean gap minus that of `perturbed` run the same way, percentage points (negative is better)

| controller | sampler | method    |                   10 |                   50 |
| ---------- | ------- | --------- | -------------------: | -------------------: |
| polyak     | exact   | reference | -1.50 [-2.00, -1.00] | -0.12 [-0.75, +0.50] |

In brackets: 95 % bootstrap interval, paired by instance; \\* marks those without 0, withheld below 6 instances; \
— where either has no gap. Not corrected for the number of comparisons.

### Mean gap by family at budget 50, % (instances)

| controller | sampler | method    | A (1) | B (1) |
| ---------- | ------- | --------- | ----: | ----: |
| perturbed  | exact   | reference |  1.00 |  3.00 |
| polyak     | exact   | reference |  1.50 |  2.25 |

### Provenance

- rows: 16; instances: 2; configurations: 1
- seeds: 0, 1
- versions: lagrl 0.1.0, numpy 2.0.0
- git revisions: abcdefabcdef
"""


def _golden_rows() -> list[dict[str, Any]]:
    return [
        synthetic_row(
            instance, controller, budget=budget, seed=seed, gap_pct=gap, cost=800 + 8 * gap, seconds=budget / 10 + seed
        )
        for (instance, controller, budget), gaps in _GAPS.items()
        for seed, gap in enumerate(gaps)
    ]


def _pairs(n_instances: int, **changes: Any) -> list[dict[str, Any]]:
    """Rows of perturbed at gap i and polyak at gap i − 1, i = 1 … n."""
    return [
        synthetic_row(f"A-n{30 + i}-k5", controller, gap_pct=float(i - better), **changes)
        for i in range(1, n_instances + 1)
        for controller, better in (("perturbed", 0), ("polyak", 1))
    ]


def _records(rows: list[dict[str, Any]], section: str, baseline: str | None = None) -> list[dict[str, str]]:
    text = report(rows, format="csv", baseline=baseline)
    return [record for record in csv.DictReader(io.StringIO(text)) if record["section"] == section]


def test_report_of_a_few_rows_is_what_was_worked_by_hand() -> None:
    """The whole Markdown text, number by number."""
    assert report(_golden_rows()) == _GOLDEN


def test_report_does_not_depend_on_the_order_of_rows() -> None:
    """Workers finish in any order; the report is the same to the byte."""
    rows = _golden_rows()
    random.Random(3).shuffle(rows)
    assert report(rows) == _GOLDEN
    assert report(rows, format="csv") == report(_golden_rows(), format="csv")


def test_csv_has_the_same_numbers_in_full() -> None:
    """One record a line: gaps, differences, families and provenance."""
    gaps = _records(_golden_rows(), "gap")
    shown = [(r["controller"], r["budget"], r["mean"], r["low"], r["high"], r["median"], r["maximum"]) for r in gaps]
    assert shown[3] == ("polyak", "50", "1.875", "1.5", "2.25", "1.875", "2.25")
    assert [(r["budget"], r["mean"], r["baseline"]) for r in _records(_golden_rows(), "difference")] == [
        ("10", "-1.5", "perturbed"),
        ("50", "-0.125", "perturbed"),
    ]
    families = [(r["controller"], r["family"], r["mean"]) for r in _records(_golden_rows(), "family")]
    assert families[2:] == [("polyak", "A", "1.5"), ("polyak", "B", "2.25")]
    assert [r["note"] for r in _records(_golden_rows(), "provenance")][1] == "seeds: 0, 1"


@pytest.mark.parametrize(("n_instances", "marked"), [(6, True), (5, False), (1, False)])
def test_a_difference_is_marked_only_with_enough_pairs(n_instances: int, marked: bool) -> None:
    """One point better on all of 6 instances is marked; on 5 it might be luck, whatever the bootstrap says."""
    rows = _pairs(n_instances)
    interval = "-1.00 [-1.00, -1.00]" if n_instances > 1 else "-1.00 [—]"
    assert (f"{interval} * |" in report(rows)) is marked
    assert f"{interval}{' *' if marked else ''} |" in report(rows)
    assert [record["marked"] for record in _records(rows, "difference")] == [str(int(marked))]


def test_baseline_is_perturbed_else_the_first_else_as_asked() -> None:
    """The control that a learner must beat is the default; a name must be that of a controller in the rows."""
    rows = _pairs(2)
    assert _records(rows, "difference")[0]["baseline"] == "perturbed"
    assert _records(rows, "difference", baseline="polyak")[0]["mean"] == "1.0"
    others = [synthetic_row(controller=name) for name in ("volume", "adam")]
    assert _records(others, "difference")[0]["baseline"] == "adam"
    with pytest.raises(UnknownNameError, match=r"unknown baseline controller 'polyack'; did you mean 'polyak'"):
        report(rows, baseline="polyack")


def test_a_line_is_compared_with_the_baseline_run_the_same_way() -> None:
    """The methods search and reference are not compared with each other."""
    rows = [*_pairs(2), synthetic_row("A-n31-k5", "polyak", method="search", key="other")]
    assert [record["method"] for record in _records(rows, "difference")] == ["reference"]
    assert "| polyak     | exact   | search    |" in report(rows)


def test_clean_rows_carry_no_caveat() -> None:
    """Balanced rows of one version need no note."""
    assert _records(_golden_rows(), "caveat") == []


@pytest.mark.parametrize(
    ("changes", "note"),
    [
        ({"versions": {"lagrl": "0.1.0", "numpy": "2.1.0"}}, "MIXED VERSIONS of numpy: 2.0.0 (3 rows), 2.1.0 (1 rows)"),
        ({"git_revision": None}, "MIXED GIT REVISIONS: abcdefabcdef, none (not a checkout)"),
        ({"git_revision": "abcdefabcdef-dirty"}, "UNCOMMITTED CODE"),
        ({"best_known": 780.0}, "MIXED BEST KNOWN COSTS for A-n32-k5"),
        ({"seed": 7}, "UNBALANCED seeds: perturbed/exact/reference (1), polyak/exact/reference (1)"),
    ],
)
def test_mixed_rows_are_noted_loudly(changes: dict[str, Any], note: str) -> None:
    """One odd row of four is enough for a note, in Markdown and in CSV."""
    rows = _pairs(2)
    rows[-1].update(changes)
    assert f"> **Note.** {note}" in report(rows)
    assert any(record["note"].startswith(note) for record in _records(rows, "caveat"))


def test_rows_of_two_configurations_are_not_averaged_silently() -> None:
    """The same instance and seed twice in a line is noted."""
    rows = [*_pairs(2), synthetic_row("A-n31-k5", "polyak", config_hash="ba9876543210", key="again")]
    assert "> **Note.** MIXED CONFIGURATIONS: 1 rows" in report(rows)


def test_unbalanced_rows_are_compared_over_common_instances_only() -> None:
    """With polyak missing the hardest of three instances, both means are over the other two, and the note says so."""
    rows = _pairs(3)[:-1]
    assert [(r["controller"], r["n_instances"], r["mean"]) for r in _records(rows, "gap")] == [
        ("perturbed", "2", "1.5"),
        ("polyak", "2", "0.5"),
    ]
    note = _records(rows, "caveat")[0]["note"]
    assert "UNBALANCED at budget 10: rows are missing for polyak/exact/reference (1)" in note
    assert "the 2 of 3 instances" in note


def test_infeasible_rows_count_but_have_no_gap() -> None:
    """An infeasible row takes its instance out of everybody's mean gap and shows in the feasible column."""
    rows = _pairs(3)
    rows[-1].update(feasible=False, cost=None, gap_pct=None)
    gaps = _records(rows, "gap")
    assert [(r["n_instances"], r["mean"], r["n_feasible"], r["n_rows"]) for r in gaps] == [
        ("2", "1.5", "3", "3"),
        ("2", "0.5", "2", "3"),
    ]
    notes = [record["note"] for record in _records(rows, "caveat")]
    assert any("no feasible row on some instances" in note and "the 2 of 3" in note for note in notes)
    assert "1 of 6 rows are infeasible and left out of gaps." in notes


def test_a_controller_that_never_succeeds_does_not_empty_the_table() -> None:
    """Its cells are dashes, the others keep all their instances."""
    rows = _pairs(2)
    for row in rows:
        if row["controller"] == "polyak":
            row.update(feasible=False)
    assert [(r["n_instances"], r["mean"], r["n_feasible"]) for r in _records(rows, "gap")] == [
        ("2", "1.5", "2"),
        ("0", "", "0"),
    ]
    assert "| polyak     | exact   | reference |                 — |" in report(rows)


def test_only_infeasible_rows_are_said_to_be_so() -> None:
    """Nothing to compare is a statement, not an empty table."""
    rows = [row | {"feasible": False} for row in _pairs(2)]
    text = report(rows)
    assert "> **Note.** ALL 4 ROWS ARE INFEASIBLE" in text
    assert "by family" not in text


def test_rows_without_best_known_are_counted_and_left_out_of_gaps() -> None:
    """Their times and feasibility count all the same."""
    rows = [*_pairs(2), *(r | {"instance": "mine", "key": r["key"] + "m"} for r in _pairs(1))]
    for row in rows[-2:]:
        row.update(best_known=None, gap_pct=None)
    assert [(r["n_instances"], r["n_feasible"], r["n_rows"]) for r in _records(rows, "gap")] == [("2", "3", "3")] * 2
    assert [r["note"] for r in _records(rows, "caveat")] == [
        "2 feasible rows have no best known cost and are left out of gaps."
    ]


def test_own_instances_are_compared_with_the_best_cost_among_the_rows() -> None:
    """Without a best known cost the heading names the other reference, and no cell is a dash but the baseline's."""
    costs = {("mine", "perturbed"): 110.0, ("mine", "polyak"): 100.0, ("other", "perturbed"): 200.0}
    costs["other", "polyak"] = 208.0
    rows = [
        synthetic_row(instance, controller, fleet="free", cost=cost, best_known=None, gap_pct=None)
        for (instance, controller), cost in costs.items()
    ]
    text = report(rows)
    assert "### Mean gap to the best cost among the rows, %, by budget in evaluations (instances)" in text
    assert "best known cost, %" not in text
    assert "| perturbed  | exact   | reference | 5.00 [0.00, 10.00] |" in text
    assert "| polyak     | exact   | reference | 2.00 [0.00, 4.00] |".replace(" | 2", " |  2") in text
    assert "| polyak     | exact   | reference | 154.00 | -1.00 [-10.00, +8.00] |" in text
    assert "| polyak     | exact   | reference | -3.00 [-10.00, +4.00] |" in text
    assert [(r["mean"], r["budget"]) for r in _records(rows, "cost")] == [("155.0", "10"), ("154.0", "10")]
    assert [(r["mean"], r["baseline"]) for r in _records(rows, "cost difference")] == [("-1.0", "perturbed")]
    assert any("NO BEST KNOWN COST" in r["note"] for r in _records(rows, "caveat"))


def test_dual_values_are_printed_with_what_they_bound_or_not_at_all() -> None:
    """The note belongs to the column."""
    without = [row | {"dual_value": None} for row in _pairs(2)]
    assert "dual value" in report(_pairs(2)) and "**not** the CVRP" in report(_pairs(2))
    assert "dual value" not in report(without) and "**not** the CVRP" not in report(without)


def test_quantum_columns_appear_where_there_is_something_to_show() -> None:
    """Circuits, shots and quantum seconds are shown as soon as one row has them."""
    rows = _pairs(2)
    assert "shots" not in report(rows)
    for row in rows:
        row.update(circuits=40, shots=2000, quantum_seconds=1.25)
    assert "| seconds | circuits | shots | quantum seconds | dual value |" in report(rows)
    assert "|       40 |  2000 |" in report(rows)


def test_fleet_rules_split_lines_only_where_an_instance_has_several() -> None:
    """A free run of everything includes the X instances, whose benchmark rule is free already."""
    fixed, free = synthetic_row("A-n32-k5"), synthetic_row("X-n101-k25", fleet="free")
    assert "fleet" not in report([fixed, free])
    rows = [fixed, free, synthetic_row("A-n32-k5", fleet="free", gap_pct=1.0)]
    gaps = _records(rows, "gap")
    assert [(r["fleet"], r["n_instances"], r["mean"]) for r in gaps] == [
        ("benchmark", "2", "2.0"),
        ("free", "2", "1.5"),
    ]
    assert "| controller | sampler | method    | fleet     |" in report(rows)


def test_no_rows_and_unknown_formats_are_refused() -> None:
    """Nothing to report is the user's mistake, in the user's terms."""
    with pytest.raises(InputError, match="rows: there are none"):
        report([])
    with pytest.raises(UnknownNameError, match="unknown format 'html'"):
        report(_pairs(1), format="html")


def test_samplers_are_compared_under_the_same_controller() -> None:
    """Differences are from the exact sampler, or from the one that is named; an unknown one is refused."""
    rows = [
        synthetic_row(f"A-n{30 + i}-k5", gap_pct=gap, sampler=sampler, key=f"{i}/{sampler}")
        for i in range(8)
        for sampler, gap in (("exact", 2.0), ("product", 2.5), ("qaoa", 2.25))
    ]
    text = report(rows)
    assert "same controller with sampler `exact`" in text
    assert "+0.50 [+0.50, +0.50] *" in text
    other = report(rows, baseline_sampler="product")
    assert "same controller with sampler `product`" in other
    assert "-0.25 [-0.25, -0.25] *" in other
    assert "sampler difference" in report(rows, format="csv", baseline_sampler="product")
    with pytest.raises(UnknownNameError, match="unknown baseline sampler 'magic'"):
        report(rows, baseline_sampler="magic")


def test_fallbacks_are_told() -> None:
    """Rows in which another sampler replaced the requested one are counted above the tables."""
    rows = [synthetic_row(fallback="product: the plan has no time left"), synthetic_row("A-n33-k5", fallback="")]
    assert "FALLBACKS in 1 of 2 rows" in report(rows)


def test_learning_samplers_are_told() -> None:
    """Rows of a bandit that keeps learning are noted as dependent on each other, those of a fixed one are not."""
    assert "LEARNING SAMPLERS: bandit:a.json" in report([synthetic_row(sampler="bandit:a.json")])
    for fixed in ("bandit:a.json+learn=false", "bandit+static=product", "exact"):
        assert "LEARNING" not in report([synthetic_row(sampler=fixed)])
