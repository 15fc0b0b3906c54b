"""The fields of a cloning run's record in an archive, and their types."""

from dataclasses import dataclass

from policies.checkpoint_record import Count
from train.archive_record import Figures, GeneratorsRecord, RunRecord, ScorePairs
from train.manifest import Manifest


@dataclass(frozen=True)
class CloningRecord(RunRecord):
    """State of a cloning run besides its arrays; see `train.bc.archive`."""

    epoch: Count
    updates: Count
    manifest: Manifest
    expert_scores: ScorePairs
    imitation: Figures
    generators: GeneratorsRecord
