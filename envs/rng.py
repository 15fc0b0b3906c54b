"""States of random generators as plain JSON, so that an episode can be played again."""

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
        If it is not one of numpy's PCG64 generators, such as `numpy.random.default_rng` gives.
    """
    state = rng.bit_generator.state
    if state["bit_generator"] not in _KINDS:
        raise InputError(
            f"{state['bit_generator']} given", field="rng", remedy="make it with numpy.random.default_rng(seed)"
        )
    return dict(state)


def generator_of(record: Mapping[str, Any]) -> np.random.Generator:
    """Return a generator in the recorded state.

    Raises
    ------
    InputError
        If it is no such record.
    """
    try:
        bits = _KINDS[record["bit_generator"]]()
        bits.state = dict(record)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"no generator's state ({error})", field="rng", remedy="mend the record") from error
    return np.random.Generator(bits)


def child(rng: np.random.Generator) -> np.random.Generator:
    """Draw an independent generator from `rng`.

    `Generator.spawn` would count its children outside of the state that is recorded.
    """
    return np.random.default_rng(rng.integers(0, 2**32, size=4, dtype=np.uint32))
