"""The fields of an archive's JSON file that both trainers share, and their types."""

import re
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from lagrl.io.records import AnyNumber, Check, may_lack
from policies.checkpoint_record import Count, Sha256

ArraysFile = Annotated[
    str, Check(re.compile(r"archive-[0-9a-f]{16}\.safetensors").fullmatch, "the name of the arrays' file")
]
Seconds = Annotated[float, Check(lambda value: value >= 0, "a number of seconds from 0")]
Word = Annotated[int, Check(lambda value: 0 <= value < 2**32, "a whole number of 32 bits")]
Figures = dict[str, AnyNumber]
ScorePairs = tuple[tuple[Count, AnyNumber], ...]


@dataclass(frozen=True)
class ArchiveFile:
    """The JSON file of an archive; `record_sha256` is the checksum of the record, which older archives lack."""

    kind: Literal["lagrl training run"]
    schema_version: Literal[1]
    arrays: ArraysFile
    sha256: Sha256
    record: dict[str, Any]
    record_sha256: Sha256 | None = may_lack(None)


@dataclass(frozen=True)
class ArchivedRun:
    """What an archive says of a run of a trainer; `run` is its own state."""

    trainer: Literal["bc", "ppo", "start", "unroll", "route-bc", "route-ppo", "sets", "seeds"]
    run: dict[str, Any]
    out: str
    command: str
    threads: Annotated[int, Check(lambda value: value >= 1, "a whole number from 1")]
    init: str | None = may_lack(None)


@dataclass(frozen=True)
class LegacyKey:
    """Words and position of numpy's Mersenne twister."""

    key: Annotated[tuple[Word, ...], Check(lambda value: len(value) == 624, "a list of 624 words")]
    pos: Annotated[int, Check(lambda value: 0 <= value <= 624, "a position from 0 to 624")]


@dataclass(frozen=True)
class LegacyRecord:
    """State of numpy's global generator."""

    bit_generator: Literal["MT19937"]
    state: LegacyKey
    has_gauss: Literal[0, 1]
    gauss: float


@dataclass(frozen=True)
class GeneratorsRecord:
    """States of the global generators of Python and numpy; that of torch is an array."""

    python: tuple[
        Literal[3],
        Annotated[
            tuple[Word, ...],
            Check(lambda value: len(value) == 625 and value[-1] <= 624, "a list of 624 words and a position"),
        ],
        float | None,
    ]
    numpy: LegacyRecord


@dataclass(frozen=True)
class OptimizerRecord:
    """Parameter groups of an optimiser, and the plain numbers of its state by the parameter's index."""

    groups: list[dict[str, Any]]
    numbers: Annotated[
        dict[str, Figures], Check(lambda value: all(map(str.isdecimal, value)), "an object of parameters by index")
    ]


@dataclass(frozen=True)
class CandidateRecord:
    """A validated policy; archives of version 0.1 lack the scores of PPO."""

    step: Count
    scores: ScorePairs | None = may_lack(None)
    imitation: Figures | None = may_lack(None)


@dataclass(frozen=True)
class RunRecord:
    """State of a run of either trainer besides its arrays; see `train.restore`."""

    config: dict[str, Any]
    optimizer: OptimizerRecord
    best: CandidateRecord | None
    seconds: Seconds


def upgraded_candidate(record: Any) -> Any:
    """Return the record of a candidate under the present name of `step`, which had two others until version 0.1."""
    if not isinstance(record, dict):
        return record
    return {"step" if name in ("epoch", "rollout") else name: value for name, value in record.items()}
