"""Training runs of choice networks: rounds of labelling, each followed by epochs on all labels so far."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from lagrl.errors import InputError
from lagrl.ray_cluster import completed
from policies.choice_checkpoint import new_network, save_choice
from train.choices.config import SetsConfig
from train.choices.labels import Labels, label_seedings, label_sets
from train.run import Run

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import Tensor

    from policies.choice_network import ChoiceNetwork
    from train.choices.config import ChoiceConfig
    from train.curves import Curves
    from train.progress import Progress
    from train.stop import Stop

_ORDER = 33  # random stream of the order of minibatches


@dataclass(frozen=True)
class ChoiceCandidate:
    """Weights with the result of their validation.

    Attributes
    ----------
    step
        Rounds before them.
    scores
        Mean gains over the validation choices, see `Labels.gain`: of the network's `chosen` candidate, of the `best`,
        of a random one (`mean`), and for seeds of the one with the shortest rounded routes (`rule`).
    weights
        Tensors of the network, on the CPU.
    """

    step: int
    scores: dict[str, float]
    weights: dict[str, Tensor] = field(repr=False)


class ChoiceRun(Run):
    """A training of a choice network.

    Everything random in a round follows from the seed and the round's number, so that a resumed run repeats what it
    would have done.

    Parameters
    ----------
    config
        Hyper-parameters; their type says what is chosen.
    """

    unit = "round"
    net: ChoiceNetwork
    best: ChoiceCandidate | None

    def __init__(self, config: ChoiceConfig) -> None:
        super().__init__(config.rounds)
        self.name = config.CHOICE  # type: ignore[misc]  # one class for both trainings
        self.config = config
        self.best = None
        self.rounds = 0
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            self.net = new_network(config.CHOICE, config.network)
        self.optimizer = torch.optim.Adam(self.net.parameters(), config.learning_rate, weight_decay=config.weight_decay)
        self.labels: Labels | None = None
        self.validation: Labels | None = None

    @property
    def steps_done(self) -> int:
        """Number of rounds so far."""
        return self.rounds

    def plan(self) -> dict[str, float]:
        """Return the numbers of instances to label and of epochs, counted in rounds of labels, to train."""
        config, left = self.config, range(self.rounds, self.total_steps)
        labelled = len(left) * config.instances + (self.validation is None) * config.validation_instances
        return {"label": labelled, "epoch": float(sum(config.epochs * (number + 1) for number in left))}

    def guesses(self) -> dict[str, float]:
        """Return no guesses: the first round has both kinds of work."""
        return {}

    def learn(
        self, stop: Stop, curves: Curves, progress: Progress, save: Callable[[], None], *, resumed: bool = False
    ) -> None:
        """Train to the end, or until `stop` requests an end; see `Run.learn`."""
        while not self.is_complete:  # one round at least, so that every part of a run makes progress
            started = time.perf_counter()
            if self.validation is None:
                self.validation = self._label([self.config.validation_seed], self.config.validation_instances, None)
            policy = self.net if self.rounds else None
            found = self._label([self.config.seed, self.rounds], self.config.instances, policy)
            labels = found if self.labels is None else Labels.joined([self.labels, found])
            loss = self._fit(labels)
            scores = self._validate()
            self.labels, self.rounds = labels, self.rounds + 1
            if self.best is None or scores["chosen"] > self.best.scores["chosen"]:
                self.best = ChoiceCandidate(self.rounds, scores, self.weights())
            self.seconds += time.perf_counter() - started
            row = {"loss": loss, "choices": float(len(labels))} | {f"gain/{key}": gain for key, gain in scores.items()}
            curves.append(self.rounds, row)
            progress.advance(1, **row)
            save()
            if stop.requested:
                return

    def _label(self, seed: list[int], count: int, net: ChoiceNetwork | None) -> Labels:
        """Label `count` instances, here or on the nodes of the cluster."""
        label: Callable[..., Labels] = label_sets if isinstance(self.config, SetsConfig) else label_seedings
        made: Iterable[tuple[int, Labels]]
        if self.cluster is None:
            made = ((index, label(self.config, seed, index, net)) for index in range(count))
        else:
            stored = self.cluster.put(net)
            made = completed(self.cluster, label, [(self.config, seed, index, stored) for index in range(count)])
        found: dict[int, Labels] = {}
        for index, labels in made:
            found[index] = labels
            self.report("label", 1, f"labels, instance {len(found)}/{count}")
        return Labels.joined([found[index] for index in range(count)])

    def _fit(self, labels: Labels) -> float:
        """Train some epochs; return the mean loss of the last: the cross-entropy to softmax(gain/τ)."""
        config = self.config
        rng = np.random.default_rng([config.seed, self.rounds, _ORDER])
        share = self.rounds / max(1, self.total_steps - 1)
        fall = config.learning_rate - config.last_learning_rate
        for group in self.optimizer.param_groups:
            group["lr"] = config.last_learning_rate + 0.5 * fall * (1.0 + math.cos(math.pi * share))
        useful = np.flatnonzero(np.ptp(labels.gain, axis=1) > 0.0)  # equal gains say nothing
        target = torch.from_numpy(labels.gain / config.temperature).softmax(dim=1)
        loss = math.nan
        for _ in range(config.epochs):
            losses = [self._update(labels, target, part) for part in _parts(rng.permutation(useful), config.batch)]
            loss = float(np.mean(losses)) if losses else math.nan
            self.report("epoch", self.rounds + 1, "epochs")
        return loss

    def _update(self, labels: Labels, target: Tensor, chosen: NDArray[np.int64]) -> float:
        scores = labels.scores(self.net, chosen)
        loss = -(target[torch.from_numpy(chosen)] * scores.log_softmax(dim=1)).sum(dim=1).mean()
        self.optimizer.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.net.parameters(), self.config.clip)
        if not torch.isfinite(norm):
            raise InputError(
                f"the gradient of round {self.rounds} is not finite",
                field="learning_rate",
                remedy="start again with a smaller one",
            )
        self.optimizer.step()
        return loss.item()

    def _validate(self) -> dict[str, float]:
        assert self.validation is not None
        gain = self.validation.gain
        with torch.no_grad():
            scores = torch.cat(
                [self.validation.scores(self.net, part) for part in _parts(np.arange(len(gain)), self.config.batch)]
            ).numpy()
        rows = np.arange(len(gain))
        found = {
            "chosen": float(gain[rows, scores.argmax(axis=1)].mean()),
            "mean": float(gain.mean()),
            "best": float(gain.max(axis=1).mean()),
        }
        if "own" in self.validation.observation:
            rounded = self.validation.observation["own"][:, 0, 0].reshape(gain.shape)
            found["rule"] = float(gain[rows, rounded.argmin(axis=1)].mean())
        return found

    @property
    def candidate(self) -> ChoiceCandidate:
        """Best candidate; before the first validation the current weights, without scores."""
        return self.best or ChoiceCandidate(self.rounds, {}, self.weights())

    def save_checkpoint(self, path: Path, card: dict[str, Any]) -> None:
        """Write the candidate as a choice network."""
        with torch.random.fork_rng(devices=[]):
            net = new_network(self.config.CHOICE, self.config.network)
        net.load_state_dict(self.candidate.weights)
        save_choice(path, self.config.CHOICE, net, card)


def _parts(order: NDArray[np.int64], size: int) -> list[NDArray[np.int64]]:
    return [order[begin : begin + size] for begin in range(0, len(order), size)]
