"""The fields of the archive of a choice network's training, and their types."""

from dataclasses import dataclass
from typing import Any

from lagrl.io.records import AnyNumber
from policies.checkpoint_record import Count
from train.archive_record import OptimizerRecord, Seconds


@dataclass(frozen=True)
class ChoiceCandidateRecord:
    """A validated network."""

    step: Count
    scores: dict[str, AnyNumber]


@dataclass(frozen=True)
class ChoiceRunRecord:
    """State of a training of a choice network besides its arrays."""

    config: dict[str, Any]
    rounds: Count
    seconds: Seconds
    optimizer: OptimizerRecord
    best: ChoiceCandidateRecord | None
