"""State of a training of a route policy for its archive, and its restoration."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeVar

from lagrl.io.records import from_record
from policies.checkpoint_files import require_same_tensors
from policies.network import types_of
from train.archive import DAMAGED, add_prefix, load_optimizer_state, naming, optimizer_state, select_prefix
from train.candidate import score_pairs, scores_from_pairs
from train.unroll.record import RouteRunRecord
from train.unroll.run import RouteCandidate, RouteRun

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor

R = TypeVar("R", bound=RouteRun)

_NETWORK, _BEST = "net/", "best/"


def run_state(run: RouteRun) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the state that `restored_run` needs: arrays by name, and JSON values."""
    optimizer_arrays, optimizer_record = optimizer_state(run.optimizer)
    arrays: dict[str, Any] = add_prefix(_NETWORK, run.net.state_dict()) | optimizer_arrays
    best = None
    if run.best is not None:
        arrays |= add_prefix(_BEST, run.best.weights)
        best = {"step": run.best.step, "scores": score_pairs(run.best.scores)}
    record = {
        "config": run.config.to_json(),
        "updates": run.updates,
        "seconds": run.seconds,
        "optimizer": optimizer_record,
        "best": best,
    }
    return arrays, record


def restored_run(
    arrays: Mapping[str, Tensor], record: Mapping[str, Any], make: Callable[[dict[str, Any], str], R], *, source: str
) -> R:
    """Return the run of an archive.

    Parameters
    ----------
    arrays, record
        See `run_state`.
    make
        Makes a new run of the record of a configuration, and the path for messages.
    source
        Path of the archive's file.

    Raises
    ------
    InputError
        If the record or an array is not one of such a run.
    """
    with naming(source):
        found = from_record(RouteRunRecord, record, "record.run", source=source, remedy=DAMAGED)
        run = make(found.config, source)
        wanted = types_of(run.net.state_dict())
        for prefix in (_NETWORK, *([_BEST] if found.best else [])):
            own = types_of(select_prefix(prefix, arrays))
            require_same_tensors(own, wanted, source=source, remedy=DAMAGED, prefix=prefix)
        run.net.load_state_dict(select_prefix(_NETWORK, arrays))
        load_optimizer_state(run.optimizer, arrays, found.optimizer)
        if found.best is not None:
            scores = scores_from_pairs(found.best.scores)
            run.best = RouteCandidate(found.best.step, scores, select_prefix(_BEST, arrays))
        run.updates, run.seconds = found.updates, found.seconds
        return run
