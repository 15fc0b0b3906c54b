"""Items of the paper: the table of descriptors, and what is made of rows."""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

sys.path.append(str(Path(__file__).parent.parent / "bench"))

from synthetic_rows import synthetic_row

from lagrl.errors import InputError, UnknownNameError
from lagrl.paper.circuit_items import make_fig2, make_fig9
from lagrl.paper.given_rows import GivenRows
from lagrl.paper.items import NOT_KNOWN
from lagrl.paper.pages import make_items, write_item
from lagrl.paper.registry import ALL, ITEMS, chosen_items
from lagrl.paper.route_items import make_fig1, make_fig3, make_table1, make_table9, stage_of
from lagrl.paper.sampler_items import make_fig8, make_table8
from lagrl.paper.sampler_roles import BANDIT, HARDWARE, NOISY, role
from lagrl.paper.sources import PaperConfig, RowSource

if TYPE_CHECKING:
    from lagrl.bench.schema import Row

REQUIRED = (
    *("fig1", "fig2", "fig3", "fig4", "fig6", "fig7", "fig8", "fig9", "fig10", "fig12"),
    *("table1", "table4", "table5", "table7", "table8", "table9"),
)
POLICY = "checkpoints/bc-small"
STATIC = "bandit+static=FakeKingston/line0/qaoa/1"


def source_of(folder: Path, given: GivenRows) -> RowSource:
    """Return a source that has rows already and may run nothing."""

    def refuse(what: str) -> None:
        raise AssertionError(f"runs {what}")

    return RowSource(PaperConfig(folder, quick=True), given, refuse)


def routes() -> list[Row]:
    """Rows of two instances: a subgradient rule and a policy with known gaps."""
    return [
        synthetic_row(name, controller, gap_pct=gap, budget=budget, seconds=0.25, n_customers=int(name[3:5]) - 1)
        for controller, gaps in (("hwc", (2.0, 4.0)), (POLICY, (1.0, 2.0)))
        for name, gap in zip(("A-n32-k5", "A-n45-k7"), gaps, strict=True)
        for budget in (10, 50)
    ]


def samplers() -> list[Row]:
    """Rows of two instances with circuits; one more instance has only some of them."""
    found = []
    for place, (name, gap) in enumerate({"exact": 3.0, STATIC: 5.0, "bandit": 4.0, "noisy:FakeKingston": 6.0}.items()):
        for instance in ("A-n32-k5", "A-n45-k7"):
            changes: dict[str, Any] = {
                "controller": "cfm",
                "gap_pct": gap,
                "circuits": 10 * place,
                "key": f"{name}{instance}",
            }
            found.append(synthetic_row(instance, sampler=name, config={"shots": 64}, **changes))
    return [*found, synthetic_row("P-n16-k8", "cfm", sampler="exact", gap_pct=99.0, key="alone")]


def peer_row(instance: str, gap: float) -> dict[str, Any]:
    """Row of OR-Tools."""
    values = {"instance": instance, "n_customers": 31, "cost": 1.0, "best_known": 1.0, "gap_pct": gap}
    return {"values": [values], "config": {"seconds": 2.0}, "git_revision": "abc"}


def test_every_item_of_the_paper_is_there() -> None:
    """Each figure and table has a title, a text, a sentence on the difference and durations."""
    assert tuple(ITEMS) == REQUIRED
    for item in ITEMS.values():
        assert item.title.split()[0] in ("Fig.", "Table")
        assert item.shows.endswith(".")
        assert item.differs.endswith(".")
        assert item.quick
        assert item.full
        assert all(own.what and any(c.isalnum() for c in own.value) for own in item.published)
    titles = [ITEMS[name].title for name in ("fig12", "table1", "table4", "table9")]
    assert titles == ["Fig. 12", "Table I", "Table IV", "Table IX"]


def test_items_are_chosen_by_name() -> None:
    """`all` is everything, the order is the paper's, and a wrong name is answered by the nearest one."""
    assert [item.name for item in chosen_items((ALL,))] == list(REQUIRED)
    assert [item.name for item in chosen_items(("table4", "fig6"))] == ["fig6", "table4"]
    with pytest.raises(UnknownNameError, match="did you mean 'table4'"):
        chosen_items(("fig6", "tabel4"))


def test_stages_and_executions_are_recognised() -> None:
    """Controllers and samplers stand for what the paper compares."""
    assert stage_of("hwc") == "subgradient"
    assert stage_of(POLICY) == "pretraining"
    assert stage_of("checkpoints/ppo-small") == "pretraining + PPO"
    assert stage_of("mine/a", ("mine/a", "mine/b")) == "pretraining"
    assert stage_of("volume") == "other classical rule"
    assert role(STATIC) == HARDWARE
    assert role("bandit:checkpoints/bandit.json+learn=false") == BANDIT
    assert role("noisy:FakeBrisbane+width=8") == NOISY
    assert role("ibm:ibm_kingston") == "ibm:ibm_kingston"


def test_table1_has_our_numbers_beside_the_published(tmp_path: Path) -> None:
    """Means over instances, and the published gap of the stage that a controller stands for."""
    content = make_table1(source_of(tmp_path, GivenRows(routes=routes())))
    lines = {line[0]: line for line in content.tables[0].rows}
    assert lines["hwc"][1:4] == ["subgradient", "26.0", "148.6"]
    assert lines[POLICY][1:4] == ["pretraining", "18.9", NOT_KNOWN]
    assert lines["hwc"][-2].startswith("3.00")
    assert [record["gap_pct"] for record in content.records if record["controller"] == POLICY] == [1.5, 1.5]
    assert content.revisions == ("abcdefabcdef",)


