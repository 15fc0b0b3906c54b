"""Labelled choices: candidates of generated instances, and what each of them gains."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from envs.generator import draw_instance
from envs.observation import N_NEIGHBOURS
from envs.search.baselines import lookahead
from envs.search.config import SearchEnvConfig
from envs.search.core import SearchBatch
from lagrl.ascent import ascend
from lagrl.dual_loop import DualLoop
from lagrl.relaxation.dual import AssignmentDual
from lagrl.relaxation.linear_dual import multiplier_ceiling
from lagrl.relaxation.linearise import vehicles_to_try
from lagrl.relaxation.seeding import candidate_seeds
from policies.graph import as_tensors
from policies.seed_features import observe_seedings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from torch import Tensor

    from policies.choice_network import ChoiceNetwork
    from train.choices.config import ChoiceConfig, SeedsConfig, SetsConfig

_STREAM = 32  # separates these random streams from those of other trainings
_BY_POLICY = 0.5  # share of the moves by the network, once there is one


@dataclass(frozen=True)
class Labels:
    """C choices among K candidates each.

    Attributes
    ----------
    observation
        Observations [B, …] of the choices, padded, see `ChoiceNetwork`; B = C, or C·K where each candidate is a graph
        of its own.
    gain
        [C, K] float32: decrease of the current cost in mean arcs, 0 or more (sets); route cost below the mean of the
        candidates in % of it (seeds).
    """

    observation: dict[str, NDArray[Any]]
    gain: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.gain)

    @classmethod
    def joined(cls, parts: Sequence[Labels]) -> Labels:
        """Concatenate choices of equal padding."""
        names = parts[0].observation
        return cls(
            {name: np.concatenate([part.observation[name] for part in parts]) for name in names},
            np.concatenate([part.gain for part in parts]),
        )

    def observations(self, chosen: NDArray[np.int64]) -> dict[str, Tensor]:
        """Return the observations of some choices, with no more padding than they need."""
        each = len(self.observation["nodes"]) // len(self.gain)
        rows = (chosen[:, None] * each + np.arange(each)).ravel()
        widest = int(self.observation["node_mask"][rows].sum(axis=1).max())
        parts = {name: array[rows] for name, array in self.observation.items()}
        for name in ("nodes", "node_mask", "neighbours"):
            parts[name] = parts[name][:, :widest]
        parts["sets"] = parts["sets"][:, :, :widest]
        return as_tensors(parts)

    def scores(self, net: ChoiceNetwork, chosen: NDArray[np.int64]) -> Tensor:
        """Return the network's scores [c, K] of some choices."""
        scores: Tensor = net(self.observations(chosen))
        return scores.view(len(chosen), -1)


def label_sets(config: SetsConfig, seed: Sequence[int], index: int, net: ChoiceNetwork | None) -> Labels:
    """Search on a generated instance, and look one move ahead with every offered set of some states.

    Parameters
    ----------
    config
        Hyper-parameters.
    seed, index
        Seed of the instance and of the moves: those of the round, and the instance's number in it.
    net
        Makes half of the moves; None: all are random.
    """
    observations, gains = [], []
    rng = np.random.default_rng([_STREAM, *seed, index])
    moves = int(rng.choice(config.moves))
    n = _draw_size(config, rng)
    env = SearchEnvConfig(
        n_max=config.customers[1], n_customers=(n, n), max_moves=moves, action="choice", choices=config.candidates
    )
    batch = SearchBatch(env, 1)
    batch.reset(0, rng)
    episode = batch.episodes[0]
    looked = set(np.linspace(0, moves - 1, min(config.states, moves)).round().astype(int).tolist())
    while not episode.is_over:
        if episode.moves in looked:
            cost = lookahead(episode, batch.sets(0)).cost
            gains.append(np.maximum(episode.search.current.cost - cost, 0.0) / episode.mean_arc)
            observations.append(batch.observation(0))
        action = int(rng.integers(config.candidates))
        if net is not None and rng.random() < _BY_POLICY:
            action = best_set(net, batch.observation(0))
        batch.step(np.array([action]))
    stacked = {name: np.stack([one[name] for one in observations]) for name in observations[0]}
    stacked["nodes"] = stacked["nodes"].astype(np.float16)
    return Labels(stacked, np.stack(gains).astype(np.float32))


def best_set(net: ChoiceNetwork, observation: dict[str, NDArray[Any]], among: int | None = None) -> int:
    """Return the number of the set of highest score in an environment's observation, of all or of the first ones."""
    n = int(observation["node_mask"].sum())
    trimmed = {
        "nodes": observation["nodes"][:n],
        "node_mask": observation["node_mask"][:n],
        "neighbours": observation["neighbours"][:n],
        "sets": observation["sets"][:among, :n],
    }
    with torch.inference_mode():
        return int(net(as_tensors(trimmed)).argmax())


def label_seedings(config: SeedsConfig, seed: Sequence[int], index: int, net: ChoiceNetwork | None) -> Labels:
    """Ascend from every seeding of a generated instance; for the arguments see `label_sets`, the network is unused."""
    del net
    rng = np.random.default_rng([_STREAM, *seed, index])
    n = _draw_size(config, rng)
    problem = draw_instance(rng, (n, n))
    seedings = candidate_seeds(problem, vehicles_to_try(problem), rng, config.rules, config.candidates)
    observation, rounded = observe_seedings(problem, seedings)
    cost = np.empty(len(seedings))
    for number, one in enumerate(rounded):
        dual = AssignmentDual(one.assignment, ceiling=multiplier_ceiling(one.assignment, one.dual))
        own = np.random.default_rng([_STREAM, *seed, index, number])
        trace = ascend(DualLoop.of(dual), "hwc", config.evaluations, own, one.dual.multipliers)
        cost[number] = min(trace.route_cost)
    padded = _padded(observation, config.customers[1])
    padded["nodes"] = padded["nodes"].astype(np.float16)
    return Labels(padded, (100.0 * (1.0 - cost / cost.mean()))[None].astype(np.float32))


def _padded(observation: dict[str, NDArray[Any]], n_max: int) -> dict[str, NDArray[Any]]:
    """Return an observation of seedings with zeros for customers n … n_max − 1."""
    count, n, n_features = observation["nodes"].shape
    padded: dict[str, NDArray[Any]] = {
        "nodes": np.zeros((count, n_max, n_features), np.float32),
        "node_mask": np.zeros((count, n_max), np.int8),
        "neighbours": np.zeros((count, n_max, N_NEIGHBOURS), np.int16),
        "sets": np.zeros((count, 1, n_max), np.int8),
    }
    for name, array in padded.items():
        if name == "sets":
            array[:, :, :n] = observation[name]
        else:
            array[:, :n] = observation[name]
    return padded | {"own": observation["own"]}


def _draw_size(config: ChoiceConfig, rng: np.random.Generator) -> int:
    low, high = config.customers
    return round(float(np.exp(rng.uniform(np.log(low), np.log(high)))))
