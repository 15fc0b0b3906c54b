"""What the command line tells of devices."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Annotated

import tyro

from lagrl.errors import InputError


@dataclass(frozen=True)
class DevicesCommand:
    """Tell what devices are like: qubits, median errors, the best line's expected fidelity, the queue.

    Without names it is all fake backends: calibration snapshots of real devices, which need no account.
    """

    names: Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="NAMES…", help_behavior_hint="")] = ()
    """fake backends, such as FakeKingston, and devices of your account, such as ibm_kingston"""
    account: bool = False
    """all devices of your account, besides or instead of names"""
    widths: Annotated[str, tyro.conf.arg(metavar="N,N,…")] = "4,8,12"
    """qubits of the lines whose fidelity is told: that of QAOA with one layer"""
    json: bool = False
    """print one JSON object instead of text"""

    def run(self) -> None:
        """Carry the command out."""
        from lagrl.cli.show import print_devices
        from lagrl.quantum.ibm.device_table import list_devices

        rows = list_devices(self.names, account=self.account, widths=_widths(self.widths))
        if self.json:
            print(json.dumps({"devices": [row.record() for row in rows]}, allow_nan=False))
        else:
            print_devices(rows)


def _widths(text: str) -> tuple[int, ...]:
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts or not all(part.isdecimal() for part in parts):
        raise InputError(f"{text!r} given", field="--widths", remedy="give numbers of qubits, such as 4,8,12")
    return tuple(dict.fromkeys(int(part) for part in parts))
