"""Observations of a policy: scale-free numbers per customer, and its nearest neighbours.

They are a function of a `Controller`'s inputs (`DualPoint`, `Feedback`) and of the budget only, so that a policy
observes the same in an environment and in a solve. A policy needs the version that it was trained with.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from gymnasium import spaces

from envs.observation_v1 import ObserverV1
from envs.observation_v2 import Observer
from envs.observer import HORIZON, N_NEIGHBOURS, AscentObserver, nearest_neighbours
from envs.route.observation import ROUTE_FEATURES, ROUTE_OBSERVATION_VERSION, route_space
from envs.seed_choice import LARGEST_EXCESS
from lagrl.errors import InputError, InstanceError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from envs.config import EnvConfig
    from lagrl.relaxation.dual import AssignmentDual

__all__ = [
    "FEATURES",
    "HORIZON",
    "N_NEIGHBOURS",
    "OBSERVATION_VERSION",
    "OBSERVERS",
    "AscentObserver",
    "Observer",
    "ObserverV1",
    "Version",
    "features_of",
    "make_observer",
    "nearest_neighbours",
    "observation_space",
    "padded",
    "require_room",
    "require_version",
    "space_of",
]

Version = Literal[1, 2]

OBSERVATION_VERSION: Version = 2
"""Version of the observations of new environments and policies."""

OBSERVERS: dict[int, type[AscentObserver]] = {1: ObserverV1, 2: Observer}
"""Observers by the version of their observations."""

FEATURES: tuple[str, ...] = Observer.features
"""Names of the features of `OBSERVATION_VERSION`, in the order of the columns."""


def require_version(version: int, field: str) -> None:
    """Raise an error for a version of the observations that does not exist.

    Raises
    ------
    InputError
        Naming the field and the version.
    """
    if version not in OBSERVERS:
        known = " or ".join(map(str, OBSERVERS))
        raise InputError(f"{version} given", field=field, remedy=f"give {known}: the version a policy was trained with")


def features_of(version: int | str) -> tuple[str, ...]:
    """Return the names of a version's features, in the order of the columns; see `EnvConfig.observation_version`."""
    return ROUTE_FEATURES if version == ROUTE_OBSERVATION_VERSION else OBSERVERS[int(version)].features


def make_observer(dual: AssignmentDual, budget: int, version: int = OBSERVATION_VERSION) -> AscentObserver:
    """Return the observer of an ascent; for the arguments and errors see `AscentObserver`."""
    return OBSERVERS[version](dual, budget)


def padded(
    nodes: NDArray[np.float32], neighbours: NDArray[np.int16], n_max: int
) -> dict[str, NDArray[np.float32] | NDArray[np.int8] | NDArray[np.int16]]:
    """Return an observation of fixed shape, 0 beyond the n customers.

    Parameters
    ----------
    nodes
        [n, F].
    neighbours
        [n, 5].
    n_max
        N, at least n.

    Returns
    -------
    `nodes` [N, F] float32, `node_mask` [N] int8 (1 for customers), `neighbours` [N, 5] int16.

    Raises
    ------
    InstanceError
        If n is above N.
    """
    n = len(nodes)
    require_room(n, n_max)
    wide = np.zeros((n_max, nodes.shape[1]), np.float32)
    mask = np.zeros(n_max, np.int8)
    table = np.zeros((n_max, N_NEIGHBOURS), np.int16)
    wide[:n], mask[:n], table[:n] = nodes, 1, neighbours
    return {"nodes": wide, "node_mask": mask, "neighbours": table}


def require_room(n: int, n_max: int, source: str | None = None) -> None:
    """Raise an error for an instance larger than the padding.

    Raises
    ------
    InstanceError
        If n is above `n_max`.
    """
    if n > n_max:
        raise InstanceError(
            f"{n} customers are more than the {n_max} that observations are padded to",
            source=source,
            field="n_max",
            remedy=f"make the environment with n_max={n} or more; policies work at any padding",
        )


def observation_space(n_max: int, version: int = OBSERVATION_VERSION) -> spaces.Dict:
    """Return the space of `padded` observations of a version.

    The mask is not a box, so that `VecNormalize` refuses to normalise it, with the remedy `norm_obs_keys`.
    """
    observer = OBSERVERS[version]
    return spaces.Dict(
        {
            "nodes": spaces.Box(-observer.limit, observer.limit, (n_max, len(observer.features)), np.float32),
            "node_mask": spaces.MultiBinary(n_max),
            "neighbours": spaces.Box(0, n_max - 1, (n_max, N_NEIGHBOURS), np.int16),
        }
    )


def space_of(config: EnvConfig) -> spaces.Dict:
    """Return the space of an environment's observations; for the route relaxations see `envs.route.observation`.

    Where the seeds are an action, there are more keys, which are 0 after the choice:

    - `choosing` [1] int8: 1 before the choice.
    - `candidates` [N, C] int8, only in mode `choose`: 1 for the customers nearest to a seeding's seeds.
    - `excess` [C] float32, only in mode `choose`: log(1 + percent that its estimated cost is above the lowest one).

    C is `seed_choices`, and the seedings are in the order of their estimates. Before the choice, `nodes` describe the
    linearisation of lowest estimate, or in mode `scores` the one that mode `draw` would have. The features that only an
    evaluation has are 0 then.
    """
    if config.relaxation != "assignment":
        return route_space(config.n_max)
    space = observation_space(config.n_max, config.observation)
    if config.seeding == "draw":
        return space
    keys: dict[str, spaces.Space[Any]] = {**space.spaces, "choosing": spaces.MultiBinary(1)}
    if config.seeding == "choose":
        keys["candidates"] = spaces.MultiBinary((config.n_max, config.seed_choices))
        keys["excess"] = spaces.Box(0.0, LARGEST_EXCESS, (config.seed_choices,), np.float32)
    return spaces.Dict(keys)
