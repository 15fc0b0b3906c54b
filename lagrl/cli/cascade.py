"""The command `lagrl cascade`: LLM cascade routing, which language model answers which task."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import tyro

from lagrl.cascade.answer_text import answer_text
from lagrl.cascade.solve_cascade import CascadeConfig, solve_cascade
from lagrl.cli.options import NAMES, Count, Files, OutFile, Plot, options
from lagrl.cli.progress import waiting_bar
from lagrl.errors import InputError, OutputError
from lagrl.io.atomic import require_writable
from lagrl.plot.picture_style import require_picture, save_figure
from lagrl.printable import say
from lagrl.problems.cascade.cascade import LanguageModel
from lagrl.problems.cascade.cascade_file import write_cascade
from lagrl.problems.cascade.cascade_sources import read_cascade_files
from lagrl.problems.cascade.generate_cascade import CascadeParams, generate_cascade
from lagrl.problems.cascade.price_table import read_price_table
from lagrl.problems.cascade.published_cascades import published_cascade
from lagrl.problems.cascade.routing_csv import write_routing

Action = Annotated[Literal["generate", "solve", "experiment"], tyro.conf.Positional, tyro.conf.arg(metavar="ACTION")]
Params = Annotated[CascadeParams, options(CascadeParams)]
Amount = Annotated[float | None, tyro.conf.arg(metavar="X", help_behavior_hint="")]
List = Annotated[tuple[str, ...], NAMES, tyro.conf.arg(metavar="A,B,…", help_behavior_hint="")]
Config = Annotated[CascadeConfig, options(CascadeConfig)]
Target = Annotated[Path, tyro.conf.arg(metavar="DIR")]


@dataclass(frozen=True)
class CascadeCommand:
    """Options of `lagrl cascade`.

    Each action has options of its own: `lagrl cascade generate --help` lists them.
    """

    action: Action
    """generate: write random or published instances; solve: choose the models; experiment: repeat
    the published experiments"""

    def run(self) -> int | None:
        """Refuse an action without options; `entry` has run it already where options follow."""
        raise InputError("no option given", field=self.action, remedy=f"see lagrl cascade {self.action} --help")


@dataclass(frozen=True)
class GenerateCascade:
    """Write random instances of LLM cascade routing as JSON files, or a published one.

    Tasks have the published mix of complexities, tokens and latency limits. Without --prices the models are random
    ones; with it they are those of LiteLLM's price table.
    """

    out: Target
    """existing folder for the files"""
    params: Params
    prices: OutFile = None
    """LiteLLM's model_prices_and_context_window.json, for the models' prices and contexts (default: random models)"""
    models: List = ()
    """models of --prices, separated by commas (default: none)"""
    scores: List = ()
    """quality of each of --models, numbers from 0 to 1 separated by commas (default: none)"""
    published: Count = None
    """published instance of that number of tasks, 2, 4 or 6, instead of random ones (default: none)"""
    count: int = 1
    """number of instances"""
    seed: int = 0
    """random seed; instance j has the seed + j"""
    overwrite: bool = False
    """replace files of the same name"""

    def run(self) -> None:
        """Write the files and print their paths."""
        for path in self._files():
            say(path)

    def _files(self) -> Iterator[Path]:
        if self.count < 1:
            raise InputError(f"{self.count} given", field="--count", remedy="give 1 or more")
        models = self._models()
        for number in range(1 if self.published is not None else self.count):
            if self.published is not None:
                cascade = published_cascade(self.published)
            else:
                cascade = generate_cascade(self.params, self.seed + number, models)
            path = self.out / f"{cascade.name}.json"
            require_writable(path)
            if path.exists() and not self.overwrite:
                raise OutputError(f"{path}: exists; give --overwrite or another folder")
            write_cascade(cascade, path)
            yield path

    def _models(self) -> tuple[LanguageModel, ...] | None:
        if self.prices is None:
            for name in ("models", "scores"):
                if getattr(self, name):
                    raise InputError("given without --prices", field=f"--{name}", remedy="give the price table too")
            return None
        if len(self.models) != len(self.scores) or not self.models:
            problem = f"{len(self.scores)} scores for {len(self.models)} models"
            raise InputError(problem, field="--models, --scores", remedy="give one score for each of 1 or more models")
        return read_price_table(self.prices, self.models, dict(zip(self.models, map(_share, self.scores), strict=True)))


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1:
        raise InputError(f"{text!r} given", field="--scores", remedy="give numbers from 0 to 1")
    return value


@dataclass(frozen=True)
class SolveCascade:
    """Choose a language model for each task, at least cost or best quality, and prove how good the answer is.

    FILES is one file of `lagrl cascade generate`, one table like RouterBench's as CSV or Parquet, or one file of
    LLMRouterBench per model. An instance without a solution is refused with a proof.
    """

    files: Files
    """the instance"""
    config: Config
    budget: Amount = None
    """budget in dollars for all tasks (default: that of the file)"""
    mean_quality: Amount = None
    """least mean quality of the tasks, 0 to 1 (default: that of the file)"""
    out: OutFile = None
    """CSV file for the model, cost and quality of each task (default: none)"""
    plot: Plot = None
    """.svg, .pdf or .png file for the answer over price and quality (default: none)"""
    json: bool = False
    """print one JSON object instead of text"""

    def run(self) -> None:
        """Solve the instance, print the answer, write it and draw it."""
        if self.out is not None:
            require_writable(self.out)
        require_picture(self.plot)
        cascade = read_cascade_files(self.files, self.budget, self.mean_quality)
        with waiting_bar(f"{self.files[0]}: solving"):
            if cascade.variant == "capacitated":
                from lagrl.compilation import compile_kernels

                compile_kernels("relaxation", "recovery", "cascade")
            answer = solve_cascade(cascade, self.config, self.files[0])
        if self.json:
            print(json.dumps(answer.record(), allow_nan=False))
        else:
            say(*answer_text(cascade, answer))
        if answer.routing is None:
            return
        if self.out is not None:
            write_routing(answer.routing, self.out)
        if self.plot is not None:
            from lagrl.plot.cascade_picture import draw_routing

            save_figure(draw_routing(answer.routing), self.plot)


@dataclass(frozen=True)
class ExperimentCascade:
    """Repeat a published experiment of QAOA for cascade routing on fake backends (extra quantum).

    Three columns: as published, as written (the published formula of the circuit), and as run (its export exchanges √X
    and its inverse, and bits are read in reverse); beside them uniform bits and uniform valid assignments. Nothing is
    repaired before valid shots are counted. `a` takes some minutes, the others less than one.
    """

    name: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="a|b|c|d|penalties")]
    """a: sizes; b: depths; c: shots; d: sizes with one layer; penalties: the weight of the quality floors"""
    seed: int = 0
    """random seed of drawn shots"""
    plot: Plot = None
    """.svg, .pdf or .png file for the valid shots, or for what the penalties do (default: none)"""
    json: bool = False
    """print rows as JSON lines instead of tables"""

    def run(self) -> None:
        """Run the experiment, print it and draw it."""
        from lagrl.cascade.experiment_tables import experiment_table
        from lagrl.cascade.experiments import experiment_rows

        require_picture(self.plot)
        rows = []
        with contextlib.nullcontext() if self.json else waiting_bar(f"experiment {self.name}") as show:
            for row in experiment_rows(self.name, self.seed):
                rows.append(row)
                if show is None:
                    print(json.dumps(row), flush=True)
                else:
                    show(f"experiment {self.name}: {len(rows)} rows")
        if not self.json:
            say(experiment_table(self.name, rows))
        if self.plot is not None:
            from lagrl.plot.experiment_pictures import cascade_experiment

            save_figure(cascade_experiment(self.name, rows), self.plot)


ACTIONS: dict[str, Any] = {"generate": GenerateCascade, "solve": SolveCascade, "experiment": ExperimentCascade}
