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
    from lagrl.quantum.circuits.ansatz import Ansatz, make_ansatz
    from lagrl.quantum.circuits.backend import Backend, BackendStatus, Job
    from lagrl.quantum.circuits.execution import Execution, Pub, Template
    from lagrl.quantum.circuits.line_qaoa import LineQAOA, Ramp
    from lagrl.quantum.circuits.single_knapsack import circuit
    from lagrl.quantum.devices.compile import compile_template
    from lagrl.quantum.devices.fakes import fake_backend, known_fakes
    from lagrl.quantum.devices.noise import noise_model, reduced_target
    from lagrl.quantum.devices.placement import find_line
    from lagrl.quantum.ibm.primitive import PrimitiveBackend
    from lagrl.quantum.simulators.line_backend import DensityMatrixBackend, TrajectoryBackend
    from lagrl.quantum.simulators.surrogate import SurrogateBackend
    from lagrl.quantum.subproblems.candidates import select_candidates
    from lagrl.quantum.subproblems.penalties import Subproblem, TiltedPenalty, make_penalty
    from lagrl.quantum.subproblems.product import rotation_angles
    from lagrl.samplers.one_knapsack import sample
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "lagrl.quantum.circuits.ansatz": ["Ansatz", "make_ansatz"],
            "lagrl.quantum.circuits.backend": ["Backend", "BackendStatus", "Job"],
            "lagrl.quantum.circuits.execution": ["Execution", "Pub", "Template"],
            "lagrl.quantum.circuits.line_qaoa": ["LineQAOA", "Ramp"],
            "lagrl.quantum.circuits.single_knapsack": ["circuit"],
            "lagrl.quantum.devices.compile": ["compile_template"],
            "lagrl.quantum.devices.fakes": ["fake_backend", "known_fakes"],
            "lagrl.quantum.devices.noise": ["noise_model", "reduced_target"],
            "lagrl.quantum.devices.placement": ["find_line"],
            "lagrl.quantum.ibm.primitive": ["PrimitiveBackend"],
            "lagrl.quantum.simulators.line_backend": ["DensityMatrixBackend", "TrajectoryBackend"],
            "lagrl.quantum.simulators.surrogate": ["SurrogateBackend"],
            "lagrl.quantum.subproblems.candidates": ["select_candidates"],
            "lagrl.quantum.subproblems.penalties": ["Subproblem", "TiltedPenalty", "make_penalty"],
            "lagrl.quantum.subproblems.product": ["rotation_angles"],
            "lagrl.samplers.one_knapsack": ["sample"],
        },
    )
