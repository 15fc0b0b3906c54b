"""What full information would teach: the best fixed arm, models told of every arm; and classes of instances."""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from benchmarks.bandit_study.reward_table import FIELDS, RewardTable
from lagrl.problems.cvrp import CVRP
from lagrl.quantum.bandit.arm_policies import LinearModel
from lagrl.quantum.bandit.features import Arm, knapsack_rows
from lagrl.quantum.bandit.profile import ScreenedArms


def only(table: RewardTable, own: NDArray[np.bool_]) -> RewardTable:
    """Return some of a table's knapsacks [C]."""
    return RewardTable(
        table.arms,
        tuple(knapsack for knapsack, is_own in zip(table.knapsacks, own, strict=True) if is_own),
        table.instance[own],
        table.expected[own],
        table.drawn[own],
    )


def own_models(table: RewardTable, truth: RewardTable, ridge: float = 10.0) -> NDArray[np.float64]:
    """Return [C] what is earned on one table by the best of models fitted to each arm of another by itself."""
    of = [np.array([[getattr(own, name) for name in FIELDS] for own in one.knapsacks]) for one in (table, truth)]
    centre, scale = of[0].mean(axis=0), of[0].std(axis=0) + 1e-9
    x, y = (np.column_stack([np.ones(len(rows)), (rows - centre) / scale]) for rows in of)
    predicted = np.full(truth.expected.shape, -np.inf)
    for a in range(len(truth.arms)):
        told = ~np.isnan(table.expected[:, a])
        gram = x[told].T @ x[told] + ridge * np.eye(x.shape[1])
        means = y @ np.linalg.solve(gram, x[told].T @ table.expected[told, a])
        predicted[:, a] = np.where(np.isnan(truth.expected[:, a]), -np.inf, means)
    return np.asarray(truth.expected[np.arange(len(y)), predicted.argmax(axis=1)], dtype=np.float64)


def fitted_to_all(table: RewardTable, screened: dict[int, ScreenedArms]) -> LinearModel:
    """Return the shared model, told what every arm brings on every knapsack of a table."""
    place = {arm: a for a, arm in enumerate(table.arms)}
    features, rewards = [], []
    for width, own in screened.items():
        knapsacks = np.flatnonzero(table.width == width)
        rows = knapsack_rows([table.knapsacks[c] for c in knapsacks])
        for a in np.flatnonzero(own.is_allowed).tolist():
            features.append(own.table.rows(rows, np.full(len(rows), a)))
            rewards.append(table.expected[knapsacks, place[own.arms[a]]])
    return LinearModel.fitted(np.concatenate(features), np.concatenate(rewards))


def always_best(table: RewardTable) -> Arm:
    """Return the arm that earns most on a table if always taken, of those that may run on all its knapsacks."""
    may = ~np.isnan(table.expected).any(axis=0)
    means = np.where(may, np.nan_to_num(table.expected).mean(axis=0), -np.inf)
    return table.arms[int(means.argmax())]


def classes_of(comment: str, problem: CVRP) -> dict[str, str]:
    """Return an instance's classes, from the comment of the generator, its demands and its fleet."""
    told = dict(re.findall(r"(\w+)=(\S+)", comment))
    total = float(np.sum(problem.demand))
    tight = total / problem.capacity
    share = tight / np.ceil(tight)
    return {
        "customers": {"R": "random", "C": "clustered", "RC": "half clustered"}[told["customers"]],
        "demand": told["demand"],
        "tightness": "tight (95 % full or more)" if share >= 0.95 else "loose",
        "routes": "short (below 9 customers)" if float(told["route_length"]) < 9.0 else "long",
    }
