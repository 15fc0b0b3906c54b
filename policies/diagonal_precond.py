"""The network as a policy of Stable-Baselines3: `PPO(DiagonalPrecondPolicy, env)`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stable_baselines3.common.policies import MultiInputActorCriticPolicy

from lagrl.errors import InputError
from policies.config import PolicyConfig
from policies.masked_gaussian import MaskedGaussian
from policies.network import N_FEATURES, DiagonalPrecondNet

if TYPE_CHECKING:
    from gymnasium import spaces
    from stable_baselines3.common.type_aliases import PyTorchObs, Schedule
    from torch import Tensor


class DiagonalPrecondPolicy(MultiInputActorCriticPolicy):
    """Actor and critic for the padded observations of `LagrangianCVRP-v0`.

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
        _require_spaces(observation_space, action_space)
        self.config = config or PolicyConfig()
        super().__init__(observation_space, action_space, lr_schedule, **kwargs)

    def _build(self, lr_schedule: Schedule) -> None:
        self.net = DiagonalPrecondNet(self.config)
        self.optimizer = self.optimizer_class(self.parameters(), lr=lr_schedule(1), **self.optimizer_kwargs)  # type: ignore[call-arg]

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


def _require_spaces(observation_space: Any, action_space: Any) -> None:
    """Raise an error for spaces of another environment, clearer than a shape error inside the network."""
    shapes = {key: space.shape for key, space in getattr(observation_space, "spaces", {}).items()}
    n = (shapes.get("node_mask") or (None,))[0]
    wanted = shapes.keys() == {"nodes", "node_mask", "neighbours"} and shapes["nodes"] == (n, N_FEATURES)
    if not wanted or shapes["neighbours"][:1] != (n,) or action_space.shape != (n,):
        raise InputError(
            f"observations {shapes or observation_space} with actions of shape {action_space.shape}",
            source="DiagonalPrecondPolicy",
            remedy=f"use LagrangianCVRP-v0: nodes (N, {N_FEATURES}), node_mask (N,), neighbours (N, k), actions (N,)",
        )
