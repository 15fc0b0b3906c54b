"""Knapsacks as quantum circuits: candidates, penalties, circuits, devices, simulators and their scheduling.

Examples
--------
>>> import lagrl
>>> samples = lagrl.quantum.sample([-9, -7, -5, -4], weight=[4, 3, 3, 2], capacity=8)
>>> samples.cost.circuits
1
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lagrl.lazy import lazy_names

__all__ = [
    "Ansatz",
    "Backend",
    "BackendStatus",
    "DensityMatrixBackend",
    "Execution",
    "Job",
    "LineQAOA",
    "PrimitiveBackend",
    "Pub",
    "Ramp",
    "Subproblem",
    "SurrogateBackend",
    "Template",
    "TiltedPenalty",
    "TrajectoryBackend",
    "circuit",
    "compile_template",
    "fake_backend",
    "find_line",
    "known_fakes",
    "make_ansatz",
    "make_penalty",
    "noise_model",
    "reduced_target",
    "rotation_angles",
    "sample",
    "select_candidates",
]

if TYPE_CHECKING:
    from lagrl.quantum.circuits.ansatz import Ansatz, circuit, make_ansatz
    from lagrl.quantum.circuits.backend import Backend, BackendStatus, Execution, Job, Pub, Template
    from lagrl.quantum.circuits.line_qaoa import LineQAOA, Ramp
    from lagrl.quantum.devices.compile import compile_template
    from lagrl.quantum.devices.fakes import fake_backend, known_fakes
    from lagrl.quantum.devices.noise import noise_model, reduced_target
    from lagrl.quantum.devices.placement import find_line
    from lagrl.quantum.ibm.primitive import PrimitiveBackend
    from lagrl.quantum.simulators.line_backend import DensityMatrixBackend, SurrogateBackend, TrajectoryBackend
    from lagrl.quantum.subproblems.candidates import rotation_angles, select_candidates
    from lagrl.quantum.subproblems.penalties import Subproblem, TiltedPenalty, make_penalty
    from lagrl.samplers.one_knapsack import sample
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "lagrl.quantum.circuits.ansatz": ["Ansatz", "circuit", "make_ansatz"],
            "lagrl.quantum.circuits.backend": ["Backend", "BackendStatus", "Execution", "Job", "Pub", "Template"],
            "lagrl.quantum.circuits.line_qaoa": ["LineQAOA", "Ramp"],
            "lagrl.quantum.devices.compile": ["compile_template"],
            "lagrl.quantum.devices.fakes": ["fake_backend", "known_fakes"],
            "lagrl.quantum.devices.noise": ["noise_model", "reduced_target"],
            "lagrl.quantum.devices.placement": ["find_line"],
            "lagrl.quantum.ibm.primitive": ["PrimitiveBackend"],
            "lagrl.quantum.simulators.line_backend": ["DensityMatrixBackend", "SurrogateBackend", "TrajectoryBackend"],
            "lagrl.quantum.subproblems.candidates": ["rotation_angles", "select_candidates"],
            "lagrl.quantum.subproblems.penalties": ["Subproblem", "TiltedPenalty", "make_penalty"],
            "lagrl.samplers.one_knapsack": ["sample"],
        },
    )
