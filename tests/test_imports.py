"""What importing lagrl loads, and which room of it may import which."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import lagrl

PACKAGE = Path(lagrl.__file__).parent
FRONT = PACKAGE / "quantum" / "__init__.py"
HEAVY = {"numba", "scipy", "torch", "qiskit", "qiskit_aer", "dimod", "dwave", "matplotlib", "pyvrp", "ortools"}

# what each room may import from the others; everything may import the ground floor
GROUND = {
    "lazy",
    "printable",
    "errors",
    "io",
    "signatures",
    "highs",
    "plugins",
    "processes",
    "compilation",
    "ray_cluster",
}
LIBRARY = {"problems", "relaxation", "controllers", "recovery", "bounds", "quantum"}
LOOP = {"dual_loop", "ascent", "samplers", "solve_config"}
SOLVER = LIBRARY | LOOP | {"search", "solver"}
BELOW = {
    "problems": set(),
    "relaxation": {"problems"},
    "controllers": {"problems", "relaxation"},
    "recovery": {"problems", "relaxation"},
    "bounds": {"problems", "relaxation", "controllers"},
    "quantum": {"problems", "relaxation"},
    "samplers": {"problems", "relaxation", "quantum"},
    "dual_loop": LIBRARY,
    "ascent": LIBRARY | {"dual_loop"},
    "solve_config": LIBRARY | {"samplers"},
    "search": LIBRARY | LOOP,
    "solver": LIBRARY | LOOP | {"search"},
    "testing": {"relaxation", "quantum"},
    "carbon": LIBRARY | {"samplers"},
    "plot": SOLVER,
    "bench": SOLVER | {"plot"},
    "doctor": SOLVER | {"bench"},
    "paper": SOLVER | {"bench", "plot"},
    "cascade": LIBRARY | LOOP,
    "cli": SOLVER | {"plot", "bench", "paper", "doctor", "cascade", "carbon"},
    **{room: set() for room in GROUND},
}
QUANTUM_BELOW = {
    "subproblems": set(),
    "circuits": {"subproblems"},
    "devices": {"subproblems", "circuits"},
    "simulators": {"subproblems", "circuits", "devices"},
    "journal": set(),
    "ibm": {"circuits", "devices", "simulators", "journal"},
    "scheduling": {"circuits", "journal", "ibm"},
    "bandit": {"subproblems", "circuits", "devices", "simulators", "journal", "ibm", "scheduling"},
}
ABOVE = {"envs", "policies", "train", "torch", "torch_geometric", "gymnasium", "stable_baselines3"}


def sources() -> list[Path]:
    """Every module of lagrl."""
    return sorted(PACKAGE.rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Full names of all modules and attributes that a source imports, wherever in it, types included."""
    package = ["lagrl", *path.relative_to(PACKAGE).parent.parts]
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*base, *([node.module] if node.module else [])])
            names |= {f"{module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("lagrl."):
            names |= {node.value} if (PACKAGE.parent / f"{node.value.replace('.', '/')}.py").exists() else set()
    return names


def room_of(path: Path) -> str:
    """Folder right below lagrl, or the module's own name."""
    first = path.relative_to(PACKAGE).parts[0]
    return first.removesuffix(".py")


@pytest.mark.parametrize("module", ["lagrl", "lagrl.solver", "lagrl.bench.run", "lagrl.cli.entry"])
def test_importing_loads_nothing_heavy(module: str) -> None:
    """`import lagrl` and what is imported on the way leave numba, torch, qiskit and the like alone."""
    script = f"import sys, json, {module}; print(json.dumps(sorted(sys.modules)))"
    printed = subprocess.run([sys.executable, "-c", script], capture_output=True, check=True, text=True, timeout=60)
    loaded = set(json.loads(printed.stdout))
    assert module in loaded
    assert not loaded & HEAVY


def test_rooms_import_only_rooms_below() -> None:
    """Every module of lagrl imports only the rooms that the design puts below its own."""
    wrong = []
    for path in sources():
        room = room_of(path)
        if room in ("__init__", "__main__"):
            continue
        assert room in BELOW, f"{path} is in no room of the design"
        for name in imported(path):
            parts = name.split(".")
            if parts[0] != "lagrl" or len(parts) == 1 or parts[1] not in BELOW:
                continue
            if path == FRONT and name.startswith("lagrl.samplers.one_knapsack"):
                continue  # the lazy name lagrl.quantum.sample, which takes sampler strings
            if parts[1] not in BELOW[room] | GROUND | {room}:
                wrong.append(f"{path.relative_to(PACKAGE)} imports {name}")
    assert wrong == []


def test_quantum_rooms_import_only_rooms_below() -> None:
    """The eight rooms of lagrl.quantum hold every module, and none imports a room above its own."""
    wrong = []
    for path in sorted((PACKAGE / "quantum").rglob("*.py")):
        room = path.relative_to(PACKAGE / "quantum").parts[0]
        if room == "__init__.py":
            continue
        assert room in QUANTUM_BELOW, f"{path} is in no room of the design"
        for name in imported(path):
            parts = name.split(".")
            if parts[:2] == ["lagrl", "quantum"] and len(parts) > 2 and parts[2] not in QUANTUM_BELOW[room] | {room}:
                wrong.append(f"{path.relative_to(PACKAGE)} imports {name}")
    assert wrong == []


def test_a_file_name_occurs_once_or_means_the_same() -> None:
    """No two modules share a name, except parts that each package has, and commands named as what they run."""
    parts = {"archive", "card", "command", "config", "locate", "options", "progress", "registry", "reward", "run"}
    commands = {path.stem for path in (PACKAGE / "cli").glob("*.py")}
    environments = {"action", "core", "env", "episode", "observation", "render", "sb3", "vector"}  # parts of each
    linearisation = {"relinearise"}  # the linearisation around routes, and its use by the search
    packages = [PACKAGE, *(PACKAGE.parent / name for name in ("envs", "policies", "train"))]
    names = [path.stem for package in packages if package.exists() for path in package.rglob("*.py")]
    doubled = {name for name in names if names.count(name) > 1 and not name.startswith("__")}
    assert doubled <= parts | commands | environments | linearisation


def test_modules_that_tests_share_have_names_of_their_own() -> None:
    """Folders of tests are on one path: the second of two modules with one name would never be found."""
    shared = Counter(
        path.name for path in Path(__file__).parent.rglob("*.py") if path.stem not in ("__init__", "conftest")
    )
    assert [name for name, count in shared.items() if count > 1] == []


def test_classes_have_names_of_their_own() -> None:
    """No two public or private classes of the packages share a name."""
    packages = [PACKAGE, *(PACKAGE.parent / name for name in ("envs", "policies", "train"))]
    found = [
        node.name
        for package in packages
        if package.exists()
        for path in package.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
    ]
    assert len(found) > 200
    assert sorted({name for name in found if found.count(name) > 1}) == []


def test_lagrl_never_imports_what_stands_on_it() -> None:
    """Neither environments, policies and training nor their frameworks; qiskit only within `quantum`."""
    wrong = []
    for path in sources():
        for name in imported(path):
            top = name.split(".")[0]
            if top in ABOVE or (top.startswith("qiskit") and room_of(path) != "quantum"):
                wrong.append(f"{path.relative_to(PACKAGE)} imports {name}")
    assert wrong == []


def test_the_rule_sees_imports(tmp_path: Path) -> None:
    """Imports in functions, for types only, relative and by name are all seen: a rule that saw none would hold."""
    found = imported(PACKAGE / "search" / "ascending.py") | imported(PACKAGE / "solver.py")
    assert {"lagrl.compilation.compile_kernels", "lagrl.problems.cvrp.CVRP", "lagrl.ascent.ascend_all"} <= found
    assert "lagrl.relaxation.pricing_kernels.price_batch" in imported(PACKAGE / "relaxation" / "knapsack.py")
    assert len(sources()) > 50
    assert {room_of(path) for path in sources()} >= {
        "problems",
        "relaxation",
        "controllers",
        "recovery",
        "bounds",
        "bench",
    }


@pytest.mark.parametrize(
    ("package", "above"), [("envs", {"policies", "train"}), ("policies", {"train"}), ("train", set())]
)
def test_the_packages_on_top_import_downwards_only(package: str, above: set[str]) -> None:
    """`lagrl ← envs ← policies ← train`."""
    folder, wrong = PACKAGE.parent / package, []
    if not folder.exists():
        pytest.skip(f"{package} is not beside lagrl")
    names_seen = set()
    for path in sorted(folder.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names_seen |= {name.split(".")[0] for name in names}
            wrong += [f"{path.name} imports {name}" for name in names if name.split(".")[0] in above]
    assert wrong == []
    assert "lagrl" in names_seen
