"""The public names of lagrl and of the packages beside it, and what a newcomer types first."""

from __future__ import annotations

import doctest
import importlib
import importlib.util
import inspect
import json
import os
import re
import runpy
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import lagrl
from lagrl.errors import InputError
from lagrl.solver import SolveConfig

ROOT = Path(__file__).parent.parent
HEAVY = {
    *("numpy", "numba", "scipy", "torch", "qiskit", "matplotlib", "highspy", "pyvrp", "vrplib", "tyro", "rich"),
    *("gymnasium", "stable_baselines3"),
}

PUBLIC = {
    "lagrl": {
        *("CVRP", "AssignmentDual", "DualLoop", "DualTrace", "Fleet", "LagrlError", "LowerBound", "Solution"),
        *(
            "SolveConfig",
            "SolveProgress",
            "SolveResult",
            "ascend",
            "check",
            "controllers",
            "evaluate",
            "generate",
            "linearise",
        ),
        *("linearise", "lower_bound", "plot", "quantum", "read", "read_rows", "read_solution", "samplers", "solve"),
        *("write_instance", "write_solution"),
    },
    "lagrl.controllers": {
        *("CONTROLLERS", "Adam", "CameriniFrattaMaffioli", "ColumnGeneration", "ConstantStep", "Controller"),
        *("Feedback", "Finishing", "HeldWolfeCrowder", "Perturbed", "Polyak", "ProximalBundle", "Rule", "Volume"),
        *("controller_factory", "make_controller"),
    },
    "lagrl.samplers": {
        *("FAMILIES", "AnnealingSampler", "BanditSampler", "CircuitSampler", "ExactSampler", "GreedySampler"),
        *("JournaledSampler", "ProductSampler", "QAOASampler", "ReplaySampler", "SampleContext", "Samples"),
        *("SampleQuery", "SamplingCost", "SubproblemSampler", "close_sampler", "make_sampler", "open"),
    },
    "lagrl.quantum": {
        *(
            "Ansatz",
            "Backend",
            "BackendStatus",
            "Execution",
            "Job",
            "DensityMatrixBackend",
            "LineQAOA",
            "PrimitiveBackend",
            "Pub",
            "Ramp",
        ),
        *("SurrogateBackend", "Template", "TiltedPenalty", "TrajectoryBackend", "circuit", "compile_template"),
        "fake_backend",
        *("find_line", "known_fakes", "make_ansatz", "make_penalty", "noise_model", "reduced_target"),
        *("rotation_angles", "sample", "select_candidates", "Subproblem"),
    },
    "lagrl.plot": {
        *("animate", "bound", "compare_routes", "device_errors", "device_mix", "dual", "history", "multipliers"),
        "new_figure",
        *("performance_profile", "routes", "samples", "save_figure", "style", "summary", "training"),
    },
    "envs": {
        *("FEATURES", "OBSERVATION_VERSION", "ActionConfig", "CurriculumConfig", "EnvConfig", "EpisodeBatch"),
        *("LagrangianCVRP", "LagrangianVecEnv", "LagrangianVectorEnv", "Observer", "RewardWeights"),
        *("LagrangianSubprocVecEnv", "RayVecEnv", "ROUTE_FEATURES", "ROUTE_OBSERVATION_VERSION", "RouteEpisodeBatch"),
        *("LagrangianSearch", "LagrangianSearchVecEnv", "LagrangianSearchVectorEnv", "SearchEnvConfig"),
        "next_multipliers",
    },
    "policies": {
        *("Checkpoint", "CompiledMean", "DiagonalPrecondNet", "DiagonalPrecondPolicy", "PolicyConfig"),
        "PolicyController",
        *("checkpoint_controllers", "export_checkpoint", "load_checkpoint", "save_checkpoint", "shipped_names"),
    },
    "train": {"BCConfig", "BCRun", "GraphPPO", "PPOConfig", "PPORun", "validation_set"},
}

