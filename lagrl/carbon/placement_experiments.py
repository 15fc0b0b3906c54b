"""Experiments of carbon-aware placement: exactness and speed, savings, and circuits beside their controls."""

from __future__ import annotations

import gzip
import time
from typing import TYPE_CHECKING, Any

import numpy as np

from lagrl.carbon.chain_qaoa import (
    ANGLES,
    ChainSamples,
    PlacementChain,
    sample_chain,
    sample_noisy_chain,
    sample_product,
)
from lagrl.carbon.lagrangian import solve_lagrangian
from lagrl.carbon.solve import solve_placement
from lagrl.errors import InputError, InstanceError, MissingExtraError
from lagrl.io.json_text import parse_json
from lagrl.problems.carbon.hardware import POWER_USAGE_EFFECTIVENESS
from lagrl.problems.carbon.synthetic import generate_carbon, synthetic_day

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from lagrl.carbon.chain_qaoa import Method
    from lagrl.problems.carbon.instance import CarbonInstance

Row = dict[str, Any]

CPU_WATTS = 65.0
"""Assumed power of the computer that solves, W."""

SHOTS = 1024
NOISY_LAYERS, DEVICE = 8, "FakeFez"
"""Length of the chains whose circuits also run with noise, and the fake backend of that noise."""

SECONDS = 10.0
"""Limit of HiGHS and of the genetic algorithm, s."""

_SIZES = ((12, 2, None), (60, 2, None), (60, 3, 0.6), (100, 3, None), (500, 5, None), (500, 5, 0.5))


def exact_rows(seeds: int) -> Iterator[Row]:
    """Yield emissions, bound and seconds of each method by size, with and without a limit of memory."""
    for layers, devices, memory in _SIZES:
        for seed in range(seeds):
            rng = np.random.default_rng([seed, layers, devices])
            problem = generate_carbon(rng, n_layers=layers, n_devices=devices, memory=memory).problem()
            for method in ("lagrangian", "milp", "min-cut", "hourly", "static", "cleanest", "genetic"):
                row = {"part": "exact", "layers": layers, "devices": devices, "memory": memory, "seed": seed}
                try:
                    found = solve_placement(problem, method, seconds=SECONDS, seed=seed)
                except (InstanceError, MissingExtraError) as error:
                    yield {**row, "method": method, "refused": str(error)}
                    continue
                gap, bound = found.gap_percent, found.lower_bound_g
                yield {
                    **row,
                    "method": method,
                    "emissions_g": found.emissions_g,
                    "lower_bound_g": bound,
                    "gap_percent": gap,
                    "seconds": found.seconds,
                }


def saving_rows(days: int) -> Iterator[Row]:
    """Yield savings against the best static placement, over days and sets of zones, with two kinds of forecast.

    `perfect` plans with the intensities that come; `persistence` with those of the day before, at equal hours, and the
    static placement too. All are rated with the intensities that come, net of the computation's own emissions.
    """
    for kinds in (("wind", "solar"), ("solar", "gas"), ("wind", "solar", "gas"), ("hydro", "wind", "coal")):
        for memory in (None, 0.7):
            zones = tuple(f"{chr(97 + h)}-{kind}" for h, kind in enumerate(kinds))
            rng = np.random.default_rng([len(kinds), 0 if memory is None else 1])
            instance = generate_carbon(rng, n_layers=48, n_devices=len(kinds), memory=memory, zones=zones)
            for day in range(days):
                weather = np.random.default_rng([day, *map(ord, "".join(kinds))])
                before, now = ({zone: synthetic_day(zone, weather) for zone in zones} for _ in range(2))
                actual = instance.with_intensity(now).problem()
                for forecast, known in (("perfect", now), ("persistence", before)):
                    planned = instance.with_intensity(known).problem()
                    found, static = solve_lagrangian(planned), solve_placement(planned, "static")
                    emissions, of_static = actual.emissions(found.placement), actual.emissions(static.placement)
                    yield {
                        "part": "saving",
                        "zones": "+".join(kinds),
                        "memory": memory,
                        "day": day,
                        "forecast": forecast,
                        "emissions_g": emissions,
                        "static_g": of_static,
                        "optimiser_g": own_emissions(instance, found.seconds),
                        "gap_percent": found.gap_percent,
                        "seconds": found.seconds,
                    }


