"""Limits of the size of a job."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lagrl.errors import InputError
from lagrl.relaxation.sampler import require_shots

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lagrl.quantum.circuits.execution import Pub

MOST_EXECUTIONS = 10_000_000  # circuits times shots of one job, by IBM's job limits


def require_job(pubs: Sequence[Pub], shots: int, max_width: int, name: str) -> None:
    """Refuse a job that is empty or too large.

    Parameters
    ----------
    pubs
        Circuits with angles [C, P].
    shots
        Shots per circuit.
    max_width
        Largest number of qubits of a circuit.
    name
        Name of the executor, for messages.

    Raises
    ------
    InputError
        If there are no PUBs or shots, a circuit is too wide, or the job is above the service's limits.
    """
    if not pubs:
        raise InputError("no circuits given", field=name, remedy="give 1 PUB or more")
    require_shots(shots)
    widest = max(pub.template.n_qubits for pub in pubs)
    if widest > max_width:
        raise InputError(
            f"a circuit of {widest} qubits is above the limit of {max_width}",
            field=name,
            remedy="use fewer variables per vehicle",
        )
    executions = shots * sum(len(pub.values) for pub in pubs)
    if executions > MOST_EXECUTIONS:
        raise InputError(
            f"{executions} circuits times shots are above the service's limit of {MOST_EXECUTIONS} in a job",
            field=name,
            remedy="use fewer shots",
        )
