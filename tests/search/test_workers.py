"""Parallel search: reproducible, within the budget, and with an error when a worker fails.

Starting processes takes seconds, so each test here checks several properties of one search.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import pickle
import time
from dataclasses import replace
from multiprocessing import Pipe, get_context
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from routed_problems import plane, routed

from lagrl.controllers.volume import Volume
from lagrl.errors import InputError, LagrlError
from lagrl.problems.solution import faults, route_cost
from lagrl.relaxation.sampler import ExactSampler, SamplingCost
from lagrl.search.exchange import Exchange, Exchanges, Request, WorkerBoxes
from lagrl.search.schedule import AdaptiveSchedule
from lagrl.search.search_report import SearchRecord
from lagrl.search.workers import _shares, _work
from lagrl.solver import SolveConfig, solve

if TYPE_CHECKING:
    from pathlib import Path

FAILING = """
import multiprocessing
import os
from pathlib import Path


class Fails:
    def start(self, dual, *, budget, rng, initial=None):
        return initial

    def update(self, point, feedback=None):
        raise RuntimeError("no idea")


class Closing:

    def __init__(self):
        from lagrl.relaxation.sampler import ExactSampler

        self.exact = ExactSampler()

    def sample(self, query):
        return self.exact.sample(query)

    def close(self):
        Path(os.environ["CLOSED_IN"], str(os.getpid())).touch()


class Dies(Fails):
    def update(self, point, feedback=None):
        assert multiprocessing.parent_process() is not None
        os._exit(3)
"""


def test_two_workers_find_the_same_twice_within_the_budget(monkeypatch: pytest.MonkeyPatch) -> None:
    """Evaluations are spent to the last one, counts are reported, and only the configuration decides the result."""
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    problem, config = plane(0, 30), SolveConfig(evaluations=81, workers=2)
    counted: list[int] = []
    result = solve(problem, config, lambda now: counted.append(now.evaluations))
    assert faults(problem, result.solution.routes, result.solution.cost) == []
    assert result.evaluations == 81 == counted[-1]
    assert counted == sorted(counted)
    costs = [cost for _, _, cost in result.history]
    assert all(later < earlier for earlier, later in itertools.pairwise(costs))
    assert costs[-1] == pytest.approx(result.solution.cost)
    assert len(result.ascents) >= 4  # seeds of both
    assert result.polish_seconds > 0.0
    assert (os.environ["OMP_NUM_THREADS"], "MKL_NUM_THREADS" in os.environ) == ("7", False)
    again = solve(problem, config)
    assert again.solution == result.solution
    assert [(evaluations, cost) for evaluations, _, cost in again.history] == [
        (evaluations, cost) for evaluations, _, cost in result.history
    ]


def test_a_worker_goes_on_from_the_best_it_is_given() -> None:
    """In slices: it takes over better routes, sends what is new to its pool once, and its record with the last."""
    problem, config = plane(5, 60), SolveConfig(evaluations=90)
    best = solve(problem, config)
    ours, theirs = Pipe()
    boxes = WorkerBoxes(get_context("spawn"), 60)
    config = replace(config, without=("polish", "partition"))
    worker = Thread(target=_work, args=(theirs, boxes, problem, config, Event()))
    worker.start()
    assert ours.recv() == "ready"
    ours.send(time.perf_counter())
    exchanges, sent, costs = [], [], []
    for progress, given in ((0.2, []), (0.5, [np.array(route) for route in best.solution.routes]), (1.0, [])):
        boxes.inbox.write(given)
        ours.send(Request(progress, progress == 1.0))
        exchanges.append(ours.recv())
        routes, *_, new = boxes.outbox.read()
        costs.append(sum(route_cost(problem, route.tolist()) for route in routes))
        sent.extend(route.tolist() for route in new)
    worker.join()
    first, second, last = exchanges
    assert costs[0] > best.solution.cost >= costs[1]
    assert first.record is second.record is None
    assert last.evaluations == 90 > sum(len(ascent.trace) for ascent in last.record.ascents) > 0
    assert len(pickle.dumps(last.record)) < problem.distance.nbytes
    assert first.evaluations < second.evaluations <= last.evaluations
    assert len(sent) == len({tuple(route) for route in sent}) > 50


@pytest.mark.parametrize("controller", ["cfm", "rules_for_workers:Fails"])
def test_samplers_are_closed_whatever_ends_the_search(
    controller: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By every worker, at the end as after another one's failure: an open session would be paid for."""
    (tmp_path / "rules_for_workers.py").write_text(FAILING, encoding="utf-8")
    (tmp_path / "closed").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("CLOSED_IN", str(tmp_path / "closed"))
    config = SolveConfig(controller=controller, sampler="rules_for_workers:Closing", evaluations=20, workers=2)
    with contextlib.nullcontext() if controller == "cfm" else pytest.raises(InputError, match="no idea"):
        solve(plane(6, 15), config)
    assert len(list((tmp_path / "closed").iterdir())) == 2


