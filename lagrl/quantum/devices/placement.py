"""Where on a device: lines of qubits with few errors, found by beam search."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from lagrl.errors import InputError, UnknownNameError
from lagrl.quantum.devices.device_errors import Calibration

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray
    from qiskit.transpiler import Target

    from lagrl.quantum.circuits.execution import Template

BEST_LINE = "line0"
PLACEMENTS = (BEST_LINE, "line1", "line2", "default")
BEAM = 1024
WIDEST_BEAM = 16_384  # paths kept before a search that dies out gives up


@dataclass(frozen=True)
class Placement:
    """A line of qubits and how good it is.

    Attributes
    ----------
    qubits
        Physical qubits in the line's order: position i of a template is qubits[i].
    log_two_qubit
        Σ ln(1 − e) over the two-qubit gates of the circuit it was chosen for.
    log_readout
        Σ ln(1 − e) over the measurements.
    worst_edge, mean_edge
        Two-qubit gate errors along the line; 0 for one qubit.
    """

    qubits: tuple[int, ...]
    log_two_qubit: float
    log_readout: float
    worst_edge: float
    mean_edge: float

    @property
    def log_fidelity(self) -> float:
        """Sum of both logarithms: what the search maximises."""
        return self.log_two_qubit + self.log_readout

    @property
    def fidelity(self) -> float:
        """∏ (1 − e) of two-qubit gates and measurements: that none errs, if errors are independent."""
        return float(np.exp(self.log_fidelity))


class _Path(NamedTuple):
    score: float
    qubits: tuple[int, ...]
    visited: int  # bit q is set if qubit q is on the path


def find_line(device: Any, n: int, *, beam: int = BEAM, uses: NDArray[np.int64] | None = None) -> Placement:
    """Find a line of n working qubits with a large expected fidelity; see `find_lines`."""
    return find_lines(device, n, 1, beam=beam, uses=uses)[0]


def find_lines(
    device: Any, n: int, n_best: int, *, beam: int = BEAM, uses: NDArray[np.int64] | None = None
) -> list[Placement]:
    """Find the best lines of n working qubits, each another set of qubits, best first.

    Maximises Σ_i uses_i ln(1 − e_i) over edges plus Σ ln(1 − e) over readouts by a beam search over paths from all
    qubits at once. Of paths over the same qubits with the same end only the best is kept, as they have the same
    futures; the search is exact where the beam never overflows. It is deterministic.

    Parameters
    ----------
    device
        A `Target`, or a backend, whose present target counts.
    n
        Qubits.
    n_best
        How many lines; fewer come back where fewer were found.
    beam
        Paths kept of each length. A search that dies out is repeated with more, up to 16 384.
    uses
        [n − 1] gates on each edge of the line; if None those of the one-layer network, see `network_uses`.

    Raises
    ------
    InputError
        If there is no line so long, or a parameter makes no sense.
    """
    if n < 1 or n_best < 1 or beam < 1:
        raise InputError(f"n = {n}, n_best = {n_best}, beam = {beam}", field="line", remedy="give 1 or more of each")
    weight = network_uses(n) if uses is None else np.asarray(uses)
    if weight.shape != (n - 1,):
        raise InputError(f"uses of shape {weight.shape}", field="line", remedy=f"give one for each of {n - 1} edges")
    target: Target = getattr(device, "target", device)
    calibration = Calibration.of(target)
    paths, longest = _search(calibration, weight.tolist(), beam)
    can_fit = n <= calibration.largest_part()
    while not paths and can_fit and longest.overflowed and beam < WIDEST_BEAM:
        beam *= 4
        paths, longest = _search(calibration, weight.tolist(), beam)
    if not paths:
        found = f"the longest found has {longest.length}"
        raise InputError(
            f"no line of {n} working qubits on {target.description or 'the device'}; {found}",
            field="width",
            remedy=f"give {longest.length} or fewer" if longest.length else "choose another backend",
        )
    best: dict[int, _Path] = {}
    for path in paths:
        best.setdefault(path.visited, path)
    return [_placement(calibration, path.qubits, weight) for path in list(best.values())[:n_best]]


def placed_line(device: Any, n: int, placement: str) -> Placement:
    """Return the line of n qubits that a placement names.

    Parameters
    ----------
    device
        A `Target`, or a backend, whose present target counts.
    n
        Qubits.
    placement
        `line0`, `line1`, `line2`: the best line and the next ones by `find_lines`, each another set of qubits.
        `default`: qubits 0 … n − 1 in that order, as a transpiler begins; it does not go on to route, so they have to
        be a line.

    Raises
    ------
    UnknownNameError
        If there is no such placement.
    InputError
        If the device has no such line, or qubits 0 … n − 1 are no line of working couplings.
    """
    if placement not in PLACEMENTS:
        raise UnknownNameError.of("placement", placement, PLACEMENTS)
    target: Target = getattr(device, "target", device)
    name = target.description or "the device"
    if placement == "default":
        return _default_line(target, n, name)
    rank = int(placement.removeprefix("line"))
    lines = find_lines(target, n, rank + 1)
    if len(lines) <= rank:
        raise InputError(
            f"{placement}, but only {len(lines)} lines of {n} qubits on {name}",
            field="placement",
            remedy="give a better line or a narrower circuit",
        )
    return lines[rank]


def network_uses(n: int) -> NDArray[np.int64]:
    """Return how many CX a layer of `qaoa_line` has on each edge of the line, [n − 1]; their sum is `line_gates`."""
    uses = np.zeros(max(n - 1, 0), np.int64)
    for brick in range(n):
        uses[brick % 2 :: 2] += 3 if 0 < brick < n - 1 else 2
    return uses


def line_fidelity(device: Any, qubits: Sequence[int], template: Template) -> Placement:
    """Return how well a template is expected to do on given qubits, its qubit i on qubits[i].

    Raises
    ------
    InputError
        If the qubits are not as many as the template's, or it has a gate on a pair that does not work.
    """
    line = tuple(int(q) for q in qubits)
    if len(line) != template.n_qubits or len(set(line)) != len(line):
        raise InputError(f"{line}", field="qubits", remedy=f"give {template.n_qubits} different ones")
    calibration = Calibration.of(getattr(device, "target", device))
    place = {bit: i for i, bit in enumerate(template.circuit.qubits)}
    pairs = [
        (line[place[step.qubits[0]]], line[place[step.qubits[1]]])
        for step in template.circuit.data
        if len(step.qubits) == 2 and step.operation.name != "barrier"
    ]
    return _rated(calibration, line, pairs)


def _default_line(target: Target, n: int, name: str) -> Placement:
    if n < 1:
        raise InputError(f"n = {n}", field="line", remedy="give 1 or more")
    calibration, qubits = Calibration.of(target), tuple(range(n))
    is_line = all(pair in calibration.edge for pair in itertools.pairwise(qubits))
    if not is_line or any(q not in calibration.readout for q in qubits):
        raise InputError(
            f"default, but qubits 0 to {n - 1} of {name} are no line of working couplings",
            field="placement",
            remedy="give line0, or a narrower circuit",
        )
    return _placement(calibration, qubits, network_uses(n))


class _Longest(NamedTuple):
    length: int
    overflowed: bool


def _search(calibration: Calibration, weight: list[int], beam: int) -> tuple[list[_Path], _Longest]:
    """Grow all paths edge by edge; return those of full length, best first, and how far it came."""
    neighbours = calibration.neighbours()
    readout = {q: float(np.log1p(-error)) for q, error in calibration.readout.items()}
    gate = {pair: float(np.log1p(-error)) for pair, error in calibration.edge.items()}
    paths = [_Path(readout[q], (q,), 1 << q) for q in neighbours]
    overflowed = len(paths) > beam
    paths = _best(paths, beam)
    for length, uses in enumerate(weight, start=1):
        grown: dict[tuple[int, int], _Path] = {}
        for score, qubits, visited in paths:
            tail = qubits[-1]
            for q in neighbours[tail]:
                if visited >> q & 1:
                    continue
                total = score + uses * gate[min(tail, q), max(tail, q)] + readout[q]
                state = (visited | 1 << q, q)
                known = grown.get(state)
                if known is None or total > known.score:
                    grown[state] = _Path(total, (*qubits, q), state[0])
        if not grown:
            return [], _Longest(length if paths else 0, overflowed)
        overflowed |= len(grown) > beam
        paths = _best(grown.values(), beam)
    return paths, _Longest(len(weight) + 1 if paths else 0, overflowed)


def _best(paths: Iterable[_Path], beam: int) -> list[_Path]:
    return sorted(paths, key=lambda path: (-path.score, path.qubits))[:beam]


def _placement(calibration: Calibration, qubits: tuple[int, ...], weight: NDArray[np.int64]) -> Placement:
    edges = [pair for i, pair in enumerate(itertools.pairwise(qubits)) for _ in range(int(weight[i]))]
    return _rated(calibration, qubits, edges)


def _rated(calibration: Calibration, qubits: tuple[int, ...], gates: list[tuple[int, int]]) -> Placement:
    dead = [q for q in qubits if q not in calibration.readout]
    broken = sorted({pair for pair in gates if (min(pair), max(pair)) not in calibration.edge})
    if dead or broken:
        raise InputError(
            f"qubits {dead} or pairs {broken} do not work", field="qubits", remedy="choose a line by find_line"
        )
    edges = [calibration.error(a, b) for a, b in dict.fromkeys((min(p), max(p)) for p in gates)]
    return Placement(
        qubits=qubits,
        log_two_qubit=float(sum(np.log1p(-calibration.error(a, b)) for a, b in gates)),
        log_readout=float(sum(np.log1p(-calibration.readout[q]) for q in qubits)),
        worst_edge=max(edges, default=0.0),
        mean_edge=float(np.mean(edges)) if edges else 0.0,
    )
