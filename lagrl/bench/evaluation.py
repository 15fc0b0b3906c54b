"""An evaluation: instances, controllers, samplers and budgets, and the rows that they make."""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Literal

from lagrl.bench.provenance import config_hash
from lagrl.bench.schema import with_reconstruct
from lagrl.controllers.registry import controller_factory
from lagrl.errors import InputError
from lagrl.problems.cvrp import CVRP
from lagrl.problems.cvrplib import read_instance
from lagrl.samplers.held import HeldSamplers
from lagrl.samplers.registry import close_sampler, family_of, require_known, sampler_fingerprint
from lagrl.solve_config import SolveConfig
from lagrl.solver import require_price

if TYPE_CHECKING:
    from pathlib import Path

    from lagrl.problems.fleet import Fleet


@dataclass(frozen=True)
class Evaluation:
    """Settings of an evaluation: every combination of controllers, samplers, methods, budgets and seeds is run.

    Attributes
    ----------
    instances
        Instance files, or instances.
    controllers
        Controllers to compare (see `lagrl list controllers`).
    samplers
        Samplers to compare (see `lagrl list samplers`).
    methods
        Methods to compare: reference, search (see `lagrl solve --help`).
    budgets
        Budgets to compare, in evaluations.
    seeds
        Random seeds; every combination is run once with each.
    fleet
        Fleet rule of all instances: exact:K, atleast:K, atmost:K or free (default: the rule of each instance's family).
    rounding
        EUC_2D distances of all instance files: rounded as in CVRPLIB (nint), exact (none), or as usual in the
        instance's set (auto).
    linearisations
        Number of linearisations from seeds (default: see `lagrl solve --help`).
    without
        Parts of the method `search` to leave out: relinearisation, polish, partition (default: none).
    shots
        Strings that an approximate sampler draws per vehicle.
    record_exact
        Also compute the exact dual value under approximate samplers; controllers do not see it.
    journal
        File that keeps the samplers' answers, to resume or replay them (default: none; always kept of real devices).
    price_per_second
        Price of one second of a quantum computer, for the rows' estimated `price` (default: no price).

    Raises
    ------
    InputError
        If the price is negative or not finite, the rounding is none of the three, or it is given for instances that
        have distances already.
    """

    instances: tuple[Path | CVRP, ...]
    controllers: tuple[str, ...]
    samplers: tuple[str, ...] = ("exact",)
    methods: tuple[str, ...] = ("search",)
    budgets: tuple[int, ...] = (200,)
    seeds: tuple[int, ...] = (0,)
    fleet: Fleet | None = None
    rounding: Literal["auto", "nint", "none"] = "auto"
    linearisations: int | None = None
    without: tuple[str, ...] = ()
    shots: int = SolveConfig.shots
    record_exact: bool = False
    journal: Path | None = None
    price_per_second: float | None = None

    def __post_init__(self) -> None:
        require_price(self.price_per_second)
        if self.rounding not in ("auto", "nint", "none"):
            raise InputError(f"{self.rounding!r:.80} given", field="rounding", remedy="give auto, nint or none")
        if self.rounding != "auto" and any(isinstance(instance, CVRP) for instance in self.instances):
            remedy = "leave it out, or give files: an instance has its distances already"
            raise InputError(f"{self.rounding} given", field="rounding", remedy=remedy)

    def tasks(self, held: HeldSamplers | None = None) -> list[EvaluationTask]:
        """Return one task per row, instance by instance; everything named is checked here.

        `held`: keeps the samplers that stay open, once they are checked; None closes all.

        Raises
        ------
        InputError
            If a list is empty, an instance cannot be read, a name is unknown or a budget allows nothing.
        """
        for name in ("instances", "controllers", "samplers", "methods", "budgets", "seeds"):
            if not getattr(self, name):
                raise InputError("nothing given", field=name, remedy="give at least one")
        for controller in self.controllers:
            controller_factory(controller)
        if self.journal is not None and not any(family_of(sampler).keeps_answers for sampler in self.samplers):
            raise InputError(
                f"{self.journal} given",
                field="journal",
                remedy=f"leave it out: {', '.join(self.samplers)} has nothing to keep",
            )
        for sampler in self.samplers:
            require_known(sampler)
        grid = itertools.product(self.controllers, self.samplers, self.methods, self.budgets, self.seeds)
        configs = [
            SolveConfig(
                controller=controller,
                sampler=sampler,
                method=method,  # type: ignore[arg-type]  # checked by SolveConfig itself
                evaluations=budget,
                seed=seed,
                linearisations=self.linearisations,
                without=self.without if method == "search" else (),
                shots=self.shots,
                record_exact=self.record_exact,
            )
            for controller, sampler, method, budget, seed in grid
        ]
        read = [(instance, read_problem(instance, self.fleet, self.rounding)) for instance in self.instances]
        journals = {sampler: self.journal if family_of(sampler).keeps_answers else None for sampler in self.samplers}
        with HeldSamplers() as checked:
            for sampler, journal in journals.items():  # last, as it opens the journal
                made = (held or checked).make(sampler, journal)
                if not family_of(sampler).stays_open:
                    close_sampler(made)
        return [
            EvaluationTask(
                *(instance, self.fleet, config, row_key(problem, config), journals[config.sampler]),
                *(self.price_per_second, problem.best_known_by, self.rounding),
            )
            for instance, problem in read
            for config in configs
        ]


@dataclass(frozen=True)
class EvaluationTask:
    """Settings of one row: instance, fleet rule, rounding, configuration and key; `best_known_by` is the instance's."""

    instance: Path | CVRP
    fleet: Fleet | None
    config: SolveConfig
    key: str = field(compare=False)
    journal: Path | None = None
    price_per_second: float | None = None
    best_known_by: str | None = field(default=None, compare=False)
    rounding: Literal["auto", "nint", "none"] = "auto"


def read_problem(
    instance: Path | CVRP, fleet: Fleet | None, rounding: Literal["auto", "nint", "none"] = "auto"
) -> CVRP:
    """Return the instance under a fleet rule; None keeps its own. `rounding` is that of a file's distances."""
    if not isinstance(instance, CVRP):
        return read_instance(instance, fleet=fleet, rounding=rounding)
    if fleet is None or fleet == instance.fleet:
        return instance
    return replace(instance, fleet=fleet, best_known=None, best_known_by=None)


def row_key(problem: CVRP, config: SolveConfig) -> str:
    """Return the key of a row: the instance's name and content, its fleet rule and the configuration.

    A trained controller's weights and a trained sampler's state are part of it, so that retrained ones get new rows.
    """
    content = hashlib.sha256()
    for array in (problem.demand, problem.coordinates if problem.matrix is None else problem.matrix):
        assert array is not None
        content.update(array.tobytes())
    content.update(f"{problem.capacity} {problem.fleet}".encode())
    if problem.matrix is None:
        content.update(problem.rounding.encode())
    return f"{problem.name}:{content.hexdigest()[:12]}:{hash_of(settings_of(config))}"


def settings_of(config: SolveConfig) -> dict[str, object]:
    """Return the configuration as plain values, with the fingerprints of a controller and sampler that have one."""
    fingerprints = {
        "controller_fingerprint": getattr(controller_factory(config.controller), "fingerprint", None),
        "sampler_fingerprint": sampler_fingerprint(config.sampler),
    }
    return {**asdict(config), **{name: str(value) for name, value in fingerprints.items() if value is not None}}


def hash_of(settings: dict[str, object]) -> str:
    """Return the hash of `settings_of`, computed over the names of version 0.1, so that old rows keep their keys."""
    return config_hash(with_reconstruct(settings))
