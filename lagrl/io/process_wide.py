"""Objects that a process opens once, such as a connection to a device: they are shared, not copied."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

from lagrl.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable


class ProcessWide:
    """Base class of shared objects: a copy is the object itself, a pickle holds the function that makes it again.

    Attributes
    ----------
    rebuild
        Function that returns the object of another process, or None: pickling it then raises InputError. It must be
        picklable.
    """

    rebuild: Callable[[], Any] | None = None

    def __copy__(self) -> Self:
        return self

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        return self

    def __reduce__(self) -> tuple[Callable[[], Any], tuple[()]]:
        if self.rebuild is None:
            raise InputError(
                f"{getattr(self, 'name', '') or type(self).__name__} is open in this process and cannot be pickled",
                remedy="make it in each process, such as with make_sampler and its string",
            )
        return self.rebuild, ()
