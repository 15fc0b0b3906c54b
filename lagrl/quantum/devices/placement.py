"""Placement on a device: lines of qubits with small errors, found by beam search."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lagrl.errors import InputError, UnknownNameError
from lagrl.quantum.circuits.backend import BEST_LINE
from lagrl.quantum.devices.noise import DeviceErrors

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray
    from qiskit.transpiler import Target

PLACEMENTS = (BEST_LINE, "line1", "line2", "default")
BEAM = 1024
WIDEST_BEAM = 16_384  # most paths that a repeated search keeps
LARGEST_CACHE = 256
_DISJOINT_AMONG = 2000  # lines
_placed: dict[tuple[int, int, str], tuple[Target, Placement]] = {}


@dataclass(frozen=True)
class Placement:
    """A line of qubits and its expected fidelity in the one-layer network `qaoa_line`."""

    qubits: tuple[int, ...]  # physical qubits in the line's order: position i of a template is qubits[i]
    log_fidelity: float  # Σ ln(1 − e) over the network's two-qubit gates and the measurements

    @property
    def fidelity(self) -> float:
        """∏ (1 − e) of two-qubit gates and measurements: the probability of no error, if independent."""
        return float(np.exp(self.log_fidelity))


class _Path(NamedTuple):
    """A path of the search, with bit q of `visited` set if qubit q is on it."""

    score: float
    qubits: tuple[int, ...]
    visited: int


def find_line(device: Any, n: int, *, beam: int = BEAM) -> Placement:
    """Find a line of n usable qubits with a large expected fidelity; see `find_lines`."""
    return find_lines(device, n, 1, beam=beam)[0]


def find_lines(device: Any, n: int, n_best: int, *, beam: int = BEAM) -> list[Placement]:
    """Find the best lines of n usable qubits, each another set of qubits, best first.

    Maximises Σ_i uses_i ln(1 − e_i) over edges, see `network_uses`, plus Σ ln(1 − e) over readouts, by a beam search
    over paths from all qubits at once. Of paths over the same qubits with the same end only the best is kept, as they
    have the same continuations; the search is exact if the beam never overflows. It is deterministic.

    Parameters
    ----------
    device
        A `Target`, or a backend, whose current target is used.
    n
        Number of qubits.
    n_best
        Most lines to return.
    beam
        Paths kept of each length. A search that ends without a line is repeated with more, up to 16 384.

    Raises
    ------
    InputError
        If there is no line of n qubits, or a parameter is below 1.
    """
    if n < 1 or n_best < 1 or beam < 1:
        raise InputError(f"n = {n}, n_best = {n_best}, beam = {beam}", field="line", remedy="give 1 or more of each")
    uses = network_uses(n)
    target: Target = getattr(device, "target", device)
    errors = DeviceErrors.of(target)
    paths, longest, overflowed = _search(errors, uses.tolist(), beam)
    can_fit = n <= errors.largest_part()
    while not paths and can_fit and overflowed and beam < WIDEST_BEAM:
        beam *= 4
        paths, longest, overflowed = _search(errors, uses.tolist(), beam)
    if not paths:
        raise InputError(
            f"no line of {n} working qubits on {target.description or 'the device'}; the longest found has {longest}",
            field="width",
            remedy=f"give {longest} or fewer" if longest else "choose another backend",
        )
    best: dict[int, _Path] = {}
    for path in paths:
        best.setdefault(path.visited, path)
    return [_placement(errors, path.qubits, uses) for path in list(best.values())[:n_best]]


def placed_line(device: Any, n: int, placement: str = BEST_LINE) -> Placement:
    """Return the line of n qubits that a placement names, found once for each target.

    Parameters
    ----------
    device
        A `Target`, or a backend, whose current target is used.
    n
        Number of qubits.
    placement
        `line0`, `line1`, `line2`: the best line and the next ones by `find_lines`, each another set of qubits.
        `default`: qubits 0 … n − 1 in that order, which must be a line, as nothing is routed.

    Raises
    ------
    UnknownNameError
        If there is no such placement.
    InputError
        If the device has no such line, or qubits 0 … n − 1 are not a line of usable couplings.
    """
    if placement not in PLACEMENTS:
        raise UnknownNameError.of("placement", placement, PLACEMENTS)
    target: Target = getattr(device, "target", device)
    known = _placed.get((id(target), n, placement))
    if known is None:
        if len(_placed) >= LARGEST_CACHE:
            _placed.clear()
        found = _default_line(target, n) if placement == "default" else _ranked_line(target, n, placement)
        known = _placed[id(target), n, placement] = target, found  # it keeps the target alive, and so its id
    return known[1]


def disjoint_lines(device: Any, n: int, count: int) -> list[tuple[int, ...]]:
    """Return the qubits of `count` lines of n qubits each, the best first, every later one the best that is left.

    `device` is a `Target` or a backend. Raises `InputError` if it does not have as many.
    """
    used: set[int] = set()
    found: list[tuple[int, ...]] = []
    for line in find_lines(device, n, _DISJOINT_AMONG):
        if used.isdisjoint(line.qubits):
            found.append(line.qubits)
            used.update(line.qubits)
            if len(found) == count:
                return found
    raise InputError(
        f"{len(found)} disjoint lines of {n} qubits", field="circuit", remedy=f"give at most {len(found)} groups"
    )


def network_uses(n: int) -> NDArray[np.int64]:
    """Return the number of CX of a layer of `qaoa_line` on each edge, [n − 1]; their sum is `line_gates`."""
    uses = np.zeros(max(n - 1, 0), np.int64)
    for brick in range(n):
        uses[brick % 2 :: 2] += 3 if 0 < brick < n - 1 else 2
    return uses


def _ranked_line(target: Target, n: int, placement: str) -> Placement:
    rank = int(placement.removeprefix("line"))
    lines = find_lines(target, n, rank + 1)
    if len(lines) <= rank:
        raise InputError(
            f"{placement}, but only {len(lines)} lines of {n} qubits on {target.description or 'the device'}",
            field="placement",
            remedy="give a better line or a narrower circuit",
        )
    return lines[rank]


def _default_line(target: Target, n: int) -> Placement:
    if n < 1:
        raise InputError(f"n = {n}", field="line", remedy="give 1 or more")
    errors, qubits, name = DeviceErrors.of(target), tuple(range(n)), target.description or "the device"
    is_line = all(pair in errors.edge for pair in itertools.pairwise(qubits))
    if not is_line or any(q not in errors.readout for q in qubits):
        raise InputError(
            f"default, but qubits 0 to {n - 1} of {name} are not a line of working couplings",
            field="placement",
            remedy="give line0, or a narrower circuit",
        )
    return _placement(errors, qubits, network_uses(n))


def _search(errors: DeviceErrors, uses: list[int], beam: int) -> tuple[list[_Path], int, bool]:
    """Return all paths of full length, best first; the longest length reached; and whether the beam was ever full."""
    neighbours = errors.neighbours()
    readout = {q: float(np.log1p(-error)) for q, error in errors.readout.items()}
    gate = {pair: float(np.log1p(-error)) for pair, error in errors.edge.items()}
    paths = [_Path(readout[q], (q,), 1 << q) for q in neighbours]
    overflowed = len(paths) > beam
    paths = _best(paths, beam)
    for length, gates in enumerate(uses, start=1):
        grown: dict[tuple[int, int], _Path] = {}
        for score, qubits, visited in paths:
            tail = qubits[-1]
            for q in neighbours[tail]:
                if visited >> q & 1:
                    continue
                total = score + gates * gate[min(tail, q), max(tail, q)] + readout[q]
                state = (visited | 1 << q, q)
                known = grown.get(state)
                if known is None or total > known.score:
                    grown[state] = _Path(total, (*qubits, q), state[0])
        if not grown:
            return [], length if paths else 0, overflowed
        overflowed |= len(grown) > beam
        paths = _best(grown.values(), beam)
    return paths, len(uses) + 1 if paths else 0, overflowed


def _best(paths: Iterable[_Path], beam: int) -> list[_Path]:
    return sorted(paths, key=lambda path: (-path.score, path.qubits))[:beam]


def _placement(errors: DeviceErrors, qubits: tuple[int, ...], uses: NDArray[np.int64]) -> Placement:
    pairs = zip(itertools.pairwise(qubits), uses.tolist(), strict=True)
    gates = sum(np.log1p(-errors.error(*pair)) for pair, n in pairs for _ in range(n))
    readout = sum(np.log1p(-errors.readout[q]) for q in qubits)
    return Placement(qubits, float(gates) + float(readout))
