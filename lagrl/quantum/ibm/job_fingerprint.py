"""The fingerprint of a device job: a digest that identifies it in a journal."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np

from lagrl.quantum.devices.placement import BEST_LINE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lagrl.quantum.circuits.execution import Pub
    from lagrl.quantum.ibm.runtime_options import RuntimeOptions
    from lagrl.relaxation.sampler import SampleContext


def fingerprint(
    backend: str,
    pubs: Sequence[Pub],
    shots: int,
    seed: int,
    options: RuntimeOptions,
    context: SampleContext,
    placement: str = BEST_LINE,
) -> str:
    """Return the sha256 of device, placement, circuits, angles, shots, seed, options, run and step of a job."""
    content = hashlib.sha256()
    rest = [backend, shots, seed, asdict(options), context.run, context.step]
    if placement != BEST_LINE:  # older journals have no placements
        rest.append(placement)
    content.update(json.dumps(rest, sort_keys=True).encode())
    for pub in pubs:
        content.update(json.dumps([pub.template.digest, pub.values.shape]).encode())
        content.update(np.ascontiguousarray(pub.values, "<f8").tobytes())
    return content.hexdigest()
