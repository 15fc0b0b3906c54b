"""Fitting of a policy's actions to those of an expert."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import torch

from lagrl.errors import InputError
from train.batches import batch_of, label_loss
from train.pace import silent

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from torch import Tensor

    from policies.network import DiagonalPrecondNet
    from train.batches import LabelledBatch
    from train.dataset import States
    from train.pace import Report

_STREAM = 0x434C4F4E  # "CLON": separates the order of minibatches from other random streams


def imitation_loss(net: DiagonalPrecondNet, batch: LabelledBatch) -> tuple[Tensor, Tensor]:
    """Return −log π(label | state) and the squared error of the mean, both per labelled customer, averaged over states.

    The likelihood alone teaches the spread well and the mean badly: a classical rule's action is nearly one number for
    all customers, the shared exploration τ explains errors in it, and per customer they weigh 1/(nτ²) only. The squared
    error, which weighs all directions equally, teaches the mean.

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
    squared = torch.where(batch.is_labelled, mean - batch.labels, torch.zeros_like(mean)).square()
    return label_loss(mean, batch, net.spread()), (squared.sum(dim=1) / batch.is_labelled.sum(dim=1)).mean()


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
    report: Report = silent,
) -> dict[str, float]:
    """Fit once to the chosen states, in an order that depends on the seed and the epoch only.

    Parameters
    ----------
    net, optimizer
        The network and its optimiser; only the optimiser's parameters change.
    states, chosen
        All states, and the indices of those to train on.
    batch_size, mean_weight, max_grad_norm
        See `BCConfig`.
    seed, epoch
        Seed of the run, and index of the epoch.
    report
        Called after every minibatch; kind `epoch`, pieces are states.

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
        done = start + len(batch)
        report("epoch", len(batch), f"epoch {epoch + 1}, {done}/{len(order)} states")
    loss, mse = (float(mean) for mean in totals / len(order))
    if not math.isfinite(loss + mse):
        raise InputError(
            f"the loss became {loss} in epoch {epoch + 1}",
            field="learning_rate",
            remedy="start a new run with a lower one; archive and checkpoint written before are kept",
        )
    return {"loss": loss, "mse": mse}


def imitation_error(
    net: DiagonalPrecondNet,
    states: States,
    chosen: NDArray[np.int64],
    batch_size: int,
    *,
    report: Report = silent,
) -> dict[str, float]:
    """Return the loss, the mean squared error and the explained share of the labels' variance on the chosen states.

    All are NaN without chosen states: a few short episodes may all be optimal from the start.
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
            labels.append(_label_moments(batch))
            report("epoch", 0, f"held-out states, {start + len(batch)}/{len(chosen)}")
    loss, mse = totals / len(chosen)
    first, second = np.concatenate(labels).mean(axis=0)
    variance = second - first**2
    return {"loss": float(loss), "mse": float(mse), "explained": float(1 - mse / variance) if variance > 0 else np.nan}


def _label_moments(batch: LabelledBatch) -> NDArray[np.float64]:
    """Return [B, 2] the means of the labels and of their squares in each state."""
    mask = batch.is_labelled.cpu().numpy()
    labels = batch.labels.cpu().numpy().astype(np.float64)
    moments = np.stack([labels, labels**2], axis=-1)
    means: NDArray[np.float64] = np.where(mask[..., None], moments, 0.0).sum(axis=1) / mask.sum(axis=1)[:, None]
    return means
