"""The placement problem as arrays: which device runs each layer in each hour, at least emissions."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import InstanceError, SolutionError

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class PlacementProblem:
    """Place N layers on H devices in each of T hours at least emissions.

    With d_i(t) the device of layer i in hour t::

        min   Σ_t Σ_i running[t, i, d_i(t)]
            + Σ_t Σ_i transfer[t, i]·[d_i(t) ≠ d_{i+1}(t)]
            + Σ_{t>0} Σ_i switching[t − 1, i]·[d_i(t) ≠ d_i(t − 1)]
        s.t.  Σ_i layer_gb[i]·[d_i(t) = d] ≤ device_gb[d]                                for all t, d
              Σ_i layer_ms[i, d_i(t)] + hop_ms·(transfers in hour t) ≤ limit_ms           for all t

    Without the limits one hour is a chain, and all hours are a grid with Potts costs.

    Attributes
    ----------
    running_g
        [T, N, H] float64, emissions of a layer on a device in an hour, gCO2e, 0 or more.
    transfer_g
        [T, N − 1] float64, emissions if layers i and i + 1 are on different devices, gCO2e.
    switching_g
        [T − 1, N] float64, emissions if layer i moves between hours t and t + 1, gCO2e.
    layer_gb
        [N] float64, memory of a layer, GB.
    device_gb
        [H] float64, memory of a device, GB; infinite for no limit.
    layer_ms
        [N, H] float64, time of a layer on a device per output token, ms.
    hop_ms
        Time of a transfer per output token, ms.
    limit_ms
        Largest time of a whole model per output token, ms; infinite for no limit.

    Raises
    ------
    InstanceError
        If an array has another shape, or an entry is negative or not a number.
    """

    running_g: NDArray[np.float64] = field(repr=False)
    transfer_g: NDArray[np.float64] = field(repr=False)
    switching_g: NDArray[np.float64] = field(repr=False)
    layer_gb: NDArray[np.float64] = field(repr=False)
    device_gb: NDArray[np.float64]
    layer_ms: NDArray[np.float64] = field(repr=False)
    hop_ms: float = 0.0
    limit_ms: float = np.inf

    def __post_init__(self) -> None:
        if self.running_g.ndim != 3 or not self.running_g.size:
            raise InstanceError(
                f"array of shape {self.running_g.shape}", field="running_g", remedy="give [T, N, H] with 1 or more each"
            )
        hours, layers, devices = self.running_g.shape
        shapes = {
            "running_g": (hours, layers, devices),
            "transfer_g": (hours, layers - 1),
            "switching_g": (hours - 1, layers),
            "layer_gb": (layers,),
            "device_gb": (devices,),
            "layer_ms": (layers, devices),
        }
        for name, shape in shapes.items():
            array = np.ascontiguousarray(getattr(self, name))  # as the kernels need it
            object.__setattr__(self, name, array)
            _require(name, array, shape, may_be_infinite=name == "device_gb")
        for name in ("hop_ms", "limit_ms"):
            if not getattr(self, name) >= 0.0:
                raise InstanceError(f"{getattr(self, name)} given", field=name, remedy="give 0 or more")

    @property
    def n_hours(self) -> int:
        """Number of hours T."""
        return int(self.running_g.shape[0])

    @property
    def n_layers(self) -> int:
        """Number of layers N."""
        return int(self.running_g.shape[1])

    @property
    def n_devices(self) -> int:
        """Number of devices H."""
        return int(self.running_g.shape[2])

    @property
    def is_limited(self) -> bool:
        """Whether memory or time can exclude a placement."""
        return bool(
            (self.layer_gb.sum() > self.device_gb).any()
            or self.layer_ms.max(axis=1).sum() + self.hop_ms * (self.n_layers - 1) > self.limit_ms
        )

    @property
    def costs(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Running, transfer and switching costs, as the kernels take them."""
        return self.running_g, self.transfer_g, self.switching_g

    @property
    def limits(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64], float, float]:
        """What the limits of memory and time depend on, as the kernels take it."""
        return self.layer_gb, self.device_gb, self.layer_ms, self.hop_ms, self.limit_ms

    def emissions(self, placement: NDArray[np.int64]) -> float:
        """Return the emissions of a placement [T, N] of device indices, gCO2e; limits are not checked."""
        devices = self._checked(placement)
        hour, layer = np.indices(devices.shape)
        return float(
            self.running_g[hour, layer, devices].sum()
            + self.transfer_g[devices[:, :-1] != devices[:, 1:]].sum()
            + self.switching_g[devices[:-1] != devices[1:]].sum()
        )

    def memory_gb(self, placement: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the memory used in each hour on each device, [T, H] GB."""
        devices = self._checked(placement)
        used = np.zeros((self.n_hours, self.n_devices))
        np.add.at(used, (np.arange(self.n_hours)[:, None], devices), self.layer_gb)
        return used

    def time_ms(self, placement: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the time per output token in each hour, [T] ms."""
        devices = self._checked(placement)
        hops = (devices[:, :-1] != devices[:, 1:]).sum(axis=1)
        taken: NDArray[np.float64] = self.layer_ms[np.arange(self.n_layers), devices].sum(axis=1) + self.hop_ms * hops
        return taken

    def is_feasible(self, placement: NDArray[np.int64]) -> bool:
        """Whether a placement meets the limits of memory and time in every hour."""
        fits = (self.memory_gb(placement) <= self.device_gb * (1 + 1e-12)).all()
        return bool(fits and (self.time_ms(placement) <= self.limit_ms * (1 + 1e-12)).all())

    def require_feasible(self) -> None:
        """Refuse a problem whose limits no placement meets, as far as that shows layer by layer.

        Raises
        ------
        InstanceError
            If a layer fits on no device, all devices together hold less than the model, or the fastest devices are
            too slow; the message says by how much.
        """
        most, needed, room = self.device_gb.max(), self.layer_gb.sum(), self.device_gb.sum()
        largest = int(self.layer_gb.argmax())
        if self.layer_gb[largest] > most:
            raise InstanceError(
                f"layer {largest + 1} needs {self.layer_gb[largest]:.6g} GB, the largest device has {most:.6g}",
                field="layer_gb",
                remedy="give a device more memory, or split the layer",
            )
        if needed > room:
            raise InstanceError(
                f"the layers need {needed:.6g} GB, all devices have {room:.6g}: {needed - room:.6g} too few",
                field="device_gb",
                remedy="add devices or memory, or use fewer bits per weight",
            )
        fastest = self.layer_ms.min(axis=1).sum()
        if fastest > self.limit_ms:
            raise InstanceError(
                f"{self.limit_ms:.6g} ms given, the fastest device of each layer takes {fastest:.6g} ms in total",
                field="limit_ms",
                remedy="raise the limit, or add a faster device",
            )

    def whole_day(self) -> PlacementProblem:
        """Return the problem of one placement for all hours: its running and transfer costs are sums over hours."""
        running, transfer = self.running_g.sum(axis=0, keepdims=True), self.transfer_g.sum(axis=0, keepdims=True)
        return PlacementProblem(running, transfer, np.zeros((0, self.n_layers)), *self.limits)

    def hour(self, t: int) -> PlacementProblem:
        """Return the problem of hour t alone, without switching."""
        running, transfer = self.running_g[t : t + 1], self.transfer_g[t : t + 1]
        return PlacementProblem(running, transfer, np.zeros((0, self.n_layers)), *self.limits)

    def _checked(self, placement: NDArray[np.int64]) -> NDArray[np.int64]:
        shape = self.running_g.shape[:2]
        array = np.asarray(placement)
        if array.shape != shape or not np.issubdtype(array.dtype, np.integer):
            raise SolutionError(
                f"array of shape {array.shape} and type {array.dtype}",
                field="placement",
                remedy=f"give device indices [T, N] = {shape}",
            )
        if ((array < 0) | (array >= self.n_devices)).any():
            wrong = int(array[(array < 0) | (array >= self.n_devices)][0])
            raise SolutionError(f"device {wrong}", field="placement", remedy=f"give 0 to {self.n_devices - 1}")
        return array


def _require(name: str, array: NDArray[np.float64], shape: tuple[int, ...], *, may_be_infinite: bool) -> None:
    if array.dtype != np.float64 or array.shape != shape:
        raise InstanceError(
            f"array of shape {array.shape} and type {array.dtype}", field=name, remedy=f"give float64 {list(shape)}"
        )
    allowed = (array >= 0) & (may_be_infinite | np.isfinite(array))
    if not allowed.all():
        place = tuple(int(i) for i in np.argwhere(~allowed)[0])
        raise InstanceError(
            f"entry {list(place)} is {array[place]}", field=name, remedy="entries must be finite and 0 or more"
        )
    array.setflags(write=False)
