"""What each command takes, and which part of the library it calls.

One frozen dataclass a command: tyro makes its options, its field comments are the help.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, Protocol

import tyro

from lagrl import __version__
from lagrl.cli.bound import BoundCommand
from lagrl.cli.devices import DevicesCommand
from lagrl.cli.journal import JournalCommand, going_on, tell_journal
from lagrl.cli.traces import TracesCommand
from lagrl.errors import InputError, MissingExtraError, OutputError, UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Callable

File = Annotated[str, tyro.conf.Positional, tyro.conf.arg(metavar="FILE")]
Ingredients = Annotated[str, tyro.conf.arg(metavar="A,B,…", help_behavior_hint="")]
Names = Annotated[str, tyro.conf.arg(metavar="A,B,…")]
Count = Annotated[int | None, tyro.conf.arg(metavar="N", help_behavior_hint="")]
Seconds = Annotated[float | None, tyro.conf.arg(metavar="S", help_behavior_hint="")]
Text = Annotated[str | None, tyro.conf.arg(metavar="TEXT", help_behavior_hint="")]
Folder = Annotated[Path | None, tyro.conf.arg(metavar="DIR", help_behavior_hint="")]


class Command(Protocol):
    """Arguments of one command, and what it does; the exit code is 0 unless `run` gives another."""

    def run(self) -> int | None:
        """Carry the command out."""
        ...


@dataclass(frozen=True)
class SolveCommand:
    """Find routes for one instance.

    The dual value that is printed bounds the assignment surrogate of a linearisation, not the CVRP.
    """

    file: File
    """CVRPLIB .vrp file, or the name of a bundled instance or of one in --data"""
    controller: str = "cfm"
    """constant, polyak, hwc, cfm, volume, adam, bundle, cg, perturbed, your own module:attribute or checkpoints/NAME"""
    sampler: str = "exact"
    """what answers the knapsacks: exact, greedy, product, annealing, qaoa, noisy:BACKEND, ibm:BACKEND, bandit[:STATE],
    replay:FILE, or your own module:attribute; options follow as in qaoa+width=8+layers=2"""
    shots: int = 256
    """strings per vehicle asked of an approximate sampler"""
    journal: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")] = None
    """keep every answer of the sampler there: go on after a crash, or replay it with --sampler replay:FILE"""
    price: Annotated[float | None, tyro.conf.arg(metavar="RATE", help_behavior_hint="")] = None
    """what a second of the quantum computer costs, for the estimated price in the record"""
    fleet: Text = None
    """exact:K, atleast:K or free; the benchmark family's own rule if left out"""
    evaluations: Count = None
    """budget of priced multiplier vectors (200 if no budget is given)"""
    seconds: Seconds = None
    """wall-clock limit, compilation excluded"""
    method: Literal["reference", "search"] = "search"
    """best toured assignment, or a search around it: linearising again, polish, set partitioning over all routes"""
    without: Ingredients = ""
    """leave out of pool: relinearisation, polish, partition, bound"""
    workers: int = 1
    """processes that search side by side and exchange routes"""
    linearisations: Count = None
    """begin from seeds so often (twice if left out); without relinearisation, spread the evaluations over so many"""
    seedings: Annotated[str, tyro.conf.arg(metavar="RULE,…", help_behavior_hint="")] = "kmeans,sweep"
    """place the seeds by these rules in turn: kmeans, sweep, farthest, concentrators"""
    rounding: Literal["auto", "nint", "none"] = "auto"
    """round distances as CVRPLIB does, keep them exact, or do what the instance's set does"""
    seed: int = 0
    """same seed, same routes (unless --seconds cuts the search short)"""
    data: Folder = None
    """folder of CVRPLIB files; LAGRL_DATA if left out"""
    out: Annotated[Path | None, tyro.conf.arg(metavar="FILE.sol", help_behavior_hint="")] = None
    """write the routes there"""
    json: bool = False
    """print one JSON object instead of text"""

    def run(self) -> None:
        """Carry the command out."""
        from lagrl.cli.show import print_solution, solving
        from lagrl.io.atomic import require_writable
        from lagrl.problems.cvrplib import read_instance, write_solution
        from lagrl.problems.fleet import Fleet
        from lagrl.problems.locate import resolve_instance
        from lagrl.solver import SolveConfig, estimated_price, require_price, solve

        config = SolveConfig(
            controller=self.controller,
            sampler=self.sampler,
            evaluations=self.evaluations,
            seconds=self.seconds,
            method=self.method,
            linearisations=self.linearisations,
            seed=self.seed,
            shots=self.shots,
            without=_names(self.without),
            workers=self.workers,
            seedings=_names(self.seedings),
        )
        require_price(self.price)
        fleet = None if self.fleet is None else Fleet.parse(self.fleet)
        path = resolve_instance(self.file, self.data)
        if self.out is not None:
            require_writable(self.out)
            _spare_inputs(self.out, path)
            _spare_reference(self.out, path)
        problem = read_instance(path, fleet=fleet, rounding=self.rounding)
        tell_journal(self.journal, self.sampler)
        with (
            going_on(self.journal, self.sampler),
            solving(problem.name, config.evaluation_limit, is_quiet=self.json) as advance,
        ):
            result = solve(problem, config, advance, journal=self.journal)
        if self.out is not None:
            write_solution(self.out, result.solution, solver=f"lagrl {__version__}")
        if self.json:
            print(json.dumps(result.record(self.price), allow_nan=False))
        else:
            print_solution(result, estimated_price(result.sampling, self.price))