def test_a_worker_that_is_called_off_stops_at_once() -> None:
    """In the midst of its slice, with its record."""
    ours, theirs = Pipe()
    over = Event()
    boxes = WorkerBoxes(get_context("spawn"), 60)
    worker = Thread(target=_work, args=(theirs, boxes, plane(7, 60), SolveConfig(seconds=1000.0), over))
    worker.start()
    assert ours.recv() == "ready"
    ours.send(time.perf_counter())
    boxes.inbox.write([])
    ours.send(Request(1.0, True))
    assert not ours.poll(1.0)
    over.set()
    last = ours.recv()
    worker.join()
    assert last.record.ascents
    assert not last.is_proven


def test_seconds_that_a_worker_has_spent_are_no_exchanges() -> None:
    """A first slice as long as the seconds is followed by the request for the record alone, without partitioning."""
    problem, config = plane(8, 20), SolveConfig(seconds=0.2, workers=2)
    ours, theirs = Pipe()
    requests: list[Request] = []
    boxes = WorkerBoxes(get_context("spawn"), 20)
    record = SearchRecord([], SamplingCost(), dict.fromkeys(("polish", "partition"), 0.0), 1.0, False)

    def work() -> None:
        started = theirs.recv()
        assert 0.0 <= time.perf_counter() - started < 60.0
        is_last = False
        while not is_last:
            requests.append(theirs.recv())
            is_last = requests[-1].is_last
            time.sleep(0.0 if is_last else 0.25)
            routes = [np.array([customer]) for customer in range(1, 21)]
            boxes.outbox.write(routes, [], [], routes)
            theirs.send(Exchange(len(requests), 0, 1.0, False, record if is_last else None))

    worker = Thread(target=work)
    worker.start()
    report = Exchanges(problem, config, [ours], [boxes], get_context("spawn").Event(), None).run()
    worker.join()
    assert [request.is_last for request in requests] == [False, True]
    assert report.record.seconds_of["partition"] == 0.0
    assert report.incumbent.evaluations == 2


