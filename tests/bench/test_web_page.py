"""The report as a web page: complete, escaped, the same every time, and honest about what is missing."""

from __future__ import annotations

import html
import json
import re
import sys
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any

import pytest
from synthetic_rows import synthetic_row

from lagrl.bench.grouping import Grouping
from lagrl.bench.page.page_figures import figures
from lagrl.bench.page.web_page import html_report, shown_budget, verdict
from lagrl.bench.prices import PriceTable
from lagrl.cli import entry as cli
from lagrl.errors import InputError, MissingExtraError, SolutionError

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

HOSTILE = '<script>alert("1")</script>'
INSTANCES = ("A-n32-k5", "A-n33-k5", "B-n31-k5", "E-n22-k4", "G-n16-k3", "P-n16-k8", "P-n20-k2")


def compared(instances: Iterable[str] = INSTANCES, **changes: Any) -> list[dict[str, Any]]:
    """Rows of two controllers at two budgets with two seeds; polyak is 1 to 3 points better."""
    return [
        synthetic_row(
            instance,
            controller,
            budget=budget,
            seed=seed,
            gap_pct=gap,
            cost=784.0 * (1 + gap / 100),
            history=[[1, 0.1, 900.0], [4, 0.3, 784.0 * (1 + gap / 100)]],
            config={"controller": controller, "evaluations": budget, "seed": seed},
            **changes,
        )
        for i, instance in enumerate(instances)
        for controller in ("perturbed", "polyak")
        for budget in (10, 50)
        for seed in (0, 1)
        for gap in [5.0 + i / 10 + seed - (1.0 + i / 5 if controller == "polyak" else 0.0) - budget / 25]
    ]


def page_of(rows: Iterable[dict[str, Any]], **options: Any) -> str:
    """The page, without Plotly, which is long and the same on every page; only bundled instances are known."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("LAGRL_DATA", raising=False)
        return html_report(rows, prices=PriceTable(), **options)


def content_of(page: str) -> dict[str, Any]:
    """The data from which the page's script draws."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, re.S)
    assert found is not None
    return json.loads(found[1])


class Elements(HTMLParser):
    """Elements by name, attributes and texts of cells of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.cells: list[str] = []
        self._in_cell = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep what an element is."""
        self.tags.append(tag)
        self.attributes += attrs
        self._in_cell = tag in ("td", "th") or (self._in_cell and tag == "b")
        if tag in ("td", "th"):
            self.cells.append("")

    def handle_data(self, data: str) -> None:
        """Keep the text of a cell."""
        if self._in_cell:
            self.cells[-1] += data

    def handle_endtag(self, tag: str) -> None:
        """End a cell."""
        self._in_cell = self._in_cell and tag == "b"


@pytest.fixture(scope="module")
def page() -> str:
    """The page of two controllers."""
    return page_of(compared())


def test_the_page_says_first_what_was_compared(page: str) -> None:
    """Title, verdict and lead name the controllers, the better one, the instances and the budgets."""
    assert "<h1>2 controllers on 7 instances</h1>" in page
    assert "At 50 evaluations <strong>polyak</strong> has the lowest mean gap to the best known cost" in page
    assert "The other is worse on the same instances" in page
    assert "controllers perturbed and polyak; sampler exact; method reference." in page
    assert "at 10 and 50 evaluations: 56 rows, all feasible" in page
    assert page.index("verdict") < page.index('id="summary"') < page.index('id="figures"')


def test_the_page_has_every_part(page: str) -> None:
    """All sections are there, each figure has something to draw, and the summary's first row is the best."""
    for part in ("summary", "figures", "differences", "families", "instances", "maps", "spread", "ledger", "origin"):
        assert f'<section class="part" id="{part}"' in page
    content = content_of(page)
    names = [figure["name"] for figure in content["figures"]]
    assert names == [
        *("gap-profile", "ratio-profile", "interquartile-mean", "improvement", "gap-over-budget", "gap-over-seconds")
    ]
    assert all(figure["drawings"] for figure in content["figures"])
    assert content["lines"][1]["name"] == "polyak"
    assert len({look["colour"] for look in content["lines"]}) == 2
    cells = Elements(page).cells
    assert cells[cells.index("perturbed") - 1] != "polyak"  # a whole row lies between the two
    assert cells.index("polyak") < cells.index("perturbed")


