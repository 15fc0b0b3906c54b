"""The command `lagrl carbon`: generate and solve instances of carbon-aware placement."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import numpy as np
import tyro

from lagrl.cli.options import Names, OutFile, Plot, Rate
from lagrl.cli.progress import waiting_bar
from lagrl.errors import InputError, InstanceError, UnknownNameError
from lagrl.io.atomic import require_writable, write_text
from lagrl.plot.picture_style import require_picture, save_figure
from lagrl.printable import say

if TYPE_CHECKING:
    from lagrl.carbon.result import PlacementResult
    from lagrl.problems.carbon.instance import CarbonInstance
    from lagrl.problems.carbon.placement_problem import PlacementProblem

Target = Annotated[Path, tyro.conf.Positional, tyro.conf.arg(metavar="FILE")]


@dataclass(frozen=True)
class GenerateCarbon:
    """Write a random instance: a transformer on GPUs in zones with synthetic carbon intensities, or those of a file."""

    out: Target
    """the JSON file to write"""
    layers: int = 32
    """number of layers"""
    devices: int = 3
    """number of devices"""
    parameters: float = 70.0
    """parameters of the model, billions"""
    tokens: float = 20e6
    """output tokens of the day"""
    memory: Rate = None
    """share of the model that each device can hold (default: no limit)"""
    limit: Rate = None
    """limit of the time per output token, as a multiple of the slowest device's (default: none)"""
    zones: Names = ()
    """zone of each device (default: drawn); synthetic ones end in -hydro, -wind, -solar, -gas or -coal"""
    intensity: OutFile = None
    """hourly CSV file of Electricity Maps with these zones, instead of synthetic intensities"""
    intensity_kind: Literal["direct", "life cycle"] = "life cycle"
    """which intensities of that file count"""
    day: str = ""
    """first hour of the day in that file, such as 2024-03-01 or 2024-03-01T06:00, UTC"""
    seed: int = 0
    """random seed"""
    overwrite: bool = False
    """replace an existing file"""

    def run(self) -> None:
        """Write the file and print its path."""
        from lagrl.problems.carbon.instance import write_carbon
        from lagrl.problems.carbon.synthetic import generate_carbon

        if self.seed < 0:
            raise InputError(f"{self.seed} given", field="seed", remedy="give 0 or more")
        if self.out.exists() and not self.overwrite:
            raise InputError("exists", source=str(self.out), remedy="give another name, or --overwrite")
        require_writable(self.out)
        if self.intensity is not None and not (self.zones and self.day):
            raise InputError("given alone", field="--intensity", remedy="give --zones and --day too")
        if self.day and self.intensity is None:
            raise InputError(f"{self.day} given", field="--day", remedy="give --intensity too, or leave it out")
        instance = generate_carbon(
            np.random.default_rng(self.seed),
            n_layers=self.layers,
            n_devices=self.devices,
            parameters_b=self.parameters,
            tokens_per_day=self.tokens,
            memory=self.memory,
            limit=self.limit,
            zones=self.zones,
            intensity=self._intensity(),
            intensity_kind=self.intensity_kind if self.intensity else "synthetic",
        )
        write_carbon(instance, self.out)
        say(self.out)

    def _intensity(self) -> dict[str, list[float]] | None:
        if self.intensity is None:
            return None
        from lagrl.problems.carbon.electricity_maps import day_of, read_intensity

        series = read_intensity(self.intensity, self.intensity_kind)
        first = _day(self.day)
        return {zone: day_of(series, zone, first, source=str(self.intensity)) for zone in self.zones}


@dataclass(frozen=True)
class SolveCarbon:
    """Place the layers of an instance, and compare with the best static placement and the cleanest device."""

    instance: Target
    """JSON file of `lagrl carbon generate`"""
    method: str = "lagrangian"
    """lagrangian, milp, min-cut, brute-force, hourly, static, cleanest or genetic"""
    seconds: float = math.inf
    """wall-clock limit of lagrangian, milp and genetic, seconds"""
    cpu_watts: float = 65.0
    """power of the computer that solves, for its own emissions: assumed, W"""
    seed: int = 0
    """random seed"""
    out: OutFile = None
    """JSON file for the placement (default: none)"""
    plot: Plot = None
    """.svg, .pdf or .png file for the intensities and the placement (default: none)"""
    json: bool = False
    """print one JSON object instead of text"""

    def run(self) -> None:
        """Solve, and print emissions, bound and savings."""
        from lagrl.carbon.solve import solve_placement
        from lagrl.problems.carbon.instance import read_carbon

        if not self.seconds > 0:
            raise InputError(f"{self.seconds:g} given", field="--seconds", remedy="give more than 0")
        if not self.cpu_watts >= 0:
            raise InputError(f"{self.cpu_watts:g} given", field="--cpu-watts", remedy="give 0 or more")
        if self.out is not None:
            require_writable(self.out)
        require_picture(self.plot)
        instance = read_carbon(self.instance)
        problem = instance.problem()
        with waiting_bar(f"{instance.name}: method {self.method}"):
            try:
                result = solve_placement(problem, self.method, seconds=self.seconds, seed=self.seed)
                static, cleanest = (solve_placement(problem, name) for name in ("static", "cleanest"))
            except InstanceError as error:
                place = {"source": str(self.instance), "field": error.field, "remedy": error.remedy}
                raise InstanceError(error.problem, **place) from error
        record = _record(instance, problem, self.method, result, static, cleanest, self.cpu_watts)
        if self.out is not None:
            names = [[instance.devices[d].name for d in hour] for hour in result.placement.tolist()]
            write_text(self.out, json.dumps({**record, "placement": names}, indent=1, allow_nan=False) + "\n")
        if self.plot is not None:
            from lagrl.plot.placement_pictures import draw_placement

            save_figure(draw_placement(instance, result.placement), self.plot)
        if self.json:
            print(json.dumps(record, allow_nan=False))
        else:
            say(*_text(record))


