"""Fake backends: the calibration snapshots of IBM's devices in qiskit-ibm-runtime."""

from __future__ import annotations

import json
import warnings
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from lagrl.errors import InputError, MissingExtraError, UnknownNameError
from lagrl.quantum.devices.noise import ENTANGLERS, working_edges

if TYPE_CHECKING:
    from qiskit.providers import BackendV2

FAMILIES = frozenset({"Falcon", "Eagle", "Heron", "Nighthawk"})
LEAST_QUBITS = 20
BROKEN = frozenset({"FakeKyoto"})  # its snapshot marks every two-qubit gate as unusable
_notes: dict[str, tuple[str, ...]] = {}


class _Snapshot(NamedTuple):
    device: type[Any]
    family: str | None  # of the processor; older devices have none
    qubits: int
    gates: frozenset[str]  # two-qubit gates

    @property
    def is_large(self) -> bool:
        return self.family in FAMILIES and self.qubits >= LEAST_QUBITS


def known_fakes() -> list[str]:
    """Return the names of the usable fake backends, such as `FakeKingston`, sorted.

    These are the Falcon, Eagle, Heron and Nighthawk devices of at least 20 qubits whose couplings all have the same
    gate: qiskit cannot compile for most lines of FakeCairo, which has CX and ECR. No device is loaded.

    Raises
    ------
    MissingExtraError
        Without qiskit-ibm-runtime.
    """
    return sorted(
        name
        for name, snapshot in _snapshots().items()
        if snapshot.is_large and len(snapshot.gates) == 1 and name not in BROKEN
    )


def fake_sizes() -> dict[str, int]:
    """Return the number of qubits of each usable fake backend, by name; none is loaded.

    Raises `MissingExtraError` without qiskit-ibm-runtime.
    """
    return {name: _snapshots()[name].qubits for name in known_fakes()}


def is_fake(name: str) -> bool:
    """Whether a name has the form of a fake backend's: `FakeKingston`, `fake_kingston`."""
    return name.lower().startswith("fake")


def fake_backend(name: str) -> BackendV2:
    """Return the fake backend of a name, the same object every time.

    Parameters
    ----------
    name
        `FakeKingston` or `fake_kingston`; case, underscores and a trailing `V2` do not matter.

    Raises
    ------
    UnknownNameError
        If there is no fake backend of that name; the message lists the known ones.
    InputError
        If it is too old or too small, or no two-qubit gate of its snapshot works.
    MissingExtraError
        Without qiskit-ibm-runtime.
    """
    found = next((known for known in _snapshots() if _plain(known) == _plain(name)), None)
    if found is None:
        raise UnknownNameError.of("backend", name, known_fakes())
    snapshot = _snapshots()[found]
    if not snapshot.is_large:
        problem, wanted = f"{found} has {snapshot.qubits} qubits", f"{LEAST_QUBITS} or more"
        if snapshot.family not in FAMILIES:
            processor = f"a {snapshot.family} processor" if snapshot.family else "a processor before Falcon"
            problem, wanted = f"{found} is too old ({processor})", "a later processor"
        raise InputError(problem, field="backend", remedy=f"choose one of {wanted}: {', '.join(known_fakes())}")
    if found in BROKEN:
        raise _broken(found)
    return _loaded(found)


def fake_notes(name: str) -> tuple[str, ...]:
    """Return the warnings of a fake backend when it was loaded, such as errors that are not typical."""
    return _notes.get(_plain(name), ())


def _plain(name: str) -> str:
    return name.lower().replace("_", "").removesuffix("v2")


def _broken(name: str) -> InputError:
    return InputError(
        f"{name} has no usable two-qubit gate (every error is 1)",
        field="backend",
        remedy=f"choose another: {', '.join(known_fakes())}",
    )


@lru_cache(maxsize=1)
def _snapshots() -> dict[str, _Snapshot]:
    """Find the devices by name, and describe them from their configuration files.

    Reading one takes half a millisecond, loading the device 100.
    """
    try:
        from qiskit_ibm_runtime import fake_provider
        from qiskit_ibm_runtime.fake_provider.fake_backend import FakeBackendV2
    except ImportError as error:
        raise MissingExtraError.of("qiskit-ibm-runtime", "quantum", "a fake backend") from error
    found: dict[str, _Snapshot] = {}
    for name, value in vars(fake_provider).items():
        if isinstance(value, type) and issubclass(value, FakeBackendV2):
            device: Any = value
            configuration = json.loads((Path(device.dirname) / device.conf_filename).read_text(encoding="utf-8"))
            family = (configuration.get("processor_type") or {}).get("family")
            gates = frozenset(ENTANGLERS) & frozenset(configuration["basis_gates"])
            found[name.removesuffix("V2")] = _Snapshot(device, family, int(configuration["n_qubits"]), gates)
    return found


@lru_cache(maxsize=64)
def _loaded(name: str) -> BackendV2:
    with warnings.catch_warnings(record=True) as caught:  # it is made once, and warns only then
        warnings.simplefilter("always")
        backend = cast("BackendV2", _snapshots()[name].device())
    _notes[_plain(name)] = tuple(str(entry.message) for entry in caught)
    for entry in caught:
        warnings.warn_explicit(entry.message, entry.category, entry.filename, entry.lineno)
    if not working_edges(backend.target):
        raise _broken(name)
    return backend
