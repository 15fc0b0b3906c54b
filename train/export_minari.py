"""Export of a cloning run's demonstrations as a Minari dataset: `python -m train.export_minari runs/NAME`.

A Minari dataset (Younis et al. 2024) has complete episodes and the environment they come from, so that libraries for
offline reinforcement learning read it. The extra `minari` is needed.
"""

import re
import shutil
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import gymnasium
import torch
import tyro

from lagrl import __version__
from lagrl.cli.arguments import parse_arguments
from lagrl.errors import InputError, MissingExtraError
from lagrl.io.records import from_record
from lagrl.printable import say
from train.archive import RECORD_FILE, load_archive
from train.archive_record import ArchivedRun
from train.bc.archive import restored_run
from train.bc.demonstrations import Demonstration, demonstrations
from train.bc.run import BCRun
from train.command_line import entry
from train.given_again import GivenAgain

_PROG = "python -m train.export_minari"
_ABOUT = (
    "Write the demonstrations of a cloning run, the episodes in which the expert acted, as a Minari dataset. It is "
    "stored where Minari looks: in the folder of the variable MINARI_DATASETS_PATH, by default ~/.minari/datasets."
)
_ID = re.compile(r"(?:[-\w]+/)*[-\w]+-v\d+")

RunFolder = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="runs/NAME")]
DatasetId = Annotated[str, tyro.conf.arg(metavar="NAME/NAME-v0")]
Text = Annotated[str | None, tyro.conf.arg(metavar="TEXT", help_behavior_hint="")]


@dataclass(frozen=True)
class ExportOptions:
    """Options of the export."""

    run: RunFolder
    """folder of a run of lagrl train bc"""
    id: DatasetId = "lagrl/cvrp-demonstrations-v0"
    """identifier of the dataset: namespace, name and version"""
    author: Text = None
    """author in the dataset's description (default: none)"""
    author_email: Text = None
    """the author's address in the dataset's description (default: none)"""
    again: Annotated[GivenAgain, tyro.conf.arg(name="")] = field(default_factory=GivenAgain)


def main(arguments: list[str], prog: str = _PROG) -> int:
    """Export a run; return the exit code. `prog` is the form of the command that the user typed."""
    options = parse_arguments(
        ExportOptions, arguments, prog=prog, description=_ABOUT, config=(tyro.conf.AvoidSubcommands,)
    )
    run = cloning_run(options.run, options.again)
    dataset = export(run, options.id, author=options.author, author_email=options.author_email)
    say(f"{options.id}: {dataset.total_episodes} episodes of expert {run.config.expert}, {dataset.total_steps} steps")
    say(f"  read it by: minari.load_dataset({options.id!r})")
    return 0


def cloning_run(folder: Path, given: GivenAgain | None = None) -> BCRun:
    """Read the run of a folder, without changing anything there.

    Raises
    ------
    InputError
        If there is none with data, it is damaged or of another trainer, or names a rule that is neither built in nor
        given.
    """
    arrays, record = load_archive(folder)
    source = str(folder / RECORD_FILE)
    found = from_record(ArchivedRun, record, "record", source=source, remedy="start a new run", allow_others=True)
    if found.trainer != "bc":
        raise InputError(f"a run of {found.trainer!r}", source=str(folder), remedy="give a run of lagrl train bc")
    run = restored_run(arrays, found.run, folder, torch.device("cpu"), given)
    if run.states is None:
        raise InputError("no data are collected yet", source=str(folder), remedy="continue the run with --resume")
    return run


def export(run: BCRun, dataset_id: str, *, author: str | None = None, author_email: str | None = None) -> Any:
    """Write the demonstrations of a run as a Minari dataset; return the dataset.

    Each episode's metadata have its `number` in the run, and the `generator` [5] from which it starts again, see
    `Demonstration.seed`.

    Parameters
    ----------
    run
        A cloning run with data.
    dataset_id
        Identifier of the dataset.
    author, author_email
        Of the dataset's description.

    Raises
    ------
    InputError
        If the identifier is not one of Minari, a dataset has it, or an episode does not come again.
    MissingExtraError
        If minari or h5py is not installed.
    """
    if not _ID.fullmatch(dataset_id):
        raise InputError(f"{dataset_id!r:.80} given", field="--id", remedy="give one as lagrl/cvrp-demonstrations-v0")
    try:
        import h5py  # noqa: F401 - minari imports it when it writes
        import minari
        from minari.data_collector import EpisodeBuffer
        from minari.storage import get_dataset_path
    except ImportError as error:
        raise MissingExtraError.of(error.name or "minari", "minari", "the export") from error
    folder = Path(get_dataset_path(dataset_id))
    if folder.exists():
        remedy = f"give another version, or delete it: minari delete {dataset_id}"
        raise InputError("the dataset exists", source=str(folder), field="--id", remedy=remedy)
    assert run.states is not None
    found = demonstrations(run.config, run.states, len(run.manifest.shards))
    with _removed_after_errors(folder):
        first = next(found)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "`[a-z_]*` is set to None", UserWarning)  # the user may omit them
            dataset = minari.create_dataset_from_buffers(
                dataset_id,
                [_buffer(EpisodeBuffer, first)],
                env=gymnasium.make("envs:LagrangianCVRP-v0", **run.config.env.to_json()),
                algorithm_name=f"lagrl expert {run.config.expert}",
                author=author,
                author_email=author_email,
                description=f"Demonstrations of the controller {run.config.expert!r} in LagrangianCVRP-v0: the "
                f"episodes of a cloning run (seed {run.config.seed}) in which the controller acted.",
                requirements=[f"lagrl=={__version__}"],
            )
        described = [first]
        while some := list(islice(found, 32)):  # written in parts, which need little memory
            dataset.update_dataset_from_buffer([_buffer(EpisodeBuffer, one) for one in some])
            described += some
        dataset.storage.update_episode_metadata([{"number": one.number, "generator": one.seed} for one in described])
    return dataset


def _buffer(kind: Any, one: Demonstration) -> Any:
    return kind(
        observations=one.observations,
        actions=one.actions,
        rewards=one.rewards,
        terminations=one.terminations,
        truncations=one.terminations & False,
        infos=one.infos,
    )


@contextmanager
def _removed_after_errors(folder: Path) -> Iterator[None]:
    try:
        yield
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


if __name__ == "__main__":
    sys.exit(entry(_PROG, "train.export_minari", None))
