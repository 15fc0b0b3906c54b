"""The report's page in headless Chromium: draws, sorts, filters, keeps its state, and requests nothing."""

from __future__ import annotations

import csv
import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from synthetic_rows import synthetic_row
from test_web_page import HOSTILE, compared

from lagrl.bench.page.web_page import html_report
from lagrl.bench.prices import PriceTable

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="chromium is not installed")

SECOND = 1000
PATIENCE = 120 * SECOND  # ms; the machine may be busy


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A page of two controllers on eight instances, one of them called like a script."""
    path = tmp_path_factory.mktemp("page") / "report.html"
    rows = [*compared(), *(synthetic_row(HOSTILE, name, family="other") for name in ("perturbed", "polyak"))]
    path.write_text(html_report(rows, prices=PriceTable()), encoding="utf-8")
    return path.as_uri()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """One browser for all tests."""
    with playwright.sync_playwright() as started:
        found = started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Any]:
    """The page in a wide window; any error, message or request of it fails the test."""
    yield from _opened(browser, address)


def _opened(browser: Any, address: str, **options: Any) -> Iterator[Any]:
    context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **options})
    context.set_default_timeout(PATIENCE)
    found = context.new_page()
    complaints: list[str] = []
    found.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
    found.on("pageerror", lambda error: complaints.append(str(error)))
    found.on("dialog", lambda dialog: complaints.append(f"dialog: {dialog.message}"))
    found.on(
        "request",
        lambda request: None if request.url.split("#")[0] == address else complaints.append(request.url),
    )
    found.goto(address)
    found.wait_for_selector("#plot-gap-over-seconds .main-svg")
    yield found
    context.close()
    assert [text for text in complaints if not text.startswith(("blob:", "data:"))] == []


def column(page: Any, table: str, number: int) -> list[str]:
    """Texts of the shown cells of a column."""
    texts: list[str] = page.eval_on_selector_all(
        f"#table-{table} tbody tr:not([hidden])", f"rows => rows.map(row => row.cells[{number}].textContent)"
    )
    return texts


def test_every_figure_is_drawn(page: Any) -> None:
    """Each has a drawing of Plotly and as many curves as there are lines; no name became an element."""
    for name in ("gap-profile", "ratio-profile", "gap-over-budget", "gap-over-seconds"):
        assert page.locator(f"#plot-{name} .scatterlayer .trace path.js-line").count() >= 2
    for name in ("interquartile-mean", "improvement"):
        assert page.locator(f"#plot-{name} .scatterlayer .point").count() >= 1
    assert page.locator("#plot-map .scatterlayer .trace").count() >= 2
    assert page.locator("script").count() == 3
    assert page.locator("#table-instances-10 tbody th", has_text="alert").count() == 1


def test_a_click_and_a_key_sort(page: Any) -> None:
    """A click sorts upwards, the next one downwards, by number and not by text; Enter does the same."""
    page.select_option("#budget", "10")
    head = page.locator("#table-instances-10 thead th").nth(4)
    head.locator("button").click()
    numbers = [float(text.split()[0]) for text in column(page, "instances-10", 4)]
    assert numbers == sorted(numbers)
    assert len(set(numbers)) > 3
    assert head.get_attribute("aria-sort") == "ascending"
    head.locator("button").focus()
    page.keyboard.press("Enter")
    assert [float(text.split()[0]) for text in column(page, "instances-10", 4)] == numbers[::-1]
    assert head.get_attribute("aria-sort") == "descending"


def test_filters_and_state_survive_a_reload(page: Any) -> None:
    """Filter, order, budget, hidden lines and colours are in the address and come back with it."""
    page.locator("#table-instances-50 input[type=search]").fill("n16")
    page.locator("#table-instances-50 thead button").first.click()
    page.locator("#lines summary").click()
    page.locator("#line-list input").first.click()
    page.locator("#theme").click()
    before = column(page, "instances-50", 0)
    assert before == ["G-n16-k3", "P-n16-k8"]
    assert "find-instances-50=n16" in page.url
    page.reload()
    page.wait_for_selector("#plot-gap-over-seconds .main-svg")
    assert column(page, "instances-50", 0) == before
    assert page.locator("#table-instances-50 input[type=search]").input_value() == "n16"
    assert not page.locator("#line-list input").first.is_checked()
    assert page.locator("#plot-gap-over-budget .scatterlayer .trace").count() == 1
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_the_budget_changes_figures_and_tables(page: Any) -> None:
    """The list of budgets acts on the summary, the tables of instances and the figures."""
    assert set(column(page, "summary", 1)) == {"50"}
    page.select_option("#budget", "10")
    assert set(column(page, "summary", 1)) == {"10"}
    assert page.locator("#table-instances-10").is_visible()
    assert not page.locator("#table-instances-50").is_visible()
    assert "budget=10" in page.url


def test_hovering_shows_a_value(page: Any) -> None:
    """The pointer on a point of a figure shows the line's name and number."""
    plot = page.locator("#plot-improvement")
    plot.scroll_into_view_if_needed()
    box = plot.locator(".scatterlayer .point").first.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2 - 3, box["y"] + box["height"] / 2)
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    shown = plot.locator(".hoverlayer .hovertext")
    shown.wait_for()
    assert "polyak" in shown.text_content()
    assert "probability of a lower gap" in shown.text_content()


