"""Devices by name: fake backends, simulated here, and devices of an account."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from lagrl.quantum.devices.fakes import is_fake
from lagrl.quantum.ibm.local_device import LocalDevice
from lagrl.quantum.ibm.service import AccountDevice, Primitives

if TYPE_CHECKING:
    from collections.abc import Callable

Device = LocalDevice | AccountDevice
"""What sends compiled circuits: both kinds have the same methods."""


def open_device(
    name: str,
    *,
    service: Any = None,
    primitives: Primitives | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> Device:
    """Return a fake backend (`FakeKingston`) or a device of your account (`ibm_kingston`).

    Parameters
    ----------
    name
        Names that begin with `fake` are fake backends; see `fake_backend` for what they raise.
    service, primitives, sleep
        See `AccountDevice.of`, also for what it raises.
    """
    if is_fake(name):
        return LocalDevice.of(name)
    return AccountDevice.of(name, service=service, primitives=primitives, sleep=sleep)
