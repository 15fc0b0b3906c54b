"""Comparison of Python and the installed packages with the requirements of lagrl."""

from __future__ import annotations

import importlib
import platform
import re
from dataclasses import dataclass
from importlib import metadata

from lagrl.doctor.findings import Finding
from lagrl.errors import install_hint

_REQUIREMENT = re.compile(r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])?\s*([^;]*)(?:;(.*))?")
_EXTRA = re.compile(r"""extra\s*==\s*["']([^"']+)["']""")
_LOWEST = re.compile(r">=\s*([0-9.]+)")


@dataclass(frozen=True)
class Requirement:
    """A package that lagrl requires.

    Attributes
    ----------
    package
        Name of the distribution.
    lowest
        Lowest version allowed; empty if any is.
    extra
        Extra that requires it; None for the core.
    """

    package: str
    lowest: str
    extra: str | None

    def fault(self) -> str | None:
        """Return why the requirement is not met; None if it is."""
        try:
            version = metadata.version(self.package)
        except metadata.PackageNotFoundError:
            return f"{self.package} is not installed"
        if _release(version) < _release(self.lowest):
            return f"{self.package} {version} is below {self.lowest}"
        return None


def requirements(distribution: str = "lagrl") -> list[Requirement]:
    """Return the requirements of an installed distribution, itself excluded (an extra may include others).

    Raises
    ------
    importlib.metadata.PackageNotFoundError
        If it is not installed.
    """
    found: list[Requirement] = []
    for text in metadata.requires(distribution) or []:
        match = _REQUIREMENT.match(text)
        if match is None or match[1] == distribution:
            continue
        lowest, extra = _LOWEST.search(match[2]), _EXTRA.search(match[3] or "")
        found.append(Requirement(match[1], lowest[1] if lowest else "", extra[1] if extra else None))
    return found


def check_python() -> list[Finding]:
    """Compare the running Python with the lowest that lagrl accepts."""
    version = platform.python_version()
    lowest = _LOWEST.search(metadata.metadata("lagrl")["Requires-Python"] or "")
    if lowest and _release(version) < _release(lowest[1]):
        remedy = f"make an environment with Python {lowest[1]} or later"
        return [Finding("python", "problem", f"{version} is below {lowest[1]}", remedy)]
    return [Finding("python", "ok", f"{version} ({platform.python_implementation()}, {platform.platform()})")]


def check_packages() -> list[Finding]:
    """Import each package that the core needs and compare its version."""
    return [_check_package(requirement) for requirement in requirements() if requirement.extra is None]


def check_extras() -> list[Finding]:
    """Check the packages of each extra; they are not imported, which would take long.

    An extra that includes others is left out: they have their own lines.
    """
    by_extra: dict[str, list[Requirement]] = {}
    for requirement in requirements():
        if requirement.extra is not None:
            by_extra.setdefault(requirement.extra, []).append(requirement)
    packages = {extra: {member.package for member in members} for extra, members in by_extra.items()}
    findings: list[Finding] = []
    for extra, members in by_extra.items():
        if any(packages[extra] > others for others in packages.values()):
            continue
        wrong = [fault for member in members if (fault := member.fault())]
        if wrong:
            remedy = f"if you need it, {install_hint(extra)}"
            findings.append(Finding(f"extra {extra}", "note", ", ".join(wrong), remedy))
        else:
            there = (f"{member.package} {metadata.version(member.package)}" for member in members)
            findings.append(Finding(f"extra {extra}", "ok", ", ".join(there)))
    return findings


def _check_package(requirement: Requirement) -> Finding:
    package = requirement.package
    remedy = f"pip install --upgrade '{package}{f'>={requirement.lowest}' if requirement.lowest else ''}'"
    fault = requirement.fault()
    if fault is None:
        try:
            importlib.import_module(package.replace("-", "_"))
        except Exception as error:  # a broken binary may raise anything
            fault = f"{package} cannot be imported ({type(error).__name__}: {error})"
    if fault is not None:
        return Finding(package, "problem", " ".join(fault.split()), remedy)
    return Finding(package, "ok", metadata.version(package))


def _release(version: str) -> tuple[int, ...]:
    """Return the leading numbers of a version; what follows (`rc1`, `+cpu`) does not matter here."""
    match = re.match(r"\d+(?:\.\d+)*", version)
    return tuple(int(part) for part in match[0].split(".")) if match else ()
