"""Logged decisions as arrays, and the probabilities of another policy for them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import InputError
from lagrl.quantum.bandit.arm_policies import LinUCB, StaticPolicy
from lagrl.quantum.bandit.features import NAMES, knapsack_rows

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from lagrl.quantum.bandit.arm_policies import Policy
    from lagrl.quantum.bandit.profile import ScreenedArms
    from lagrl.quantum.bandit.traces import Trace

_CHUNK = 4096  # decisions in one [D, A] array


@dataclass(frozen=True, eq=False)
class TraceGroup:
    """D decisions among the same arms."""

    screened: ScreenedArms
    place: NDArray[np.int64] = field(repr=False)  # [D] positions in the log
    knapsacks: NDArray[np.float64] = field(repr=False)  # [D, 7] `knapsack_rows`
    chosen: NDArray[np.int64] = field(repr=False)  # [D] indices of the chosen arms
    executed: NDArray[np.int64] = field(repr=False)  # [D] indices of the arms that drew the strings

    def chunks(self) -> Iterator[slice]:
        """Yield slices of the decisions that are small enough for [D, A] arrays."""
        for first in range(0, len(self.place), _CHUNK):
            yield slice(first, first + _CHUNK)


@dataclass(frozen=True, eq=False)
class TraceTable:
    """A log of N decisions as arrays."""

    groups: tuple[TraceGroup, ...] = field(repr=False)  # the decisions by their arms
    reward: NDArray[np.float64] = field(repr=False)  # [N]
    propensity: NDArray[np.float64] = field(repr=False)  # [N]
    instance: NDArray[np.int64] = field(repr=False)  # [N] numbers of the instances

    @staticmethod
    def of(traces: Sequence[Trace]) -> TraceTable:
        """Return the arrays of a log; InputError if it has no decision."""
        if not traces:
            raise InputError("no decision", field="traces", remedy="give 1 or more")
        places: dict[int, list[int]] = {}
        for i, trace in enumerate(traces):
            places.setdefault(id(trace.decision.screened), []).append(i)
        groups = []
        for place in places.values():
            own = [traces[i].decision for i in place]
            groups.append(
                TraceGroup(
                    own[0].screened,
                    np.array(place, np.int64),
                    knapsack_rows([decision.knapsack for decision in own]),
                    np.array([decision.chosen for decision in own], np.int64),
                    np.array([decision.executed for decision in own], np.int64),
                )
            )
        number: dict[str, int] = {}
        return TraceTable(
            tuple(groups),
            np.array([trace.decision.reward for trace in traces]),
            np.array([trace.decision.propensity for trace in traces]),
            np.array([number.setdefault(trace.instance, len(number)) for trace in traces], np.int64),
        )

    def __len__(self) -> int:
        return len(self.reward)

    def features(self) -> NDArray[np.float64]:
        """Return [N, d] features of the arms that drew the strings."""
        found = np.empty((len(self), len(NAMES)))
        for group in self.groups:
            found[group.place] = group.screened.table.rows(group.knapsacks, group.executed)
        return found


def target_probabilities(
    policy: Policy, epsilon: float, screened: ScreenedArms, knapsacks: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return each arm's probability [D, A] for a policy that does not learn meanwhile, from [D, 7] `knapsack_rows`."""
    table, allowed = screened.table, screened.is_allowed
    shape = (len(knapsacks), len(screened.arms))
    if isinstance(policy, LinUCB):
        scores = table.means(knapsacks, policy.model.weights)
        if policy.alpha:
            scores += policy.alpha * table.deviations(knapsacks, policy.model.covariance)
    elif isinstance(policy, StaticPolicy):
        scores = np.broadcast_to(policy.scores(np.empty((shape[1], 0)), screened.arms), shape)
    else:
        every = np.arange(shape[1])
        rows = (table.rows(np.repeat(own[None], shape[1], axis=0), every) for own in knapsacks)
        scores = np.array([policy.scores(features, screened.arms) for features in rows]).reshape(shape)
    share = np.zeros(shape)
    share[np.arange(len(share)), np.where(allowed, scores, -np.inf).argmax(axis=1)] = 1.0
    mixed: NDArray[np.float64] = (1.0 - epsilon) * share + epsilon * allowed / allowed.sum()
    return np.minimum(mixed, 1.0)
