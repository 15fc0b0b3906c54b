"""States of random generators as plain JSON values, from which an episode can be replayed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lagrl.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

_KINDS = {"PCG64": np.random.PCG64, "PCG64DXSM": np.random.PCG64DXSM}


def generator_record(rng: np.random.Generator) -> dict[str, Any]:
    """Return the state of a generator as plain JSON values.

    Raises
    ------
    InputError
        If it is not a PCG64 generator, as `numpy.random.default_rng` returns.
    """
    state = rng.bit_generator.state
    if state["bit_generator"] not in _KINDS:
        raise InputError(
            f"{state['bit_generator']} given", field="rng", remedy="make it with numpy.random.default_rng(seed)"
        )
    return dict(state)


def generator_from_record(record: Mapping[str, Any]) -> np.random.Generator:
    """Return a generator in the recorded state.

    Raises
    ------
    InputError
        If the record is not one of `generator_record`.
    """
    try:
        bits = _KINDS[record["bit_generator"]]()
        bits.state = dict(record)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"not the state of a generator ({error})", field="rng", remedy="correct the record") from error
    return np.random.Generator(bits)


def draw_generator(rng: np.random.Generator) -> np.random.Generator:
    """Draw an independent generator from `rng`.

    `Generator.spawn` would count its children outside of the recorded state.
    """
    return np.random.default_rng(rng.integers(0, 2**32, size=4, dtype=np.uint32))
