"""Synthetic carbon intensities and random instances: shapes of typical grids, not data of any place or day."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import InputError, UnknownNameError
from lagrl.problems.carbon.hardware import Layer, device_of
from lagrl.problems.carbon.instance import FORMAT, VERSION, CarbonInstance, IntensityKind

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.random import Generator

HOURS = 24
TRANSFER_KWH_PER_GB = 0.005
"""Assumed: 0.06 kWh/GB of a fixed-line network in 2015, halved every two years (Aslan et al. 2018), about 2022."""

MOST_LAYERS, MOST_DEVICES = 2000, 12

# level g/kWh, fall at noon g/kWh, rise in the evening g/kWh, noise g/kWh
_GRIDS = {
    "hydro": (30.0, 0.0, 5.0, 3.0),
    "wind": (180.0, 20.0, 40.0, 70.0),
    "solar": (330.0, 230.0, 90.0, 25.0),
    "gas": (430.0, 60.0, 60.0, 20.0),
    "coal": (720.0, 50.0, 30.0, 20.0),
}
GRIDS = tuple(_GRIDS)
"""Kinds of synthetic zones; the last word of a zone's name, as in `north-wind`, is its kind."""


_GPUS = ("H100", "A100")
_CROSSING = ("wind", "solar", "gas")  # none is the cleanest at all hours


def synthetic_day(zone: str, rng: Generator) -> list[float]:
    """Return the intensities of 24 hours of a synthetic zone, gCO2e/kWh.

    A level, less around noon (solar power) and more in the evening, with noise that follows an autoregression of order
    1; wind has a noise that lasts for hours.

    Raises
    ------
    UnknownNameError
        If the zone's kind is not one of `GRIDS`.
    """
    kind = zone.rsplit("-", 1)[-1]
    if kind not in _GRIDS:
        raise UnknownNameError.of("kind of zone", kind, GRIDS)
    level, noon, evening, noise = _GRIDS[kind]
    hour = np.arange(HOURS)
    shape = level - noon * np.exp(-(((hour - 12.5) / 3.0) ** 2)) + evening * np.exp(-(((hour - 19.0) / 2.0) ** 2))
    error = np.zeros(HOURS)
    for t in range(HOURS):
        error[t] = (0.9 * error[t - 1] if t else rng.normal() * noise) + rng.normal() * noise * 0.436
    return [float(round(value, 1)) for value in np.maximum(shape + error, 5.0)]


def demand_of_day(tokens_per_day: float) -> list[float]:
    """Return output tokens of 24 hours: half of the mean at night, one and a half times it in the afternoon."""
    hour = np.arange(HOURS)
    share = 1.0 - 0.5 * np.cos((hour - 3.0) * 2 * np.pi / HOURS)
    return [float(round(value)) for value in tokens_per_day * share / share.sum()]


def transformer(n_layers: int, parameters_b: float, rng: Generator) -> tuple[Layer, ...]:
    """Return the layers of a transformer: an embedding, blocks whose sizes vary by 20 %, and an output layer.

    Activations have the width of a dense transformer of that size, P = 12·blocks·width² (Kaplan et al. 2020), in 16
    bits.
    """
    blocks = max(n_layers - 2, 1)
    width = np.sqrt(parameters_b * 1e9 / (12 * blocks))
    kb = float(round(2 * width / 1000, 3))
    share = np.ones(n_layers) * rng.uniform(0.8, 1.2, n_layers)
    share *= parameters_b / share.sum()
    names = ["embedding", *(f"block {i}" for i in range(1, n_layers - 1)), "output"][:n_layers]
    return tuple(Layer(name, float(round(size, 6)), kb) for name, size in zip(names, share.tolist(), strict=True))


def generate_carbon(
    rng: Generator,
    *,
    n_layers: int = 32,
    n_devices: int = 3,
    parameters_b: float = 70.0,
    tokens_per_day: float = 20e6,
    memory: float | None = None,
    limit: float | None = None,
    zones: Sequence[str] = (),
    intensity: dict[str, list[float]] | None = None,
    intensity_kind: IntensityKind = "synthetic",
) -> CarbonInstance:
    """Return a random instance of 24 hours.

    Parameters
    ----------
    rng
        Source of randomness.
    n_layers, n_devices
        N and H.
    parameters_b
        Parameters of the model, billions.
    tokens_per_day
        Output tokens of the day.
    memory
        Share of the model that each device holds; None for no limit.
    limit
        Limit of the time per output token, as a multiple of the slowest device's; None for no limit.
    zones
        Names of the devices' zones, whose kinds are of `GRIDS`; if empty, wind, solar and gas are drawn.
    intensity, intensity_kind
        Intensities of these zones, gCO2e/kWh by zone, and what they count; synthetic ones if None.

    Raises
    ------
    InputError
        If a number is out of range.
    """
    _require_range("n_layers", n_layers, 1, MOST_LAYERS)
    _require_range("n_devices", n_devices, 1, MOST_DEVICES)
    positive = {"parameters_b": parameters_b, "tokens_per_day": tokens_per_day, "memory": memory, "limit": limit}
    for name, value in positive.items():
        if value is not None and not 0 < value < np.inf:
            raise InputError(f"{value} given", field=name, remedy="give a number above 0")
    if memory is not None and memory * n_devices < 1:
        raise InputError(
            f"{memory} of the model on each of {n_devices} devices holds {100 * memory * n_devices:.0f} % of it",
            field="memory",
            remedy=f"give {1 / n_devices:.3f} or more",
        )
    if zones and len(zones) != n_devices:
        raise InputError(
            f"{len(zones)} given for {n_devices} devices", field="zones", remedy="give one for each device"
        )
    layers = transformer(n_layers, parameters_b, rng)
    drawn = [f"zone{h + 1}-{_CROSSING[int(rng.integers(len(_CROSSING)))]}" for h in range(n_devices)]
    names = list(zones) or drawn
    bits = 16
    room = None if memory is None else float(round(1.2 * parameters_b * bits / 8 * memory * 1.02, 3))
    devices = []
    for h, zone in enumerate(names):
        gpu = _GPUS[int(rng.integers(len(_GPUS)))]
        devices.append(replace(device_of(gpu, zone), name=f"{h + 1}-{gpu}", memory_gb=room))
    instance = CarbonInstance(
        FORMAT,
        VERSION,
        f"carbon-N{n_layers}-H{n_devices}",
        bits,
        layers,
        tuple(devices),
        intensity_kind,
        intensity or {zone: synthetic_day(zone, rng) for zone in dict.fromkeys(names)},
        demand_of_day(tokens_per_day),
        TRANSFER_KWH_PER_GB,
        hop_ms=5.0,
        limit_ms=None,
    )
    if limit is None:
        return instance
    slowest = instance.problem().layer_ms.sum(axis=0).max()
    return replace(instance, limit_ms=float(round(limit * slowest, 3)))


def _require_range(name: str, value: int, least: int, most: int) -> None:
    if not least <= value <= most:
        raise InputError(f"{value} given", field=name, remedy=f"give {least} to {most}")
