"""The simulators of noise by name."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lagrl.errors import UnknownNameError
from lagrl.quantum.simulators.density import DensityMatrixBackend
from lagrl.quantum.simulators.surrogate import SurrogateBackend
from lagrl.quantum.simulators.trajectories import TrajectoryBackend

if TYPE_CHECKING:
    from lagrl.quantum.simulators.line_backend import LineBackend

METHODS: dict[str, type[LineBackend]] = {
    own.method: own for own in (SurrogateBackend, DensityMatrixBackend, TrajectoryBackend)
}


def noise_method(name: str) -> type[LineBackend]:
    """Return the simulator of a name; `UnknownNameError` if there is none."""
    if name not in METHODS:
        raise UnknownNameError.of("noise method", name, METHODS)
    return METHODS[name]