def test_controllers_are_compared_on_common_instances(tmp_path: Path) -> None:
    """An instance that one controller did not solve counts for none, and the note says so; fig. 3 allows gaps."""
    rows = routes()
    rows[-1] = {**rows[-1], "feasible": False, "gap_pct": None, "cost": None}
    own = make_table1(source_of(tmp_path, GivenRows(routes=rows)))
    assert {record["instances"] for record in own.records} == {1}
    assert "not run on them: 1." in own.tables[0].note
    pytest.importorskip("matplotlib")
    rows = [row for row in routes() if (row["controller"], row["budget"]) != (POLICY, 50)]
    source = source_of(tmp_path, GivenRows(routes=rows))
    write_item(ITEMS["fig3"], make_fig3(source), tmp_path)
    assert (tmp_path / "fig3.svg").exists()


def test_mixed_configurations_are_refused(tmp_path: Path) -> None:
    """Rows of one controller, budget and instance under two fleet rules have no common mean."""
    rows = [*routes(), {**routes()[0], "fleet": "free", "key": "other"}]
    with pytest.raises(InputError, match="A-n32-k5, hwc: several fleet rules or configurations"):
        make_table1(source_of(tmp_path, GivenRows(routes=rows)))


def test_fig1_reports_a_busy_machine(tmp_path: Path) -> None:
    """Where OR-Tools had less than a processor, the note says how much and what that changes."""
    given = GivenRows(routes=routes())
    given.figures["peers"] = [peer_row("A-n32-k5", 0.5)]
    assert "of a processor" not in make_fig1(source_of(tmp_path, given)).tables[0].note
    given.figures["peers"][0]["values"][0]["processor_share"] = 0.4
    assert "OR-Tools had 40 % of a processor" in make_fig1(source_of(tmp_path, given)).tables[0].note


def test_fig1_subtracts_the_peer_instance_by_instance(tmp_path: Path) -> None:
    """Instances that OR-Tools did not solve are left out."""
    given = GivenRows(routes=routes())
    given.figures["peers"] = [peer_row("A-n32-k5", 0.5), peer_row("B-n31-k5", 0.0)]
    content = make_fig1(source_of(tmp_path, given))
    assert {(record["controller"], record["excess"]) for record in content.records} == {("hwc", 1.5), (POLICY, 0.5)}
    given.figures["peers"] = [peer_row("B-n31-k5", 0.0)]
    with pytest.raises(InputError, match="no instance in common"):
        make_fig1(source_of(tmp_path, given))


def test_fig8_compares_on_common_instances(tmp_path: Path) -> None:
    """An instance that not every execution has does not count, and published means stand in their rows."""
    content = make_fig8(source_of(tmp_path, GivenRows(samplers=samplers())))
    means = {record["execution"]: (record["mean"], record["published_mean"]) for record in content.records}
    assert means == {
        "exact knapsacks": (3.0, ""),
        NOISY: (6.0, "18.54"),
        HARDWARE: (5.0, "17.83"),
        BANDIT: (4.0, "15.72"),
    }
    assert {record["instances"] for record in content.records} == {2}


def test_table8_and_table9_have_every_instance(tmp_path: Path) -> None:
    """Budgets are those of the bandit's rows; gaps of controllers and executions stand side by side."""
    source = source_of(tmp_path, GivenRows(routes=routes(), samplers=samplers()))
    assert [(r["instance"], r["circuits"]) for r in make_table8(source).records] == [("A-n32-k5", 20), ("A-n45-k7", 20)]
    records = {record["instance"]: record for record in make_table9(source).records}
    assert records["A-n32-k5"]["hwc"] == 2.0
    assert records["A-n45-k7"][BANDIT] == 4.0
    assert records["P-n16-k8"]["hwc"] is None


def test_figures_of_widths_are_drawn(tmp_path: Path) -> None:
    """Counted widths become a table, numbers and two pictures, equal in two runs."""
    pytest.importorskip("matplotlib")
    from lagrl.paper.measure import width_rows
    from lagrl.problems.bundled import bundled_names, bundled_path

    given = GivenRows()
    small = [bundled_path(name) for name in bundled_names()[:3]]
    given.figures["widths"] = width_rows(tmp_path / "widths.jsonl", small, 3)
    source = source_of(tmp_path, given)
    seen = []
    for _ in range(2):
        write_item(ITEMS["fig2"], make_fig2(source), tmp_path)
        write_item(ITEMS["fig9"], make_fig9(source), tmp_path)
        seen.append((tmp_path / "fig9.svg").read_bytes())
    assert seen[0] == seen[1]
    assert (tmp_path / "fig2.png").stat().st_size > 5000
    with (tmp_path / "fig9.csv").open(encoding="utf-8") as stream:
        assert [row["instance"] for row in csv.DictReader(stream)] == list(bundled_names()[:3])
    assert f"Published numbers: {NOT_KNOWN}." in (tmp_path / "fig2.md").read_text(encoding="utf-8")


def test_one_item_that_fails_does_not_stop_the_others(tmp_path: Path) -> None:
    """The index says why, and has the items of earlier runs."""
    given = GivenRows(routes=routes(), samplers=[synthetic_row(sampler="qaoa", key="q")])
    source = source_of(tmp_path, given)
    assert make_items([ITEMS["table4"]], source) == {}
    failed = make_items([ITEMS["table1"], ITEMS["table8"]], source)
    assert list(failed) == ["table8"]
    index = (tmp_path / "index.md").read_text(encoding="utf-8")
    assert index.index("## Table I\n") < index.index("## Table IV") < index.index("## Table VIII")
    assert "Not made: rows: no instance in common" in index
