"""The fields of a cloning run's record in an archive, and their types."""

from dataclasses import dataclass
from typing import Any

from policies.checkpoint_record import Count
from train.archive_record import CandidateRecord, Figures, GeneratorsRecord, OptimizerRecord, ScorePairs, Seconds
from train.manifest import Manifest


@dataclass(frozen=True)
class CloningRecord:
    """State of a cloning run besides its arrays; see `train.bc.archive`."""

    config: dict[str, Any]
    epoch: Count
    updates: Count
    manifest: Manifest
    expert_scores: ScorePairs
    imitation: Figures
    best: CandidateRecord | None
    seconds: Seconds
    optimizer: OptimizerRecord
    generators: GeneratorsRecord
