"""Foreign packages that Python would import in place of the packages of lagrl.

`python -m NAME` searches the current folder first, where another project may have a folder of that name. Packages of
lagrl carry the marker `__lagrl__ = True` in their `__init__`; it is read without running foreign code.
"""

from __future__ import annotations

import ast
import sys
from importlib import metadata
from importlib.machinery import PathFinder
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import lagrl
from lagrl.doctor.findings import Finding

if TYPE_CHECKING:
    from collections.abc import Callable

MARKER = "__lagrl__"


def provided_packages() -> list[str]:
    """Return the top-level packages that the installed distribution provides.

    An editable install lists no packages: there they are the marked ones of the folder that lagrl is in.
    """
    try:
        files = metadata.files("lagrl") or []
    except metadata.PackageNotFoundError:
        files = []
    listed = {file.parts[0] for file in files if len(file.parts) == 2 and file.name == "__init__.py"}
    if listed:
        return sorted(listed)
    root = Path(lagrl.__file__).resolve().parent.parent
    return sorted(init.parent.name for init in root.glob("*/__init__.py") if is_ours(init))


def is_ours(source: Path) -> bool:
    """Whether a Python file assigns `__lagrl__ = True` at its top level; it is parsed, not run."""
    try:
        tree = ast.parse(source.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return False
    return any(
        isinstance(node, ast.Assign)
        and any(isinstance(target, ast.Name) and target.id == MARKER for target in node.targets)
        and isinstance(node.value, ast.Constant)
        and node.value.value is True
        for node in tree.body
    )


def find_foreign(package: str, folder: Path) -> str | None:
    """Return the foreign package that Python imports under this name when started in `folder`; None if it is ours.

    Raises
    ------
    ModuleNotFoundError
        If there is no package of this name at all.
    """
    elsewhere = [entry for entry in sys.path if entry not in ("", str(folder))]
    # some editable installs are found by hooks alone
    spec = PathFinder.find_spec(package, [str(folder), *elsewhere]) or find_spec(package)
    if spec is None:
        raise ModuleNotFoundError(f"lagrl's own package {package!r} is not on the path")
    if spec.origin is None:  # a folder without __init__.py
        return ", ".join(spec.submodule_search_locations or [])
    return None if is_ours(Path(spec.origin)) else spec.origin


def shadowing_source(error: ImportError) -> str | None:
    """Return the foreign file or folder that hides a package of lagrl, if an import failed for that; else None."""
    package = (error.name or "").partition(".")[0]
    module = sys.modules.get(package)
    if module is None or getattr(module, MARKER, False) or package not in provided_packages():
        return None
    return getattr(module, "__file__", None) or ", ".join(module.__path__)


def check_shadowing(current_folder: Callable[[], Path]) -> list[Finding]:
    """Search each package of lagrl as Python does when it is started in the current folder."""
    folder = current_folder()
    findings: list[Finding] = []
    packages = provided_packages()
    for package in packages:
        foreign = find_foreign(package, folder)
        if foreign is not None:
            remedy = f"run in another folder or rename it; `lagrl {package}`, where there is such a command, is safe"
            findings.append(
                Finding("shadowing", "problem", f"{package} is found at {foreign}, not lagrl's own", remedy)
            )
    return findings or [Finding("shadowing", "ok", f"nothing here hides {', '.join(packages)}")]
