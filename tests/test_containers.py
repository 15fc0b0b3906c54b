"""The files for containers name what exists: copied folders, extras, make targets."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_the_dockerfile_copies_all_that_a_wheel_is_built_from() -> None:
    """Every package and the shipped checkpoints are copied, exist, and are let through by .dockerignore."""
    copied = {name for line in re.findall(r"^COPY (.*) \S+$", DOCKERFILE, flags=re.MULTILINE) for name in line.split()}
    wheel = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]
    assert copied >= {
        *wheel["packages"],
        *wheel["force-include"],
        *PROJECT["project"]["license-files"],
        "pyproject.toml",
    }
    allowed = set(re.findall(r"^!(.*)$", (ROOT / ".dockerignore").read_text(encoding="utf-8"), flags=re.MULTILINE))
    for name in copied:
        assert (ROOT / name).exists()
        assert name in allowed


def test_the_dockerfile_installs_extras_that_exist() -> None:
    """Each extra in its pip command is one of pyproject.toml; its Python is one that is tested."""
    (extras,) = re.findall(r"'\.\[(.*?)\]'", DOCKERFILE)
    assert set(extras.split(",")) <= set(PROJECT["project"]["optional-dependencies"])
    (version,) = re.findall(r"^FROM python:([\d.]+)", DOCKERFILE, flags=re.MULTILINE)
    assert f"Programming Language :: Python :: {version}" in PROJECT["project"]["classifiers"]


def test_the_development_container_runs_a_target_of_the_makefile() -> None:
    """Its set-up is the Makefile's own, in a container whose Dockerfile stands beside it."""
    container = json.loads((ROOT / ".devcontainer/devcontainer.json").read_text(encoding="utf-8"))
    assert (ROOT / ".devcontainer" / container["build"]["dockerfile"]).exists()
    program, target = container["postCreateCommand"].split()
    assert program == "make"
    assert target == ".venv/.ready"
    assert "\n$(READY):" in (ROOT / "Makefile").read_text(encoding="utf-8")


def test_the_citation_names_this_version() -> None:
    """CITATION.cff, the changelog and the package have the same latest version."""
    (cited,) = re.findall(r"^version: (.*)$", (ROOT / "CITATION.cff").read_text(encoding="utf-8"), flags=re.MULTILINE)
    (packaged,) = re.findall(r'__version__ = "(.*)"', (ROOT / "lagrl/__init__.py").read_text(encoding="utf-8"))
    released = re.findall(r"^## \[(\d[^]]*)\]", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert cited == packaged == released[0]
