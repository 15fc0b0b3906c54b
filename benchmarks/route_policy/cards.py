"""The measured gaps of route policies in their model cards."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from benchmarks.route_policy.ascents import checkpoints
from benchmarks.route_policy.gaps import Gaps, ratio
from lagrl.bounds.route_checkpoint import save_route_policy
from lagrl.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Sequence


def record(rows: Sequence[dict[str, Any]], policies: Sequence[str], command: str) -> None:
    """Write each policy's results on CVRPLIB instances into its card; the weights stay as they are.

    Parameters
    ----------
    rows
        Rows of this study.
    policies
        `NAME=PATH` of each policy, with the name that it has in the rows.
    command
        The command that made the rows.

    Raises
    ------
    InputError
        If a policy has no rows, or they are of other weights.
    """
    rows = [row for row in rows if not row.get("class")]
    gaps = Gaps(rows)
    for each in policies:
        ((name, checkpoint),) = checkpoints([each]).items()
        found = {tuple(row.get("policies", ())) for row in rows if row["method"] == name}
        if found != {(checkpoint.fingerprint,)}:
            problem = "rows of other weights" if found else "no rows"
            raise InputError(f"{problem} of {name}", field="--policies", remedy="measure this checkpoint")
        budgets = gaps.budgets([name])
        names = gaps.instances([name], budgets)
        classical = gaps.classical(budgets, names)
        if not classical:
            raise InputError("no classical rule has the same rows", field="--show-rows", remedy="measure the rules too")
        gap = {budget: gaps.of([name], budget, names) for budget in budgets}
        ratios = {budget: ratio(own, gaps.of(classical, budget, names))[0] for budget, own in gap.items()}
        result = {
            "measured": f"by evaluations, on {len(names)} CVRPLIB instances: mean gap in % to the bound of the "
            f"ng-routes, and its ratio to that of the best of {', '.join(classical)}",
            "command": command,
            "figures": {
                "gap": {f"{budget}": round(float(own.mean()), 3) for budget, own in gap.items()},
                "ratio": {f"{budget}": round(figure, 3) for budget, figure in ratios.items()},
            },
        }
        path = each.partition("=")[2] or name
        save_route_policy(path, checkpoint.weights, checkpoint.policy, checkpoint.card | {"results": [result]})