@pytest.mark.parametrize("n_customers", [60, 200])
def test_workers_share_a_chain_on_enough_customers(n_customers: int) -> None:
    """From the second exchange on each has a part of the routes; together the parts serve everybody once."""
    problem, routes = routed(8, n_customers)
    record = SearchRecord([], SamplingCost(), dict.fromkeys(("polish", "partition"), 0.0), 1.0, False)
    pairs = [Pipe() for _ in range(2)]
    boxes = [WorkerBoxes(get_context("spawn"), n_customers) for _ in pairs]
    parts: list[list[list[int]]] = [[], []]

    def work(w: int) -> None:
        pipe, is_last = pairs[w][1], False
        pipe.recv()
        while not is_last:
            request: Request = pipe.recv()
            is_last = request.is_last
            own: list[np.ndarray] = []
            if request.cooling is not None:
                _, own, _ = boxes[w].inbox.read()
                parts[w].append([customer for route in own for customer in route.tolist()])
            time.sleep(0.02)
            boxes[w].outbox.write(routes, own, own, [])
            pipe.send(Exchange(0, 1000, 1.0, False, record if is_last else None))

    workers = [Thread(target=work, args=(w,)) for w in range(2)]
    for worker in workers:
        worker.start()
    config = SolveConfig(seconds=0.5, workers=2, without=("partition",))
    report = Exchanges(problem, config, [ours for ours, _ in pairs], boxes, get_context("spawn").Event(), None).run()
    for worker in workers:
        worker.join()
    assert report.incumbent.cost == pytest.approx(sum(route_cost(problem, route.tolist()) for route in routes))
    assert (len(parts[0]) > 0) == (n_customers == 200)
    for one, other in zip(*parts, strict=True):
        assert sorted(one + other) == list(range(1, n_customers + 1))
        assert min(len(one), len(other)) > 60


def test_a_time_limit_too_short_for_anything() -> None:
    """Each worker makes a step, and there are routes, by the reference's reconstruction too."""
    problem = plane(2, 20)
    result = solve(problem, SolveConfig(seconds=1e-6, workers=2, method="reference"))
    assert faults(problem, result.solution.routes) == []
    assert result.evaluations >= 2


@pytest.mark.parametrize(
    ("name", "error", "message"),
    [
        ("Fails", InputError, r"controller Fails: rules_for_workers.py line \d+: RuntimeError: no idea"),
        ("Dies", LagrlError, "a worker process died"),
    ],
)
def test_failures_of_a_worker_come_home(
    name: str, error: type[LagrlError], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A controller that raises in a worker gives its own error, and a killed worker is reported."""
    (tmp_path / "rules_for_workers.py").write_text(FAILING, encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    with pytest.raises(error, match=message):
        solve(plane(3, 15), SolveConfig(controller=f"rules_for_workers:{name}", evaluations=20, workers=2))


@pytest.mark.parametrize(
    "given",
    [
        {"controller": Volume},
        {"sampler": ExactSampler()},
        {"schedule": AdaptiveSchedule(np.random.default_rng(0))},
        {"journal": "answers.jsonl"},
    ],
    ids=lambda given: next(iter(given)),
)
def test_objects_that_reach_no_other_process_are_refused(given: dict[str, Any]) -> None:
    """Before any process is started, by name, with a way out."""
    name = next(iter(given))
    with pytest.raises(InputError, match=f"{name}: does not reach other processes; name it in the configuration"):
        solve(plane(4, 10), SolveConfig(evaluations=5, workers=2), **given)


@pytest.mark.parametrize("evaluations", [1, 2, 7, 200])
@pytest.mark.parametrize("workers", [2, 3, 8])
def test_shares_add_up(evaluations: int, workers: int) -> None:
    """Evaluations differ by one at most, workers without any are not started, seeds differ, and one process bounds."""
    shares = _shares(SolveConfig(evaluations=evaluations, workers=workers))
    own = [share.evaluations or 0 for share in shares]
    assert sum(own) == evaluations
    assert len(own) == min(evaluations, workers)
    assert max(own) - min(own) <= 1
    assert len({share.seed for share in shares}) == len(shares)
    assert [share.uses("bound") for share in shares] == [True] + [False] * (len(shares) - 1)
    assert {share.workers for share in shares} == {1}


def test_by_the_clock_everybody_has_all_the_seconds() -> None:
    """Seconds pass for all at once, what is left out stays out, and set partitioning is left to the parent."""
    shares = _shares(SolveConfig(seconds=3.0, workers=3, without=("polish", "bound")))
    assert [(share.seconds, share.evaluation_limit) for share in shares] == [(3.0, None)] * 3
    assert not any(share.uses(part) for share in shares for part in ("polish", "bound", "partition"))
