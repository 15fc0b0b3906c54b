"""The table of docs/reliability.md from the rows of `benchmarks.torture.run`.

python -m benchmarks.torture.report --rows docs/rows/torture.jsonl
"""

from __future__ import annotations

from pathlib import Path

import tyro

from benchmarks.harness import Row, read_rows


def main(rows: Path) -> None:
    """Print one line per kind: kills, how many of them interrupted unfinished parts, and what went wrong.

    Parameters
    ----------
    rows
        What the study wrote, gzipped or not.
    """
    found = read_rows(rows)
    print("| command | compared | runs | kills | with finished parts | lost | doubled | failed | equal |")
    print("|---|---|--:|--:|--:|--:|--:|--:|--:|")
    for kind in dict.fromkeys(row["kind"] for row in found):
        own = [row for row in found if row["kind"] == kind]
        print(_line(kind, own[0]["compared"], own))
    print(_line("all", "", found))


def _line(kind: str, compared: str, rows: list[Row]) -> str:
    kills = [finished for row in rows for _, finished in row["kills"]]
    sums = [sum(row[name] for row in rows) for name in ("lost", "doubled", "failed")]
    equal = sum(bool(row["equal"]) for row in rows)
    later = sum(finished > 0 for finished in kills)
    cells = [kind, compared, len(rows), len(kills), later, *sums, f"{equal} of {len(rows)}"]
    return f"| {' | '.join(map(str, cells))} |"


if __name__ == "__main__":
    tyro.cli(main)