# section by section what `import lagrl` is for; A stands for a CVRPLIB file
LINES = [
    "problem = lagrl.read('A.vrp')",
    "problem = lagrl.read('G-n16-k3')",
    "lagrl.CVRP.from_coordinates('p', [(0, 0), (3, 4), (0, 5)], [2, 3], 4)",
    "lagrl.CVRP.from_distances('d', [[0, 1], [1, 0]], [2], 4)",
    "r = lagrl.solve(lagrl.read('A.vrp'), seconds=1, controller='volume', sampler='qaoa'); "
    "print(r.cost, r.routes, r.gap, r.lower_bound, r.history)",
    "print(lagrl.lower_bound(lagrl.read('A.vrp'), seconds=10))",
    "p = lagrl.read('A.vrp'); r = lagrl.solve(p, evaluations=20); lagrl.write_solution(r, 'mine.sol'); "
    "s = lagrl.read_solution('mine.sol'); assert s.routes == r.routes; assert lagrl.check(p, s) == []",
    "assert lagrl.generate(n_customers=50, seed=0).n_customers == 50",
    "rows = lagrl.evaluate(['A.vrp'], controllers=['cfm'], budgets=[10]); assert type(rows[0]) is dict",
    "lagrl.evaluate(['A.vrp'], budgets=[10], out='rows.jsonl'); assert len(lagrl.read_rows('rows.jsonl')) == 1",
    "lagrl.DualLoop, lagrl.ascend, lagrl.linearise, lagrl.AssignmentDual",
    "lagrl.controllers.Volume, lagrl.samplers.make_sampler, lagrl.quantum.sample",
    "p = lagrl.read('A.vrp'); lagrl.plot.routes(p, lagrl.solve(p, evaluations=10)).figure.savefig('r.png')",
    "lagrl.plot.history(lagrl.solve(lagrl.read('A.vrp'), evaluations=10))",
    "loop = lagrl.DualLoop.of(lagrl.AssignmentDual(lagrl.linearise(lagrl.read('A.vrp')))); "
    "lagrl.plot.dual(lagrl.ascend(loop, 'cfm', 10))",
    "import lagrl.solver; print(lagrl.solve(lagrl.read('A.vrp'), evaluations=10))",
    "lagrl.solve; import lagrl.solver, lagrl.search.search; print(lagrl.solve(lagrl.read('A.vrp'), evaluations=10))",
    "from lagrl import *; print(solve(read('A.vrp'), evaluations=10))",
]


def in_a_new_process(code: str, folder: Path) -> str:
    """Run Python in a folder and return what it printed."""
    environment = {**os.environ, "PYTHONUTF8": "1", "OMP_NUM_THREADS": "1", "MPLBACKEND": "Agg"}
    finished = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout


