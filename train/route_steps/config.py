"""Hyper-parameters of the trainings of a route policy's steps in the environment."""

from dataclasses import dataclass
from typing import Any, ClassVar

from envs.config import LONGEST
from lagrl.bounds.route_checkpoint import ROUTES
from lagrl.bounds.route_features import N_NEAREST
from lagrl.errors import InputError
from train.unroll.config import LARGEST, RouteConfig


@dataclass(frozen=True)
class StepsConfig(RouteConfig):
    """Hyper-parameters of both trainings; see `RouteConfig` for the others.

    Attributes
    ----------
    init
        Route policy whose start all ascents have; its start stays as it is, and PPO begins with its steps. The shipped
        policy has trained no steps: its own are nearly equal lengths of the natural step.
    steps, states
        Gradient steps of an update, and states in each, drawn from those of the update's ascents.
    most_load
        Loads of instances are rounded to about this number of units, see `EnvConfig.most_load`.

    Raises
    ------
    InputError
        On the first value that is out of range.
    """

    DEFAULTS: ClassVar[dict[str, dict[str, Any]]] = {"small": {}, "reference": {"updates": 2000, "instances": 16}}

    horizon: tuple[int, int] = (10, 20)
    customers: tuple[int, int] = (20, 60)
    validate_every: int = 50
    validation_customers: tuple[int, int] = (20, 60)
    budgets: tuple[int, ...] = (5, 10)
    init: str = ROUTES.shipped
    steps: int = 6
    states: int = 64
    most_load: int = 200

    def __post_init__(self) -> None:
        super().__post_init__()
        self._require_range("horizon", 2, LONGEST)
        self._require_range("validation_customers", N_NEAREST + 1, LARGEST)
        for name in ("steps", "states", "most_load"):
            self._require_from_one(name)


@dataclass(frozen=True)
class RouteBCConfig(StepsConfig):
    """Hyper-parameters of `python -m train.route_bc`; see `StepsConfig` for the others.

    Attributes
    ----------
    expert
        Rule to clone: a controller of `lagrl bound`.
    learner
        Share of the ascents that the learner makes, in the first and in the last update, linear between; the expert
        makes the others, and labels all (DAgger; 0 0: plain cloning).
    noise
        Standard deviation of the noise on the numbers of the learner's steps while it makes ascents.

    Raises
    ------
    InputError
        On the first value that is out of range.
    """

    updates: int = 200
    instances: int = 16
    learning_rate: float = 3e-3
    expert: str = "bundle"
    learner: tuple[float, float] = (0.0, 1.0)
    noise: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        if not all(0.0 <= share <= 1.0 for share in self.learner):
            raise InputError(f"{self.learner} given", field="learner", remedy="give two shares, 0 … 1")
        if not 0.0 <= self.noise < float("inf"):
            raise InputError(f"{self.noise} given", field="noise", remedy="give 0 or more")


@dataclass(frozen=True)
class RoutePPOConfig(StepsConfig):
    """Hyper-parameters of `python -m train.route_ppo`; see `StepsConfig` for the others.

    Attributes
    ----------
    group
        Number of ascents of each instance; the mean return of the others is an ascent's baseline.
    phase
        Curriculum phase of the rewards: 2, the share of the dual's gap that is closed, or 3, the cost of the routes.
    noise
        Standard deviation of the exploration of each number of a step.
    shared_noise
        Standard deviation of the exploration that is common to all customers.
    clip_range
        Ratios, normalised for the number of customers, are clipped to 1 ± this.
    route_every
        Evaluations between two decodings to routes in phase 3.

    Raises
    ------
    InputError
        On the first value that is out of range.
    """

    updates: int = 100
    instances: int = 4
    learning_rate: float = 1e-4
    validate_every: int = 25
    group: int = 8
    phase: int = 2
    noise: float = 0.1
    shared_noise: float = 0.1
    clip_range: float = 0.2
    route_every: int = 2

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.group < 2:
            raise InputError(f"{self.group} given", field="group", remedy="give 2 or more")
        if self.phase not in (2, 3):
            raise InputError(f"{self.phase} given", field="phase", remedy="give 2 (gap) or 3 (cost)")
        for name in ("noise", "shared_noise", "clip_range"):
            self._require_above_zero(name)
        self._require_from_one("route_every")
