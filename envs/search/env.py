"""`LagrangianSearch-v0`: one episode is one search, one step is one of its moves."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from envs.env import EpisodeEnv
from envs.search.baselines import Lookahead, lookahead
from envs.search.config import SearchEnvConfig
from envs.search.core import SearchBatch
from lagrl.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envs.render import RenderMode
    from envs.search.episode import SearchEpisode


class LagrangianSearch(EpisodeEnv):
    """The search around existing routes as an environment, whose agent decides which customers a move frees.

    A move is that of `lagrl solve`: the customers leave the current routes, their insertion is linearised and priced by
    the knapsacks, assigned, repaired, inserted and polished by local search, and the result is accepted or not by
    simulated annealing. Observations are `Dict(nodes [N, F] float32, node_mask [N] int8, neighbours [N, 5] int16)` with
    the F features of `envs.search.FEATURES`; with `action="choice"` also `sets` [K, N] int8. Actions are
    `Box(−1, 1, (N,))` or `Discrete(K)`, see `envs.search.action`. The reward is the decrease of the best cost, see
    `envs.search.reward`. Episodes end (`terminated`) with their last move.

    Parameters
    ----------
    config
        Configuration of the episodes; the default one if None.
    render_mode
        `ansi` (text), `rgb_array` (picture; needs the extra viz) or None.
    overrides
        Fields of `SearchEnvConfig` to change. `sampler` may be a function or class that makes a sampler.

    Raises
    ------
    InputError, UnknownNameError
        If the configuration, the sampler or the render mode is not possible.
    """

    batch: SearchBatch

    def __init__(
        self, config: SearchEnvConfig | None = None, render_mode: RenderMode | None = None, **overrides: Any
    ) -> None:
        super().__init__(make_batch(1, config, overrides), render_mode)
        self.config = self.batch.config

    @property
    def episode(self) -> SearchEpisode:
        """The current episode; InputError before the first reset."""
        return self.batch.episodes[0]

    def lookahead(self) -> Lookahead:
        """Return what each of the K choices would lead to; the episode stays as it is.

        Raises
        ------
        InputError
            If the actions are scores, which have no sets, or the episode is over.
        """
        sets = self.batch.sets(0)
        if not sets or self.episode.is_over:
            problem = "the episode is over" if sets else "actions are scores"
            raise InputError(problem, field="lookahead", remedy="reset first, with action='choice'")
        return lookahead(self.episode, sets)


def make_batch(n_envs: int, config: SearchEnvConfig | None, overrides: Mapping[str, Any]) -> SearchBatch:
    """Return a batch of a configuration (the default one if None) with some fields changed.

    The override `sampler` may be a function or class that makes the sampler.

    Raises
    ------
    InputError
        If a sampler is given instead of a function that makes it, or another override does not fit.
    """
    fields = dict(overrides)
    maker = fields.pop("sampler") if callable(fields.get("sampler")) else None
    if hasattr(fields.get("sampler"), "sample"):
        raise InputError(
            f"a {type(fields['sampler']).__name__} given",
            field="sampler",
            remedy="give a function that makes it, since every episode has its own",
        )
    base = config or SearchEnvConfig()
    return SearchBatch(base.changed(fields) if fields else base, n_envs, sampler=maker)
