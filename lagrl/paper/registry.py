"""All items of the paper by name, in the paper's order."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lagrl.errors import UnknownNameError
from lagrl.paper.bandit_items import BANDIT_ITEMS
from lagrl.paper.circuit_items import CIRCUIT_ITEMS
from lagrl.paper.route_items import ROUTE_ITEMS
from lagrl.paper.sampler_items import SAMPLER_ITEMS
from lagrl.paper.training_items import TRAINING_ITEMS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lagrl.paper.items import PaperItem

_NAMES = (
    *(f"fig{number}" for number in (1, 2, 3, 4, 6, 7, 8, 9, 10, 12)),
    *(f"table{number}" for number in (1, 4, 5, 7, 8, 9)),
)
_BY_NAME = {item.name: item for item in (*ROUTE_ITEMS, *CIRCUIT_ITEMS, *BANDIT_ITEMS, *SAMPLER_ITEMS, *TRAINING_ITEMS)}
ITEMS: dict[str, PaperItem] = {name: _BY_NAME[name] for name in _NAMES}
"""The figures and tables by name."""

ALL = "all"


def chosen_items(names: Sequence[str]) -> tuple[PaperItem, ...]:
    """Return the items of these names, in the paper's order; `all` is every item.

    Raises
    ------
    UnknownNameError
        If there is no such item; it suggests the nearest name.
    """
    for name in names:
        if name != ALL and name not in ITEMS:
            raise UnknownNameError.of("item of the paper", name, (*ITEMS, ALL), hint="; lagrl paper list shows them")
    return tuple(item for name, item in ITEMS.items() if name in names or ALL in names)
