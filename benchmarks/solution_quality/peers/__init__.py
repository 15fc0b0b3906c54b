"""The other solvers, each called on one thread in a process of its own; see `PEERS` for what each is."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from collections.abc import Callable

    from lagrl.paper.peer_answer import Answer

Lengths = Literal["longest", "each", "whole"]


@dataclass(frozen=True)
class Peer:
    """A solver to compare with.

    Attributes
    ----------
    package
        Distribution that holds it.
    module
        What is imported of the package, to see whether it is installed.
    adapter
        Module of this package whose `run(problem, seconds, seed)` gives its `Answer`.
    lengths
        The runs that give its curve. `longest`: its search does not look at its time limit and it reports its best
        routes as it finds them, so one long run has the whole curve. `each`: a run for each length. `whole`: a run for
        each length of whole seconds, the only ones it takes; it reports its best as it goes.
    seeded
        Whether it takes a seed.
    """

    package: str
    module: str
    adapter: str
    lengths: Lengths
    seeded: bool = True

    @property
    def is_installed(self) -> bool:
        """Whether its package can be imported."""
        return find_spec(self.module) is not None

    def run(self, problem: Any, seconds: float, seed: int) -> Answer:
        """Let it solve an instance."""
        adapter = import_module(f"{__name__}.{self.adapter}")
        run: Callable[[Any, float, int], Answer] = adapter.run
        return run(problem, seconds, seed)


PEERS = {
    "pyvrp": Peer("pyvrp", "pyvrp", "pyvrp_search", "longest"),
    "hgs": Peer("hygese", "hygese", "hgs_cvrp", "each"),
    "ortools": Peer("ortools", "ortools", "or_tools", "longest", seeded=False),
    "vrp-cli": Peer("vrp-cli", "vrp_cli", "vrp_rust", "whole", seeded=False),
    "local search": Peer("pyvrp", "pyvrp", "local_search", "longest"),
}
"""By the method's name in rows and tables."""
