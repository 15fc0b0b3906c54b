"""The dual loop: batches of ascents, controllers, and what they may see."""

from __future__ import annotations

import numpy as np
import pytest
from ascents import MIDDLE, MIXED, SMALL, Recording, ascend_alone, scalars, state

from lagrl.ascent import ascend_all
from lagrl.controllers.registry import controller_factory
from lagrl.dual_loop import DualLoop
from lagrl.errors import InputError


@pytest.mark.parametrize("noisy", [False, True])
@pytest.mark.parametrize("name", ["cfm", "perturbed", "volume"])
def test_a_batch_is_its_lanes_one_by_one(name: str, noisy: bool) -> None:
    """Ascents of different sizes and budgets give the same bits together as each one alone."""
    make, budgets = controller_factory(name), [9, 14, 6, 11]
    together = [state(*of, noisy=noisy) for of in MIXED]
    traces = ascend_all(
        DualLoop(together, keep_selections=True),
        [make() for _ in MIXED],
        budgets,
        [np.random.default_rng(b) for b in range(4)],
    )
    for b, of in enumerate(MIXED):
        alone = state(*of, noisy=noisy)
        loop = DualLoop([alone], keep_selections=True)
        (trace,) = ascend_all(loop, [make()], [budgets[b]], [np.random.default_rng(b)])
        assert scalars(trace) == scalars(traces[b])
        assert trace.best is not None
        assert traces[b].best is not None
        np.testing.assert_array_equal(trace.best.point.multipliers, traces[b].best.point.multipliers)
        np.testing.assert_array_equal(trace.best.point.selection, traces[b].best.point.selection)
        assert alone.incumbent.solution() == together[b].incumbent.solution()
        assert [r.tolist() for r in alone.incumbent.pool.routes] == [
            r.tolist() for r in together[b].incumbent.pool.routes
        ]


def test_exact_and_sampled_lanes_share_a_batch() -> None:
    """Ascents with different samplers can be stepped together; each gets its own sampler's points."""
    loop = DualLoop([state(SMALL, 0), state(SMALL, 0, noisy=True)])
    exact, sampled = loop.step([np.full(15, 500.0), np.full(15, 500.0)])
    assert exact is not None
    assert sampled is not None
    assert exact.point.samples is None
    assert sampled.point.samples is not None
    assert exact.point.value == pytest.approx(sampled.point.sampled_value)  # its first call holds the optimum


def test_controllers_decide_where_the_dual_is_evaluated() -> None:
    """Two step lengths from the same start see the same first point and different ones from then on."""
    short, long = Recording(0.05), Recording(0.4)
    traces = [ascend_alone(state(MIDDLE, 0), controller, 8) for controller in (short, long)]
    assert traces[0].sampled_value[0] == traces[1].sampled_value[0]
    assert not set(traces[0].sampled_value[1:]) & set(traces[1].sampled_value[1:])
    first, second = (point.multipliers for point, _ in short.seen[:2])
    np.testing.assert_allclose(second, first + 0.05 * short.scale * short.seen[0][0].violation)


def test_warm_starts_are_where_the_ascent_begins() -> None:
    """The first evaluation of each ascent is at its given multipliers."""
    states = [state(SMALL, 0), state(SMALL, 1)]
    starts = [np.linspace(0.0, 900.0, 15), None]
    traces = ascend_all(DualLoop(states), [Recording(), Recording()], [1, 1], [np.random.default_rng(0)] * 2, starts)
    best = [trace.best for trace in traces]
    np.testing.assert_array_equal(best[0].point.multipliers, starts[0])
    np.testing.assert_array_equal(best[1].point.multipliers, np.zeros(15))


@pytest.mark.parametrize("every", [1, 3, 4])
def test_decode_every(every: int) -> None:
    """Steps 1, 1 + every, … are decoded and toured; between them the pool does not change."""
    one = state(SMALL, 0)
    loop = DualLoop([one], decode_every=every, keep_selections=True)
    vector = np.full(15, 300.0)
    for number in range(9):
        before = len(one.incumbent.pool)
        (step,) = loop.step([vector + 10.0 * number])
        assert step is not None
        assert np.isfinite(step.assignment_cost) == np.isfinite(step.route_cost) == (number % every == 0)
        assert number % every == 0 or len(one.incumbent.pool) == before
    assert one.incumbent.evaluations == 9


