"""Instances of carbon-aware placement: layers, devices, intensities and demand, as one JSON file."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Final, Literal

import numpy as np

from lagrl.errors import InstanceError
from lagrl.io.atomic import write_text
from lagrl.io.json_text import read_json
from lagrl.io.records import Check, from_record, to_record
from lagrl.problems.carbon.hardware import (
    GpuPool,
    Layer,
    NotNegative,
    memory_gb,
    step_embodied_g,
    step_kwh,
    step_seconds,
)
from lagrl.problems.carbon.placement_problem import PlacementProblem

if TYPE_CHECKING:
    import os

    from numpy.typing import NDArray

FORMAT: Final = "lagrl carbon-aware placement"
VERSION: Final = 1
_REMEDY = "give a file of lagrl carbon generate, or see docs/guide/where-to-run-a-model.md for the format"

IntensityKind = Literal["direct", "life cycle", "synthetic"]
Hourly = Annotated[list[NotNegative], Check(lambda values: len(values) > 0, "a list of 1 or more numbers")]
Bits = Annotated[int, Check(lambda value: 1 <= value <= 64, "a whole number from 1 to 64")]


@dataclass(frozen=True)
class CarbonInstance:
    """A model, devices in zones, and the hours of a day.

    Attributes
    ----------
    format, version
        Name and version of the file format.
    name
        Name of the instance.
    bits
        Bits per weight.
    layers
        Layers of the model, in order.
    devices
        Devices that may run them.
    intensity_kind
        What the intensities count: `direct` emissions of generation, `life cycle` (with construction and fuel supply),
        or `synthetic` (made by lagrl).
    intensity_g_per_kwh
        Carbon intensity of each zone in each hour, gCO2e/kWh.
    tokens_per_hour
        Output tokens in each hour.
    transfer_kwh_per_gb
        Energy of moving data between devices, kWh/GB: assumed, see the guide.
    hop_ms
        Time of moving a token's data between devices, ms.
    limit_ms
        Largest time of the whole model per output token, ms; null for no limit.
    """

    format: Literal["lagrl carbon-aware placement"]
    version: Literal[1]
    name: str
    bits: Bits
    layers: tuple[Layer, ...]
    devices: tuple[GpuPool, ...]
    intensity_kind: IntensityKind
    intensity_g_per_kwh: dict[str, Hourly]
    tokens_per_hour: Hourly
    transfer_kwh_per_gb: NotNegative
    hop_ms: NotNegative
    limit_ms: NotNegative | None

    def __post_init__(self) -> None:
        for field, entries in (("layers", self.layers), ("devices", self.devices)):
            if not entries:
                raise InstanceError("empty", field=field, remedy="give 1 or more")
        names = [device.name for device in self.devices]
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise InstanceError(f"{twice[0]} given twice", field="devices", remedy="give each device another name")
        hours = len(self.tokens_per_hour)
        for device in self.devices:
            if device.zone not in self.intensity_g_per_kwh:
                known = ", ".join(sorted(self.intensity_g_per_kwh)) or "none"
                raise InstanceError(
                    f"no zone {device.zone!r}", field=f"devices, {device.name}", remedy=f"known zones: {known}"
                )
            given = len(self.intensity_g_per_kwh[device.zone])
            if given != hours:
                raise InstanceError(
                    f"{given} hours for {hours} of tokens_per_hour",
                    field=f"intensity_g_per_kwh, {device.zone}",
                    remedy="give one intensity for each hour",
                )

    @property
    def zone_of(self) -> list[str]:
        """The zone of each device."""
        return [device.zone for device in self.devices]

    def with_intensity(self, intensity: dict[str, list[float]]) -> CarbonInstance:
        """Return the instance with the intensities of another day, gCO2e/kWh by zone."""
        return replace(self, intensity_g_per_kwh=intensity)

    def problem(self) -> PlacementProblem:
        """Return the placement problem; transfers and moves of weights count the zones' mean intensity of the hour."""
        size = sum(layer.parameters_b for layer in self.layers)
        tokens = np.array(self.tokens_per_hour)
        intensity = np.array([self.intensity_g_per_kwh[zone] for zone in self.zone_of]).T
        kwh, embodied, seconds = (self._table(cost, size) for cost in (step_kwh, step_embodied_g, step_seconds))
        batch = np.array([device.batch for device in self.devices], np.float64)
        per_step = kwh * intensity[:, None, :] + embodied
        running = tokens[:, None, None] / batch * per_step
        mean = intensity.mean(axis=1)
        activation_gb = np.array([layer.activation_kb for layer in self.layers[:-1]]) / 1e6
        gb = np.array([memory_gb(layer, self.bits) for layer in self.layers])
        transfer = (tokens * mean)[:, None] * self.transfer_kwh_per_gb * activation_gb
        return PlacementProblem(
            running_g=running,
            transfer_g=transfer.reshape(len(tokens), len(activation_gb)),
            switching_g=mean[1:, None] * self.transfer_kwh_per_gb * gb,
            layer_gb=gb,
            device_gb=np.array([np.inf if d.memory_gb is None else d.memory_gb for d in self.devices], np.float64),
            layer_ms=1000 * seconds,
            hop_ms=self.hop_ms,
            limit_ms=np.inf if self.limit_ms is None else self.limit_ms,
        )

    def _table(self, cost: _Cost, size: float) -> NDArray[np.float64]:
        rows = [
            [cost(layer, device, self.bits, layer.parameters_b / size) for device in self.devices]
            for layer in self.layers
        ]
        return np.array(rows, np.float64)


def read_carbon(path: str | os.PathLike[str]) -> CarbonInstance:
    """Read an instance.

    Raises
    ------
    InputError
        If the file cannot be read or is not such an instance; the message names the field.
    """
    content = read_json(path, remedy=_REMEDY, allow_nan=True)  # a number's field refuses it by name
    return from_record(CarbonInstance, content, "", source=str(path), remedy=_REMEDY)


def write_carbon(instance: CarbonInstance, path: str | os.PathLike[str]) -> None:
    """Write an instance.

    Raises
    ------
    OutputError
        If the file cannot be written.
    """
    write_text(path, json.dumps(to_record(instance), indent=1, allow_nan=False, ensure_ascii=False) + "\n")


if TYPE_CHECKING:
    from collections.abc import Callable

    _Cost = Callable[[Layer, GpuPool, int, float], float]
