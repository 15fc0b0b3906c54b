"""Fitting a policy's actions to an expert's."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch

from lagrl.errors import InputError
from policies.masked_gaussian import MaskedGaussian
from train.bc.batches import batch_of

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from policies.network import DiagonalPrecondNet
    from train.bc.batches import LabelledBatch
    from train.bc.dataset import States

_STREAM = 0x434C4F4E  # "CLON": keeps the order of minibatches apart from other random streams


def imitation_loss(net: DiagonalPrecondNet, batch: LabelledBatch) -> tuple[Tensor, Tensor]:
    """Return −log π(label | state) and the squared error of the mean, both per labelled customer, averaged over states.

    The likelihood is that of the labelled customers alone: where a label means nothing, whatever the policy does is as
    good. Dividing by their number keeps large instances from counting more than small ones.

    The likelihood alone would teach the spread well and the mean badly: a classical rule's action is nearly one number
    for all customers, errors in it are explained by the shared exploration τ, and per customer they weigh 1/(nτ²)
    only. The squared error, which weighs all directions alike, teaches the mean.

    Parameters
    ----------
    net
        The policy's network.
    batch
        States and labels.

    Returns
    -------
    Two scalars.
    """
    mean = net.mean(batch.observation)
    distribution = MaskedGaussian(mean, batch.is_labelled, *net.spread())
    likelihood = -(distribution.log_prob(batch.labels) / distribution.n_real).mean()
    squared = torch.where(batch.is_labelled, mean - batch.labels, torch.zeros_like(mean)).square()
    return likelihood, (squared.sum(dim=1) / distribution.n_real).mean()


def fit_epoch(
    net: DiagonalPrecondNet,
    optimizer: torch.optim.Optimizer,
    states: States,
    chosen: NDArray[np.int64],
    *,
    batch_size: int,
    mean_weight: float,
    max_grad_norm: float,
    seed: int,
    epoch: int,
) -> dict[str, float]:
    """Go once through the chosen states, in an order that depends on the seed and the epoch only.

    Parameters
    ----------
    net, optimizer
        What is fitted, and by what; only the parameters the optimiser knows change.
    states, chosen
        All states, and the numbers of those to train on.
    batch_size, mean_weight, max_grad_norm
        See `BCConfig`.
    seed, epoch
        Of the run, and which.

    Returns
    -------
    Means over the epoch of `loss` (the negative log-likelihood) and `mse`.

    Raises
    ------
    InputError
        If the loss is no longer finite.
    """
    order = np.random.default_rng([_STREAM, seed, epoch]).permutation(chosen)
    device = next(net.parameters()).device
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    totals = np.zeros(2)
    for start in range(0, len(order), batch_size):
        batch = batch_of(states, order[start : start + batch_size], device)
        likelihood, error = imitation_loss(net, batch)
        optimizer.zero_grad(set_to_none=True)
        (likelihood + mean_weight * error).backward()
        torch.nn.utils.clip_grad_norm_(parameters, max_grad_norm)
        optimizer.step()
        totals += len(batch) * np.array([likelihood.item(), error.item()])
    loss, mse = (float(mean) for mean in totals / len(order))
    if not math.isfinite(loss + mse):
        raise InputError(
            f"the loss became {loss} in epoch {epoch + 1}",
            field="learning_rate",
            remedy="start a new run with a lower one; archive and checkpoint written before are kept",
        )
    return {"loss": loss, "mse": mse}


def imitation_error(
    net: DiagonalPrecondNet, states: States, chosen: NDArray[np.int64], batch_size: int
) -> dict[str, float]:
    """Return the loss, the mean squared error and the share of the labels' variance explained, on the chosen states.

    NaN where no state was chosen: a few short episodes may all be optimal from the start.
    """
    if len(chosen) == 0:
        return {"loss": np.nan, "mse": np.nan, "explained": np.nan}
    device = next(net.parameters()).device
    totals = np.zeros(2)
    labels = []
    with torch.no_grad():
        for start in range(0, len(chosen), batch_size):
            batch = batch_of(states, chosen[start : start + batch_size], device)
            likelihood, error = imitation_loss(net, batch)
            totals += len(batch) * np.array([likelihood.item(), error.item()])
            labels.append(_state_means(batch))
    loss, mse = totals / len(chosen)
    first, second = np.concatenate(labels).mean(axis=0)
    variance = second - first**2
    return {"loss": float(loss), "mse": float(mse), "explained": float(1 - mse / variance) if variance > 0 else np.nan}


def _state_means(batch: LabelledBatch) -> NDArray[np.float64]:
    """Return [B, 2] the mean of the labels and of their squares in each state."""
    mask = batch.is_labelled.cpu().numpy()
    labels = batch.labels.cpu().numpy().astype(np.float64)
    moments = np.stack([labels, labels**2], axis=-1)
    total: NDArray[np.float64] = np.where(mask[..., None], moments, 0.0).sum(axis=1)
    return total / mask.sum(axis=1)[:, None]