@dataclass(frozen=True)
class ExperimentCarbon:
    """Run an experiment on generated instances, write its rows to a new file, and print its table."""

    name: Annotated[Literal["exact", "saving", "qaoa"], tyro.conf.Positional, tyro.conf.arg(metavar="NAME")]
    """exact (methods by size), saving (against the best static placement) or qaoa (circuits and controls)"""
    repeats: int = 3
    """number of seeds, or of days"""
    out: OutFile = None
    """JSONL file for the rows (default: none)"""
    show_rows: OutFile = None
    """print the table of a file of rows, which may be gzipped, instead of running (default: none)"""
    plot: Plot = None
    """.svg, .pdf or .png file for the means and ranges (default: none)"""

    def run(self) -> None:
        """Run, print and draw."""
        from lagrl.carbon.placement_experiments import read_rows
        from lagrl.carbon.placement_tables import table_of

        if self.repeats < 1:
            raise InputError(f"{self.repeats} given", field="--repeats", remedy="give 1 or more")
        require_picture(self.plot)
        rows = read_rows(self.show_rows, self.name) if self.show_rows is not None else self._made_rows()
        say(*table_of(self.name, rows))
        if self.plot is not None:
            from lagrl.plot.experiment_pictures import placement_experiment

            save_figure(placement_experiment(self.name, rows), self.plot)

    def _made_rows(self) -> list[dict[str, Any]]:
        from lagrl.carbon.placement_experiments import EXPERIMENTS

        rows = []
        if self.out is not None:
            if self.out.exists():
                raise InputError("exists", source=str(self.out), remedy="give another name")
            require_writable(self.out)
        with waiting_bar(f"experiment {self.name}") as show:
            for row in EXPERIMENTS[self.name](self.repeats):
                rows.append(row)
                show(f"experiment {self.name}: {len(rows)} rows")
                if self.out is not None:
                    write_text(self.out, "".join(json.dumps(entry) + "\n" for entry in rows))
        return rows


@dataclass(frozen=True)
class CarbonCommand:
    """Options of `lagrl carbon`.

    Decides which device runs each layer of a language model in each hour of a day, at least emissions.
    """

    action: Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="ACTION")]
    """generate (an instance), solve (one) or experiment (a comparison); each has its own --help"""

    def run(self) -> None:
        """Refuse: an action is run by the command line itself."""
        raise UnknownNameError.of("action", self.action, ACTIONS, hint="; see lagrl carbon --help")


ACTIONS: dict[str, Any] = {"generate": GenerateCarbon, "solve": SolveCarbon, "experiment": ExperimentCarbon}
"""The actions of the command, by name."""


def _day(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise InputError(f"{text!r} given", field="--day", remedy="give a day, such as 2024-03-01") from None
    if moment.utcoffset():
        raise InputError(f"{text!r} given", field="--day", remedy="give a time in UTC")
    return moment.replace(tzinfo=UTC)


def _record(
    instance: CarbonInstance,
    problem: PlacementProblem,
    method: str,
    result: PlacementResult,
    static: PlacementResult,
    cleanest: PlacementResult,
    cpu_watts: float,
) -> dict[str, Any]:
    from lagrl.problems.carbon.hardware import POWER_USAGE_EFFECTIVENESS

    intensity = float(np.mean([instance.intensity_g_per_kwh[zone] for zone in instance.zone_of]))
    own = result.seconds * cpu_watts / 3.6e6 * POWER_USAGE_EFFECTIVENESS * intensity
    moves = int((result.placement[:-1] != result.placement[1:]).sum())
    return {
        "instance": instance.name,
        "method": method,
        "emissions_g": result.emissions_g,
        "lower_bound_g": result.lower_bound_g,
        "gap_percent": result.gap_percent,
        "static_g": static.emissions_g,
        "cleanest_g": cleanest.emissions_g,
        "optimiser_g": own,
        "net_saving_g": 0.0 + (static.emissions_g - result.emissions_g - own),
        "layer_moves": moves,
        "seconds": result.seconds,
        "evaluations": result.evaluations,
        "hours": problem.n_hours,
        "layers": problem.n_layers,
        "devices": problem.n_devices,
    }


def _text(record: dict[str, Any]) -> list[str]:
    proven = "" if record["gap_percent"] is None else f", at most {record['gap_percent']:.3f} % above the optimum"
    saved, static = record["net_saving_g"], record["static_g"]
    share = f" ({100 * saved / static:z.2f} %)" if static else ""
    return [
        f"{record['instance']}: {record['emissions_g']:.1f} gCO2e with method {record['method']}{proven}",
        f"best static placement: {static:.1f} gCO2e; cleanest device of each hour: {record['cleanest_g']:.1f} gCO2e",
        f"saving against the static placement: {saved:z.2f} gCO2e{share}, net of {record['optimiser_g']:.2g} gCO2e of "
        "the computation (estimated)",
        f"{record['layer_moves']} moves of layers between hours; {record['seconds']:.2f} s",
    ]
