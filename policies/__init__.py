"""Trained controllers: a graph network that chooses the step length of every customer, and its checkpoints.

Names are imported when they are first used.

Examples
--------
>>> import lagrl, policies
>>> make_controller = policies.checkpoint_controllers("checkpoints/bc-small")
>>> len(lagrl.solve(lagrl.read("G-n16-k3"), controller=make_controller, evaluations=20).routes)
3
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lagrl.lazy import lazy_names

__all__ = [
    "Checkpoint",
    "CompiledMean",
    "DiagonalPrecondNet",
    "DiagonalPrecondPolicy",
    "PolicyConfig",
    "PolicyController",
    "checkpoint_controllers",
    "export_checkpoint",
    "load_checkpoint",
    "save_checkpoint",
    "shipped_names",
]

__lagrl__ = True  # marks our packages: `lagrl doctor` recognises foreign packages of the same name by its absence

if TYPE_CHECKING:
    from policies.checkpoint import Checkpoint, load_checkpoint, save_checkpoint
    from policies.compiled_mean import CompiledMean
    from policies.config import PolicyConfig
    from policies.controller import PolicyController, checkpoint_controllers
    from policies.diagonal_precond import DiagonalPrecondPolicy
    from policies.export.model import export_checkpoint
    from policies.locate import shipped_names
    from policies.network import DiagonalPrecondNet
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "policies.checkpoint": ["Checkpoint", "load_checkpoint", "save_checkpoint"],
            "policies.compiled_mean": ["CompiledMean"],
            "policies.config": ["PolicyConfig"],
            "policies.controller": ["PolicyController", "checkpoint_controllers"],
            "policies.diagonal_precond": ["DiagonalPrecondPolicy"],
            "policies.export.model": ["export_checkpoint"],
            "policies.locate": ["shipped_names"],
            "policies.network": ["DiagonalPrecondNet"],
        },
    )
