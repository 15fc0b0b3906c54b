"""How many CPU hours does each preset of `train.bc` and `train.ppo` take?

    python -m benchmarks.training_hours.run --out docs/rows/training_hours.jsonl
    python -m benchmarks.training_hours.run --show-rows docs/rows/training_hours.jsonl

Every preset is trained in small: two rounds or rollouts, the critic's alone and a full one, with a few episodes and
validation instances. CPU seconds per piece of work times the pieces in the whole run's plan are its hours, as in the
estimate that a training prints. Runs may end earlier: episodes end where the dual is optimal, and updates at the limit
of their KL divergence, which is switched off here.
"""

from __future__ import annotations

from benchmarks.harness import append_rows, one_thread, origin, read_rows, read_rows_if_any

if __name__ == "__main__":
    one_thread()  # before numpy, numba and torch are loaded

import tempfile
import time
from collections import defaultdict
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import tyro

from train.allocator import keep_memory
from train.bc.config import BCConfig
from train.bc.run import BCRun
from train.curves import Curves
from train.ppo.config import PPOConfig
from train.ppo.run import PPORun
from train.progress import Progress
from train.stop import Stop

if TYPE_CHECKING:
    from train.run import TrainingRun

CPU = torch.device("cpu")
PRESETS = ("small", "reference")
EPISODES = 32  # of a round
INSTANCES = 8  # of a validation, of all its sizes


def main(out: Path | None = None, show_rows: Path | None = None, presets: tuple[str, ...] = PRESETS) -> None:
    """Measure or show the CPU hours.

    Parameters
    ----------
    out
        File for the rows; presets that it has are not measured again.
    show_rows
        Rows of an earlier run, to be shown instead.
    presets
        Presets to measure.
    """
    if show_rows is not None:
        show(read_rows(show_rows))
        return
    torch.set_num_threads(1)
    keep_memory()  # as training does
    rows = [] if out is None else read_rows_if_any(out)
    done = {(row["trainer"], row["preset"]) for row in rows}
    left = [(name, preset) for preset in presets for name in TRAINERS if (name, preset) not in done]
    for trainer in dict.fromkeys(name for name, _ in left):
        TRAINERS[trainer]("small")  # compiles the kernels, which is not counted
    for trainer, preset in left:
        own = [
            {"trainer": trainer, "preset": preset, "kind": kind, "pieces": pieces, "seconds": seconds} | origin("torch")
            for kind, (pieces, seconds) in TRAINERS[trainer](preset).items()
        ]
        rows += own
        if out is not None:
            append_rows(out, own)
    show(rows)


def show(rows: list[dict[str, Any]]) -> None:
    """Print hours of each preset by kind of work."""
    print("| training | preset | CPU hours | of these, by kind of work |")
    print("|---|---|--:|---|")
    for trainer, preset in dict.fromkeys((row["trainer"], row["preset"]) for row in rows):
        own = {row["kind"]: row for row in rows if (row["trainer"], row["preset"]) == (trainer, preset)}
        hours = {kind: row["pieces"] * row["seconds"] / 3600 for kind, row in own.items()}
        parts = ", ".join(f"{kind} {value:.2g}" for kind, value in hours.items())
        print(f"| `train.{trainer}` | `{preset}` | {sum(hours.values()):.2g} | {parts} |")


def _measured_cloning(preset: str) -> dict[str, tuple[float, float]]:
    """Return the pieces of the whole run and the CPU seconds of one, by kind."""
    config = BCConfig.preset(preset)
    short = replace(
        config,
        rounds=2,
        epochs_per_round=1,
        first_episodes=EPISODES,
        episodes=EPISODES,
        validate_every=2,
        validation_instances=INSTANCES,
    )
    with tempfile.TemporaryDirectory() as folder:
        run = BCRun(short, Path(folder), CPU)
        run.expert_scores = dict.fromkeys(config.budgets, 1.0)  # nearly all validations are the policy's
        meter = _learned(run, Path(folder))
        plan = BCRun(config, Path(folder), CPU).plan()
    return {kind: (plan[kind], meter.seconds[kind] / meter.pieces[kind]) for kind in plan}


def measured_ppo(config: PPOConfig) -> dict[str, tuple[float, float]]:
    """Return the pieces of the whole run and the CPU seconds of one, by kind; see `_measured_cloning`."""
    short = replace(
        config,
        rollouts=2,
        critic_warmup=1,
        n_steps=config.n_steps // 2,
        n_epochs=1,
        target_kl=0.0,
        validation_instances=INSTANCES,
    )
    with tempfile.TemporaryDirectory() as folder:
        meter = _learned(PPORun(short, None, device="cpu"), Path(folder))
        plan = PPORun(config, None, device="cpu").plan()
    found = {}
    for kind, pieces in plan.items():
        seconds = meter.seconds[kind] / meter.pieces[kind]
        if kind in ("update", "critic update"):
            once, epoch = (total / meter.pieces[kind] for total in (meter.seconds[kind], meter.within[kind]))
            seconds = config.rollout_size / short.rollout_size * (once - epoch + config.n_epochs * epoch)
        found[kind] = pieces, seconds
    return found


class _Meter:
    """CPU seconds and pieces by kind of work, and the seconds within epochs."""

    def __init__(self) -> None:
        self.pieces: defaultdict[str, float] = defaultdict(float)
        self.seconds: defaultdict[str, float] = defaultdict(float)
        self.within: defaultdict[str, float] = defaultdict(float)
        self._last = time.process_time()

    def report(self, kind: str, pieces: float, text: str) -> None:
        """Count a piece of work; see `train.pace.Report`."""
        now = time.process_time()
        self.pieces[kind] += pieces
        self.seconds[kind] += now - self._last
        if ", epoch " in text:
            self.within[kind] += now - self._last
        self._last = now


def _learned(run: TrainingRun[Any], folder: Path) -> _Meter:
    """Train a run; return the measured work."""
    meter = _Meter()
    run.report = meter.report
    with Curves(folder, None, None) as curves, Progress(run.name, run.total_steps, unit=run.unit) as progress:
        run.learn(Stop(), curves, progress, lambda: None)
        run.complete()
    return meter


def _measured_preset(preset: str) -> dict[str, tuple[float, float]]:
    return measured_ppo(replace(PPOConfig.preset(preset), expert="hwc"))


TRAINERS = {"bc": _measured_cloning, "ppo": _measured_preset}

if __name__ == "__main__":
    tyro.cli(main)
