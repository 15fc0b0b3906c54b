"""Two devices without limits: the whole day as a minimum cut, to within rounding."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from lagrl.carbon.result import PlacementResult
from lagrl.errors import InstanceError, MissingExtraError

if TYPE_CHECKING:
    from lagrl.problems.carbon.placement_problem import PlacementProblem

_LARGEST = 2**30  # of the sum of capacities, which scipy holds in 32 bits


def solve_min_cut(problem: PlacementProblem) -> PlacementResult:
    """Return an optimal placement on two devices, by one minimum cut (Greig, Porteous and Seheult 1989).

    Costs are rounded to whole numbers whose sum is 2^30; the bound allows for that.

    Raises
    ------
    InstanceError
        If there are not two devices, or limits count.
    MissingExtraError
        Without scipy.
    """
    try:
        from scipy.sparse import csr_array
        from scipy.sparse.csgraph import breadth_first_order, maximum_flow
    except ImportError as error:
        raise MissingExtraError.of("scipy", "carbon", "a minimum cut") from error
    started = time.perf_counter()
    if problem.n_devices != 2 or problem.is_limited:
        wrong = f"{problem.n_devices} devices" if problem.n_devices != 2 else "limits that count"
        raise InstanceError(wrong, field="method min-cut", remedy="it takes two devices without limits; use lagrangian")
    hours, layers, _ = problem.running_g.shape
    n, node = hours * layers, np.arange(hours * layers).reshape(hours, layers)
    source, sink = n, n + 1
    tails = [np.full(n, source), node.ravel(), node[:, :-1].ravel(), node[:-1].ravel()]
    heads = [node.ravel(), np.full(n, sink), node[:, 1:].ravel(), node[1:].ravel()]
    # a node on the side of the source is on device 0: its edge to the sink is cut, and it costs what device 0 does
    costs = [problem.running_g[:, :, 1].ravel(), problem.running_g[:, :, 0].ravel()]
    costs += [problem.transfer_g.ravel(), problem.switching_g.ravel()]
    tail, head, cost = np.concatenate(tails), np.concatenate(heads), np.concatenate(costs)
    both = slice(2 * n, None)
    tail, head = np.concatenate([tail, head[both]]), np.concatenate([head, tail[both]])
    cost = np.concatenate([cost, cost[both]])
    scale = _LARGEST / max(float(cost.sum()), 1e-300)
    whole = np.rint(cost * scale).astype(np.int32)
    graph = csr_array((whole, (tail, head)), shape=(n + 2, n + 2))
    flow = maximum_flow(graph, source, sink)
    residual = graph - flow.flow
    residual.eliminate_zeros()
    reached = breadth_first_order(residual, source, return_predecessors=False)
    placement = np.ones(n + 2, np.int64)
    placement[reached] = 0
    placement = placement[:n].reshape(hours, layers)
    emissions = problem.emissions(placement)
    rounding = 0.5 * (3 * n) / scale  # as many terms as a cut has, at most
    bound = min(emissions, flow.flow_value / scale - rounding)
    return PlacementResult(placement, emissions, max(bound, 0.0), time.perf_counter() - started)
