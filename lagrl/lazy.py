"""Public names of a package, each imported from its module when it is first used (PEP 562)."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping


def lazy_names(
    package: str, names: Mapping[str, Iterable[str]], modules: Iterable[str] = ()
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Return `__getattr__` and `__dir__` of a package whose names are imported on first use.

    Parameters
    ----------
    package
        Full name of the package.
    names
        Public names by the full name of the module that defines them; `NAME as PUBLIC` renames one.
    modules
        Modules and packages right below the package that are public names as well.
    """
    parted = [(module, *name.partition(" as ")) for module, listed in names.items() for name in listed]
    origin = {public or name: (module, name) for module, name, _, public in parted}
    below = tuple(modules)

    def getattr_(name: str) -> object:
        namespace = sys.modules[package]
        if name in below:
            return import_module(f"{package}.{name}")
        if name not in origin:
            # Python's traceback adds the nearest public name
            raise AttributeError(f"module {package!r} has no attribute {name!r}", name=name, obj=namespace)
        module, own = origin[name]
        value = getattr(import_module(module), own)
        setattr(namespace, name, value)
        return value

    def dir_() -> list[str]:
        return sorted({*origin, *below, *(name for name in vars(sys.modules[package]) if name.startswith("__"))})

    return getattr_, dir_
