"""Settings of a solve: controller, sampler, budget, method and seed."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lagrl.errors import BudgetError, InputError, UnknownNameError, require_type
from lagrl.relaxation.sampler import require_shots
from lagrl.relaxation.seeding import SEEDINGS, seeding_rule

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

DEFAULT_EVALUATIONS = 200

INGREDIENTS = {
    "relinearisation": "linearisations around the best routes",
    "chains": "compiled chains of moves, in a share of the seconds, where nothing else limits the search",
    "polish": "PyVRP's local search",
    "partition": "set partitioning over all routes found",
    "bound": "a proven lower bound, in a share of the seconds",
}
"""Parts of the method `search`; each can be left out."""


@dataclass(frozen=True)
class SolveConfig:
    """Settings of a solve; the command line takes its options and their help from here.

    Attributes
    ----------
    controller
        Rule that changes the multipliers: a name (see `lagrl list controllers`), `module:attribute` of your own, or
        `checkpoints/NAME`.
    sampler
        Solver of the knapsacks: a name (see `lagrl list samplers`) with options, as in `qaoa+width=8+layers=2`, or
        `module:attribute` of your own.
    evaluations
        Budget: number of priced multiplier vectors over all linearisations (default: 200, or no limit with `seconds`).
    seconds
        Wall-clock limit in seconds, compilation excluded (default: no limit; 10 in `lagrl solve` on a terminal without
        a budget); results then depend on the machine.
    method
        `reference`: the best toured assignment of linearisations from seeds. `search`: also a search around the best
        routes, by relinearisation, chains, polish, partition and bound.
    seed
        Random seed; the same seed gives the same result, unless `seconds` ends the solve.
    linearisations
        Number of linearisations from seeds (default: 2). With the method `reference`, or without relinearisation:
        number of linearisations that share the evaluations (default: one per 40); more follow if some end early.
    seedings
        Rules that place the seeds, used in turn (see `lagrl list seedings`).
    shots
        Strings that an approximate sampler draws per vehicle.
    record_exact
        Also compute the exact dual value under an approximate sampler; the controller does not see it.
    without
        Parts of the method `search` to leave out: relinearisation, chains, polish, partition, bound (default:
        none).
    workers
        Processes that search in parallel and exchange routes; their number changes the result.

    Examples
    --------
    >>> import lagrl
    >>> config = lagrl.SolveConfig(controller="volume", evaluations=50)
    >>> lagrl.solve(lagrl.read("G-n16-k3"), config).evaluations
    50
    """

    controller: str = "cfm"
    sampler: str = "exact"
    evaluations: int | None = None
    seconds: float | None = None
    method: Literal["reference", "search"] = "search"
    seed: int = 0
    linearisations: int | None = None
    seedings: tuple[str, ...] = ("kmeans", "sweep")
    shots: int = 256
    record_exact: bool = False
    without: tuple[str, ...] = ()
    workers: int = 1

    def __post_init__(self) -> None:
        from lagrl.samplers.registry import require_known  # here: help texts need no samplers

        for name in ("evaluations", "linearisations", "seed", "shots", "workers"):
            value = getattr(self, name)
            if isinstance(value, float) and value.is_integer():  # 1e3
                object.__setattr__(self, name, int(value))
            elif value is not None or name in ("seed", "shots", "workers"):
                require_type(value, (int, np.integer), name, "give a whole number")
        require_type(self.seconds, (int, float, np.number, type(None)), "seconds", "give a number of seconds, or None")
        require_type(
            self.controller,
            str,
            "controller",
            "give its name; lagrl.solve(problem, controller=…) takes a class as well",
        )
        if self.evaluations is not None and self.evaluations < 1:
            raise BudgetError(f"{self.evaluations} allows nothing", field="evaluations", remedy="give 1 or more")
        if self.seconds is not None and not 0 < self.seconds < np.inf:
            raise BudgetError(f"{self.seconds} given", field="seconds", remedy="give a finite number above 0")
        if self.linearisations is not None and self.linearisations < 1:
            raise InputError(f"{self.linearisations} given", field="linearisations", remedy="give 1 or more")
        require_shots(self.shots)
        if self.seed < 0:
            raise InputError(f"{self.seed} is negative", field="seed", remedy="give 0 or more")
        if self.method not in ("reference", "search"):
            raise UnknownNameError.of("method", str(self.method), ("reference", "search"))
        require_known(self.sampler)
        if self.workers < 1:
            raise InputError(f"{self.workers} given", field="workers", remedy="give 1 or more")
        for name in self.without:
            if name not in INGREDIENTS:
                raise UnknownNameError.of("ingredient", name, INGREDIENTS)
        if self.without and self.method == "reference":
            raise InputError(
                f"{', '.join(self.without)} given",
                field="without",
                remedy="leave it out: reference uses none of them",
            )
        if not self.seedings:
            raise InputError("no rule given", field="seedings", remedy=f"known: {', '.join(sorted(SEEDINGS))}")
        for name in self.seedings:
            seeding_rule(name)

    def uses(self, ingredient: str) -> bool:
        """Return whether a part of the method `search` is used."""
        return self.method == "search" and ingredient not in self.without

    @property
    def has_chains(self) -> bool:
        """Whether compiled chains of moves are used: under a clock alone, and with exact knapsacks.

        They price nothing, so evaluations cannot count them, and what an approximate sampler is worth would not show.
        """
        return self.uses("chains") and self.seconds is not None and self.evaluations is None and self.sampler == "exact"

    @property
    def uses_bundle(self) -> bool:
        """Whether the controller is or contains the bundle method, whose kernels are needed from the start."""
        return self.controller.startswith(("bundle", "learned"))

    @property
    def kernel_rooms(self) -> list[str]:
        """Folders of the package whose kernels a solve needs, see `lagrl.compilation.compile_kernels`."""
        others = {
            "bounds": self.uses("bound") and self.seconds is not None,  # it takes a share of the clock
            "search": self.has_chains,
            "controllers": self.uses_bundle or (self.uses("bound") and self.seconds is not None),
            "quantum": self.sampler != "exact",
        }
        return ["relaxation", "recovery", *(room for room, is_needed in others.items() if is_needed)]

    @property
    def evaluation_limit(self) -> int | None:
        """Number of evaluations allowed; None if only the seconds are limited."""
        if self.evaluations is None and self.seconds is None:
            return DEFAULT_EVALUATIONS
        return self.evaluations


def configured(config: object, keywords: Mapping[str, Any], others: Iterable[str] = ()) -> SolveConfig:
    """Return a configuration with some of its fields replaced by keywords.

    Parameters
    ----------
    config
        The configuration; the default one if None.
    keywords
        Values by field; a field that takes several names takes a single one or a list as well.
    others
        Further keywords of the caller, for the message.

    Raises
    ------
    UnknownNameError
        If a keyword is no field.
    InputError
        If a value is not allowed.
    """
    if not isinstance(config, SolveConfig | None):
        remedy = "give a SolveConfig, or its fields as keywords, such as seconds=5"
        raise InputError(f"{config!r:.80} given", field="config", remedy=remedy)
    default = config or SolveConfig()
    known = {field.name for field in fields(SolveConfig)}
    for name in keywords:
        if name not in known:
            raise UnknownNameError.of("keyword", name, {*known, *others})
    values: dict[str, Any] = {
        name: as_tuple(value) if name in ("seedings", "without") else value for name, value in keywords.items()
    }
    try:
        return replace(default, **values)
    except TypeError as error:
        raise InputError(str(error), field="keywords", remedy="check the types of the values") from error


def as_tuple(value: Any) -> tuple[Any, ...]:
    """Return several values as a tuple; one text, path or other value that is not a collection counts as one."""
    return tuple(value) if isinstance(value, list | tuple | set | range) else (value,)


def default_linearisations(evaluations: int) -> int:
    """Return the number of linearisations that share an evaluation budget (measured: docs/decisions/005)."""
    return max(1, -(-evaluations // 40))
