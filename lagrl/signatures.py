"""Array types of the compiled kernels' explicit signatures.

Inputs are read-only, so a kernel that writes into an input does not compile. All arrays are C-contiguous. Importing a
kernel module compiles its kernels or loads them from numba's cache; with explicit signatures no later call compiles.
"""

from __future__ import annotations

import os
import stat
import tempfile
import zlib
from copy import copy
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from llvmlite import binding
from numba import boolean, config, float64, int64, njit, types, uint8, uint64, void
from numpy.typing import NDArray

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "BYTES",
    "BYTE_MATRIX",
    "CUBE",
    "FLOATS",
    "INTS",
    "INT_MATRIX",
    "MATRIX",
    "OUT_BYTES",
    "OUT_BYTE_CUBE",
    "OUT_BYTE_MATRIX",
    "OUT_CUBE",
    "OUT_FLOATS",
    "OUT_INTS",
    "OUT_INT_MATRIX",
    "OUT_MATRIX",
    "OUT_WORDS",
    "PAIR",
    "Bytes",
    "Cube",
    "Floats",
    "Ints",
    "Matrix",
    "Words",
    "boolean",
    "float64",
    "inner_kernel",
    "int64",
    "kernel",
    "uint64",
    "void",
]

# names of the same arrays for annotations; a matrix has two axes
Floats = NDArray[np.float64]
Matrix = NDArray[np.float64]
Cube = NDArray[np.float64]
Ints = NDArray[np.int64]
Bytes = NDArray[np.uint8]
Words = NDArray[np.uint64]

BYTES = types.Array(uint8, 1, "C", readonly=True)
FLOATS = types.Array(float64, 1, "C", readonly=True)
INTS = types.Array(int64, 1, "C", readonly=True)
MATRIX = types.Array(float64, 2, "C", readonly=True)
BYTE_MATRIX = types.Array(uint8, 2, "C", readonly=True)
INT_MATRIX = types.Array(int64, 2, "C", readonly=True)
CUBE = types.Array(float64, 3, "C", readonly=True)
OUT_FLOATS = types.Array(float64, 1, "C")
OUT_INTS = types.Array(int64, 1, "C")
OUT_WORDS = types.Array(uint64, 1, "C")
OUT_BYTES = types.Array(uint8, 1, "C")
OUT_MATRIX = types.Array(float64, 2, "C")
OUT_INT_MATRIX = types.Array(int64, 2, "C")
OUT_BYTE_MATRIX = types.Array(uint8, 2, "C")
OUT_CUBE = types.Array(float64, 3, "C")
OUT_BYTE_CUBE = types.Array(uint8, 3, "C")
PAIR = types.UniTuple(int64, 2)

_Function = TypeVar("_Function", bound="Callable[..., Any]")


def kernel(signature: Any, *, reorders_sums: bool = False) -> Callable[[_Function], _Function]:
    """Decorate a kernel with its explicit signature: compiled at import, cached, and run without the interpreter lock.

    Other kernels call it by its address: its code is compiled once, not again with each of them, and never inlined. It
    has no wrapper for calls from C, which nothing makes and which would take a tenth of the compilation.

    With `reorders_sums` the compiler may add in another order, several values at once: not for results that must be
    equal to the bit.
    """
    options: Any = {"cache": True, "nogil": True, "no_cfunc_wrapper": True}
    if reorders_sums:
        options["fastmath"] = {"reassoc", "nsz", "contract"}
    compile_now = njit(signature, **options)

    def decorate(function: _Function) -> _Function:
        compiled: _Function = compile_now(function)
        if hasattr(compiled, "overloads"):  # else numba is switched off
            _call_by_address(compiled)
        return compiled

    return decorate


def inner_kernel(signature: Any) -> Callable[[_Function], _Function]:
    """Decorate a small kernel that only other kernels call, and that may be inlined: its code is compiled with theirs.

    It has no wrapper for Python: a call from Python would crash.
    """
    options: Any = {"cache": True, "nogil": True, "no_cfunc_wrapper": True, "no_cpython_wrapper": True}
    decorate: Callable[[_Function], _Function] = njit(signature, **options)
    return decorate


def _call_by_address(compiled: Any) -> None:
    """Let kernels that call a compiled one refer to its address by a name, where numba would copy its code into theirs.

    The name holds the types, so that code in the cache which passes others is never linked to it.
    """
    (result,) = compiled.overloads.values()
    context, library = compiled.targetctx, result.library
    named = copy(result.fndesc)
    types_of_call = str(context.call_conv.get_function_type(named.restype, named.argtypes))
    named.mangled_name = f"{named.modname}.{named.qualname}.{zlib.crc32(types_of_call.encode()):08x}"
    binding.add_symbol(named.mangled_name, library.get_pointer_to_function(result.fndesc.llvm_func_name))
    context.remove_user_function(result.entry_point)
    context.insert_user_function(result.entry_point, named)


def _give_numba_a_cache() -> None:
    """Cache compiled kernels in a private temporary folder where neither the package nor the home can be written.

    Otherwise numba would refuse to define a cached kernel. NUMBA_CACHE_DIR comes first.
    """
    settings: Any = config  # its attributes are made at run time
    if settings.CACHE_DIR or _is_writable(Path(__file__).parent) or _is_writable(_home() / ".cache"):
        return
    private = Path(tempfile.gettempdir()) / f"lagrl-kernels-{os.getuid()}"
    try:
        private.mkdir(mode=0o700, exist_ok=True)
        owner = private.lstat()
        is_ours = owner.st_uid == os.getuid() and stat.S_IMODE(owner.st_mode) == 0o700 and stat.S_ISDIR(owner.st_mode)
    except OSError:
        is_ours = False
    if not is_ours:  # never load compiled code of another user
        private = Path(tempfile.mkdtemp(prefix="lagrl-kernels-"))
    settings.CACHE_DIR = str(private)


def _home() -> Path:
    """Return the home folder, or a path that does not exist where there is none."""
    try:
        return Path.home()
    except RuntimeError:
        return Path(os.devnull) / "none"


def _is_writable(folder: Path) -> bool:
    existing = next(place for place in (folder, *folder.parents) if place.exists())
    return existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)


_give_numba_a_cache()
