"""Training runs: the parts that cloning and PPO share, from the command line to the last archive."""

from __future__ import annotations

import shlex
from abc import ABC, abstractmethod
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

import torch

from lagrl.io.lock import result_lock
from lagrl.plot.picture_style import require_picture, save_figure
from lagrl.plot.training_curves import training
from lagrl.printable import say
from lagrl.ray_cluster import connected
from policies.checkpoint import Checkpoint, save_checkpoint
from policies.controller import PolicyController
from policies.network import DiagonalPrecondNet
from train.allocator import keep_memory
from train.archive import require_archive
from train.bounds import beyond_bounds
from train.candidate import TrainingCandidate
from train.command_line import Configuration, LabelledRunOptions, RunOptions, long_form, parse, require_new
from train.config import TrainingConfig
from train.curves import CURVES_FILE, Curves, read_curves
from train.given_again import GivenAgain
from train.pace import silent
from train.progress import Progress
from train.saved_steps import SavedSteps
from train.stop import Interrupted, Stop
from train.torch_device import prepare
from train.validation import measure, validation_set

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path
    from types import ModuleType

    from torch import Tensor, nn

    from lagrl.plugins import NamedRule
    from lagrl.problems.cvrp import CVRP
    from policies.config import PolicyConfig
    from train.pace import Report
    from train.paths import RunPaths
    from train.validation import Validation

C = TypeVar("C", bound=TrainingConfig)
A = TypeVar("A", bound=Configuration)
S = TypeVar("S", bound=RunOptions)
R = TypeVar("R", bound="Run")

_IN_USE = "wait for that process, or stop it"


class Run(ABC):
    """A run of any training, as `run_command` and the files of a run see it.

    A run proceeds in steps. Everything except the network's weights changes at the end of a step only, so that a step
    that is interrupted can be repeated.

    Parameters
    ----------
    total_steps
        Number of steps of the whole run.

    Attributes
    ----------
    name, unit
        Name of the method, and name of its steps.
    shown_every
        Number of steps from one shown step to the next.
    net
        The network in training.
    best
        Best candidate so far; None before the first validation.
    seconds
        Wall-clock seconds so far, over all resumed parts.
    report
        Called after each piece of work within a step. While the run is trained it shows the progress, and ends the step
        after a signal.
    notes
        Lines for the user at the start of the run.
    cluster
        The module `ray`, connected to the cluster that makes labelled data; None: this process makes it.
    """

    name: ClassVar[str]
    unit: ClassVar[str]
    shown_every: ClassVar[int] = 1
    net: nn.Module
    best: Any

    def __init__(self, total_steps: int) -> None:
        self.total_steps = total_steps
        self.seconds = 0.0
        self.report: Report = silent
        self.notes: list[str] = []
        self.cluster: ModuleType | None = None

    @property
    @abstractmethod
    def steps_done(self) -> int:
        """Number of steps so far."""

    @property
    def last_row(self) -> int:
        """Step of its last row in the curves; later rows are of a step that it repeats."""
        return self.steps_done

    @abstractmethod
    def plan(self) -> dict[str, float]:
        """Return the number of pieces of work in the rest of the run, by kind, see `Pace`."""

    @abstractmethod
    def guesses(self) -> dict[str, float]:
        """Measure and return seconds of pieces that come late in a run, see `Pace`."""

    @abstractmethod
    def learn(
        self, stop: Stop, curves: Curves, progress: Progress, save: Callable[[], None], *, resumed: bool = False
    ) -> None:
        """Train to the end, or until `stop` requests an end.

        Raises
        ------
        Interrupted
            From `report`, within a step.

        Parameters
        ----------
        stop
            Checked between two steps.
        curves, progress
            Updated after every step.
        save
            Called after every step, which is complete then; writes an archive if one is due.
        resumed
            Whether the run comes from an archive.
        """

    @abstractmethod
    def save_checkpoint(self, path: Path, card: dict[str, Any]) -> None:
        """Write the candidate as a checkpoint."""

    def rules(self) -> list[NamedRule]:
        """Return the names that a file may not choose freely, see `lagrl.plugins.require_trusted`."""
        return []

    def first_notes(self) -> list[str]:
        """Return the lines for the user at the start of the run."""
        return self.notes

    @property
    def is_complete(self) -> bool:
        """Whether all steps are done."""
        return self.steps_done >= self.total_steps

    @property
    def is_finished(self) -> bool:
        """Whether all steps are done, and `complete` too."""
        return self.is_complete

    def complete(self) -> None:  # noqa: B027 - most trainings measure nothing then
        """Measure what is measured once, at the end of the run."""

    def weights(self) -> dict[str, Tensor]:
        """Return a copy of the current weights on the CPU."""
        return {name: tensor.detach().cpu().clone() for name, tensor in self.net.state_dict().items()}


