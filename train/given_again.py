"""Names of the user's rules that a resumed run takes from the command line."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class SamplersAgain:
    """Samplers of the user's that a resumed run needs."""

    sampler: str | None = None
    """sampler of the run that is not built in, as it was given at the start"""
    route_sampler: str | None = None
    """route sampler of the run that is not built in, as it was given at the start"""


@dataclass(frozen=True)
class GivenAgain:
    """Rules of the user's that a resumed run needs: an archive may name built-in ones only."""

    expert: str | None = None
    """expert of the run that is not built in, as it was given at the start"""
    env: SamplersAgain = field(default_factory=SamplersAgain)

    def names(self) -> dict[str, str]:
        """Return the given names by the field of the configuration."""
        names = {"expert": self.expert, "env.sampler": self.env.sampler, "env.route_sampler": self.env.route_sampler}
        return {field: name for field, name in names.items() if name is not None}