def test_a_line_beside_a_figure_is_shown_alone(page: Any) -> None:
    """The pointer on it fades the others in its figure, a click those of all figures, also after a reload."""
    key = page.locator("#figure-gap-profile .key button")
    assert key.count() == 2
    assert opacities(page, "gap-profile") == [1, 1]
    key.first.hover()
    assert sorted(opacities(page, "gap-profile")) == [0.18, 1]
    assert opacities(page, "gap-over-budget") == [1, 1]
    key.first.focus()
    page.keyboard.press("Enter")
    page.reload()
    page.wait_for_selector("#plot-gap-over-seconds .main-svg")
    assert key.first.get_attribute("aria-pressed") == "true"
    assert sorted(opacities(page, "gap-over-budget")) == [0.18, 1]
    page.locator("#lines summary").click()
    number = int(page.url.partition("line=")[2][0])
    page.locator("#line-list input").nth(number).click()
    assert opacities(page, "gap-over-budget") == [1]  # the marked line is hidden
    page.locator("#line-list input").nth(number).click()
    page.locator("#lines summary").click()
    key.first.click()
    assert opacities(page, "gap-over-budget") == [1, 1]
    assert "line=" not in page.url


def opacities(page: Any, figure: str) -> list[float]:
    """Opacity of each named line of a figure."""
    found: list[float] = page.evaluate(
        f"document.getElementById('plot-{figure}').data.filter(t => t.name).map(t => t.opacity)"
    )
    return found


def test_many_lines_have_a_panel_for_each_controller(browser: Any, tmp_path: Path) -> None:
    """Nine lines of three controllers are three panels with three lines each over the others in grey, in print too."""
    rows = [
        synthetic_row(f"G-n{size}-k3", controller, method=method, cost=size + 10.0 * len(controller) + len(method))
        for size in (16, 21)
        for controller in ("cfm", "polyak", "volume")
        for method in ("reference", "search", "seeded")
    ]
    path = tmp_path / "many.html"
    path.write_text(html_report(rows, prices=PriceTable()), encoding="utf-8")
    for found in _opened(browser, path.as_uri(), viewport={"width": 400, "height": 800}):
        plot = "document.getElementById('plot-gap-profile')"
        panels = found.evaluate(f"{plot}.data.map(t => [t.xaxis, t.name || ''])")
        named = [name for _, name in panels if name]
        assert len(named) == len(set(named)) == 9
        assert len({axis for axis, _ in panels}) == 3
        assert sum(not name for _, name in panels) == 3
        assert found.evaluate("document.documentElement.scrollWidth") <= 400
        found.locator("#figure-gap-profile .key button").first.click()
        assert found.evaluate(f"{plot}.data.filter(t => t.line.width === 3).length") == 3
        found.locator("#lines summary").click()
        found.locator("#line-list input").first.click()
        assert found.evaluate(f"new Set({plot}.data.map(t => t.xaxis)).size") == 1