@dataclass(frozen=True)
class EvalCommand:
    """Run controllers on instances: one resumable row each.

    Run again with the same --out after an interruption, and only the missing rows are made.
    """

    out: Annotated[Path, tyro.conf.arg(metavar="ROWS.jsonl")]
    """file of rows, appended to"""
    controllers: Names
    """constant, polyak, hwc, cfm, volume, adam, bundle, cg, perturbed, your own module:attribute or checkpoints/NAME"""
    files: Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="FILES…", help_behavior_hint="")] = ()
    """CVRPLIB .vrp files, or names"""
    suite: Text = None
    """paper30 or bundled, besides or instead of files"""
    data: Folder = None
    """folder of CVRPLIB files; LAGRL_DATA if left out"""
    samplers: Annotated[str, tyro.conf.arg(metavar="A,B,…", aliases=["--sampler"])] = "exact"
    """what answers the knapsacks, see lagrl solve --help"""
    shots: int = 256
    """strings per vehicle asked of approximate samplers"""
    journal: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")] = None
    """keep every answer of the samplers there, see lagrl solve --help"""
    price: Annotated[float | None, tyro.conf.arg(metavar="RATE", help_behavior_hint="")] = None
    """what a second of the quantum computer costs, for the rows' estimated price"""
    record_exact: bool = False
    """under approximate samplers, compute the exact dual value too; controllers do not see it"""
    methods: Annotated[str, tyro.conf.arg(name="method", metavar="reference,search")] = "search"
    """reconstructions"""
    budgets: Annotated[str, tyro.conf.arg(metavar="N,N,…")] = "200"
    """evaluations"""
    seeds: Annotated[str, tyro.conf.arg(metavar="N,N,…")] = "0"
    """seeds"""
    fleet: Text = None
    """one fleet rule for all instances; each one's own if left out"""
    without: Ingredients = ""
    """leave out of pool: relinearisation, polish, partition"""
    linearisations: Count = None
    """see lagrl solve --help"""
    workers: int = 1
    """processes, one thread each"""

    def run(self) -> None:
        """Carry the command out."""
        from lagrl.bench.run import Evaluation, run
        from lagrl.bench.suites import suite
        from lagrl.cli.show import counting_rows
        from lagrl.problems.fleet import Fleet
        from lagrl.problems.locate import resolve_instance

        named = [*self.files, *(suite(self.suite) if self.suite else ())]
        if not named:
            raise InputError("no instance given", field="FILES", remedy="give files, names or --suite paper30|bundled")
        evaluation = Evaluation(
            instances=tuple(resolve_instance(name, self.data) for name in named),
            controllers=_names(self.controllers),
            samplers=_names(self.samplers),
            methods=_names(self.methods),
            budgets=_numbers("--budgets", self.budgets),
            seeds=_numbers("--seeds", self.seeds),
            fleet=None if self.fleet is None else Fleet.parse(self.fleet),
            linearisations=self.linearisations,
            without=_names(self.without),
            shots=self.shots,
            record_exact=self.record_exact,
            journal=self.journal,
            price_per_second=self.price,
        )
        tell_journal(self.journal, *evaluation.samplers)
        with going_on(self.out), counting_rows() as (on_plan, on_row):
            made = run(evaluation, self.out, workers=self.workers, on_plan=on_plan, on_row=on_row)
        print(f"{self.out}: {made} rows added", file=sys.stderr)