@pytest.mark.parametrize("line", LINES)
def test_each_line_of_the_front_door_runs(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`import lagrl` and one line; in a process of its own where what is loaded already could help it."""
    if "plot" in line and importlib.util.find_spec("matplotlib") is None:
        pytest.skip("matplotlib is not installed")
    lagrl.write_instance(lagrl.generate(12, seed=1), tmp_path / "A.vrp")
    if "import" in line or line == LINES[0]:
        in_a_new_process(f"import lagrl; {line}", tmp_path)
        return
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    exec(compile(f"import lagrl; {line}", "line.py", "exec"), {"__name__": "__main__"})


def test_importing_and_listing_load_nothing_else(tmp_path: Path) -> None:
    """`import lagrl` and `dir(lagrl)` load two modules of lagrl and no other package."""
    code = "import sys, json, lagrl; names = dir(lagrl); print(json.dumps([names, sorted(sys.modules)]))"
    names, modules = json.loads(in_a_new_process(code, tmp_path))
    assert set(names) >= PUBLIC["lagrl"]
    assert not set(modules) & HEAVY
    assert [name for name in modules if name.startswith("lagrl")] == ["lagrl", "lagrl.lazy"]


@pytest.mark.parametrize(
    "name", ["controllers.Volume", "samplers.make_sampler", "quantum.select_candidates", "plot.routes"]
)
def test_a_package_is_found_right_after_the_import(name: str, tmp_path: Path) -> None:
    """In a process of its own: one that has loaded the package would find it in any case."""
    assert in_a_new_process(f"import lagrl; print(lagrl.{name}.__name__)", tmp_path).strip() == name.split(".")[1]


@pytest.mark.parametrize("package", PUBLIC)
def test_the_public_names_are_these(package: str) -> None:
    """`__all__` and `dir` list them, and each one exists; an added or removed name is a decision."""
    for needed in {"envs": ["gymnasium", "torch"], "policies": ["torch", "torch_geometric"], "train": ["torch"]}.get(
        package, []
    ):
        pytest.importorskip(needed, reason="needs the rl extra")
    module = importlib.import_module(package)
    assert set(module.__all__) == PUBLIC[package]
    assert set(dir(module)) >= PUBLIC[package]
    for name in PUBLIC[package]:
        assert getattr(module, name) is not None
    assert len(module.__all__) == len(set(module.__all__))


def test_an_unknown_name_is_an_attribute_error() -> None:
    """As of every module: `hasattr` and the traceback's suggestion work."""
    assert not hasattr(lagrl, "solv")
    with pytest.raises(AttributeError, match="module 'lagrl' has no attribute 'solv'") as caught:
        lagrl.solv  # noqa: B018 - reading it raises
    assert caught.value.name == "solv"
    assert caught.value.obj is lagrl


def test_every_public_function_and_class_has_an_example() -> None:
    """Each docstring of `lagrl` and `lagrl.plot` shows a call; `test_the_examples_run` runs it."""
    public = {name: getattr(lagrl, name) for name in lagrl.__all__}
    drawing = PUBLIC["lagrl.plot"] - {"new_figure", "save_figure"}
    public |= {name: getattr(lagrl.plot, name) for name in drawing}
    public |= {name: getattr(lagrl.quantum, name) for name in ("circuit", "sample")}
    missing = [name for name, thing in public.items() if ">>> " not in (inspect.getdoc(thing) or "")]
    assert [name for name in missing if name != "plot"] == []


@pytest.mark.parametrize("package", PUBLIC)
def test_the_examples_run(package: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The examples in the docstrings of a package and of the modules behind its names print what they say."""
    for needed in {"envs": ["gymnasium"], "policies": ["torch_geometric", "stable_baselines3"], "train": ["torch"]}.get(
        package, []
    ):
        pytest.importorskip(needed, reason="needs the rl extra")
    for needed in {"lagrl.plot": ["matplotlib"], "lagrl.quantum": ["qiskit"]}.get(package, []):
        pytest.importorskip(needed, reason="needs an extra")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MPLBACKEND", "Agg")
    module = importlib.import_module(package)
    things = [getattr(module, name) for name in module.__all__]
    behind = {sys.modules[thing.__module__] for thing in things if hasattr(thing, "__module__")}
    found = [doctest.testmod(each, report=True) for each in {module, *behind}]
    assert sum(result.failed for result in found) == 0
    assert sum(result.attempted for result in found) > 0


def test_the_version_has_one_source() -> None:
    """`lagrl.__version__` is what the distribution's metadata is built from, and what the citation says."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert "version" not in project["project"]
    assert project["project"]["dynamic"] == ["version"]
    metadata = pytest.importorskip("hatchling.metadata.core", reason="hatchling reads the version")
    plugins = importlib.import_module("hatchling.plugin.manager").PluginManager()
    assert metadata.ProjectMetadata(str(ROOT), plugins).version == lagrl.__version__
    citation = (ROOT / "CITATION.cff").read_text(encoding="utf-8")
    assert re.search(r"^version: (.*)$", citation, flags=re.MULTILINE)[1] == lagrl.__version__


def test_keywords_of_solve_are_the_configuration() -> None:
    """Names, keywords and a configuration give the same routes and the same record."""
    problem = lagrl.read("G-n16-k3")
    given = {"controller": "volume", "sampler": "greedy", "evaluations": 20}
    config = SolveConfig(**given, seedings=("sweep",), without=("polish",))
    expected = lagrl.solve(problem, config)
    for result in (
        lagrl.solve(problem, **given, seedings="sweep", without=["polish"]),
        lagrl.solve(problem, SolveConfig(seedings=("sweep",), evaluations=3), **given, without="polish"),
    ):
        assert result.config == config
        assert (result.routes, result.cost) == (expected.solution.routes, expected.solution.cost)
    objects = {"controller": lagrl.controllers.Volume, "sampler": lagrl.samplers.GreedySampler()}
    made = lagrl.solve(problem, **objects, evaluations=5)
    assert made.config.controller == "lagrl.controllers.volume:Volume"


def test_a_result_shows_its_numbers_shortly() -> None:
    """Attributes agree with the solution; the text is one line."""
    result = lagrl.solve(lagrl.read("G-n16-k3"), evaluations=20)
    assert result.gap == lagrl.read("G-n16-k3").gap_percent(result.cost)
    assert result.history[-1][2] == result.cost == result.solution.cost
    assert str(result).startswith(
        f"G-n16-k3: cost {result.cost:.10g} in {len(result.routes)} routes, gap to best known "
    )
    assert repr(result) == f"<SolveResult {result}>"
    assert len(repr(result)) < 120


def test_a_written_result_counts_as_a_reference(tmp_path: Path) -> None:
    """A result beside its instance states its solver, and its cost is the best known one as that of any solution."""
    problem = lagrl.generate(10, seed=4)
    result = lagrl.solve(problem, evaluations=20)
    lagrl.write_instance(problem, tmp_path / "mine.vrp")
    lagrl.write_solution(result, tmp_path / "mine.sol")
    assert f"Solver lagrl {lagrl.__version__}\n" in (tmp_path / "mine.sol").read_text()
    assert lagrl.read(tmp_path / "mine.vrp").best_known == result.cost
    assert lagrl.read_solution(tmp_path / "mine.sol") == result.solution


def test_reading_with_other_distances_drops_the_best_known_cost() -> None:
    """Under `rounding="none"` the published cost does not hold; a fleet rule may be given as text."""
    exact = lagrl.read("G-n16-k3", rounding="none", fleet="atleast:3")
    assert exact.best_known is None
    assert exact.fleet == lagrl.Fleet("atleast", 3)
    assert lagrl.read("G-n16-k3").best_known == 5098.0
    assert not np.array_equal(exact.distance, lagrl.read("G-n16-k3").distance)


def test_evaluate_gives_the_same_rows_in_memory_and_in_a_file(tmp_path: Path) -> None:
    """Files, names and instances give rows in the order asked; a file is completed, and other rows stay in it."""
    given = lagrl.generate(10, seed=2)
    lagrl.write_instance(given, tmp_path / "A.vrp")
    instances = ["G-n16-k3", tmp_path / "A.vrp", given]
    out, seen = tmp_path / "rows.jsonl", []
    in_memory = lagrl.evaluate(instances, ["cfm", "volume"], 10, seeds=[0, 1])
    first = lagrl.evaluate("G-n16-k3", "cfm", [10, 20], out=out)
    in_file = lagrl.evaluate(instances, ["cfm", "volume"], 10, seeds=range(2), out=out, on_row=seen.append)
    fields = ("instance", "controller", "seed", "budget", "cost", "evaluations", "key")
    picked = [[row[field] for field in fields] for row in in_memory]
    assert picked == [[row[field] for field in fields] for row in in_file]
    assert [row["seed"] for row in in_memory[:4]] == [0, 1, 0, 1]
    assert len(in_memory) == 8  # the file holds the same instance as the array
    assert len(seen) == 7  # one was there
    assert len(lagrl.read_rows(out)) == len(first) + len(seen) == 9
    assert lagrl.evaluate(given, "cfm", 10, fleet="free")[0]["cost"] == in_memory[4]["cost"]


def test_rows_make_a_pandas_table() -> None:
    """One column a field, one line a row."""
    pandas = pytest.importorskip("pandas")
    rows = lagrl.evaluate("G-n16-k3", ["cfm", "volume"], 10)
    table = pandas.DataFrame(rows)
    assert list(table["controller"]) == ["cfm", "volume"]
    assert table["gap_pct"].dtype == np.float64


def test_a_single_ascent_is_the_batch_of_one() -> None:
    """Name, class and object of a controller give the values of `ascend_all`."""
    from lagrl.ascent import ascend_all

    def loop() -> lagrl.DualLoop:
        return lagrl.DualLoop.of(lagrl.AssignmentDual(lagrl.linearise(lagrl.read("G-n16-k3"), "sweep")), seed=3)

    volume = lagrl.controllers.Volume
    (expected,) = ascend_all(loop(), [volume()], [15], [np.random.default_rng(0)])
    for controller in ("volume", volume, volume()):
        trace = lagrl.ascend(loop(), controller, 15)
        assert trace.exact_value == expected.exact_value
        assert trace.route_cost == expected.route_cost
    two = lagrl.DualLoop([*loop().states, *loop().states])
    with pytest.raises(InputError, match="2 duals"):
        lagrl.ascend(two, volume, 15)
    assignment = lagrl.linearise(lagrl.read("G-n16-k3"))
    bare = type(assignment)(assignment.cost, assignment.weight, assignment.capacity)
    with pytest.raises(InputError, match=r"does not say which instance it linearises; make it with lagrl\.linearise"):
        lagrl.DualLoop.of(lagrl.AssignmentDual(bare))


def test_a_generated_instance_is_reproducible_and_keeps_what_is_given(tmp_path: Path) -> None:
    """The seed decides what is not given; the command `lagrl generate` makes the same instance."""
    from lagrl.cli.generate import GenerateCommand

    first, again, other = (lagrl.generate(20, seed=seed, demand="U") for seed in (5, 5, 6))
    assert np.array_equal(first.coordinates, again.coordinates)
    assert not np.array_equal(first.coordinates, other.coordinates)
    assert set(first.demand.tolist()) == {1}
    assert first.name.endswith("-s5")
    assert lagrl.generate(5, name="mine").name == "mine"
    with pytest.raises(InputError, match="demand"):
        lagrl.generate(5, demand="huge")
    GenerateCommand(out=tmp_path, n_customers=20, seed=5, demand="U").run()
    (path,) = tmp_path.iterdir()
    assert path.stem == first.name
    assert np.array_equal(lagrl.read(path).distance, first.distance)


def test_an_older_python_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A source tree imported there says which Python it needs, before anything else fails."""
    monkeypatch.setattr(sys, "version_info", (3, 10, 13))
    with pytest.raises(ImportError, match=r"lagrl needs Python 3\.11 or newer"):
        runpy.run_path(str(ROOT / "lagrl" / "__init__.py"))


def test_an_instance_takes_lists_for_arrays() -> None:
    """The class converts them as its constructors do."""
    problem = lagrl.read("G-n16-k3")
    lists: Any = problem.demand.tolist(), problem.capacity, problem.distance.tolist()
    again = lagrl.CVRP("again", *lists)
    assert np.array_equal(again.demand, problem.demand)
    assert np.array_equal(again.distance, problem.distance)
    assert again.demand.dtype == np.int64


def test_printing_a_result_is_a_summary() -> None:
    """Results of solves, bounds and ascents print their main numbers in a few hundred characters at most."""
    problem = lagrl.read("G-n16-k3")
    result, bound = lagrl.solve(problem, evaluations=40), lagrl.lower_bound(problem, evaluations=3)
    trace = result.ascents[0].trace
    for thing, number in (
        (result, result.cost),
        (bound, np.floor(bound.value)),
        (result.ascents[0], result.ascents[0].n_vehicles),
        (trace, len(trace)),
    ):
        assert len(str(thing)) < 200
        assert f"{number:g}" in str(thing)
