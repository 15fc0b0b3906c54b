"""Figures of the bandit, from decisions of a tiny collection."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lagrl.errors import InputError
from lagrl.paper.bandit_items import first_width, make_fig4, make_fig6, make_fig7, make_fig12, split
from lagrl.paper.given_rows import GivenRows, read_given
from lagrl.paper.sources import PaperConfig, RowSource

if TYPE_CHECKING:
    from pathlib import Path

    from lagrl.paper.items import ItemContent

pytest.importorskip("qiskit_ibm_runtime", reason="the bandit's devices need the extra quantum")


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> RowSource:
    """Random decisions and those of the shipped bandit under two budgets, on six small instances."""
    from dataclasses import replace

    from lagrl.bench.collect import Collection, collect, generated_problems
    from lagrl.quantum.bandit.options import BanditOptions

    folder: Path = tmp_path_factory.mktemp("decisions")
    options = BanditOptions(backends="FakeKingston/FakeParis", families="qaoa", depths="1/2", placements="line0")
    problems = generated_problems(6, (20, 24), 0)
    common = {"problems": problems, "widths": (5,), "evaluations": 2, "shots": 16}
    collect(Collection(options=options, **common), folder / "random.jsonl")
    for gates in (0, 60):
        chosen = Collection(options=replace(options, gates=gates), state="bandit", **common)
        collect(chosen, folder / f"bandit{gates}.jsonl")
    return RowSource(PaperConfig(folder), read_given(sorted(folder.glob("*.jsonl"))))


def drawn(content: ItemContent) -> int:
    """Draw an item and return the number of its axes."""
    pytest.importorskip("matplotlib")
    from lagrl.plot import new_figure

    assert content.draw is not None
    figure = new_figure(*content.size)
    content.draw(figure)
    figure.canvas.draw()
    return len(figure.axes)


def test_the_learning_curve_is_judged_on_other_instances(source: RowSource) -> None:
    """Both learners have a value for every size and order, and no instance is on both sides."""
    train, judge = split(source.traces)
    assert {trace.instance for trace in train}.isdisjoint(trace.instance for trace in judge)
    content = make_fig4(source)
    sizes = {record["decisions"] for record in content.records}
    assert len(content.records) == 2 * 3 * len(sizes)
    assert max(sizes) == len(train)
    assert drawn(content) == 1
    with pytest.raises(InputError, match="give decisions on 4 or more"):
        split([trace for trace in train if trace.instance == train[0].instance])


def test_hits_and_budgets_are_counted(source: RowSource) -> None:
    """Without any gate nothing is executed; the hit rate is the share of decisions with that objection."""
    content = make_fig6(source)
    for record in content.records:
        own = [
            t.decision for t in source.trained[record["gate_budget"]] if t.decision.knapsack.width == record["width"]
        ]
        assert record["hits"] == sum(decision.objection == "gates" for decision in own)
        assert record["hit_rate"] == record["hits"] / len(own)
    assert drawn(content) == 1
    without, within = make_fig7(source).records
    assert (without["gates_used"], without["reward"]) == (0, 0.0)
    assert 0 < within["gates_used"] <= 60
    assert drawn(make_fig7(source)) == 1


def test_the_device_mix_adds_up(source: RowSource) -> None:
    """Shares of a width sum to one, under the largest budget."""
    records = make_fig12(source).records
    for width in {record["width"] for record in records}:
        assert sum(record["share"] for record in records if record["width"] == width) == pytest.approx(1.0)
    assert sum(record["decisions"] for record in records) == len(source.trained[60])
    assert drawn(make_fig12(source)) == 1


def test_the_first_width_above_a_budget() -> None:
    """The closed form p (n − 1)(3n − 2)/2 exceeds 20,000 there and not one variable earlier."""
    for layers in (1, 2, 3):
        n = first_width(layers, 20_000)
        gates = [layers * (m - 1) * (3 * m - 2) // 2 for m in (n - 1, n)]
        assert gates[0] <= 20_000 < gates[1]


def test_given_decisions_are_kept_by_kind(source: RowSource) -> None:
    """Random decisions are for learning, those of a state are kept by their budget of gates; each counts once."""
    assert isinstance(source.given, GivenRows)
    assert sorted(source.given.trained) == [0, 60]
    files = sorted(source.config.out.glob("*.jsonl"))
    twice = read_given([*files, *files])
    assert len(twice.traces) == len(source.traces) > 0
    assert [len(own) for own in twice.trained.values()] == [len(own) for own in source.trained.values()]
    assert len(source.trace_revisions) == 1