@dataclass(frozen=True)
class ReportCommand:
    """Compare the controllers of some rows: gaps, paired differences with intervals, families."""

    rows: Annotated[tuple[Path, ...], tyro.conf.Positional, tyro.conf.arg(metavar="ROWS.jsonl…")]
    """files that lagrl eval wrote, gzipped or not"""
    format: Literal["md", "csv"] = "md"
    """tables to read, or all numbers in full"""
    baseline: Text = None
    """controller to compare with (perturbed, if there)"""
    baseline_sampler: str = "exact"
    """sampler to compare with"""
    out: Annotated[Path | None, tyro.conf.arg(metavar="FILE", help_behavior_hint="")] = None
    """write the report there instead of printing it"""

    def run(self) -> None:
        """Carry the command out."""
        from lagrl.bench.report import report
        from lagrl.bench.rows import read_rows
        from lagrl.io.atomic import require_writable, write_text

        if not self.rows:
            raise InputError("no file given", field="ROWS", remedy="give at least one file that lagrl eval wrote")
        if self.out is not None:
            require_writable(self.out)
            _spare_inputs(self.out, *self.rows)
        text = report(
            read_rows(*self.rows),
            format=self.format,
            baseline=self.baseline,
            baseline_sampler=self.baseline_sampler,
        )
        if self.out is None:
            print(text, end="" if text.endswith("\n") else "\n")
        else:
            write_text(self.out, text)


@dataclass(frozen=True)
class GenerateCommand:
    """Generate X-type instances (Uchoa et al. 2017) as CVRPLIB files; what is left out is drawn."""

    out: Annotated[Path, tyro.conf.arg(metavar="DIR")]
    """existing folder for the files"""
    n_customers: int = 100
    """customers, the depot excluded"""
    depot: Annotated[str | None, tyro.conf.arg(metavar="C|E|R", help_behavior_hint="")] = None
    """centre, corner or anywhere"""
    customers: Annotated[str | None, tyro.conf.arg(metavar="R|C|RC", help_behavior_hint="")] = None
    """anywhere, clustered, or half and half"""
    demand: Annotated[str | None, tyro.conf.arg(metavar="U|1-10|5-10|1-100|50-100|Q|SL", help_behavior_hint="")] = None
    """demand class"""
    route_length: Annotated[float | None, tyro.conf.arg(metavar="R", help_behavior_hint="")] = None
    """desired customers per route"""
    n_seeds: Count = None
    """number of clusters"""
    count: int = 1
    """how many instances"""
    seed: int = 0
    """same seed, same instances"""
    overwrite: bool = False
    """replace files of the same name"""

    def run(self) -> None:
        """Carry the command out."""
        from lagrl.cli.generate_files import generate_files

        characteristics = {
            "depot": self.depot,
            "customers": self.customers,
            "demand": self.demand,
            "route_length": self.route_length,
            "n_seeds": self.n_seeds,
        }
        given = {name: value for name, value in characteristics.items() if value is not None}
        for path in generate_files(
            self.out, self.n_customers, self.count, self.seed, overwrite=self.overwrite, given=given
        ):
            print(path)


@dataclass(frozen=True)
class FetchCommand:
    """Download CVRPLIB instances and their best known solutions; each is parsed before it is kept."""

    to: Annotated[Path, tyro.conf.arg(metavar="DIR")]
    """existing folder for the files"""
    names: Annotated[tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="NAMES…", help_behavior_hint="")] = ()
    """instance names, such as X-n101-k25"""
    suite: Text = None
    """paper30, besides or instead of names"""
    url: Annotated[str | None, tyro.conf.arg(metavar="TEMPLATE", help_behavior_hint="")] = None
    """address with {set}, {name} and {ext}; LAGRL_FETCH_URL, else CVRPLIB's site, if left out"""
    max_megabytes: float = 16.0
    """largest file accepted"""
    timeout: float = 30.0
    """seconds a file may take"""
    no_solutions: bool = False
    """leave the .sol files"""
    overwrite: bool = False
    """download again what is there and sound"""

    def run(self) -> None:
        """Carry the command out."""
        from lagrl.bench.suites import suite
        from lagrl.problems.fetch import fetch

        names = [*self.names, *(suite(self.suite) if self.suite else ())]
        for option, value, most in (("--max-megabytes", self.max_megabytes, 1e6), ("--timeout", self.timeout, 1e6)):
            if not 0 < value <= most:
                raise InputError(f"{value} given", field=option, remedy=f"give a number above 0, at most {most:g}")
        if not names:
            raise InputError("no instance named", field="NAMES", remedy="give names or --suite paper30")
        fetch(
            names,
            self.to,
            url_template=self.url,
            max_bytes=int(self.max_megabytes * 2**20),
            timeout=self.timeout,
            overwrite=self.overwrite,
            solutions=not self.no_solutions,
            progress=print,
        )


