"""Configuration of the environment: instances, budget, samplers, actions, rewards."""

from __future__ import annotations

from dataclasses import dataclass, field, is_dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from envs.action import MOMENTUM, ActionConfig
from envs.observation import require_version
from lagrl.errors import InputError, UnknownNameError
from lagrl.io.records import from_record, may_lack, to_record
from lagrl.plugins import NamedRule, require_trusted
from lagrl.relaxation.seeding import SEEDINGS, seeding_rule

if TYPE_CHECKING:
    from collections.abc import Mapping

LONGEST = 200
"""Largest number of steps in an episode."""

LARGEST_PADDING = 32_767
"""Largest number of customers: neighbours are int16."""

SEED_MODES = ("draw", "choose", "scores")
"""Ways in which an episode gets its seeds."""

RELAXATIONS = ("assignment", "paths", "ng")
"""Relaxations whose dual an episode ascends."""

Preset = Literal["default", "reference", "routes"]
"""Names of the configurations that `EnvConfig.preset` returns."""


@dataclass(frozen=True)
class RewardWeights:
    """Weights of the terms of the reward, see `envs.reward`.

    Attributes
    ----------
    feasibility
        Weight in phase 1, and without a phase, of the share of customers served exactly once.
    gap
        Weight in phase 2, and without a phase, of the relative dual gap.
    cost
        Weight in phase 3, and without a phase, of the best route cost divided by the Clarke–Wright cost (0.10 in the
        reference).
    cost_gap
        Weight in phase 3 of the relative dual gap (0.01 in the reference).
    """

    feasibility: float = 3.0
    gap: float = 3.0
    cost: float = 10.0
    cost_gap: float = 1.0

    def __post_init__(self) -> None:
        for name, value in vars(self).items():
            if not 0 <= value < np.inf:
                raise InputError(f"{value} given", field=f"rewards.{name}", remedy="give a finite number of 0 or more")


