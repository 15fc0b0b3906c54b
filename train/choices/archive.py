"""State of a training of a choice network for its archive, and its restoration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from lagrl.errors import InputError
from lagrl.io.records import from_record
from policies.checkpoint_files import require_same_tensors
from policies.network import types_of
from train.archive import DAMAGED, add_prefix, load_optimizer_state, naming, optimizer_state, select_prefix
from train.choices.choice_record import ChoiceRunRecord
from train.choices.labels import Labels
from train.choices.run import ChoiceCandidate, ChoiceRun

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from train.choices.config import ChoiceConfig

_NETWORK, _BEST = "net/", "best/"
_LABELS, _VALIDATION, _GAIN = "labels/", "validation/", "gain"


def run_state(run: ChoiceRun) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the state that `restored_run` needs: arrays by name, labels included, and JSON values."""
    optimizer_arrays, optimizer_record = optimizer_state(run.optimizer)
    arrays: dict[str, Any] = add_prefix(_NETWORK, run.net.state_dict()) | optimizer_arrays
    for prefix, labels in ((_LABELS, run.labels), (_VALIDATION, run.validation)):
        if labels is not None:
            arrays |= add_prefix(prefix, labels.observation | {_GAIN: labels.gain})
    best = None
    if run.best is not None:
        arrays |= add_prefix(_BEST, run.best.weights)
        best = {"step": run.best.step, "scores": run.best.scores}
    record = {
        "config": run.config.to_json(),
        "rounds": run.rounds,
        "seconds": run.seconds,
        "optimizer": optimizer_record,
        "best": best,
    }
    return arrays, record


def restored_run(
    arrays: Mapping[str, Tensor], record: Mapping[str, Any], config_type: type[ChoiceConfig], *, source: str
) -> ChoiceRun:
    """Return the run of an archive.

    Raises
    ------
    InputError
        If the record or an array is not one of such a run.
    """
    with naming(source):
        found = from_record(ChoiceRunRecord, record, "record.run", source=source, remedy=DAMAGED)
        run = ChoiceRun(config_type.from_json(found.config, source=source))
        wanted = types_of(run.net.state_dict())
        for prefix in (_NETWORK, *([_BEST] if found.best else [])):
            own = types_of(select_prefix(prefix, arrays))
            require_same_tensors(own, wanted, source=source, remedy=DAMAGED, prefix=prefix)
        run.net.load_state_dict(select_prefix(_NETWORK, arrays))
        load_optimizer_state(run.optimizer, arrays, found.optimizer)
        if found.best is not None:
            run.best = ChoiceCandidate(found.best.step, dict(found.best.scores), select_prefix(_BEST, arrays))
        run.rounds, run.seconds = found.rounds, found.seconds
        if run.rounds:
            run.labels, run.validation = (_labels(arrays, prefix) for prefix in (_LABELS, _VALIDATION))
        return run


def _labels(arrays: Mapping[str, Tensor], prefix: str) -> Labels:
    own = {name: array.numpy() for name, array in select_prefix(prefix, arrays).items()}
    gain = own.pop(_GAIN, np.zeros((0, 0)))
    needed = {"nodes", "node_mask", "neighbours", "sets"}
    count = {len(array) for array in own.values()}
    if gain.ndim != 2 or not len(gain) or not needed <= own.keys() or len(count) != 1 or max(count) % len(gain):
        raise InputError("does not hold the labels", field=prefix.rstrip("/"), remedy=DAMAGED)
    return Labels(own, gain)
