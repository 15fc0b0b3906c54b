"""The fields of the archive of a route policy's training, and their types."""

from dataclasses import dataclass
from typing import Any

from policies.checkpoint_record import Count
from train.archive_record import OptimizerRecord, ScorePairs, Seconds


@dataclass(frozen=True)
class RouteCandidateRecord:
    """A validated route policy."""

    step: Count
    scores: ScorePairs


@dataclass(frozen=True)
class RouteRunRecord:
    """State of a training of a route policy besides its arrays."""

    config: dict[str, Any]
    updates: Count
    seconds: Seconds
    optimizer: OptimizerRecord
    best: RouteCandidateRecord | None