@dataclass(frozen=True)
class CurriculumConfig:
    """When a phase of the curriculum ends; see `envs.curriculum`.

    Attributes
    ----------
    window
        Number of ended episodes over which the criteria are averaged.
    share
        Phase 1 ends when the mean of the episodes' best shares of customers served exactly once exceeds this, in
        [0, 1].
    gap
        Phase 2 ends when the mean of the episodes' final relative dual gaps falls below this, in [0, 1].
    least_episodes
        Smallest number of episodes of a phase. From the linear start the gap is below any useful threshold at once, so
        that this number decides how long phase 2 is trained.
    """

    window: int = 30
    share: float = 0.65
    gap: float = 0.20
    least_episodes: int = may_lack(300, formerly=0)

    def __post_init__(self) -> None:
        for name, least in (("window", 1), ("least_episodes", 0)):
            if getattr(self, name) < least:
                raise InputError(
                    f"{getattr(self, name)} given", field=f"curriculum.{name}", remedy=f"give {least} or more"
                )
        for name in ("share", "gap"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(
                    f"{getattr(self, name)} given", field=f"curriculum.{name}", remedy="give a share in [0, 1]"
                )


@dataclass(frozen=True)
class EnvConfig:
    """Configuration of an episode: instance, budget, samplers, actions, rewards.

    Attributes
    ----------
    n_max
        Number of customers N to which observations and actions are padded.
    n_customers
        Customers of the smallest and of the largest generated instance.
    action
        How an action moves the multipliers.
    max_steps
        Moves of the multipliers in an episode, at most 200; the start costs one more evaluation. A choice of seeds is
        one more step.
    min_steps
        Smallest number of steps; each episode draws its number log-uniformly from [min_steps, max_steps]. None: every
        episode has max_steps.
    decode_every
        Evaluations between two decodings, which repair the selections to assignments.
    tour_decoded
        Whether decoded assignments are toured, as in `lagrl solve`. Otherwise only `route_sampler` proposes routes.
    sampler
        Sampler that prices λ: a name or `module:attribute`, see `lagrl list samplers`.
    route_sampler
        Sampler whose decoded, repaired and toured strings propose routes too; a name or `module:attribute`.
    route_every
        Evaluations between two of its proposals.
    recombine
        Whether the best combination of all routes so far, by set partitioning, is computed with each proposal and at
        the end of the episode.
    judge
        Value by which the dual's progress is rewarded under an approximate sampler; a policy never sees it. `exact`:
        L(λ), computed by the exact kernel. `samples`: that of fresh samples at each λ whose own value is the highest so
        far, which costs those samples and needs no exact solution.
    shots
        Strings per vehicle from an approximate sampler.
    n_joint
        Joint draws of these strings that are decoded.
    start
        Multipliers of the first evaluation. `linear`: the prices of the linear relaxation, in a route relaxation the
        continuous approximation (`envs.route.episode.start_of`); `zero`: λ = 0. `learned`, of a route relaxation only:
        the start of the shipped route policy; `learned:PATH`: that of another one.
    bounds
        Lowest and highest multiplier, distance units; None: as in `lagrl solve`.
    phases
        Phases of the rewards in order: 1 feasibility, 2 gap, 3 cost. A curriculum goes through them one by one; without
        it, each reward is the sum of their terms.
    seedings
        Rules that place the seeds, see `lagrl list seedings`.
    seeding
        How an episode gets its seeds. `draw`: by a rule that it draws. `choose`: its first action chooses one of
        `seed_choices` seedings by the rules in turn. `scores`: its first action places them. See `envs.seed_choice`.
    seed_choices
        Seedings to choose from.
    rewards
        Weights of the reward's terms.
    curriculum
        When a phase ends.
    observation
        Version of the observations: the one that the policy was trained with, see `envs.observation`. Those of the
        route relaxations have one version only, see `observation_version`.
    relaxation
        Relaxation whose dual is ascended. `assignment`: that of the linearisation, by knapsacks. `ng` and `paths`: that
        of the routes, a lower bound on the CVRP itself, see `lagrl.bounds.route_dual.RouteDual` and `envs.route`. Those
        have no seeds, samples or bounds to set, so `sampler`, `seeding`, `judge` and `bounds` must have their defaults,
        and `decode_every`, `tour_decoded` and `seedings` have no effect.
    reference_evaluations
        Evaluations in which the bundle method computes, at a reset, the value that the gap of a route relaxation is
        measured to; 0: none, and the progress from the first value is rewarded. See `envs.route.reward`.
    most_load
        Largest load, about, with which a route relaxation is priced. Larger capacities are rounded, which keeps the
        bound valid, lowers it, and limits the time of an evaluation; see `lagrl.bounds.route_graph.RouteGraph.of`.

    Raises
    ------
    InputError
        If a value is out of range, or has no meaning in the relaxation.
    UnknownNameError
        If a start, judge, relaxation, seeding rule or way to seed is not known.
    """

    n_max: int = 100
    n_customers: tuple[int, int] = (20, 100)
    action: ActionConfig = field(default_factory=ActionConfig)
    max_steps: int = LONGEST
    min_steps: int | None = None
    decode_every: int = 1
    tour_decoded: bool = may_lack(True, formerly=False)
    sampler: str = "exact"
    route_sampler: str = "qaoa"
    route_every: int = 10
    recombine: bool = may_lack(False)
    judge: Literal["exact", "samples"] = may_lack("exact")
    shots: int = 64
    n_joint: int = 8
    start: str = "linear"
    bounds: tuple[float, float] | None = None
    phases: tuple[int, ...] = (2, 3)
    seedings: tuple[str, ...] = ("kmeans", "sweep")
    seeding: Literal["draw", "choose", "scores"] = may_lack("draw")
    seed_choices: int = may_lack(8)
    rewards: RewardWeights = field(default_factory=RewardWeights)
    curriculum: CurriculumConfig = field(default_factory=CurriculumConfig)
    observation: Literal[1, 2] = may_lack(2, formerly=1)
    relaxation: Literal["assignment", "paths", "ng"] = may_lack("assignment")
    reference_evaluations: int = may_lack(50)
    most_load: int = may_lack(100_000)

    def __post_init__(self) -> None:
        require_version(self.observation, "observation")
        require_between("n_max", self.n_max, 1, LARGEST_PADDING)
        low, high = self.n_customers
        require_between("n_customers", high, 2, self.n_max, remedy="raise n_max or generate smaller instances")
        require_between("n_customers", low, 2, high)
        require_between("max_steps", self.max_steps, 1, LONGEST)
        if self.min_steps is not None:
            require_between("min_steps", self.min_steps, 1, self.max_steps)
        for name, least in (("decode_every", 1), ("route_every", 1), ("shots", 1), ("n_joint", 0), ("seed_choices", 1)):
            require_between(name, getattr(self, name), least, None)
        require_between("reference_evaluations", self.reference_evaluations, 0, None)
        require_between("most_load", self.most_load, 1, None)
        names = {
            "judge": ("exact", "samples"),
            "seeding": SEED_MODES,
            "relaxation": RELAXATIONS,
        }
        for name, known in names.items():
            if getattr(self, name) not in known:
                raise UnknownNameError.of(name, str(getattr(self, name)), known)
        if self.bounds is not None and not (np.isfinite(self.bounds).all() and self.bounds[0] < self.bounds[1]):
            raise InputError(f"{self.bounds} given", field="bounds", remedy="give finite numbers, the lower one first")
        if not self.phases or list(self.phases) != sorted(set(self.phases) & {1, 2, 3}):
            raise InputError(f"{self.phases} given", field="phases", remedy="give some of 1, 2, 3 in this order")
        if not self.seedings:
            raise InputError("no rule given", field="seedings", remedy=f"known: {', '.join(sorted(SEEDINGS))}")
        for rule in self.seedings:
            seeding_rule(rule)
        if self.relaxation != "assignment":
            self._require_routes()
        elif self.action.mode == MOMENTUM:
            remedy = "use diagonal or direction: only the route relaxations have it"
            raise InputError(f"{MOMENTUM!r} given", field="action.mode", remedy=remedy)
        starts = ("linear", "zero") if self.relaxation == "assignment" else ("linear", "zero", "learned")
        if self.start not in starts and not (len(starts) == 3 and self.start.startswith("learned:")):
            raise UnknownNameError.of("start", str(self.start), starts)

    def _require_routes(self) -> None:
        for name, only in (("sampler", "exact"), ("judge", "exact"), ("seeding", "draw"), ("bounds", None)):
            if getattr(self, name) != only:
                remedy = f"use {only!r}: it has no meaning with relaxation={self.relaxation!r}"
                raise InputError(f"{getattr(self, name)!r} given", field=name, remedy=remedy)

    @property
    def observation_version(self) -> int | str:
        """Version of the observations in this relaxation, whose features `envs.observation.features_of` names."""
        from envs.route.observation import ROUTE_OBSERVATION_VERSION

        return self.observation if self.relaxation == "assignment" else ROUTE_OBSERVATION_VERSION

    @classmethod
    def preset(cls, name: Preset = "default") -> EnvConfig:
        """Return the configuration called `name`.

        `reference` follows Sharma and Lau (2026) as far as it is public: λ starts at 0 within [−400, 800], which
        only suits instances of small costs, all three phases are used, assignments are repaired every second
        evaluation, and routes come from the route sampler only.

        `routes` ascends the dual of the ng-routes in 10 to 30 steps, with actions around its natural step and loads of
        about 200 units at most.

        Raises
        ------
        UnknownNameError
            If there is no such preset.
        """
        from envs.route.action import ROUTE_ACTION

        if name == "default":
            return cls()
        if name == "reference":
            return cls(
                decode_every=2,
                tour_decoded=False,
                start="zero",
                bounds=(-400.0, 800.0),
                phases=(1, 2, 3),
                rewards=RewardWeights(cost=0.10, cost_gap=0.01),
                curriculum=CurriculumConfig(least_episodes=0),
            )
        if name == "routes":
            return cls(relaxation="ng", most_load=200, action=ROUTE_ACTION, min_steps=10, max_steps=30)
        raise UnknownNameError.of("environment preset", str(name), get_args(Preset))

    def changed(self, overrides: Mapping[str, Any]) -> EnvConfig:
        """Return the configuration with some fields changed.

        Parameters
        ----------
        overrides
            New values by field name; for `action`, `rewards` and `curriculum` a dict of their changed fields will do.

        Raises
        ------
        InputError
            If a name is unknown or a value does not fit.
        """
        record = self.to_json()
        for name, value in overrides.items():
            plain = to_record(value) if is_dataclass(value) else value
            if isinstance(plain, dict) and isinstance(record.get(name), dict):
                plain = record[name] | plain
            record[name] = plain
        return from_record(EnvConfig, record, "environment", remedy="see envs.EnvConfig")

    def to_json(self) -> dict[str, Any]:
        """Return the configuration as plain JSON values."""
        return to_record(self)

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> EnvConfig:
        """Read a record that `to_json` returned; it may name built-in samplers only.

        Fields that version 0.1 did not have get the values that it worked by.

        Raises
        ------
        InputError
            If an entry is unknown, missing or of another type, or names a sampler of the user's.
        """
        config = from_record(cls, record, "environment")
        require_trusted(config.rules())
        return config

    def rules(self, prefix: str = "") -> list[NamedRule]:
        """Return the names of the samplers, which a file may not choose freely; `prefix` stands before their fields."""
        from lagrl.samplers.registry import is_built_in  # here: help texts need no samplers

        names = {"sampler": self.sampler, "route_sampler": self.route_sampler}
        return [NamedRule(prefix + field, name, is_built_in(name)) for field, name in names.items()]


def require_between(name: str, value: int, low: int, high: int | None, remedy: str = "") -> None:
    """Raise InputError, with the field and the remedy, for a value outside [low, high]; None: no upper limit."""
    if value < low or (high is not None and value > high):
        allowed = f"{low} … {high}" if high is not None else f"{low} or more"
        raise InputError(f"{value} given", field=name, remedy=remedy or f"give {allowed}")