def test_figures_say_what_the_rows_say() -> None:
    """By hand: of the four pairs of seeds polyak wins three and ties one; its gaps are 2 and 3, the other's 3 and 4."""
    drawn = {figure.name: figure for figure in figures(Grouping(compared(INSTANCES[:1])), "perturbed")}
    # gaps at 50 on the only instance: perturbed 3 and 4, polyak 2 and 3
    (improvement,) = drawn["improvement"].drawings[50]["panels"][0]["values"]
    assert improvement["mean"] == pytest.approx((1 + 0.5 + 1 + 1) / 4)
    middle = {value["line"]: value["mean"] for value in drawn["interquartile-mean"].drawings[50]["panels"][0]["values"]}
    assert middle == pytest.approx({0: 3.5, 1: 2.5})
    profile = {s["line"]: s for s in drawn["gap-profile"].drawings[50]["series"]}
    at = [x for x in profile[1]["x"] if x <= 2.5][-1]
    assert profile[1]["y"][profile[1]["x"].index(at)] == 50.0
    assert profile[0]["y"][profile[0]["x"].index(at)] == 0.0
    budget = {s["line"]: s["y"] for s in drawn["gap-over-budget"].drawings[0]["series"]}
    assert budget[0] == pytest.approx([5.1, 3.5])
    assert budget[1] == pytest.approx([4.1, 2.5])
    seconds = {s["line"]: s for s in drawn["gap-over-seconds"].drawings[50]["series"]}
    assert seconds[1]["y"][0] == pytest.approx(100 * (900 - 784) / 784, abs=1e-3)
    assert seconds[1]["y"][-1] == pytest.approx(2.5, abs=1e-3)


def test_the_same_rows_give_the_same_page(page: str) -> None:
    """Neither the order of the rows nor the time of day changes a byte."""
    assert page_of(list(reversed(compared()))) == page


def test_the_page_can_request_nothing(page: str) -> None:
    """The policy allows no source and only the page's own two scripts; no element names an address."""
    policy = re.search(r'Content-Security-Policy" content="([^"]*)"', page)
    assert policy is not None
    assert policy[1].startswith("default-src 'none'; script-src 'sha256-")
    assert "unsafe-eval" not in policy[1]
    assert policy[1].count("sha256-") == 2
    attributes = Elements(page).attributes
    assert not [value for name, value in attributes if name in ("src", "srcset", "action", "data", "poster")]
    assert {value for name, value in attributes if name == "href" and not str(value).startswith("#")} == {"data:,"}
    assert not [name for name, _ in attributes if name.startswith("on")]


def test_hostile_names_stay_text() -> None:
    """An instance, a sampler and a setting called like a script are shown, and add no element."""
    rows = compared((HOSTILE, "A-n32-k5"), sampler='"><img src=x onerror=alert(1)>')
    found = page_of(rows)
    assert HOSTILE not in found
    assert html.escape(HOSTILE) in found
    elements = Elements(found)
    assert elements.tags.count("script") == 3
    assert "img" not in elements.tags
    assert HOSTILE in elements.cells
    assert content_of(found)["lines"][0]["name"] == "perturbed"


def test_the_page_says_what_is_missing() -> None:
    """Without feasible rows, history or maps there is a page, which says so in place of a figure."""
    rows = [
        synthetic_row(name, controller, feasible=False, cost=None, gap_pct=None, dual_value=None, history=[])
        for name in ("A-n32-k5", "A-n33-k5")
        for controller in ("perturbed", "polyak")
    ]
    found = page_of(rows)
    assert "There is no gap to compare at 10 evaluations" in found
    assert "ALL 4 ROWS ARE INFEASIBLE" in found
    assert found.count("The rows hold nothing to draw here.") == 4  # profiles and curves
    assert "Rows hold costs, not routes." in found
    assert "4 of them infeasible" in found


def test_infeasible_runs_count_against_a_line() -> None:
    """They are never reached in profiles, lose against feasible ones, and are a share of their own."""
    rows = compared()
    for row in rows:
        if row["controller"] == "polyak" and row["seed"] == 1:
            row.update(feasible=False, cost=None, gap_pct=None)
    drawn = {figure.name: figure for figure in figures(Grouping(rows), "perturbed")}
    profile = {s["line"]: s["y"][-1] for s in drawn["gap-profile"].drawings[50]["series"]}
    assert profile[1] == 50.0
    assert [v["mean"] for v in drawn["interquartile-mean"].drawings[50]["panels"][1]["values"]] == [0.0, 50.0]
    assert drawn["improvement"].drawings[50]["panels"][0]["values"][0]["mean"] == pytest.approx(0.5)


def test_mixed_configurations_are_reported() -> None:
    """Rows that repeat an instance and seed under another configuration get a note, and both settings are shown."""
    rows = compared()
    again = [
        {**row, "key": row["key"] + "/b", "config_hash": "ba9876543210", "config": {**row["config"], "shots": 99}}
        for row in rows
    ]
    found = page_of(rows + again)
    assert "MIXED CONFIGURATIONS: 56 rows repeat" in found
    cells = Elements(found).cells
    assert "99" in cells
    assert "ba9876543210" in cells


def test_the_verdict_needs_enough_instances() -> None:
    """Below six pairs no line is called worse; a line alone has nothing to be compared with."""
    few = Grouping(compared(INSTANCES[:3]))
    assert "too few for a verdict" in verdict(few, 50, ["perturbed", "polyak"])
    alone = Grouping([row for row in compared() if row["controller"] == "polyak"])
    assert "no other to compare it with" in verdict(alone, 50, ["polyak"])


