"""Instances by road: metric distances in whole metres, dense cities far from the depot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

import lagrl
from lagrl.cli import entry as cli
from lagrl.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("seed", range(4))
def test_distances_are_shortest_paths_by_road(seed: int) -> None:
    """Whole, symmetric, at most 2 m longer than by way of a third address; some customers share an address."""
    problem = lagrl.generate(60, seed, kind="roads")
    distance = problem.distance
    assert problem.coordinates is None and problem.rounding == "explicit" and problem.fleet.rule == "free"
    assert np.array_equal(distance, distance.T) and np.array_equal(distance, np.rint(distance))
    through = (distance[:, :, None] + distance[None, :, :]).min(axis=1)
    assert (distance <= through + 2.0).all()
    between = distance[1:, 1:][np.triu_indices(60, 1)]
    assert 12 - 2 <= (between == 0).sum() <= 40
    assert np.median(distance[0, 1:]) > 2 * np.median(np.sort(distance[1:, 1:], axis=1)[:, 1:9])


def test_characteristics_are_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same seed gives the same instance; the command writes one that reads back; others are refused by name."""
    first, again = (lagrl.generate(40, 7, kind="roads", n_seeds=2, route_length=10) for _ in range(2))
    assert np.array_equal(first.distance, again.distance) and first.demand.tolist() == again.demand.tolist()
    assert first.comment == "generated roads cities=2 route_length=10"
    assert first.capacity >= 10 * first.demand.mean()
    assert cli.main(["generate", "--kind", "roads", "--n-customers", "20", "--out", str(tmp_path)]) == 0
    written = lagrl.read(capsys.readouterr().out.strip())
    assert written.n_customers == 20 and written.rounding == "explicit"
    for given, message in (
        ({"kind": "rivers"}, "kind: 'rivers' is not known"),
        ({"kind": "roads", "depot": "C"}, "depot: given for roads"),
        ({"kind": "roads", "n_seeds": 41}, "n_seeds: 41 given"),
        ({"kind": "roads", "route_length": 0.5}, "route_length: 0.5 given"),
        ({"kind": "roads", "n_customers": 2001}, "n_customers: 2001 is not in 2"),
    ):
        with pytest.raises(InputError, match=message):
            lagrl.generate(**{"n_customers": 40, **given})
