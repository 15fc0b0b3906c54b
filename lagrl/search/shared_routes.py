"""Lists of routes in memory that two processes share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence
    from multiprocessing.context import BaseContext

    from numpy.typing import NDArray

_END_OF_ROUTE, _END_OF_LIST = np.array([0], np.int32), np.array([-1], np.int32)


class RouteBox:
    """Holds lists of routes that one process writes and another reads, in turns that their messages set.

    The memory has a fixed size and no name: the operating system frees it with the last process, whatever ends that.

    Parameters
    ----------
    context
        Start method of the processes; the box is an argument of the one that is started.
    room
        Customers, routes and lists that it can hold, counted together; 4 bytes each.
    """

    def __init__(self, context: BaseContext, room: int) -> None:
        self.room = room
        self._memory = context.RawArray("i", room + 1)  # zeros; first the number of values

    def write(self, *lists: Sequence[NDArray[np.int64]]) -> int:
        """Replace the contents by lists of routes; return how many routes of the last list have found room.

        Raises
        ------
        ValueError
            If the lists before the last one have no room.
        """
        pieces = [piece for routes in lists[:-1] for piece in (*_flat(routes), _END_OF_LIST)]
        left = self.room - sum(map(len, pieces)) - 1
        ends = np.cumsum([len(route) + 1 for route in lists[-1]], dtype=np.int64)
        n_written = int(np.searchsorted(ends, left, side="right"))
        flat = np.concatenate([*pieces, *_flat(lists[-1][:n_written]), _END_OF_LIST])
        values = np.frombuffer(self._memory, np.int32)
        values[1 : 1 + len(flat)] = flat
        values[0] = len(flat)
        return n_written

    def read(self) -> list[list[NDArray[np.int64]]]:
        """Return the lists of routes that were written last; none before."""
        values = np.frombuffer(self._memory, np.int32)
        flat = values[1 : 1 + values[0]].astype(np.int64)
        lists: list[list[NDArray[np.int64]]] = []
        for part in np.split(flat, np.flatnonzero(flat < 0) + 1)[:-1]:
            routes = np.split(part[:-1], np.flatnonzero(part[:-1] == 0) + 1)[:-1]
            lists.append([route[:-1] for route in routes])
        return lists


def _flat(routes: Sequence[NDArray[np.int64]]) -> list[NDArray[np.int32]]:
    return [piece for route in routes for piece in (route.astype(np.int32), _END_OF_ROUTE)]
