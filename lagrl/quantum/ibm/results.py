"""Codes from a job's result, which must hold every circuit and every shot."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lagrl.quantum.circuits.execution import REGISTER
from lagrl.quantum.ibm.failures import ResultError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


def codes_of(
    result: Any, rows: Sequence[int], widths: Sequence[int], shots: int, *, backend: str, job: str
) -> list[NDArray[np.int64]]:
    """Return the codes [C, shots] of each PUB: bit i is classical bit i, shots in the order taken.

    Parameters
    ----------
    result
        A `PrimitiveResult` of a sampler.
    rows
        Number of circuits C of each PUB.
    widths
        Number of bits of each PUB.
    shots
        Shots per circuit.
    backend, job
        Names for messages.

    Raises
    ------
    ResultError
        If a PUB, a circuit, the register or shots are missing, or there are too many.
    """

    def wrong(problem: str) -> ResultError:
        return ResultError(f"{problem}; none of it is used", backend=backend, job=job, hint=give_up_hint(job))

    try:
        found = list(result)
    except TypeError:
        raise wrong(f"{type(result).__name__} instead of a list of results") from None
    if len(found) != len(rows):
        raise wrong(f"{len(found)} results for {len(rows)} PUBs")
    codes = []
    for i, (pub, n_rows, width) in enumerate(zip(found, rows, widths, strict=True)):
        bits: Any = getattr(getattr(pub, "data", None), REGISTER, None)
        if not all(hasattr(bits, name) for name in ("num_shots", "num_bits", "shape", "array")):
            raise wrong(f"PUB {i} has no register {REGISTER}")
        if bits.num_shots != shots:
            raise wrong(f"PUB {i} has {bits.num_shots} shots, not {shots}")
        if bits.num_bits != width or int(np.prod(bits.shape, dtype=np.int64)) != n_rows:
            raise wrong(
                f"PUB {i} has {bits.num_bits} bits in shape {bits.shape}, not {width} bits of {n_rows} circuits"
            )
        codes.append(packed(bits.array).reshape(n_rows, shots))
    return codes


def give_up_hint(job: str) -> str:
    """Return the hint for a job whose result cannot be read."""
    return (
        "it is read again when the run is resumed; if that fails too, "
        f"`lagrl journal FILE --give-up {job}` allows another to be sent in its place"
    )


def packed(array: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Return integers from the bytes on the last axis, the most significant first as in `BitArray`; up to 63 bits."""
    place = np.int64(8) * np.arange(array.shape[-1] - 1, -1, -1, dtype=np.int64)
    joined: NDArray[np.int64] = (array.astype(np.int64) << place).sum(axis=-1)
    return joined
