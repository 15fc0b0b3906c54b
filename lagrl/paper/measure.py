"""What the figures measure beyond `lagrl eval` and `lagrl traces`, as resumable rows."""

from __future__ import annotations

import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from multiprocessing import get_context
from typing import TYPE_CHECKING, Any

import numpy as np

from lagrl.paper.figure_rows import complete_rows
from lagrl.problems.cvrplib import read_instance

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from lagrl.paper.figure_rows import FigureRow, Watch
    from lagrl.quantum.devices.noisy_device import NoisyDevice

Values = list[dict[str, Any]]

CORE = 12  # most variables of a vehicle's circuit, in the counts of widths
KNAPSACK_SEED = 20260
KNAPSACK_EVALUATIONS = 60
KNAPSACK_BACKEND = "FakeKingston"
COMPILED = (("qaoa", 1), ("qaoa", 2), ("linear", 1), ("pairwise", 1))


def peer_rows(
    path: Path, instances: Sequence[Path], seconds: float, workers: int, watch: Watch | None = None
) -> list[FigureRow]:
    """Return one row per instance with the cost that OR-Tools reaches in `seconds`, on one thread.

    Raises
    ------
    MissingExtraError
        If OR-Tools is not installed.
    """
    from lagrl.paper.or_tools import require_or_tools

    by_name = {path.stem: path for path in instances}

    def make(names: list[str]) -> Iterator[tuple[str, Values]]:
        require_or_tools()
        # processes of their own: OR-Tools and HiGHS cannot share one
        with ProcessPoolExecutor(workers, get_context("spawn")) as executor:
            due = {executor.submit(peer_values, by_name[name], seconds): name for name in names}
            try:
                for future in as_completed(due):
                    yield due[future], [future.result()]
            finally:
                executor.shutdown(wait=False, cancel_futures=True)  # else an interruption waits for all of them

    return complete_rows(path, "peers", {"method": "or-tools", "seconds": seconds}, list(by_name), make, watch)


def peer_values(path: Path, seconds: float) -> dict[str, Any]:
    """Return cost and gap of OR-Tools' best routes of one instance, and its processor seconds per second."""
    from lagrl.paper.or_tools import run

    problem = read_instance(path)
    started, used = time.perf_counter(), time.process_time()
    answer = run(problem, seconds, 0)
    share = (time.process_time() - used) / (time.perf_counter() - started)
    cost = answer.history[-1][1] if answer.routes else None
    return {
        "instance": problem.name,
        "n_customers": problem.n_customers,
        "cost": cost,
        "best_known": problem.best_known,
        "gap_pct": None if cost is None else problem.gap_percent(cost),
        "processor_share": round(share, 3),
    }


def width_rows(path: Path, instances: Sequence[Path], evaluations: int, watch: Watch | None = None) -> list[FigureRow]:
    """Return one row per instance with the qubits of each encoding, see `lagrl.paper.widths`."""
    from lagrl.compilation import compile_kernels
    from lagrl.paper.widths import count

    by_name = {path.stem: path for path in instances}

    def make(names: list[str]) -> Iterator[tuple[str, Values]]:
        compile_kernels()
        for name in names:
            yield name, [asdict(count(read_instance(by_name[name]), evaluations, CORE, seed=0))]

    return complete_rows(
        path, "widths", {"evaluations": evaluations, "width": CORE, "seed": 0}, list(by_name), make, watch
    )


def knapsack_rows(path: Path, widths: tuple[int, ...], per_width: int, watch: Watch | None = None) -> list[FigureRow]:
    """Return one row per knapsack with all penalties, circuits and controls, see `lagrl.paper.circuit_grid`."""
    from lagrl.compilation import compile_kernels
    from lagrl.paper.circuit_grid import CIRCUITS, CONTROLS, LONGER, UNTRAINED, Case
    from lagrl.paper.circuit_rows import grid_rows
    from lagrl.paper.drawn_knapsacks import draw_knapsacks
    from lagrl.quantum.devices.noisy_device import NoisyDevice

    compile_kernels()
    drawn = {own.name: own for own in draw_knapsacks(widths, per_width, KNAPSACK_EVALUATIONS, KNAPSACK_SEED)}

    chosen = [*CONTROLS, *(own for own in CIRCUITS if own.ansatz not in (LONGER, UNTRAINED))]

    def make(names: list[str]) -> Iterator[tuple[str, Values]]:
        device = NoisyDevice.of(KNAPSACK_BACKEND)
        for name in names:
            yield name, grid_rows(Case(drawn[name]), device, chosen, KNAPSACK_SEED)

    config = {"evaluations": KNAPSACK_EVALUATIONS, "seed": KNAPSACK_SEED, "backend": KNAPSACK_BACKEND}
    return complete_rows(path, "knapsacks", config, list(drawn), make, watch)


def circuit_rows(
    path: Path, backends: Sequence[str], widths: Sequence[int], watch: Watch | None = None
) -> list[FigureRow]:
    """Return one row per backend and width: gates, depth and fidelity of each circuit, logical and compiled."""
    names = {f"{backend}/{width}": (backend, width) for backend in backends for width in widths}

    def make(due: list[str]) -> Iterator[tuple[str, Values]]:
        from lagrl.quantum.devices.noisy_device import NoisyDevice

        for name in due:
            backend, width = names[name]
            yield (
                name,
                [{"backend": backend, "width": width, **own} for own in compiled(NoisyDevice.of(backend), width)],
            )

    return complete_rows(path, "circuits", {"ansatz": [list(own) for own in COMPILED]}, list(names), make, watch)


def compiled(device: NoisyDevice, width: int) -> Iterator[dict[str, Any]]:
    """Yield what each circuit of `width` variables becomes on a device.

    Circuits are on the device's best line; QAOA written pair by pair is routed by qiskit's transpiler (level 1, one
    seed). Logical gates count two for every pair that QAOA couples.
    """
    from lagrl.paper.drawn_knapsacks import random_subproblem
    from lagrl.quantum.bandit.features import Arm, ansatz_of
    from lagrl.quantum.bandit.profile import ArmProfiles
    from lagrl.quantum.circuits.line_qaoa import pairwise_qaoa
    from lagrl.quantum.devices.compile import transpiled
    from lagrl.quantum.devices.noisy_device import log_fidelity

    profiles = ArmProfiles(device.name, device.target)
    for family, layers in COMPILED:
        arm = Arm(device.name, "line0", family, layers)
        profile = profiles.profile(arm, width)
        if profile is None:
            continue
        pairs = layers * width * (width - 1)
        logical = pairs if family == "qaoa" else ansatz_of(arm).template(width).two_qubit_gates
        yield {
            "circuit": family,
            "layers": layers,
            "how": "best line",
            "logical_gates": logical,
            "gates": profile.two_qubit_gates,
            "depth": profile.two_qubit_depth,
            "fidelity": float(np.exp(profile.log_gates)),
        }
    template = pairwise_qaoa(random_subproblem(width, 0))
    made = transpiled(template, device.name, "choose another backend", target=device.target)
    yield {
        "circuit": "qaoa",
        "layers": 1,
        "how": "pair by pair, transpiler",
        "logical_gates": template.two_qubit_gates,
        "gates": made.two_qubit_gates,
        "depth": made.two_qubit_depth,
        "fidelity": float(np.exp(log_fidelity(made.circuit, device.target))),
    }
