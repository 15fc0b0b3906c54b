"""The fleet rule, the number of vehicles a solution may use: `exact:K`, `atleast:K`, `atmost:K` or `free`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast

import numpy as np

from lagrl.errors import FleetError, require_type
from lagrl.problems.benchmark_sets import plain_name
from lagrl.problems.best_known import best_known

if TYPE_CHECKING:
    from numpy.typing import NDArray

FleetRule = Literal["exact", "atleast", "atmost", "free"]

_FIXED_FLEET_NAME = re.compile(r"[abefmp]n[0-9]+k([1-9][0-9]{0,8})")


@dataclass(frozen=True)
class Fleet:
    """A rule on the number of routes.

    Attributes
    ----------
    rule
        `exact` (just `count` non-empty routes), `atleast` (`count` or more), `atmost` (`count` or fewer) or `free` (any
        number).
    count
        The K of the rule; 0 under `free`.

    Examples
    --------
    >>> import lagrl
    >>> fleet = lagrl.Fleet.parse("atleast:3")
    >>> fleet.allows(2), fleet.allows(4)
    (False, True)
    """

    rule: FleetRule = "free"
    count: int = 0

    def __post_init__(self) -> None:
        require_type(self.count, int, "fleet", "give a text such as 'exact:3': lagrl.Fleet.parse('exact:3')")
        if self.rule == "free" and self.count != 0:
            raise FleetError(
                f"count {self.count} given", field="fleet free", remedy="write exact:K, atleast:K or atmost:K"
            )
        if self.rule != "free" and self.count < 1:
            raise FleetError(f"{self.rule}:{self.count} has no vehicle", field="fleet", remedy="K must be 1 or more")

    @classmethod
    def parse(cls, text: str) -> Fleet:
        """Read `exact:K`, `atleast:K`, `atmost:K` or `free`.

        Raises FleetError if `text` is none of the four.
        """
        if text == "free":
            return cls()
        match = re.fullmatch(r"(exact|atleast|atmost):(\d{1,9})", text)
        if match is None:
            raise FleetError(
                f"{text!r} is not a fleet rule", field="fleet", remedy="write exact:K, atleast:K, atmost:K or free"
            )
        return cls(cast("FleetRule", match[1]), int(match[2]))

    @classmethod
    def of(cls, rule: Fleet | str | None) -> Fleet:
        """Return a fleet rule given as such or as text; `free` for None.

        Raises
        ------
        FleetError
            If the text is not a fleet rule.
        """
        if isinstance(rule, Fleet):
            return rule
        return cls() if rule is None else cls.parse(str(rule))

    @classmethod
    def of_benchmark(cls, name: str) -> Fleet:
        """Return the rule under which CVRPLIB's best known costs of the instance called `name` hold.

        The instances of the A, B, E, F, M and P families fix the fleet to the k of the name, whatever its spelling; all
        others leave it free, those of a user that are named in the same way too.
        """
        match = _FIXED_FLEET_NAME.fullmatch(plain_name(name))
        return cls("exact", int(match[1])) if match and best_known(name) is not None else cls()

    @property
    def fewest(self) -> int:
        """Least number of routes that the rule allows; 0 without such a limit."""
        return 0 if self.rule == "atmost" else self.count

    @property
    def most(self) -> int | None:
        """Largest number of routes that the rule allows; None without such a limit."""
        return self.count if self.rule in ("exact", "atmost") else None

    def allows(self, n_routes: int) -> bool:
        """Return whether a solution with `n_routes` non-empty routes meets the rule."""
        return self.fewest <= n_routes and (self.most is None or n_routes <= self.most)

    def __str__(self) -> str:
        return "free" if self.rule == "free" else f"{self.rule}:{self.count}"


def minimum_vehicles(demand: NDArray[np.int64], capacity: int) -> int:
    """Return a lower bound on the number of vehicles: Martello and Toth's (1990) L2 for bin packing.

    With a threshold t: demands above Q − t need their own vehicle, those above Q/2 one each, and those of t … Q/2 only
    fit in the room that the latter leave. L2 is the best of all t; t = 0 gives ⌈Σd/Q⌉.

    `demand`: [n] demand units, each at most `capacity`.
    """
    weight = np.sort(demand)
    total = np.concatenate([[0], np.cumsum(weight)])  # of the lightest 0, 1, 2, … demands
    n_small = int(np.searchsorted(weight, capacity // 2, side="right"))
    threshold = np.append(weight[:n_small], 0)
    n_together = np.searchsorted(weight, capacity - threshold, side="right")  # with room for the threshold
    n_alone, n_large = len(weight) - n_together, n_together - n_small
    room = n_large * capacity - (total[n_together] - total[n_small])
    small = total[n_small] - total[np.searchsorted(weight, threshold)]
    needed = n_alone + n_large + np.maximum(0, -((room - small) // capacity))
    return max(int(needed.max()), 1)
