"""The fingerprint of a device job: a digest that identifies it in a journal."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np

from lagrl.quantum.circuits.backend import BEST_LINE

if TYPE_CHECKING:
    from lagrl.quantum.circuits.backend import Job
    from lagrl.quantum.ibm.runtime_options import RuntimeOptions


def fingerprint(device: str, job: Job, seed: int, options: RuntimeOptions) -> str:
    """Return the sha256 of device, placement, circuits, angles, shots, seed, options, run and step of a job."""
    content = hashlib.sha256()
    rest = [device, job.shots, seed, asdict(options), job.context.run, job.context.step]
    if job.placement != BEST_LINE:  # older journals have no placements
        rest.append(job.placement)
    content.update(json.dumps(rest, sort_keys=True).encode())
    for pub in job.pubs:
        content.update(json.dumps([pub.template.digest, pub.values.shape]).encode())
        content.update(np.ascontiguousarray(pub.values, "<f8").tobytes())
    return content.hexdigest()
