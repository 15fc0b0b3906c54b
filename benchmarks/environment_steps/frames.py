"""Measure the time of a picture: the render mode rgb_array of both environments, one frame after every step.

python -m benchmarks.environment_steps.frames
python -m benchmarks.environment_steps.frames --sizes 20 100 --out ROWS.json

One thread. The first frame makes the figure and loads its font; it is reported by itself.
"""

from __future__ import annotations

from benchmarks.harness import one_thread, write_record

if __name__ == "__main__":
    one_thread()  # before numpy and numba are loaded

import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

import envs.picture  # so that the first frame's time has no imports of lagrl in it
from envs.env import EpisodeEnv, LagrangianCVRP
from envs.search.env import LagrangianSearch
from lagrl.bench.provenance import versions
from lagrl.errors import InputError, LagrlError
from lagrl.io.atomic import require_writable


@dataclass(frozen=True)
class Args:
    """What to time.

    Attributes
    ----------
    sizes
        Numbers of customers.
    frames
        Frames after the first one, of which the median counts.
    seed
        Seed of the instances and actions.
    out
        JSON file for the rows, if any.
    """

    sizes: tuple[int, ...] = (20, 100, 200)
    frames: int = 40
    seed: int = 0
    out: Path | None = None

    def __post_init__(self) -> None:
        if self.frames < 1:
            raise InputError(f"{self.frames} given", field="--frames", remedy="give 1 or more")


@dataclass(frozen=True)
class Row:
    """Milliseconds of the frames of one environment; of the median also those of the processor alone."""

    environment: str
    n_customers: int
    milliseconds: float
    processor: float
    first: float
    least: float
    most: float


def main(args: Args) -> None:
    """Time both environments at every size, and print a Markdown table."""
    if args.out is not None:
        require_writable(args.out)
    print(
        "| environment | n | median ms | processor ms | least … most | first |\n|---|--:|--:|--:|---|--:|", flush=True
    )
    rows = []
    for n in args.sizes:
        shared: dict[str, Any] = {"n_max": n, "n_customers": [n, n], "render_mode": "rgb_array"}
        for env in (LagrangianCVRP(route_sampler="exact", **shared), LagrangianSearch(**shared)):
            rows.append(time_frames(env, n, args))
            row = rows[-1]
            cells = [row.environment, n, f"{row.milliseconds:.1f}", f"{row.processor:.1f}"]
            print(f"| {' | '.join(map(str, cells))} | {row.least:.1f} … {row.most:.1f} | {row.first:.0f} |", flush=True)
    if args.out is not None:
        plain = asdict(args) | {"out": args.out.name}
        record = {"versions": versions("gymnasium", "matplotlib"), "threads": 1, "args": plain}
        write_record(args.out, record | {"rows": [asdict(row) for row in rows]})


def time_frames(env: EpisodeEnv, n: int, args: Args) -> Row:
    """Render an environment after every step, resets included where episodes end."""
    vars(envs.picture._made).clear()  # so that every row has a first frame
    env.reset(seed=args.seed)
    env.action_space.seed(args.seed)
    passed, worked = [], []
    for _ in range(args.frames + 1):
        started, busy = time.perf_counter(), time.process_time()
        env.render()
        passed.append(1e3 * (time.perf_counter() - started))
        worked.append(1e3 * (time.process_time() - busy))
        if env.step(env.action_space.sample())[2]:
            env.reset()
    first, *rest = passed
    return Row(type(env).__name__, n, median(rest), median(worked[1:]), first, min(rest), max(rest))


if __name__ == "__main__":
    import tyro

    try:
        main(tyro.cli(Args, description=__doc__))
    except LagrlError as error:
        sys.exit(f"environment_steps: {error}")
