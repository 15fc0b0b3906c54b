"""Time, energy and emissions of a layer on a device per output token, from published constants.

Sources of the constants, each for a server of eight NVIDIA A100 80 GB unless it says otherwise:

- EcoLogits, methodology of generative AI inference, version 1.0 (GenAI Impact): energy 8.91e-5·P + 1.43e-3 Wh and time
  8.02e-4·P + 2.23e-2 s per output token of a model of P billion parameters in 16 bits, at batch 1; 1 kW per server
  without its GPUs; power usage effectiveness 1.2; embodied emissions 3,000 kg per server and 143 kg per GPU over five
  years; memory 1.2 times that of the weights.
- ML.ENERGY leaderboard, version 3: 0.12 J per output token of Llama 3.1 8B on an H100 at batch 64. The model here gives
  0.13 J, and 8.5 J at batch 1, where EcoLogits gives 7.7 J.
- Data sheets of NVIDIA for power, memory, bandwidth and throughput.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from lagrl.errors import InstanceError
from lagrl.io.records import Check

POWER_USAGE_EFFECTIVENESS = 1.2
SERVER_W = 125.0
"""Power of a server without its GPUs, for each of its eight GPUs, W."""

STEP_SECONDS, STEP_WH = 2.23e-2, 1.43e-3
"""Time and energy of a decoding step that do not depend on the model's size, s and Wh."""

EMBODIED_G_PER_HOUR = (3_000_000 / 8 + 143_000) / (5 * 8766)
"""Embodied emissions of a GPU and its share of the server for each hour of use, gCO2e."""

MEMORY_FACTOR = 1.2

Positive = Annotated[float, Check(lambda value: value > 0, "a number above 0")]
NotNegative = Annotated[float, Check(lambda value: value >= 0, "a number of 0 or more")]
Name = Annotated[str, Check(lambda value: bool(value.strip()), "a non-empty string")]
Batch = Annotated[int, Check(lambda value: value >= 1, "a whole number of 1 or more")]


@dataclass(frozen=True)
class Layer:
    """A layer of the model.

    Attributes
    ----------
    name
        Name for tables.
    parameters_b
        Parameters, billions.
    activation_kb
        Data that goes to the next layer per token, kB.
    """

    name: Name
    parameters_b: Positive
    activation_kb: NotNegative


@dataclass(frozen=True)
class GpuPool:
    """A pool of equal GPUs in one zone.

    Attributes
    ----------
    name
        Name for tables.
    zone
        The zone whose carbon intensity counts.
    power_w
        Power of a GPU under load, W.
    memory_gb
        Memory that the model's layers may use, GB; null for no limit.
    bandwidth_tb_s
        Memory bandwidth, TB/s.
    compute_tflops
        Throughput in 16 bits, TFLOPS.
    batch
        Requests decoded together: their steps read the weights once.
    """

    name: Name
    zone: Name
    power_w: Positive
    memory_gb: Positive | None
    bandwidth_tb_s: Positive
    compute_tflops: Positive
    batch: Batch


GPUS = {
    "H100": (700.0, 80.0, 3.35, 989.0),
    "A100": (400.0, 80.0, 2.039, 312.0),
    "L40S": (350.0, 48.0, 0.864, 362.0),
    "T4": (70.0, 16.0, 0.32, 65.0),
}
"""Power W, memory GB, bandwidth TB/s and TFLOPS in 16 bits of known GPUs (SXM models of the first two)."""


def device_of(gpu: str, zone: str, *, batch: int = 16, memory_gb: float | None = None) -> GpuPool:
    """Return a device of a known GPU.

    Parameters
    ----------
    gpu
        A key of `GPUS`.
    zone
        Its zone.
    batch
        Requests decoded together.
    memory_gb
        Memory that layers may use, GB; the GPU's if None.

    Raises
    ------
    InstanceError
        If the GPU is not known.
    """
    if gpu not in GPUS:
        raise InstanceError(f"unknown GPU {gpu!r}", field="devices", remedy=f"known: {', '.join(GPUS)}")
    power, memory, bandwidth, compute = GPUS[gpu]
    return GpuPool(f"{gpu}@{zone}", zone, power, memory if memory_gb is None else memory_gb, bandwidth, compute, batch)


def memory_gb(layer: Layer, bits: int) -> float:
    """Return the memory of a layer with weights of some bits, GB."""
    return MEMORY_FACTOR * layer.parameters_b * bits / 8


def step_seconds(layer: Layer, device: GpuPool, bits: int, share: float) -> float:
    """Return the time of one decoding step of a layer, which makes `device.batch` tokens, s.

    The longer of reading the weights once and of computing 2 operations per parameter and token (the roofline), and the
    layer's share of what a step takes whatever the size.
    """
    return _roofline_seconds(layer, device, bits) + STEP_SECONDS * share


def step_kwh(layer: Layer, device: GpuPool, bits: int, share: float) -> float:
    """Return the energy of one decoding step of a layer, with its server and cooling, kWh."""
    gpu_wh = device.power_w * _roofline_seconds(layer, device, bits) / 3600 + STEP_WH * share
    server_wh = SERVER_W * step_seconds(layer, device, bits, share) / 3600
    return POWER_USAGE_EFFECTIVENESS * (gpu_wh + server_wh) / 1000


def step_embodied_g(layer: Layer, device: GpuPool, bits: int, share: float) -> float:
    """Return the embodied emissions of one decoding step of a layer, gCO2e."""
    return EMBODIED_G_PER_HOUR * step_seconds(layer, device, bits, share) / 3600


def _roofline_seconds(layer: Layer, device: GpuPool, bits: int) -> float:
    reading = layer.parameters_b * bits / 8 / (device.bandwidth_tb_s * 1000)
    computing = 2 * layer.parameters_b * device.batch / (device.compute_tflops * 1000)
    return max(reading, computing)