def test_resting_lanes_are_left_alone() -> None:
    """None skips an ascent: it spends nothing, and the others' steps are as without it; all may be skipped."""
    states = [state(SMALL, 0), state(MIDDLE, 1), state(SMALL, 2)]
    loop = DualLoop(states)
    turns = loop.step([np.full(15, 200.0), None, np.full(15, 400.0)])
    assert turns[1] is None
    assert [one.incumbent.evaluations for one in states] == [1, 0, 1]
    (alone,) = DualLoop([state(SMALL, 2)]).step([np.full(15, 400.0)])
    assert turns[2].point.value == alone.point.value
    woken = loop.step([None, np.full(30, 200.0), None])
    assert woken[0] is woken[2] is None
    assert woken[1] is not None
    assert loop.step([None, None, None]) == [None, None, None]


def test_multipliers_are_clipped_to_the_bounds() -> None:
    """Multipliers outside the bounds are clipped, and the point holds the clipped vector."""
    one = state(SMALL, 0)
    lower, upper = one.dual.bounds
    (step,) = DualLoop([one]).step([np.where(np.arange(15) % 2, -5.0, 1e9)])
    assert step is not None
    np.testing.assert_array_equal(step.point.multipliers, np.where(np.arange(15) % 2, lower, upper))


class Wrong(Recording):
    """Starts well and then answers with something else."""

    def __init__(self, answer: object, *, at_start: bool) -> None:
        super().__init__()
        self.answer, self.at_start = answer, at_start

    def start(self, dual, **options):
        multipliers = super().start(dual, **options)
        return self.answer if self.at_start else multipliers

    def update(self, point, feedback=None):
        return self.answer


@pytest.mark.parametrize("at_start", [True, False])
@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (np.where(np.arange(15) == 6, np.nan, 1.0), "customer 7 is priced nan"),
        (np.full(15, np.inf), "customer 1 is priced inf"),
        (np.ones(14), r"array of shape \(14,\)"),
        (np.ones((15, 1)), r"array of shape \(15, 1\)"),
        (None, "array of shape"),
        ("high", "str is not a vector of numbers"),
        ([1.0, [2.0]], "list is not a vector of numbers"),
    ],
)
def test_wrong_answers_are_refused_in_the_controllers_name(answer: object, message: str, at_start: bool) -> None:
    """NaN, infinity, a wrong shape, or nothing at all: a typed error that names controller, customer or shape."""
    with pytest.raises(InputError, match=rf"controller Wrong: multipliers: {message}"):
        ascend_alone(state(SMALL, 0), Wrong(answer, at_start=at_start), 5)


def test_steps_need_one_entry_per_lane() -> None:
    """Too few or too many vectors are refused, as are loops that never decode or draw less than nothing."""
    loop = DualLoop([state(SMALL, 0), state(SMALL, 1)])
    for vectors in ([np.zeros(15)], [np.zeros(15)] * 3):
        with pytest.raises(InputError, match=r"multipliers: \d vectors for 2 ascents"):
            loop.step(vectors)
    with pytest.raises(InputError, match="multipliers: customer 3 is priced nan"):
        loop.step([None, np.where(np.arange(15) == 2, np.nan, 0.0)])
    for option, value in (("decode_every", 0), ("n_joint", -1)):
        with pytest.raises(InputError, match=f"{option}: {value} given"):
            DualLoop([state(SMALL, 0)], **{option: value})


@pytest.mark.parametrize("record_exact", [False, True])
def test_exact_values_stay_out_of_sight_under_an_approximate_sampler(record_exact: bool) -> None:
    """Controllers see sampled values only; L is recorded on request, never above them, and its time is separate."""
    controller = Recording()
    loop = DualLoop([state(SMALL, 0, noisy=True)], record_exact=record_exact)
    (trace,) = ascend_all(loop, [controller], [12], [np.random.default_rng(0)])
    assert len(trace) == 12
    assert len(controller.seen) == 11
    assert all(point.value is None and not point.is_optimal for point, _ in controller.seen)
    exact = np.array(trace.exact_value)
    assert np.isnan(exact).all() != record_exact
    if record_exact:
        sampled = np.array(trace.sampled_value)
        assert (exact <= sampled + 1e-6).all()
        assert (exact < sampled - 1.0).any()
        assert trace.dual_value == exact.max()
        dual = state(SMALL, 0).dual
        values = [dual.evaluate(point.multipliers).value for point, _ in controller.seen]
        assert trace.exact_value[:-1] == values
    else:
        assert trace.dual_value is None
    assert (loop.recording_seconds > 0.0) == record_exact
    assert loop.decoding_seconds > 0.0
    assert 0.0 < loop.sampling_seconds < 12 * 0.25  # by our clock, not by what the sampler says of itself
    assert trace.sampling.circuits == 12 * len(state(SMALL, 0).dual.problem.capacity)
    assert trace.sampling.shots == 4 * trace.sampling.circuits
