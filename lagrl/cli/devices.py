"""The command `lagrl devices`: properties of fake backends and of an account's devices."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import tyro

from lagrl.cli.options import Numbers, Plot
from lagrl.errors import InputError
from lagrl.plot.picture_style import require_picture, save_figure
from lagrl.printable import say
from lagrl.quantum.ibm.device_table import WIDTHS, list_devices

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lagrl.quantum.ibm.device_table import DeviceRow

Names = Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="NAMES…", help_behavior_hint="")]


@dataclass(frozen=True)
class DevicesCommand:
    """Options of `lagrl devices`.

    The table has qubits, median errors, the expected fidelity of the best line of qubits, and the queue. Fake backends
    are calibration snapshots of real devices; they need no account.
    """

    names: Names = ()
    """fake backends, such as FakeKingston, and devices of your account, such as ibm_kingston (default: all fakes)"""
    account: bool = False
    """list all devices of your account, with or without names"""
    widths: Numbers = WIDTHS
    """lengths of the lines of qubits for which the fidelity of one-layer QAOA is estimated"""
    plot: Plot = None
    """.svg, .pdf or .png file for the errors and fidelities (default: none)"""
    json: bool = False
    """print one JSON object instead of text"""

    def run(self) -> None:
        """Print the table or the JSON object."""
        require_picture(self.plot)
        if not self.widths or min(self.widths) < 0:
            shown = ",".join(map(str, self.widths))
            raise InputError(f"{shown!r} given", field="--widths", remedy="give numbers of qubits, such as 4,8,12")
        rows = list_devices(self.names, account=self.account, widths=tuple(dict.fromkeys(self.widths)))
        if self.json:
            print(json.dumps({"devices": [row.record() for row in rows]}, allow_nan=False))
        else:
            print_devices(rows)
        if self.plot is not None:
            from lagrl.plot.device_pictures import device_errors

            save_figure(device_errors(rows), self.plot)


def print_devices(rows: Sequence[DeviceRow]) -> None:
    """Print a table of devices for a person, then their notes; – stands for unknown values."""
    widths = list(dict.fromkeys(width for row in rows for width in row.fidelity))
    title = ["device", "qubits", "gate", "2q error", "readout", "T1 us", "T2 us"]
    lines = [[*title, *(f"F({width})" for width in widths), "queue", "operational"]]
    for row in rows:
        lines.append(
            [
                *(row.name, str(row.qubits), row.gate or "–"),
                *(_or_dash(row.two_qubit_error, ".2e"), _or_dash(row.readout_error, ".2e")),
                *(_or_dash(time and 1e6 * time, ".0f") for time in (row.t1, row.t2)),
                *(_or_dash(row.fidelity.get(width), ".3f") for width in widths),
                "–" if row.pending_jobs is None else str(row.pending_jobs),
                "–" if row.is_operational is None else ("yes" if row.is_operational else "no"),
            ]
        )
    size = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        name, *rest = (
            cell.ljust(n) if not i else cell.rjust(n) for i, (cell, n) in enumerate(zip(line, size, strict=True))
        )
        say("  ".join([name, *rest]))
    for row in rows:
        if row.note:
            say(f"note: {row.note if row.name in row.note else f'{row.name}: {row.note}'}")


def _or_dash(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)