def test_the_page_opens_at_a_budget_that_most_lines_have() -> None:
    """A budget that only one line has is not shown first, although it is the largest."""
    rows = [*compared(), synthetic_row("A-n32-k5", "polyak", budget=999)]
    assert shown_budget(Grouping(rows)) == 50


def test_maps_come_from_solutions(tmp_path: Path) -> None:
    """A folder's NAME.sol is drawn; a folder without any, one of another instance and no folder are refused."""
    reference = content_of(page_of(compared()))["maps"]
    assert [found["name"] for found in reference] == ["G-n16-k3"]
    assert reference[0]["source"].startswith("reference solution")
    with pytest.raises(InputError, match=r"--solutions: no NAME\.sol of the 7 instances"):
        page_of(compared(), solutions=tmp_path)
    with pytest.raises(InputError, match="is no folder"):
        page_of(compared(), solutions=tmp_path / "absent")
    routes = "".join(f"Route #{k + 1}: {' '.join(map(str, range(1 + 5 * k, 6 + 5 * k)))}\n" for k in range(3))
    (tmp_path / "G-n16-k3.sol").write_text(f"{routes}Cost 1\n")
    found = content_of(page_of(compared(), solutions=tmp_path))["maps"]
    assert found[0]["source"] == "G-n16-k3.sol"
    assert found[0]["routes"] == [[1, 2, 3, 4, 5], [6, 7, 8, 9, 10], [11, 12, 13, 14, 15]]
    assert found[0]["cost"] > 1  # that of the routes, not the stated one
    (tmp_path / "G-n16-k3.sol").write_text("Route #1: 99\nCost 1\n")
    with pytest.raises(SolutionError, match="customer 99"):
        page_of(compared(), solutions=tmp_path)


def test_without_plotly_there_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    """The error names the package and how to install it."""
    monkeypatch.setitem(sys.modules, "plotly", None)
    with pytest.raises(MissingExtraError, match="plotly"):
        page_of(compared())


def _write(rows: Iterable[dict[str, Any]], path: Path) -> Path:
    lines = [{"schema": "lagrl-row/1", **row} for row in rows]
    path.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    return path


def test_the_command_writes_the_page(tmp_path: Path, page: str, capsys: pytest.CaptureFixture[str]) -> None:
    """`-o report.html` is enough; the file's name and sum are stated, and nothing is printed."""
    rows = _write(compared(), tmp_path / "rows.jsonl")
    out = tmp_path / "report.html"
    assert cli.main(["report", str(rows), "-o", str(out)]) == 0
    assert capsys.readouterr().out == ""
    written = out.read_text(encoding="utf-8")
    assert "rows.jsonl" in Elements(written).cells
    assert content_of(written)["figures"] == content_of(page)["figures"]


@pytest.mark.parametrize(
    ("changes", "options", "message"),
    [
        ({"schema": "lagrl-row/9"}, [], "'lagrl-row/9' is not 'lagrl-row/1'"),
        ({"cost": "?"}, [], "cost"),
        ({"history": None}, [], "history"),
        ({}, ["--solutions", "absent"], "absent"),
        ({}, ["--baseline", "nobody"], "nobody"),
    ],
)
def test_bad_input_is_one_line(
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    changes: dict[str, Any],
    options: list[str],
    message: str,
) -> None:
    """Rows of another schema or type, and wrong options, are refused and no page is written."""
    rows = _write([{**compared()[0], **changes}], tmp_path / "rows.jsonl")
    out = tmp_path / "report.html"
    assert cli.main(["report", str(rows), "-o", str(out), *options]) == 2
    printed = capsys.readouterr().err
    assert printed.count("\n") == 1
    assert message in printed
    assert not out.exists()


def test_a_missing_column_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A row without seconds is refused with the file, the line and the field."""
    row = compared()[0]
    del row["seconds"]
    rows = _write([row], tmp_path / "rows.jsonl")
    assert cli.main(["report", str(rows), "-o", str(tmp_path / "report.html")]) == 2
    printed = capsys.readouterr().err
    assert "line 1" in printed
    assert "seconds" in printed


def test_options_of_the_page_need_the_page(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """HTML without a file, and maps without HTML, are refused; a .csv name gives CSV."""
    rows = str(_write(compared(), tmp_path / "rows.jsonl"))
    assert cli.main(["report", rows, "--format", "html"]) == 2
    assert "-o report.html" in capsys.readouterr().err
    assert cli.main(["report", rows, "--data", str(tmp_path)]) == 2
    assert "only the web page has maps" in capsys.readouterr().err
    assert cli.main(["report", rows, "-o", str(tmp_path / "report.csv")]) == 0
    assert (tmp_path / "report.csv").read_text().startswith("section,controller")
