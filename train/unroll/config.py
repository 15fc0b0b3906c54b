"""Hyper-parameters of the trainings of multiplier policies."""

from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, get_args

from lagrl.bounds.route_features import N_NEAREST
from lagrl.controllers.graph_attention import NetworkSize
from lagrl.errors import InputError
from lagrl.io.records import may_lack
from lagrl.problems.generate import Customers, Demand, Depot
from train.preset_config import PresetConfig

Part = Literal["neighbours", "fleet"]
"""Part of a network that a training may leave without effect; routes only.

`neighbours`: features of arcs, and features of customers that depend on other customers. `fleet`: the fleet's
multiplier at the start, which is then 0.
"""

LARGEST = 1000
"""Most customers of a generated instance."""
LEARNED_STEPS = 10
"""Evaluations of an ascent at multipliers of the network."""
CLASSES = tuple(
    f"{name}={value}"
    for name, kind in (("depot", Depot), ("customers", Customers), ("demand", Demand))
    for value in get_args(kind)
)
"""Classes of X-type instances that a training may leave out, as their comments name them."""


@dataclass(frozen=True)
class RouteConfig(PresetConfig):
    """Hyper-parameters that all trainings of multiplier policies have.

    Attributes
    ----------
    seed
        Seed of instances and initial weights, 0 to 4294967295.
    updates
        Number of updates.
    instances
        Number of generated instances in an update.
    horizon
        Fewest and most evaluations of an ascent.
    customers
        Fewest and most customers; sizes are uniform in the logarithm.
    paths_share
        Share of duals of routes that remember one customer back; the others are of ng-routes; routes only.
    roads_share
        Share of instances with distances by road; the others are X-type (Uchoa et al. 2017).
    exact_share
        Share of instances with exactly the least number of vehicles; the others may use any number.
    learning_rate
        Of Adam; it falls to 0 by half a cosine.
    clip
        Largest norm of the gradient.
    validate_every
        Updates between two validations.
    validation_instances, validation_customers, validation_seed
        Number of generated instances in a validation, their fewest and most customers, and their seed.
    budgets
        Evaluations of the ascents in a validation.
    held_out
        Classes of X-type instances that neither training nor validation draws, such as `demand=SL`.

    Raises
    ------
    InputError
        On the first value that is out of range.
    """

    DEFAULTS: ClassVar[dict[str, dict[str, Any]]] = {"small": {}, "reference": {"updates": 6000, "instances": 16}}

    seed: int = 0
    updates: int = 1200
    instances: int = 8
    horizon: tuple[int, int] = (4, 12)
    customers: tuple[int, int] = (20, 120)
    paths_share: float = 0.34
    roads_share: float = 0.15
    exact_share: float = 0.5
    learning_rate: float = 1e-3
    clip: float = 1.0
    validate_every: int = 200
    validation_instances: int = 24
    validation_customers: tuple[int, int] = (20, 120)
    validation_seed: int = 1_000_018
    budgets: tuple[int, ...] = (5, 10, 30)
    held_out: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not 0 <= self.seed < 2**32:
            raise InputError(f"{self.seed} given", field="seed", remedy="give a whole number from 0 to 4294967295")
        for name in ("updates", "instances", "validate_every", "validation_instances"):
            self._require_from_one(name)
        for name, least, most in (
            ("horizon", 1, 1000),
            ("customers", N_NEAREST + 1, LARGEST),
            ("validation_customers", 2, LARGEST),
        ):
            self._require_range(name, least, most)
        for name in ("paths_share", "roads_share", "exact_share"):
            self._require_share(name)
        for name in ("learning_rate", "clip"):
            self._require_above_zero(name)
        for name in self.held_out:
            if name not in CLASSES:
                problem = f"{name!r} is not known"
                raise InputError(problem, field="held_out", remedy=f"known: {', '.join(CLASSES)}")
        for prefix in ("depot=", "customers=", "demand="):
            if {name for name in CLASSES if name.startswith(prefix)} <= set(self.held_out):
                raise InputError(f"all {prefix}… given", field="held_out", remedy="leave one for the training")
        if not self.budgets or min(self.budgets) < 1:
            raise InputError(f"{self.budgets} given", field="budgets", remedy="give one or more numbers above 0")


@dataclass(frozen=True)
class UnrollConfig(RouteConfig):
    """Hyper-parameters of the training of an ascent; see `RouteConfig` for the others.

    Attributes
    ----------
    relaxation
        Kind of dual: of route relaxations, or of the assignment.
    long_horizon, long_share
        Evaluations of the long ascents, and their share of the updates.
    large_customers, large_share
        Fewest and most customers of large instances, and their share of the updates; their ascents are at most half as
        long.
    load_work
        Loads are coarser where n²·Q is above this, but of 1,000 units a vehicle at least; routes only.
    policy
        Size of the network.
    without
        Parts of the network that stay without effect, see `Part`.

    Raises
    ------
    InputError
        On the first value that is out of range.
    """

    relaxation: Literal["routes", "assignment"] = may_lack("routes")
    long_horizon: int = 30
    long_share: float = 0.08
    large_customers: tuple[int, int] = (120, 400)
    large_share: float = 0.08
    load_work: float = 2.5e6
    policy: NetworkSize = field(default_factory=lambda: NetworkSize(steps=LEARNED_STEPS))
    without: tuple[Part, ...] = ()

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require_from_one("long_horizon")
        self._require_range("large_customers", N_NEAREST + 1, LARGEST)
        for name in ("long_share", "large_share"):
            self._require_share(name)
        self._require_above_zero("load_work")
        if self.without and self.relaxation != "routes":
            raise InputError(f"{self.without} given", field="without", remedy="leave it out: it is for routes only")


@dataclass(frozen=True)
class StartConfig(UnrollConfig):
    """Hyper-parameters of the training of a start: ascents of one evaluation; see `UnrollConfig`."""

    updates: int = 4000
    large_customers: tuple[int, int] = (120, 1000)
    large_share: float = 0.15
    horizon: tuple[int, int] = (1, 1)
    long_share: float = 0.0
    validate_every: int = 500
    budgets: tuple[int, ...] = (1, 5, 10)
    policy: NetworkSize = field(default_factory=NetworkSize)