def test_figures_and_tables_can_be_saved(page: Any, tmp_path: Path) -> None:
    """SVG is a picture with a legend, CSV holds the numbers drawn, and a table's CSV the rows shown."""
    saved = {}
    for place, name in (("#figure-gap-profile", "SVG"), ("#figure-gap-profile", "CSV"), ("#table-summary", "CSV")):
        with page.expect_download() as started:
            page.locator(f"{place} button", has_text=name).click()
        saved[place, name] = tmp_path / started.value.suggested_filename
        started.value.save_as(saved[place, name])
    picture = saved["#figure-gap-profile", "SVG"]
    assert picture.name == "gap-profile-50.svg"
    text = picture.read_text(encoding="utf-8")
    assert text.startswith("<svg")
    assert "polyak" in text
    with saved["#figure-gap-profile", "CSV"].open(encoding="utf-8", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert {row["line"] for row in rows} == {"perturbed", "polyak"}
    assert max(float(row["share of runs, %"]) for row in rows) == 100.0
    with saved["#table-summary", "CSV"].open(encoding="utf-8", newline="") as stream:
        (first, *rest) = list(csv.DictReader(stream))
    assert len(rest) == 1
    assert first["controller"] == "polyak"
    assert float(first["mean gap low"]) < float(first["mean gap"]) < float(first["mean gap high"])


def test_a_phone_needs_no_sideways_scrolling(browser: Any, address: str) -> None:
    """At 400 px nothing is wider than the window; wide tables scroll within themselves."""
    for found in _opened(browser, address, viewport={"width": 400, "height": 800}):
        assert found.evaluate("document.documentElement.scrollWidth") <= 400
        assert found.locator("#plot-gap-profile .main-svg").first.bounding_box()["width"] <= 400


def test_keys_reach_all_controls(page: Any) -> None:
    """The first Tab is a link to the summary; Escape closes the list of lines."""
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "summary"
    page.locator("#lines summary").focus()
    page.keyboard.press("Enter")
    assert page.locator("#line-list").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("#line-list").is_visible()


def test_it_prints_light_and_whole(browser: Any, address: str) -> None:
    """A dark page prints in light colours without its controls, and returns to dark."""
    for found in _opened(browser, address, color_scheme="dark"):
        assert found.evaluate("document.documentElement.dataset.theme") == "dark"
        assert found.pdf(prefer_css_page_size=True).startswith(b"%PDF")
        assert found.evaluate("document.documentElement.dataset.theme") == "dark"
        found.emulate_media(media="print")
        found.evaluate("dispatchEvent(new Event('beforeprint'))")
        assert found.evaluate("document.documentElement.dataset.theme") == "light"
        assert not found.locator("#bar").is_visible()
        assert found.locator("#plot-gap-profile .main-svg").first.is_visible()


def test_a_page_without_anything_to_draw_has_no_error(browser: Any, tmp_path: Path) -> None:
    """Rows that are all infeasible give a page that says so."""
    row = synthetic_row(feasible=False, cost=None, gap_pct=None, dual_value=None, history=[])
    path = tmp_path / "empty.html"
    path.write_text(html_report([json.loads(json.dumps(row))], prices=PriceTable()), encoding="utf-8")
    context = browser.new_context()
    context.set_default_timeout(PATIENCE)
    found = context.new_page()
    errors: list[str] = []
    found.on("pageerror", lambda error: errors.append(str(error)))
    found.goto(path.as_uri())
    found.wait_for_selector("#plot-interquartile-mean .main-svg")
    assert "ALL 1 ROWS ARE INFEASIBLE" in found.locator(".notes").text_content()
    context.close()
    assert errors == []