@dataclass(frozen=True)
class DemoCommand:
    """Solve the bundled instances with several controllers; print a table and draw a picture."""

    out: Annotated[Path, tyro.conf.arg(metavar="DIR")] = Path("demo")
    """folder for the picture, made if missing"""
    controllers: Names = "constant,hwc,cfm,volume,perturbed"
    """controllers, see lagrl solve --help"""
    evaluations: int = 200
    """budget per instance and controller"""
    seed: int = 0
    """seed"""

    def run(self) -> None:
        """Carry the command out."""
        from lagrl.bench.demo import demo

        demo(
            self.out,
            controllers=_names(self.controllers),
            evaluations=self.evaluations,
            seed=self.seed,
            progress=sys.stderr.isatty(),
        )


@dataclass(frozen=True)
class DoctorCommand:
    """Check this installation: packages, kernels, data, and folders that shadow ours."""

    data: Folder = None
    """folder of CVRPLIB files; LAGRL_DATA if left out"""
    json: bool = False
    """print one JSON object instead of text"""

    def run(self) -> int:
        """Carry the command out."""
        from lagrl.doctor.checks import diagnose, render, to_json

        findings = diagnose(self.data)
        print(to_json(findings) if self.json else render(findings))
        return 1 if any(finding.status == "problem" for finding in findings) else 0


@dataclass(frozen=True)
class TrainCommand:
    """Train: `lagrl train bc …` clones a classical rule, `lagrl train ppo …` goes on from there, `bandit` is apart.

    The same as `python -m train.bc` and so on, whatever other folders called train there are. `lagrl train bandit …`
    learns from `lagrl traces` which backend and circuit answer a knapsack. `lagrl train bc --help` lists options.
    """

    method: Annotated[Literal["bc", "ppo", "bandit"], tyro.conf.Positional, tyro.conf.arg(metavar="bc|ppo|bandit")]
    """behaviour cloning, reinforcement learning from a cloned checkpoint, or a bandit over backends and circuits"""

    def run(self) -> int | None:
        """Carry the command out; the command line hands over what follows the method before it comes to this."""
        return installed_command(f"train-{self.method}")([])


def installed_command(name: str) -> Callable[[list[str]], int | None]:
    """Return the command that an installed package brings under `name` (entry points, group `lagrl.cli.commands`).

    This library never imports what builds on it; it only finds it.

    Raises
    ------
    UnknownNameError
        If no package brings such a command.
    MissingExtraError
        If it needs a package that is not installed.
    """
    installed = {point.name: point for point in entry_points(group="lagrl.cli.commands")}
    if name not in installed:
        raise UnknownNameError.of("command", name.replace("-", " "), (known.replace("-", " ") for known in installed))
    try:
        command: Callable[[list[str]], int | None] = installed[name].load()
    except ModuleNotFoundError as error:
        raise MissingExtraError.of(error.name or "a package", "rl", f"lagrl {name.replace('-', ' ')}") from error
    return command


COMMANDS: dict[str, Callable[..., Any]] = {
    "solve": SolveCommand,
    "bound": BoundCommand,
    "eval": EvalCommand,
    "report": ReportCommand,
    "generate": GenerateCommand,
    "fetch": FetchCommand,
    "demo": DemoCommand,
    "devices": DevicesCommand,
    "journal": JournalCommand,
    "traces": TracesCommand,
    "doctor": DoctorCommand,
    "train": TrainCommand,
}


def _spare_inputs(out: Path, *inputs: Path) -> None:
    """Refuse to write a result over what it is made from."""
    for path in inputs:
        if out.exists() and path.exists() and out.samefile(path):
            raise OutputError(f"{out}: is what the result is made from; give another name")


def _spare_reference(out: Path, instance: Path) -> None:
    """Refuse to replace the published solution beside an instance by ours."""
    from lagrl.problems.cvrplib import solver_of

    beside = instance.with_suffix(".sol")
    if out.exists() and beside.exists() and out.samefile(beside) and solver_of(beside) is None:
        raise OutputError(f"{out}: is the instance's reference solution; give another name")


def _names(text: str) -> tuple[str, ...]:
    return tuple(name for name in (part.strip() for part in text.split(",")) if name)


def _numbers(option: str, text: str) -> tuple[int, ...]:
    try:
        return tuple(int(name) for name in _names(text))
    except ValueError:
        raise InputError(
            f"{text!r} is not a list of whole numbers", field=option, remedy="separate them by commas, as in 10,25,50"
        ) from None
