"""Findings of `lagrl doctor`, as text and as JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Literal

from lagrl.printable import one_line

if TYPE_CHECKING:
    from collections.abc import Sequence

_MARKS = {"ok": "ok  ", "note": "note", "problem": "FAIL"}


@dataclass(frozen=True)
class Finding:
    """The result of one check.

    Attributes
    ----------
    name
        Name of the check.
    status
        `ok`; `note`: works, but worth knowing; `problem`: something will fail.
    message
        Result in one line.
    remedy
        Action that solves the problem; None if there is none.
    """

    name: str
    status: Literal["ok", "note", "problem"]
    message: str
    remedy: str | None = None


def render(findings: Sequence[Finding]) -> str:
    """Return the findings as aligned text, remedies below, and one line of summary."""
    width = max((len(finding.name) for finding in findings), default=0)
    lines: list[str] = []
    for finding in findings:
        lines.append(f"{_MARKS[finding.status]}  {finding.name:<{width}}  {one_line(finding.message)}")
        if finding.remedy:
            lines.append(f"{'':{width + 8}}-> {one_line(finding.remedy)}")
    problems = sum(finding.status == "problem" for finding in findings)
    lines += ["", f"{problems} problem{'s' * (problems != 1)} found." if problems else "Everything needed works."]
    return "\n".join(lines)


def to_json(findings: Sequence[Finding]) -> str:
    """Return one JSON object: `ok` (no problem was found) and `findings`."""
    is_ok = all(finding.status != "problem" for finding in findings)
    return json.dumps({"ok": is_ok, "findings": [asdict(finding) for finding in findings]}, indent=2)
