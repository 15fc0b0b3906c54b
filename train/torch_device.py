"""Device, threads and seeds of a training run."""

from __future__ import annotations

import random
from typing import Literal, get_args

import numpy as np
import torch

from lagrl.errors import InputError, UnknownNameError

DeviceName = Literal["auto", "cpu", "cuda"]


def prepare(device: str, threads: int) -> torch.device:
    """Return a torch device by name, and set the number of torch threads.

    Parameters
    ----------
    device
        `cpu`, `cuda`, or `auto`: CUDA if available.
    threads
        Number of threads. Sums are split among them, hence another number changes the last bits.

    Raises
    ------
    InputError
        If `cuda` is not available, or `threads` is below 1.
    UnknownNameError
        If the device is not known.
    """
    if device not in get_args(DeviceName):
        raise UnknownNameError.of("device", device, get_args(DeviceName))
    if device == "cuda" and not torch.cuda.is_available():
        raise InputError("no CUDA device was found", field="--device", remedy="use --device cpu or auto")
    if threads < 1:
        raise InputError(f"{threads} given", field="--threads", remedy="give 1 or more")
    torch.set_num_threads(threads)
    return torch.device("cuda" if device == "cuda" or (device == "auto" and torch.cuda.is_available()) else "cpu")


def seed_everything(seed: int) -> None:
    """Seed the global generators of Python, numpy and torch.

    Raises
    ------
    InputError
        If the seed is not from 0 to 2³² − 1.
    """
    if not 0 <= seed < 2**32:
        raise InputError(f"{seed} given", field="--seed", remedy="give a whole number from 0 to 4294967295")
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - other libraries may use it
    torch.manual_seed(seed)
