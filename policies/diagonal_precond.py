"""The network as a policy of Stable-Baselines3: `PPO(DiagonalPrecondPolicy, env)`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from stable_baselines3.common.policies import MultiInputActorCriticPolicy

from envs.observation import features_of
from lagrl.errors import InputError
from policies.config import PolicyConfig
from policies.graph import as_tensors
from policies.masked_gaussian import MaskedGaussian
from policies.network import DiagonalPrecondNet

if TYPE_CHECKING:
    from gymnasium import spaces
    from numpy.typing import NDArray
    from stable_baselines3.common.type_aliases import PyTorchObs, Schedule
    from torch import Tensor


class DiagonalPrecondPolicy(MultiInputActorCriticPolicy):
    """Actor and critic for the padded observations of `LagrangianCVRP-v0`, of the version in `config`.

    Stable-Baselines3 would put a dense layer over all padded customers on top of a feature extractor, which ties the
    weights to N; here the graph network computes every customer's action. The casting and scaling of observations in
    Stable-Baselines3 is not used either: neighbours stay indices.

    Sampled actions are clipped to the box before they reach the environment; log-probabilities are those of the
    unclipped ones, as in every continuous policy of Stable-Baselines3.

    Parameters
    ----------
    observation_space, action_space, lr_schedule
        See `MultiInputActorCriticPolicy`.
    config
        The network; `PolicyConfig()` if None.
    **kwargs
        Arguments of `MultiInputActorCriticPolicy`; those that describe its networks have no effect.

    Raises
    ------
    InputError
        If the spaces are not those of the environment.
    """

    net: DiagonalPrecondNet

    def __init__(
        self,
        observation_space: spaces.Dict,
        action_space: spaces.Space[Any],
        lr_schedule: Schedule,
        config: PolicyConfig | None = None,
        **kwargs: Any,
    ) -> None:
        self.config = config or PolicyConfig()
        _require_spaces(observation_space, action_space, self.config.observation)
        super().__init__(observation_space, action_space, lr_schedule, **kwargs)

    def _build(self, lr_schedule: Schedule) -> None:
        self.net = DiagonalPrecondNet(self.config)
        self.optimizer = self.optimizer_class(self.parameters(), lr=lr_schedule(1), **self.optimizer_kwargs)  # type: ignore[call-arg]  # every optimiser has a rate

    def _get_constructor_parameters(self) -> dict[str, Any]:
        return super()._get_constructor_parameters() | {"config": self.config}

    def forward(self, obs: PyTorchObs, deterministic: bool = False) -> tuple[Tensor, Tensor, Tensor]:
        """Return actions [B, N], values [B, 1] and log-densities [B]."""
        distribution, values = self._distribution_and_values(obs)
        actions = distribution.get_actions(deterministic=deterministic)
        return actions, values, distribution.log_prob(actions)

    def evaluate_actions(self, obs: PyTorchObs, actions: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
        """Return values [B, 1], log-densities [B] of the actions [B, N] and entropies [B]."""
        distribution, values = self._distribution_and_values(obs)
        return values, distribution.log_prob(actions), distribution.entropy()

    def get_distribution(self, obs: PyTorchObs) -> MaskedGaussian:
        """Return the distribution of actions, without evaluating the critic."""
        return self._distribution(obs, self.net.mean(_tensors(obs)))

    def predict_values(self, obs: PyTorchObs) -> Tensor:
        """Return values [B, 1], without evaluating the actor."""
        return self.net.value(_tensors(obs)).unsqueeze(1)

    def predict(
        self,
        observation: Any,
        state: tuple[NDArray[Any], ...] | None = None,
        episode_start: NDArray[Any] | None = None,
        deterministic: bool = False,
    ) -> tuple[NDArray[np.float32], tuple[NDArray[Any], ...] | None]:
        """Return actions [B, N] within the box, or [N] for one observation, and `state` unchanged.

        Unlike in `BasePolicy.predict`, N may be another padding than that of the policy's spaces.

        Raises
        ------
        InputError
            If the observations are not those of the environment.
        """
        del episode_start
        tensors, is_batch = self.obs_to_tensor(observation)
        self.set_training_mode(False)
        with torch.no_grad():
            actions = self._predict(tensors, deterministic).clamp(-1.0, 1.0).cpu().numpy()
        return (actions if is_batch else actions[0]), state

    def obs_to_tensor(self, observation: Any) -> tuple[dict[str, Tensor], bool]:
        """Return observations of any padding as tensors with a batch axis, and whether they had one."""
        shapes = {key: np.shape(value) for key, value in observation.items()} if isinstance(observation, dict) else {}
        is_batch = len(shapes.get("nodes", ())) == 3
        single = {key: shape[1:] for key, shape in shapes.items()} if is_batch else shapes
        _require_shapes(single, single.get("node_mask", ()), self.config.observation)
        return as_tensors(observation, self.device), is_batch

    def _predict(self, observation: PyTorchObs, deterministic: bool = False) -> Tensor:
        return self.get_distribution(observation).get_actions(deterministic=deterministic)

    def _distribution_and_values(self, obs: PyTorchObs) -> tuple[MaskedGaussian, Tensor]:
        mean, values = self.net(_tensors(obs))
        return self._distribution(obs, mean), values.unsqueeze(1)

    def _distribution(self, obs: PyTorchObs, mean: Tensor) -> MaskedGaussian:
        return MaskedGaussian(mean, _tensors(obs)["node_mask"], *self.net.spread())


def _tensors(obs: PyTorchObs) -> dict[str, Tensor]:
    assert isinstance(obs, dict)  # the space is a Dict
    return obs


def _require_spaces(observation_space: Any, action_space: Any, version: int) -> None:
    """Raise an error for spaces of another environment, clearer than a shape error inside the network."""
    shapes = {key: space.shape for key, space in getattr(observation_space, "spaces", {}).items()}
    _require_shapes(shapes or observation_space, action_space.shape, version)


def _require_shapes(shapes: Any, actions: tuple[int, ...], version: int) -> None:
    if isinstance(shapes, dict) and "choosing" in shapes:
        raise InputError(
            f"{'choose' if 'candidates' in shapes else 'scores'} given",
            source="DiagonalPrecondPolicy",
            field="seeding",
            remedy="make the environment with seeding='draw': this policy does not choose seeds",
        )
    if isinstance(shapes, dict) and "edges" in shapes:
        raise InputError(
            "observations of a route relaxation given",
            source="DiagonalPrecondPolicy",
            field="relaxation",
            remedy="make the environment with relaxation='assignment': this policy was not trained for routes",
        )
    n_features = len(features_of(version))
    n = (shapes.get("node_mask") or (None,))[0] if isinstance(shapes, dict) else None
    if (
        n is None
        or shapes.keys() != {"nodes", "node_mask", "neighbours"}
        or shapes["nodes"] != (n, n_features)
        or shapes["neighbours"][:1] != (n,)
        or actions != (n,)
    ):
        raise InputError(
            f"observations {shapes} with actions of shape {actions}",
            source="DiagonalPrecondPolicy",
            remedy=f"use LagrangianCVRP-v0 with observation={version}: nodes (N, {n_features}), node_mask (N,), "
            "neighbours (N, k), actions (N,)",
        )
