"""The manifest of a dataset: a list of its shards with their checksums."""

import re
from dataclasses import dataclass
from typing import Annotated, Literal

from envs.observation import FEATURES, N_NEIGHBOURS
from lagrl.io.records import Check
from policies.checkpoint_record import Count, Sha256

ShardFile = Annotated[str, Check(re.compile(r"shard-\d{4,9}\.npz").fullmatch, "the name of a shard's file")]


@dataclass(frozen=True)
class Shard:
    """Name of a shard's file, its number of states, and its checksum."""

    file: ShardFile
    states: Count
    sha256: Sha256


@dataclass(frozen=True)
class Manifest:
    """Kind and version of a dataset, the features and neighbours of its states, and its shards in order."""

    kind: Literal["lagrl expert states"] = "lagrl expert states"
    schema_version: Literal[1] = 1
    features: Annotated[
        tuple[str, ...], Check(lambda value: list(value) == list(FEATURES), "a list of this version's features")
    ] = tuple(FEATURES)
    n_neighbours: Annotated[int, Check(lambda value: value == N_NEIGHBOURS, "this version's number")] = N_NEIGHBOURS
    shards: tuple[Shard, ...] = ()
