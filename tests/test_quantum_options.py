"""docs/results/quantum-options.md lists exactly the options of the quantum layer, with their defaults and a reason."""

from __future__ import annotations

import inspect
import re
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import lagrl.quantum
from lagrl.bench.collect import Collection
from lagrl.quantum.bandit.options import BanditOptions
from lagrl.quantum.bandit.profile import Limits
from lagrl.quantum.circuits.ansatz import ANSATZE
from lagrl.quantum.circuits.statevector import QAOASampler
from lagrl.quantum.devices.placement import PLACEMENTS
from lagrl.quantum.scheduling import machine, scheduler
from lagrl.quantum.simulators.line_backend import METHODS
from lagrl.quantum.subproblems.candidate_sampler import AnnealingSampler
from lagrl.quantum.subproblems.candidates import ProductState
from lagrl.quantum.subproblems.penalties import PENALTIES, UnbalancedPenalty
from lagrl.quantum.subproblems.slack import SlackPenalty
from lagrl.samplers.families import FAMILIES
from train.bandit.command import BanditCommand

FOLDER = Path(__file__).parent.parent / "docs" / "results"
PAGE = (FOLDER / "quantum-options.md").read_text(encoding="utf-8")
MADE = (UnbalancedPenalty, SlackPenalty, ProductState, AnnealingSampler, QAOASampler, Limits)
DATA = ("BackendStatus", "Job", "Template")  # their defaults are no options


def table(heading: str) -> list[tuple[str, ...]]:
    """Return the cells of the rows under a heading, without the last one, which must not be empty."""
    text = PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    assert all(len(row[-1]) > 3 for row in rows[2:]), "say what each is worth"
    return [tuple(cell.strip("`") for cell in row[:-1]) for row in rows[2:]]


def shown(default: Any) -> str:
    """Return a default as the page shows it."""
    return repr(default) if isinstance(default, str) else str(default)


def options_of(kind: Any) -> list[tuple[str, str]]:
    """Return name and default of a dataclass's fields that have one."""
    found = []
    for field in fields(kind):
        default = field.default if field.default_factory is MISSING else field.default_factory()
        if field.init and default is not MISSING:
            found.append((field.name, shown(default)))
    return found


def parameters_of(name: str) -> list[tuple[str, str, str]]:
    """Return those of a class or function of `lagrl.quantum`."""
    known = inspect.signature(getattr(lagrl.quantum, name)).parameters.values()
    return [(name, own.name, shown(own.default)) for own in known if own.default is not own.empty]


def test_sampler_options_are_listed() -> None:
    """Every option of a sampler string, once, with its default."""
    strings = [family.options() for name, family in FAMILIES.items() if name != "bandit"]
    every = dict(pair for kind in strings for pair in options_of(kind))
    assert sorted(table("Sampler strings")) == sorted(every.items())
    assert sorted(table("Bandits")) == sorted(options_of(BanditOptions))


def test_training_options_are_listed() -> None:
    """Every option of the two commands, apart from files and the bandit's own options."""
    left_out = {"problems", "options", "out", "plot", "traces"}
    every = [("train bandit", *pair) for pair in options_of(BanditCommand)]
    every += [("traces", *pair) for pair in options_of(Collection)]
    assert sorted(table("Training of bandits")) == sorted(row for row in every if row[1] not in left_out)


def test_values_are_listed() -> None:
    """Every ansatz, penalty, noise method and placement."""
    known = {"ansatz": ANSATZE, "penalty": PENALTIES, "method": METHODS, "placement": PLACEMENTS}
    assert sorted(table("Values of options")) == sorted((kind, name) for kind, names in known.items() for name in names)


def test_parameters_are_listed() -> None:
    """Every parameter with a default of the public names, and of the classes behind sampler strings."""
    every = [row for name in lagrl.quantum.__all__ if name not in DATA for row in parameters_of(name)]
    every += [(kind.__name__, *pair) for kind in MADE for pair in options_of(kind)]
    assert sorted(table("Classes and functions")) == sorted(every)


def test_constants_of_the_scheduler_are_listed() -> None:
    """Every public number of the scheduler and its machines."""
    every = {name: value for room in (machine, scheduler) for name, value in vars(room).items() if name.isupper()}
    numbers = [(name, shown(value)) for name, value in every.items() if type(value) in (int, float)]
    assert sorted(table("Scheduler")) == sorted(row for row in numbers if not row[0].startswith("_"))


def test_links_lead_to_pages() -> None:
    """Every linked page exists, and every figure with digits after a point is on one of the linked pages."""
    for line in PAGE.splitlines():
        names = re.findall(r"\]\(([\w./-]+\.md)", line)
        assert all((FOLDER / name).is_file() for name in names), line
        if line.startswith("|") and names:
            pages = " ".join((FOLDER / name).read_text(encoding="utf-8") for name in names)
            for figure in re.findall(r"\d*\.\d+", line.rpartition("` |")[2]):
                assert figure in pages, f"{figure} is on no page linked in {line}"
