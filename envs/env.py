"""`LagrangianCVRP-v0`: one episode is one instance, one step is one evaluation of its dual."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import gymnasium
import numpy as np

from envs.config import EnvConfig, Preset
from envs.core import EpisodeBatch
from envs.render import RENDER_MODES, RenderMode, require_mode
from envs.route.core import RouteEpisodeBatch
from lagrl.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from envs.ascent_batch import AscentBatch
    from envs.batch import Batch

Observation = dict[str, Any]


class EpisodeEnv(gymnasium.Env[Observation, Any]):
    """A batch of one episode as a Gymnasium environment.

    Parameters
    ----------
    batch
        The batch.
    render_mode
        `ansi` (text), `rgb_array` (picture; needs the extra viz) or None.

    Raises
    ------
    UnknownNameError
        If the render mode is not known.
    """

    metadata: dict[str, Any] = {"render_modes": list(RENDER_MODES), "render_fps": 5}  # noqa: RUF012 - as in gymnasium

    def __init__(self, batch: Batch[Any], render_mode: RenderMode | None = None) -> None:
        self.render_mode = require_mode(render_mode)
        self.batch = batch
        self.observation_space = batch.observation_space
        self.action_space = batch.action_space

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Observation, dict[str, Any]]:
        """Start an episode.

        Parameters
        ----------
        seed
            Seed of the generator of this and all later episodes.
        options
            `instance`: a CVRP, the path of a `.vrp` file, or an instance's name; generated if not given.

        Raises
        ------
        InstanceError
            If the instance is larger than the padding.
        InputError
            If an option is unknown, or the instance cannot be read.
        """
        super().reset(seed=seed)
        info = self.batch.reset(0, self.np_random, instance_option(options))
        return self.batch.observation(0), info

    def step(self, action: Any) -> tuple[Observation, float, bool, bool, dict[str, Any]]:
        """Carry out an action; for the errors see the batch's `step`."""
        step = self.batch.step(np.asarray(action)[None])
        return self.batch.observation(0), float(step.rewards[0]), bool(step.terminated[0]), False, step.infos[0]

    def close(self) -> None:
        """Close the samplers, which saves what they learned; see `EpisodeBatch.close`."""
        self.batch.close()

    def render(self) -> Any:
        """Return the episode as text or as a picture [H, W, 3] uint8, by the render mode."""
        return None if self.render_mode is None else self.batch.render(0, self.render_mode)


class LagrangianCVRP(EpisodeEnv):
    """The dual loop as an environment, whose agent takes the controller's place.

    Observations are `Dict(nodes [N, F] float32, node_mask [N] int8, neighbours [N, 5] int16)` with the F features of
    `envs.FEATURES`, see `envs.observation`; actions are `Box(−1, 1, (N,))`, see `envs.action`; rewards are differences
    of potentials, see `envs.reward`. Episodes end (`terminated`) when the dual is proven optimal or the budget is
    spent: the remaining budget is in the observation, so this end is part of the task, and `truncated` is left to
    wrappers.

    With `relaxation="paths"` or `"ng"` the dual is that of the routes, a lower bound on the CVRP. Observations have the
    features of `envs.ROUTE_FEATURES` and `edges` [N, 60] then, see `envs.route.observation`, and actions move [n + 1]
    multipliers, see `envs.route.action`.

    Parameters
    ----------
    config
        Configuration of the episodes; that of `preset` if None.
    render_mode
        `ansi` (text), `rgb_array` (picture; needs the extra viz) or None.
    preset
        `default`, `reference` or `routes`, see `EnvConfig.preset`.
    overrides
        Fields of `EnvConfig` to change. `sampler` and `route_sampler` may be a function or class that makes a sampler,
        instead of a name.

    Raises
    ------
    InputError, UnknownNameError
        If the configuration, a sampler or the render mode is not possible.
    """

    batch: AscentBatch[Any]

    def __init__(
        self,
        config: EnvConfig | None = None,
        render_mode: RenderMode | None = None,
        *,
        preset: Preset = "default",
        **overrides: Any,
    ) -> None:
        self.config, makers = configured(config, preset, overrides)
        super().__init__(make_batch(self.config, 1, makers), render_mode)

    @property
    def episode(self) -> Any:
        """The current `Episode` or `RouteEpisode`; InputError before the first reset."""
        return self.batch.episodes[0]

    def set_phase(self, phase: int | None) -> None:
        """Set the curriculum phase of the episodes to come; None: no curriculum, see `EpisodeBatch.set_phase`."""
        self.batch.set_phase(phase)


def configured(
    config: EnvConfig | None, preset: Preset, overrides: Mapping[str, Any]
) -> tuple[EnvConfig, dict[str, Any]]:
    """Return the configuration (the preset's if None) with some fields changed, and the samplers' makers by name.

    Makers are the overrides `sampler` and `route_sampler` that are functions or classes, as `EpisodeBatch` takes them.

    Raises
    ------
    InputError
        If a sampler is given instead of a function that makes it, or another override does not fit.
    """
    makers = {name: overrides[name] for name in ("sampler", "route_sampler") if callable(overrides.get(name))}
    fields = {name: value for name, value in overrides.items() if name not in makers}
    for name in {"sampler", "route_sampler"} & fields.keys():
        if hasattr(fields[name], "sample"):
            raise InputError(
                f"a {type(fields[name]).__name__} given",
                field=name,
                remedy="give a function that makes it, since every episode has its own",
            )
    base = config or EnvConfig.preset(preset)
    return (base.changed(fields) if fields else base), makers


def make_batch(config: EnvConfig, n_envs: int, makers: Mapping[str, Any]) -> AscentBatch[Any]:
    """Return the batch of a configuration's relaxation; `makers` are the second return value of `configured`."""
    return (
        EpisodeBatch(config, n_envs, **makers)
        if config.relaxation == "assignment"
        else RouteEpisodeBatch(config, n_envs, **makers)
    )


def instance_option(options: Mapping[str, Any] | None) -> Any:
    """Return the option `instance` of a reset, None if it is not given.

    Raises
    ------
    InputError
        If there are other options.
    """
    for name in sorted(set(options or ()) - {"instance"}, key=str):
        raise InputError(f"unknown option {name!r}", field="options", remedy="known: instance")
    return (options or {}).get("instance")
