"""TensorBoard's files of a run, under our names and under those of Stable-Baselines3; made from the rows of curves."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from lagrl.errors import MissingExtraError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SB3_NAMES = {
    "reward": "rollout/ep_rew_mean",
    "length": "rollout/ep_len_mean",
    "kl": "train/approx_kl",
    "clip_fraction": "train/clip_fraction",
    "policy_loss": "train/policy_gradient_loss",
    "value_loss": "train/value_loss",
    "explained_variance": "train/explained_variance",
    "learning_rate": "train/learning_rate",
}
"""Names that Stable-Baselines3 has for columns of the curves of PPO."""


class EventFiles:
    """Writes rows of curves for TensorBoard. It replaces what an earlier process wrote in the folder.

    Columns have their own names over the step of the run. Those of PPO have the names of Stable-Baselines3 as well,
    over the steps of all environments, so that runs can be compared with others of that library.

    Parameters
    ----------
    folder
        Folder of the run's files; it is made.

    Raises
    ------
    MissingExtraError
        If tensorboard is not installed.
    """

    def __init__(self, folder: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ModuleNotFoundError as error:
            raise MissingExtraError.of("tensorboard", "rl", "--tensorboard") from error
        for old in folder.glob("events.out.tfevents.*"):
            old.unlink()
        self._writer = SummaryWriter(str(folder))

    def append(self, row: Mapping[str, Any]) -> None:
        """Write a row with its `step`; entries without a value are left out."""
        scalars = {name: value for name, value in row.items() if name != "step" and value is not None}
        for name, value in scalars.items():
            self._writer.add_scalar(name, value, row["step"])
        if "timesteps" in scalars:
            for name, value in sb3_scalars(scalars).items():
                self._writer.add_scalar(name, value, scalars["timesteps"])
        self._writer.flush()

    def close(self) -> None:
        """Close the file."""
        self._writer.close()


def sb3_scalars(row: Mapping[str, float]) -> dict[str, float]:
    """Return a row of PPO under the names of Stable-Baselines3."""
    found = {SB3_NAMES[name]: value for name, value in row.items() if name in SB3_NAMES}
    if "entropy" in row:
        found["train/entropy_loss"] = -row["entropy"]
    if "log_std" in row:
        found["train/std"] = math.exp(row["log_std"])
    if row.get("seconds"):
        found["time/fps"] = row["timesteps"] / row["seconds"]
    return found
