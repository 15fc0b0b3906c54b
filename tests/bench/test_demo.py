"""The demonstration prints what it measured, and only that."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from lagrl.bench.demo import DemoResult, demo
from lagrl.errors import BudgetError, InputError, OutputError, UnknownNameError
from lagrl.problems.bundled import bundled_names, read_bundled
from lagrl.solver import SolveConfig, solve

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("matplotlib", reason="the demonstration draws with matplotlib (extra viz)")

CONTROLLERS = ("cfm", "perturbed")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> DemoResult:
    """Run a small demonstration once."""
    folder = tmp_path_factory.mktemp("demo") / "new" / "folder"
    return demo(folder, controllers=CONTROLLERS, evaluations=4, seed=3, progress=False)


def test_every_bundled_instance_is_solved_under_every_controller(small: DemoResult) -> None:
    """All routes are feasible, and they are those that `solve` gives with all its parts."""
    assert tuple(small.results) == bundled_names()
    for by_controller in small.results.values():
        assert tuple(by_controller) == CONTROLLERS
        for result in by_controller.values():
            assert result.solution.is_feasible(result.problem)
            assert result.evaluations == 4
    name = bundled_names()[1]
    config = SolveConfig(controller="cfm", evaluations=4, seed=3)
    again = solve(read_bundled(name), config)
    assert again.solution == small.results[name]["cfm"].solution


def test_one_picture_is_written_into_the_folder_that_was_made(small: DemoResult) -> None:
    """It is a PNG, and nothing lies beside it."""
    assert small.picture.read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
    assert list(small.picture.parent.iterdir()) == [small.picture]
    assert small.pictured in bundled_names()


def test_the_table_holds_the_numbers_of_the_results(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each line is one instance with its size, best known cost, gaps and seconds; the last is their means."""
    result = demo(tmp_path, controllers=CONTROLLERS, evaluations=2, progress=True)
    printed = capsys.readouterr()
    lines = {line.split()[0]: line.split()[1:] for line in printed.out.splitlines() if line.strip()}
    for name, by_controller in result.results.items():
        problem = read_bundled(name)
        expected = [str(problem.n_customers), str(problem.minimum_vehicles), f"{problem.best_known:.10g}"]
        for controller in CONTROLLERS:
            gap = problem.gap_percent(by_controller[controller].solution.cost)
            expected += [f"{gap:.2f}", f"{by_controller[controller].seconds:.2f}"]
        assert lines[name] == expected
    means = [result.mean_gap_percent(controller) for controller in CONTROLLERS]
    by_hand = [
        sum(result.gap_percent(name, controller) for name in result.results) / len(result.results)
        for controller in CONTROLLERS
    ]
    assert means == pytest.approx(by_hand)
    assert lines["mean"][::2] == [f"{mean:.2f}" for mean in means]
    assert str(result.picture) in printed.out.replace("\n", "")
    assert printed.err == ""  # no bars where there is no terminal


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ({"controllers": ()}, InputError),
        ({"controllers": ("cfm", "cmf")}, UnknownNameError),
        ({"evaluations": 0}, BudgetError),
        ({"seed": -1}, InputError),
    ],
)
def test_what_makes_no_sense_is_refused_before_a_folder_is_made(
    tmp_path: Path, arguments: dict[str, object], error: type[Exception]
) -> None:
    """Nothing is left behind."""
    with pytest.raises(error):
        demo(tmp_path / "new", progress=False, **arguments)
    assert list(tmp_path.iterdir()) == []


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    """The message names it, and it stays."""
    (tmp_path / "taken").write_text("mine", encoding="utf-8")
    for folder in (tmp_path / "taken", tmp_path / "taken" / "below"):
        with pytest.raises(OutputError, match="taken"):
            demo(folder, controllers=("cfm",), evaluations=1, progress=False)
    assert (tmp_path / "taken").read_text(encoding="utf-8") == "mine"