def qaoa_rows(seeds: int) -> Iterator[Row]:
    """Yield circuits of chains, one size with noise too, beside uniform bits, the product state, and the exact method.

    A chain is an hour on two devices at the multipliers where both cost the same, after an hour with a random split.
    """
    for layers in (8, 12, 15, 20, 24, 100, 500):
        method: Method = "statevector" if layers <= 24 else "matrix_product_state"
        for seed in range(seeds):
            chain = generated_chain(layers, seed)
            base = {"part": "qaoa", "layers": layers, "seed": seed, "shots": SHOTS, "optimum_g": chain.optimum()}
            for name, uniform in (("uniform", True), ("product", False)):
                drawn = sample_product(chain, SHOTS, np.random.default_rng([seed, layers]), uniform=uniform)
                yield {**base, "sampler": name, **vars(drawn)}
            started = time.perf_counter()
            chain.optimum()
            exact = ChainSamples(0.0, 0.0, 1.0, time.perf_counter() - started)
            yield {**base, "sampler": "dynamic programming", **vars(exact)}
            for p, warm in ANGLES:
                rng = np.random.default_rng([seed, layers, p])
                drawn = sample_chain(chain, SHOTS, rng, layers=p, warm=warm, method=method)
                name = f"{'warm' if warm else 'cold'} p={p}"
                yield {**base, "sampler": name, "simulator": method, **vars(drawn)}
                if layers == NOISY_LAYERS:
                    rng = np.random.default_rng([seed, layers, p])
                    drawn = sample_noisy_chain(chain, DEVICE, SHOTS, rng, layers=p, warm=warm)
                    yield {**base, "sampler": f"{name}, {DEVICE}", "simulator": "density_matrix", **vars(drawn)}


def generated_chain(layers: int, seed: int) -> PlacementChain:
    """Return the chain of noon between a solar and a gas zone, priced to a balance, after a random split."""
    rng = np.random.default_rng([seed, layers, 7])
    problem = generate_carbon(rng, n_layers=layers, n_devices=2, zones=("a-solar", "b-gas")).problem()
    cost = problem.running_g[12].sum(axis=0) / problem.layer_gb.sum()
    before = np.zeros(layers, np.int64)
    for cut in rng.choice(np.arange(1, layers), max(1, layers // 8), replace=False).tolist():
        before[cut:] = 1 - before[cut:]
    price = float(cost[1] - cost[0]) * rng.uniform(0.8, 1.2)
    return PlacementChain.of(problem, 12, before=before, price_g_per_gb=(price, 0.0))


def own_emissions(instance: CarbonInstance, seconds: float) -> float:
    """Return the emissions of a computation at the zones' mean intensity: estimated, gCO2e."""
    intensity = float(np.mean([instance.intensity_g_per_kwh[zone] for zone in instance.zone_of]))
    return seconds * CPU_WATTS / 3.6e6 * POWER_USAGE_EFFECTIVENESS * intensity


EXPERIMENTS: dict[str, Callable[[int], Iterator[Row]]] = {
    "exact": exact_rows,
    "saving": saving_rows,
    "qaoa": qaoa_rows,
}
"""Rows of an experiment, by its name, for a number of seeds or days."""


def read_rows(path: Path, part: str) -> list[Row]:
    """Return an experiment's rows of a file, which may be gzipped.

    Raises
    ------
    InputError
        If the file cannot be read, or has none.
    """
    try:
        data = path.read_bytes()
        text = (gzip.decompress(data) if path.suffix == ".gz" else data).decode("utf-8")
    except (OSError, ValueError, EOFError) as error:
        raise InputError(f"cannot be read ({error})", source=str(path), remedy="give a file of --out") from error
    lines = enumerate(text.splitlines(), 1)
    parsed = [parse_json(line, source=f"{path}, line {i}", remedy="give a file of --out") for i, line in lines]
    rows = [row for row in parsed if isinstance(row, dict) and row.get("part") == part]
    if not rows:
        raise InputError(
            f"no rows of {part}", source=str(path), remedy=f"lagrl carbon experiment {part} --out makes them"
        )
    return rows
