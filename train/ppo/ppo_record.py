"""The fields of a PPO run's record in an archive, and their types."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from envs.action import ActionConfig
from lagrl.io.records import Check, may_lack
from policies.checkpoint_record import Count
from policies.config import PolicyConfig
from train.archive_record import CandidateRecord, Figures, GeneratorsRecord, RunRecord, Word

Phase = Literal[1, 2, 3]
Word128 = Annotated[Any, Check(lambda value: type(value) is int and 0 <= value < 2**128, "a whole number of 128 bits")]
FromZero = Annotated[float, Check(lambda value: value >= 0, "a finite number from 0")]


@dataclass(frozen=True)
class StartRecord:
    """The clone from which a run started."""

    policy: PolicyConfig
    action: ActionConfig
    card: dict[str, Any]


@dataclass(frozen=True)
class PCGState:
    """The two words of a PCG64 generator."""

    state: Word128
    inc: Word128


@dataclass(frozen=True)
class GeneratorRecord:
    """State of a generator; see `envs.rng`."""

    bit_generator: Literal["PCG64", "PCG64DXSM"]
    state: PCGState
    has_uint32: Literal[0, 1]
    uinteger: Word


@dataclass(frozen=True)
class EpisodeRecord:
    """Start of an episode; training generates its instance."""

    rng: GeneratorRecord
    phase: Phase
    instance: None


@dataclass(frozen=True)
class EnvRecord:
    """State of the environments; see `envs.sb3.LagrangianVecEnv.state`."""

    config: dict[str, Any]
    phase: Phase
    episodes: tuple[EpisodeRecord | None, ...]
    generators: tuple[GeneratorRecord, ...]


@dataclass(frozen=True)
class BaselineState:
    """State of the expert's rewards; see `train.ppo.baseline`."""

    taken: tuple[Count, ...]


@dataclass(frozen=True)
class RewardRecord:
    """State of the reward's scale; see `train.ppo.reward_scale`."""

    count: FromZero
    mean: float
    variance: FromZero
    returns: tuple[float, ...]


@dataclass(frozen=True)
class CurriculumRecord:
    """State of the curriculum; see `envs.curriculum`."""

    phase: Phase
    recent: tuple[float, ...]
    episodes: Count = may_lack(0)


@dataclass(frozen=True)
class PPORecord(RunRecord):
    """State of a PPO run besides its arrays; see `train.ppo.archive`."""

    start: StartRecord | None
    num_timesteps: Count
    n_updates: Count
    episode_starts: tuple[bool, ...]
    last_update: Figures
    rng: GeneratorsRecord
    env: EnvRecord
    baseline: BaselineState | None
    rewards: RewardRecord
    curriculum: CurriculumRecord
    first: CandidateRecord | None
    policy: PolicyConfig | None = may_lack(None)
    expert: str | None = may_lack(None)
