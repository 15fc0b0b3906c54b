"""The site builds without a broken link, requests nothing from another host, and its new pages' code runs."""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
REQUEST = re.compile(
    r"<(?:script|img|iframe|source|video|audio)\b[^>]*\ssrc(?:set)?=[\"']?(?:https?:)?//[^\"'\s>]+"
    r"|<link\b(?=[^>]*rel=[\"']?(?:stylesheet|icon|preload|preconnect|prefetch|modulepreload))[^>]*href=[\"']?(?:https?:)?//[^\"'\s>]+"
    r"|url\([\"']?(?:https?:)?//[^)]+|@import [\"'](?:https?:)?//[^\"']+"
)
API = {
    "lagrl": "lagrl",
    "controllers": "lagrl.controllers",
    "samplers": "lagrl.samplers",
    "quantum": "lagrl.quantum",
    "plot": "lagrl.plot",
    "envs": "envs",
    "policies": "policies",
}


def blocks(page: str) -> list[str]:
    """Return the Python blocks of a page."""
    return re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(encoding="utf-8"), flags=re.DOTALL)


def printed(page: str) -> list[str]:
    """Return the outputs shown directly below the Python blocks of a page."""
    found = re.findall(r"```\n\n((?:    .*\n)+)", (DOCS / page).read_text(encoding="utf-8"))
    return [re.sub(r"^    ", "", output, flags=re.MULTILINE) for output in found]


def run(arguments: list[str], folder: Path) -> str:
    """Run Python with `arguments` in `folder`; return what it prints."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "PYTHONUTF8": "1",
        "OMP_NUM_THREADS": "1",
        "MPLBACKEND": "Agg",
    }
    finished = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


def test_the_site_builds_and_requests_nothing_from_another_host(tmp_path: Path) -> None:
    """The strict build succeeds; scripts, styles, fonts and pictures are files of the site."""
    for package in ("mkdocs", "material", "mkdocstrings_handlers"):
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"{package} is not installed (extra docs)")
    run(["-m", "mkdocs", "build", "--config-file", str(ROOT / "mkdocs.yml"), "--site-dir", str(tmp_path / "out")], ROOT)
    pages = sorted((tmp_path / "out").rglob("*.html"))
    assert len(pages) > 70
    for file in [*pages, *(tmp_path / "out").rglob("*.css")]:
        assert REQUEST.findall(file.read_text(encoding="utf-8")) == [], file
    assert not (tmp_path / "out" / "rows").exists()
    assert "Solve" in (tmp_path / "out" / "api" / "lagrl.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "text",
    [
        '<script src="https://cdn.net/a.js">',
        '<link href="https://fonts.net/a.css" rel="stylesheet">',
        "src: url(//fonts.net/a.woff2)",
        '<img alt="" src="http://a.net/b.png">',
    ],
)
def test_a_request_is_noticed(text: str) -> None:
    """The pattern of the test above finds each kind of request."""
    assert REQUEST.search(text)


@pytest.mark.parametrize(("page", "module"), API.items())
def test_the_api_pages_list_every_public_name(page: str, module: str) -> None:
    """Each name of `__all__` stands on its page, except the modules that have pages of their own."""
    if module in ("envs", "policies"):
        pytest.importorskip("stable_baselines3")
    names = set(importlib.import_module(module).__all__)
    if module == "lagrl":
        names -= {"controllers", "plot", "quantum", "samplers"}
    listed = re.findall(rf"^::: {module}\.(\w+)$", (DOCS / "api" / f"{page}.md").read_text(), flags=re.MULTILINE)
    assert sorted(listed) == sorted(names)


def test_the_start_page_runs_as_printed(tmp_path: Path) -> None:
    """Solve, training and sample run in this order and print what the page shows; each draws its picture."""
    for package in ("stable_baselines3", "matplotlib"):
        pytest.importorskip(package)
    solve, trained, sample = blocks("index.md")
    page = (DOCS / "index.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^    (lagrl train bc (?:.*\\\n)*.*)", page, flags=re.MULTILINE)
    shown = printed("index.md")
    assert run(["-c", solve], tmp_path) == shown[0]
    run(["-m", *[word for word in shlex.split(command) if word.strip()]], tmp_path)
    assert re.match(
        r"G-n51-k6: cost \d+ in 6 routes, gap to best known [0-2]\.\d\d %\n", run(["-c", trained], tmp_path)
    )
    assert re.match(r"G-n51-k6: cost \d+ in 6 routes, gap", shown[1])
    assert run(["-c", sample], tmp_path) == shown[2]
    assert {file.name for file in tmp_path.glob("*.svg")} == {"routes.svg", "ascent.svg", "samples.svg"}


def test_the_controller_guide_runs(tmp_path: Path) -> None:
    """Its file runs by itself, and its commands find the class."""
    (code,) = blocks("guide/controller.md")
    (tmp_path / "heavy_ball.py").write_text(code, encoding="utf-8")
    assert run(["heavy_ball.py"], tmp_path).startswith("G-n31-k5: cost ")
    page = (DOCS / "guide" / "controller.md").read_text(encoding="utf-8")
    commands = re.findall(r"^    (lagrl .*)", page, flags=re.MULTILINE)
    assert len(commands) == 3
    report = [run(["-m", *shlex.split(command)], tmp_path) for command in commands][-1]
    assert "heavy_ball:HeavyBall" in report


def test_the_instance_guide_runs(tmp_path: Path) -> None:
    """A spreadsheet becomes an instance whose customers are all served, and a file."""
    output = run(["-c", "\n".join(blocks("guide/instance.md"))], tmp_path)
    assert sorted(map(int, re.findall(r"\d+", output.partition(" ")[2]))) == [1, 2, 3, 4]
    assert (tmp_path / "mine.vrp").is_file()