class TrainingRun(Run, Generic[C]):
    """A training run with its network, its time and its best candidate.

    Parameters
    ----------
    config
        Hyper-parameters.
    policy
        Size and initial exploration of the network.
    total_steps
        Number of steps of the whole run: epochs or rollouts.

    Attributes
    ----------
    problems
        Validation instances.
    best
        Best candidate so far; None before the first validation.
    imitation
        Last figures on held-out episodes (cloning).
    """

    net: DiagonalPrecondNet
    best: TrainingCandidate | None

    def __init__(self, config: C, policy: PolicyConfig, total_steps: int) -> None:
        super().__init__(total_steps)
        self.config = config
        self.policy = policy
        self.best = None
        self.imitation: dict[str, float] = {}
        self.problems = validation_set(config.validation_seed, config.validation_instances, config.validation_sizes)

    def rules(self) -> list[NamedRule]:
        """Return the names of expert and samplers."""
        return self.config.rules()

    def first_notes(self) -> list[str]:
        """Return the lines for the user at the start of the run; the first says which share is beyond its bounds."""
        beyond = [] if self.config.env.bounds is None else [beyond_bounds(self.config.env, self.config.seed)]
        return [*beyond, *self.notes]

    @property
    def candidate(self) -> TrainingCandidate:
        """Best candidate; before the first validation the current policy, without scores."""
        return self.best or TrainingCandidate(self.steps_done, {}, self.weights(), imitation=self.imitation)

    def network(self, weights: dict[str, Tensor]) -> DiagonalPrecondNet:
        """Return a network with these weights, in evaluation mode."""
        with torch.random.fork_rng(devices=[]):  # the time of an archive must not change later random numbers
            net = DiagonalPrecondNet(self.policy)
        net.load_state_dict(weights)
        return net.eval()

    def measured(self, weights: dict[str, Tensor], problems: Sequence[CVRP]) -> Validation:
        """Return the validation result of some weights."""
        checkpoint = Checkpoint(self.network(weights), self.policy, self.config.env.action, card={})
        return measure(lambda: PolicyController(checkpoint), problems, self.config.budgets, report=self.report)

    def save_checkpoint(self, path: Path, card: dict[str, Any]) -> None:
        """Write the candidate as a checkpoint."""
        save_checkpoint(path, self.network(self.candidate.weights), self.config.env.action, card)


def run_command(
    arguments: list[str],
    *,
    prog: str,
    about: str,
    config_type: type[A],
    options_type: type[S],
    start: Callable[[A, S, torch.device, str], tuple[R, RunPaths]],
    resume: Callable[[S, torch.device, GivenAgain], tuple[R, RunPaths]],
    state: Callable[[R], tuple[dict[str, Any], dict[str, Any]]],
    card: Callable[[R, RunPaths], dict[str, Any]],
    report: Callable[[R, RunPaths, Stop, str], None],
) -> None:
    """Train as the command line says, write the checkpoint, and report. No other process can use the run's folder.

    Parameters
    ----------
    arguments
        Arguments of the command line.
    prog, about, config_type, options_type
        See `parse`.
    start
        Makes a new run.
    resume
        Restores a run from its archive, with rules that are given again.
    state
        Returns arrays and JSON values of a run for its archive.
    card
        Returns the model card of a run's checkpoint.
    report
        Prints the result and the next command; takes the run, its paths, the request to stop and `prog`.

    Raises
    ------
    OutputError
        If another process works in the run's folder.
    """
    arguments = long_form(arguments)
    config, options = parse(prog, about, config_type, options_type, arguments)
    require_picture(options.plot)
    device = prepare(options.device, options.threads)
    keep_memory()
    with ExitStack() as stack:
        stop = stack.enter_context(Stop(options.minutes))
        address = options.ray if isinstance(options, LabelledRunOptions) else None
        cluster = None if address is None else stack.enter_context(connected(address))
        if isinstance(config, GivenAgain):
            assert options.resume is not None
            require_archive(options.resume)
            stack.enter_context(result_lock(options.resume, _IN_USE))
            run, paths = resume(options, device, config)
        else:
            run, paths = start(config, options, device, shlex.join([*prog.split(), *arguments]))
            stack.enter_context(result_lock(paths.folder, _IN_USE))
            require_new(paths.folder)  # again: another process may have started there since
        run.cluster = cluster
        steps = SavedSteps(run, paths, stop, state, card, is_resumed=isinstance(config, GivenAgain))
        try:
            _train(steps, watch=options.watch)
            with stop.shield():
                run.save_checkpoint(paths.out, card(run, paths))  # again: the card has the figures of the whole run
            report(run, paths, stop, prog)
            if options.plot is not None:
                save_figure(training(read_curves(paths.folder / CURVES_FILE), unit=run.unit), options.plot)
        except KeyboardInterrupt:
            if steps.is_saved:
                again = paths.resume_command(prog, run.rules())
                say(f"{run.unit} {run.steps_done} is saved; resume with: {again}", error=True)
            raise


def _train(steps: SavedSteps[Any], *, watch: bool) -> None:
    """Train to the end or to a request to stop, and write the archive of the last complete step.

    `watch`: whether to show a live view.
    """
    run, paths, stop = steps.run, steps.paths, steps.stop
    for part in paths.folder.rglob(".*.part"):  # of a killed process: this one has the folder's lock
        part.unlink(missing_ok=True)
    with (
        Curves(paths.folder, run.last_row if steps.is_resumed else None, paths.events) as curves,
        Progress(
            run.name,
            run.total_steps,
            done=run.steps_done,
            unit=run.unit,
            plan=run.plan(),
            guesses=run.guesses(),
            earlier=[row for row in curves.kept if row["step"] % run.shown_every == 0],
            watch=watch,
        ) as progress,
    ):
        if torch.get_num_threads() != paths.threads:
            progress.note(f"started with --threads {paths.threads}; another number changes the last bits of results")
        for note in run.first_notes():
            progress.note(note)

        def report(kind: str, pieces: float, text: str) -> None:
            progress.report(kind, pieces, text)
            stop.check()

        run.report = report
        try:
            run.learn(stop, curves, progress, steps.complete_one, resumed=steps.is_resumed)
            run.complete()
        except Interrupted:
            steps.rewind()
        finally:
            steps.write()
