"""Result rows made by hand."""

from __future__ import annotations

from typing import Any


def synthetic_row(instance: str = "A-n32-k5", controller: str = "polyak", **changes: Any) -> dict[str, Any]:
    """Return a complete row; its key has instance, controller, fleet, budget and seed unless given."""
    row: dict[str, Any] = {
        "instance": instance,
        "family": instance[0],
        "n_customers": 31,
        "n_vehicles": 5,
        "controller": controller,
        "sampler": "exact",
        "fleet": "exact:5",
        "method": "reference",
        "budget": 10,
        "seed": 0,
        "evaluations": 10,
        "circuits": 0,
        "shots": 0,
        "seconds": 0.5,
        "quantum_seconds": 0.0,
        "recording_seconds": 0.0,
        "dual_value": 700.0,
        "cost": 800.0,
        "best_known": 784.0,
        "gap_pct": 2.0,
        "n_routes": 5,
        "feasible": True,
        "config": {"controller": controller},
        "config_hash": "0123456789ab",
        "versions": {"lagrl": "0.1.0", "numpy": "2.0.0"},
        "git_revision": "abcdefabcdef",
        "history": [[1, 0.1, 820.0], [4, 0.3, 800.0]],
    }
    row.update(changes)
    row.setdefault("key", "/".join(str(row[f]) for f in ("instance", "controller", "fleet", "budget", "seed")))
    return row
