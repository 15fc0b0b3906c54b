"""A table of devices: their calibration and their queue."""

from __future__ import annotations

import warnings
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from lagrl.errors import InputError
from lagrl.quantum.devices.fakes import fake_notes, is_fake, known_fakes
from lagrl.quantum.devices.noise import ENTANGLERS, DeviceErrors
from lagrl.quantum.devices.placement import find_line
from lagrl.quantum.ibm.failures import ExecutionError
from lagrl.quantum.ibm.service import account_devices, open_device, open_service

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from qiskit.transpiler import Target

    from lagrl.quantum.ibm.device import Device, DeviceState

WIDTHS = (4, 8, 12)


@dataclass(frozen=True)
class DeviceRow:
    """Description of one device; None stands for an unknown value."""

    name: str  # such as `fake_kingston`
    qubits: int
    gate: str | None  # the two-qubit gate of most working couplings
    two_qubit_error: float | None  # median over working couplings, by the better direction, see `DeviceErrors.of`
    readout_error: float | None  # median over working qubits
    t1: float | None  # medians over working qubits, seconds
    t2: float | None
    # by width: the expected fidelity of the one-layer line circuit on the best line, see `Placement.fidelity`; None
    # also if there is no line of this length
    fidelity: dict[int, float | None] = field(default_factory=dict)
    pending_jobs: int | None = None  # number of jobs in the queue
    is_operational: bool | None = None  # whether the device accepts jobs
    note: str = ""  # remarks, such as damaged couplings or why the state is unknown

    def record(self) -> dict[str, Any]:
        """Return the row as plain JSON values."""
        return asdict(self) | {"fidelity": {str(width): value for width, value in self.fidelity.items()}}


def list_devices(
    names: Sequence[str] = (), *, account: bool = False, widths: Sequence[int] = WIDTHS, service: Any = None
) -> list[DeviceRow]:
    """Return descriptions of fake backends and account devices.

    Parameters
    ----------
    names
        Fake backends (`FakeKingston`) and devices of the account (`ibm_kingston`).
    account
        Whether to describe all devices of the account too. If false and there are no names: all fake backends.
    widths
        Lengths of the lines in qubits, 1 or more.
    service
        An open `QiskitRuntimeService`; if None, one is opened when needed.

    Raises
    ------
    UnknownNameError
        If a device is unknown or does not belong to the account.
    InputError
        If a fake backend is broken or too small, a width is below 1, or there is no account.
    ExecutionError
        If the service cannot be reached or returns an error.
    MissingExtraError
        Without qiskit-ibm-runtime.
    """
    if not widths or min(widths) < 1:
        given = ", ".join(map(str, widths)) or "none"
        raise InputError(f"{given} given", field="widths", remedy="give numbers of qubits, 1 or more")
    if service is None and (account or not all(is_fake(name) for name in names)):
        service = open_service()
    devices: dict[str, Device] = {}
    for name in names or (() if account else known_fakes()):
        device = _opened(name, service)
        devices.setdefault(device.name, device)
    for device in account_devices(service) if account else ():
        devices.setdefault(device.name, device)
    return [describe_device(device, widths) for device in devices.values()]


def describe_device(device: Device, widths: Sequence[int] = WIDTHS) -> DeviceRow:
    """Return the description of one device; if its state cannot be read, the note says why.

    Raises `ExecutionError` if its calibration cannot be read.
    """
    state: DeviceState | None = None
    note = " ".join(fake_notes(device.name)) if device.is_simulated else ""
    try:
        state = device.state()
    except ExecutionError as error:
        note = str(error)
    return describe_target(device.name, device.target, widths, state, note)


def describe_target(
    name: str, target: Target, widths: Sequence[int] = WIDTHS, state: DeviceState | None = None, note: str = ""
) -> DeviceRow:
    """Return the description of a calibration; see `DeviceRow`."""
    calibration = DeviceErrors.of(target)
    properties = target.qubit_properties
    times = [properties[q] for q in calibration.readout if properties[q] is not None] if properties else []
    gates = _gates(target, calibration)
    two_qubit = _median(calibration.edge.values()) if _has_errors(target, gates) else None
    readout = _median(calibration.readout.values()) if _has_errors(target, ("measure",)) else None
    is_known = two_qubit is not None and readout is not None
    if len(gates) > 1:
        mixed = f"{name}: its couplings have different gates ({', '.join(gates)}); most circuits cannot be compiled."
        note = f"{note} {mixed}".strip()
    return DeviceRow(
        name=name,
        qubits=int(target.num_qubits),
        gate=gates[0] if gates else None,
        two_qubit_error=two_qubit,
        readout_error=readout,
        t1=_median(entry.t1 for entry in times),
        t2=_median(entry.t2 for entry in times),
        fidelity={width: _line_fidelity(target, width) if is_known else None for width in widths},
        pending_jobs=state.pending_jobs if state is not None else None,
        is_operational=state.is_operational if state is not None else None,
        note=note,
    )


def _opened(name: str, service: Any) -> Device:
    if not is_fake(name):
        return open_device(name, service=service)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the device's note says the same
        return open_device(name)


def _gates(target: Target, calibration: DeviceErrors) -> list[str]:
    """Return the two-qubit gates of working couplings, the most frequent first."""
    count: Counter[str] = Counter()
    for name in ENTANGLERS:
        if name in target.operation_names:
            pairs = {tuple(sorted(where)) for where in target[name] or {} if where is not None}
            count[name] = len(pairs & calibration.edge.keys())
    return [name for name, n in count.most_common() if n]


def _has_errors(target: Target, names: Iterable[str]) -> bool:
    """Whether a target has an error rate for any of these instructions; an ideal device has none."""
    return any(
        getattr(entry, "error", None) is not None
        for name in names
        if name in target.operation_names
        for entry in (target[name] or {}).values()
    )


def _line_fidelity(target: Target, width: int) -> float | None:
    try:
        return find_line(target, width).fidelity
    except InputError:
        return None


def _median(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None and 0 <= value < np.inf]
    return float(np.median(known)) if known else None
