"""Several quantum computers at once, in virtual time: nothing lost, nothing twice, as fast as they allow."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lagrl.errors import InputError
from lagrl.quantum.execution import Execution, Pub
from lagrl.quantum.scheduling.scheduler import Scheduler, SchedulerOptions
from lagrl.quantum.scheduling.simulated import Behaviour, SimulatedQPU
from lagrl.quantum.scheduling.virtual_time import run_virtually
from lagrl.quantum.scheduling.work import Answer, Bill, Option, Work
from lagrl.relaxation.sampler import SampleContext, SamplingCost

pytest.importorskip("qiskit", reason="needs the quantum extra")

from lagrl.quantum.ansatz import make_ansatz

TEMPLATE = make_ansatz("qaoa", 1).template(4)
PUB = Pub(TEMPLATE, np.zeros((1, TEMPLATE.n_parameters)))


@dataclass(frozen=True)
class Dice:
    """Answers with random strings, at once."""

    name: str
    max_width: int = 12

    def execute(self, pubs: list[Pub], shots: int, rng: np.random.Generator, context: SampleContext) -> Execution:
        codes = [rng.integers(0, 2**pub.template.n_qubits, (len(pub.values), shots)) for pub in pubs]
        return Execution(codes, SamplingCost(circuits=len(pubs), backend=self.name))


def solved(
    qpus: list[SimulatedQPU], n_works: int, options: SchedulerOptions | None = None
) -> tuple[list[Answer], float, Scheduler]:
    """Answer so many pieces of work that may go anywhere; return the answers, the seconds and the scheduler."""
    scheduler = Scheduler(qpus, options)
    context = SampleContext("run", 0)
    works = [Work(f"{j}", tuple(Option.of(qpu.name, [PUB]) for qpu in qpus), 64, context, j) for j in range(n_works)]

    async def main() -> tuple[list[Answer], float]:
        return await scheduler.answer(works), asyncio.get_running_loop().time()

    answers, seconds = run_virtually(main())
    return answers, seconds, scheduler


def machines(behaviours: list[Behaviour], seed: int = 0) -> list[SimulatedQPU]:
    """Make one of each behaviour."""
    return [
        SimulatedQPU(Dice(f"q{i}"), behaviour, np.random.default_rng([seed, i]))
        for i, behaviour in enumerate(behaviours)
    ]


def executions(qpus: list[SimulatedQPU], key: str) -> int:
    """Count how often a piece of work was executed to its end."""
    return sum(qpu.executed.get(key, 0) for qpu in qpus)


def test_without_faults_everything_is_answered_once() -> None:
    """In the order of the work, with the strings of its own seed, and a bill that adds up."""
    qpus = machines([Behaviour()] * 3)
    answers, _, _ = solved(qpus, 20)
    assert [answer.key for answer in answers] == [str(j) for j in range(20)]
    assert all(executions(qpus, answer.key) == 1 for answer in answers)
    assert all(len(answer.attempts) == 1 and not answer.why for answer in answers)
    assert sum(answer.cost.jobs for answer in answers) == 20
    for j, answer in enumerate(answers):
        np.testing.assert_array_equal(answer.codes[0], np.random.default_rng(j).integers(0, 16, (1, 64)))


def test_more_machines_are_faster() -> None:
    """Four with a serial machine each take at most 1/3.2 of one's time."""
    alone = solved(machines([Behaviour()]), 40)[1]
    four = solved(machines([Behaviour()] * 4), 40)[1]
    assert alone / four > 3.2


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 10**6),
    st.lists(
        st.builds(
            Behaviour,
            failures=st.sampled_from([0.0, 0.3, 1.0]),
            hangs=st.booleans(),
            is_dead=st.booleans(),
            queue_seconds=st.sampled_from([0.0, 3.0, 500.0]),
            windows=st.sampled_from([(), ((5.0, 30.0),), ((0.0, 4.0), (100.0, 200.0))]),
        ),
        min_size=1,
        max_size=5,
    ),
    st.integers(1, 15),
    st.integers(1, 3),
    st.integers(0, 2),
    st.sampled_from([20.0, 100.0, np.inf]),
)
def test_nothing_is_lost_and_nothing_is_twice(
    seed: int, behaviours: list[Behaviour], n_works: int, queue_length: int, retries: int, deadline: float
) -> None:
    """Whatever machines do: one answer for each piece, codes just where a machine answered, no second execution."""
    qpus = machines(behaviours, seed)
    options = SchedulerOptions(queue_length=queue_length, retries=retries, deadline=deadline, timeout=40.0)
    answers, seconds, _ = solved(qpus, n_works, options)
    assert [answer.key for answer in answers] == [str(j) for j in range(n_works)]
    for answer in answers:
        assert executions(qpus, answer.key) <= 1
        assert (answer.codes is not None) == bool(answer.backend)
        assert answer.backend or answer.why
        if answer.codes is not None:
            assert executions(qpus, answer.key) == 1
            assert answer.codes[0].shape == (1, 64)
    assert np.isfinite(seconds)


def test_faults_cost_time_but_no_answers() -> None:
    """One dead, one hanging, thirty failures in a hundred: the four that are left answer everything."""
    qpus = machines([Behaviour(is_dead=True), Behaviour(hangs=True), *[Behaviour(failures=0.3)] * 4])
    answers, _, scheduler = solved(qpus, 50, SchedulerOptions(timeout=60.0, retries=2))
    assert all(answer.backend in {"q2", "q3", "q4", "q5"} for answer in answers)
    assert scheduler.rating("q0").n_done == scheduler.rating("q1").n_done == 0
    assert scheduler.rating("q0").n_failed <= 10  # the breaker leaves it alone
    assert scheduler.rating("q2").reliability > scheduler.rating("q0").reliability


def test_work_that_may_still_run_is_not_sent_again() -> None:
    """A job that is on the machine when its time is over stays its only one; the asker falls back."""
    qpus = machines([Behaviour(overhead_seconds=100.0, queue_seconds=0.0), Behaviour(queue_seconds=1000.0)])
    answers, _, _ = solved(qpus, 1, SchedulerOptions(timeout=50.0))
    [answer] = answers
    assert (answer.backend, answer.codes) == ("", None)
    assert answer.attempts[0].is_open
    assert "it may still run" in answer.why
    assert len(answer.attempts) == 1


def test_machines_are_waited_for_until_they_open() -> None:
    """A window that opens later is used, one that never opens again is not waited for."""
    answers, seconds, _ = solved(machines([Behaviour(windows=((500.0, 900.0),))]), 3)
    assert all(answer.backend == "q0" for answer in answers)
    assert seconds > 500.0
    answers, seconds, _ = solved(
        machines([Behaviour(windows=((0.0, 3.0),), overhead_seconds=50.0)]), 8, SchedulerOptions(queue_length=1)
    )
    assert sum(answer.backend == "q0" for answer in answers) == 1
    assert all("nobody takes jobs" in answer.why for answer in answers[1:])


def test_a_result_in_the_very_moment_of_giving_up_is_not_executed_twice() -> None:
    """Times without chance, so that the job ends just when its time is over."""
    sure = Behaviour(submit_seconds=0.0, queue_seconds=0.0, queue_spread=0.0, overhead_seconds=50.0, shot_seconds=0.0)
    qpus = machines([sure, sure])
    answers, _, _ = solved(qpus, 2, SchedulerOptions(timeout=50.0))
    assert all(executions(qpus, answer.key) == 1 for answer in answers)


def test_jobs_given_up_keep_the_machine() -> None:
    """What runs cannot be stopped: the next job begins when it has ended."""
    qpu = SimulatedQPU(Dice("q0"), Behaviour(queue_seconds=0.0, overhead_seconds=100.0), np.random.default_rng(0))

    async def main() -> float:
        jobs = [asyncio.ensure_future(qpu.run(work(key, [qpu]).job(Option.of("q0", [PUB])))) for key in "ab"]
        await asyncio.sleep(50.0)
        jobs[0].cancel()
        await asyncio.wait(jobs)
        assert qpu.is_running("a") and not qpu.is_running("b")
        return asyncio.get_running_loop().time()

    assert run_virtually(main()) > 200.0
    assert qpu.executed == {"a": 1, "b": 1}


def work(key: str, qpus: list[SimulatedQPU], tiers: dict[str, int] | None = None) -> Work:
    """Make a piece of work that may go anywhere."""
    options = tuple(Option.of(qpu.name, [PUB], tier=(tiers or {}).get(qpu.name, 0)) for qpu in qpus)
    return Work(key, options, 64, SampleContext("run", 0))


def test_without_end_of_patience_silence_is_waited_for_until_somebody_cancels() -> None:
    """And cancelling leaves no place taken, so that later work is answered."""
    qpus = machines([Behaviour(hangs=True), Behaviour()])
    scheduler = Scheduler(qpus, SchedulerOptions(timeout=np.inf, patience=np.inf))

    async def main() -> list[Answer]:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(1e7):
                await scheduler.answer([work("a", qpus[:1])])
        return await scheduler.answer([work("b", qpus[1:])])

    assert run_virtually(main())[0].backend == "q1"
    assert all(slot.n_inside == 0 for slot in scheduler._slots.values())


def test_patience_counts_for_jobs_sent_before_anything_was_known() -> None:
    """What a hanging machine took at the start is taken back once others have shown how long it takes."""
    answers, seconds, _ = solved(machines([Behaviour(hangs=True), *[Behaviour()] * 3]), 20)
    assert all(answer.backend in {"q1", "q2", "q3"} for answer in answers)
    assert seconds < 120.0


@pytest.mark.parametrize(("least", "is_patient"), [(0.0, False), (60.0, True)])
def test_patience_has_a_floor(least: float, is_patient: bool) -> None:
    """A job a hundred times slower than the others is waited for all the same."""
    quick = Behaviour(submit_seconds=0.0, queue_seconds=0.001, overhead_seconds=0.001, shot_seconds=0.0)
    qpus = machines([quick, Behaviour(queue_seconds=0.0, overhead_seconds=50.0)])
    scheduler = Scheduler(qpus, SchedulerOptions(least_timeout=least))

    async def main() -> list[Answer]:
        await scheduler.answer([work(f"{j}", qpus[:1]) for j in range(5)])
        return await scheduler.answer([work("slow", qpus[1:])])

    [answer] = run_virtually(main())
    assert (answer.backend == "q1") == is_patient


def test_a_trial_that_is_cancelled_is_tried_again() -> None:
    """A machine that is trying to come back is not left alone for ever because nobody waited for its trial."""

    class Mended(SimulatedQPU):
        async def run(self, *args: object) -> Execution:
            self.behaviour = Behaviour(is_dead=asyncio.get_running_loop().time() < 10.0, queue_seconds=100.0)
            return await super().run(*args)

    qpu = Mended(Dice("q0"), Behaviour(), np.random.default_rng(0))
    scheduler = Scheduler([qpu], SchedulerOptions(threshold=1, retries=0, timeout=1e4, pause=30.0))

    async def main() -> list[Answer]:
        assert not (await scheduler.answer([work("a", [qpu])]))[0].backend
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(50.0):
                await scheduler.answer([work("b", [qpu])])
        return await scheduler.answer([work("c", [qpu])])

    assert run_virtually(main())[0].backend == "q0"


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 10**6),
    st.lists(
        st.tuples(
            st.builds(
                Behaviour,
                failures=st.sampled_from([0.0, 0.5]),
                is_dead=st.booleans(),
                hangs=st.booleans(),
                plan_seconds=st.sampled_from([np.inf, 3.0, 9.0]),
                windows=st.sampled_from([(), ((0.0, 9.0),), ((20.0, 60.0),)]),
            ),
            st.integers(0, 2),
        ),
        min_size=1,
        max_size=4,
    ),
    st.lists(st.tuples(st.integers(1, 6), st.sampled_from([0.0, 0.5, 25.0])), min_size=1, max_size=3),
    st.booleans(),
)
def test_callers_do_not_disturb_each_other(
    seed: int, kinds: list[tuple[Behaviour, int]], calls: list[tuple[int, float]], cancels: bool
) -> None:
    """Several calls at once, one of them cancelled perhaps, tiers, windows, plans: nothing lost, nothing twice."""
    qpus = machines([behaviour for behaviour, _ in kinds], seed)
    tiers = {qpu.name: tier for qpu, (_, tier) in zip(qpus, kinds, strict=True)}
    scheduler = Scheduler(qpus, SchedulerOptions(queue_length=2, timeout=40.0))

    async def call(number: int, n_works: int, begins: float) -> list[Answer]:
        await asyncio.sleep(begins)
        return await scheduler.answer([work(f"{number}.{j}", qpus, tiers) for j in range(n_works)])

    async def main() -> list[list[Answer] | BaseException]:
        tasks = [asyncio.ensure_future(call(i, *own)) for i, own in enumerate(calls)]
        if cancels:
            await asyncio.sleep(7.0)
            tasks[0].cancel()
        return await asyncio.gather(*tasks, return_exceptions=True)

    found = run_virtually(main())
    for number, answers in enumerate(found):
        if isinstance(answers, asyncio.CancelledError):
            assert cancels and number == 0
            continue
        assert isinstance(answers, list)
        assert [answer.key for answer in answers] == [f"{number}.{j}" for j in range(calls[number][0])]
        assert all(answer.backend or answer.why for answer in answers)
        assert all(executions(qpus, answer.key) == 1 for answer in answers if answer.backend)
    assert all(n == 1 for qpu in qpus for n in qpu.executed.values())
    assert len({key for qpu in qpus for key in qpu.executed}) == sum(len(qpu.executed) for qpu in qpus)
    for qpu in qpus:  # a job that has begun is not stopped
        assert qpu.used_seconds < qpu.behaviour.plan_seconds + 2.1
    assert all(slot.n_inside == 0 for slot in scheduler._slots.values())


def test_a_thousand_wait_in_their_order() -> None:
    """All are answered, the first to come first."""
    answers, _, _ = solved(machines([Behaviour()] * 8), 400)
    began = [answer.attempts[0].began for answer in answers]
    assert began == sorted(began)


def test_failed_work_goes_first() -> None:
    """It is sent again before work that has not begun."""
    order = []

    class Failing(SimulatedQPU):
        async def run(self, job: object) -> Execution:
            order.append(job.key)
            self.behaviour = Behaviour(failures=float(len(order) == 1))
            return await super().run(job)

    qpu = Failing(Dice("q0"), Behaviour(), np.random.default_rng(0))
    solved([qpu], 5, SchedulerOptions(queue_length=1, backoff=0.0))
    assert order == ["0", "1", "0", "2", "3", "4"]


def test_what_waiting_does_not_mend_is_not_tried_again() -> None:
    """A plan that is used up is found out once, and all else goes elsewhere."""
    qpus = machines([Behaviour(plan_seconds=2.0), Behaviour()])
    answers, _, scheduler = solved(qpus, 12, SchedulerOptions(queue_length=1))
    assert all(answer.backend for answer in answers)
    assert len(qpus[0].executed) == 1
    assert scheduler.rating("q0").n_failed == 0


def test_a_plan_of_unknown_use_is_not_overdrawn() -> None:
    """Until one job has shown what it takes, little is sent where little is left; nothing begins once it is used up."""
    sure = Behaviour(queue_spread=0.0, plan_seconds=3.0)
    qpus = machines([sure, Behaviour()])
    answers, _, _ = solved(qpus, 12)
    assert all(answer.backend for answer in answers)
    assert len(qpus[0].executed) == 1
    assert all(len(answer.attempts) == 1 for answer in answers), "none is refused"

    async def main() -> list[object]:
        qpu = machines([Behaviour(queue_spread=0.0, plan_seconds=3.0)])[0]
        jobs = [qpu.run(work(key, [qpu]).job(Option.of("q0", [PUB]))) for key in "abc"]
        return await asyncio.gather(*jobs, return_exceptions=True)

    assert [isinstance(result, Execution) for result in run_virtually(main())] == [True, True, False]


def test_jobs_given_up_are_billed() -> None:
    """Whether taken back or not: they were sent."""
    qpus = machines([Behaviour(overhead_seconds=100.0, queue_seconds=0.0)])
    [answer] = solved(qpus, 1, SchedulerOptions(timeout=50.0))[0]
    assert (answer.cost.jobs, answer.cost.backend) == (1, "q0")
    qpus = machines([Behaviour(hangs=True), Behaviour()])
    [answer] = solved(qpus[:1], 1, SchedulerOptions(timeout=50.0, retries=1))[0]
    assert answer.cost.jobs == 2


def test_a_bill_has_every_job_once() -> None:
    """Of one that is asked for again what is known last, or was known before; others add up."""
    bill = Bill()
    bill.add(SamplingCost(jobs=1, backend="a", seconds=1.0), is_same_job=True)
    bill.add(SamplingCost(jobs=1, qpu_seconds=3.0, backend="a", seconds=2.0), is_same_job=True)
    bill.add(SamplingCost(jobs=1, backend="a", seconds=4.0), is_same_job=False)
    assert bill.total == SamplingCost(jobs=1, qpu_seconds=3.0, backend="a", seconds=7.0)
    bill.add(SamplingCost(jobs=1, qpu_seconds=2.0, backend="b"), is_same_job=False)
    assert bill.total == SamplingCost(jobs=2, qpu_seconds=5.0, backend="a + b", seconds=7.0)


def test_mistakes_of_executors_come_out_and_leave_no_trace() -> None:
    """An error that is none of execution ends the call; the next one finds all places free."""

    class Broken(SimulatedQPU):
        async def run(self, job: object) -> Execution:
            if job.key == "bad":
                await asyncio.sleep(3.0)
                raise ZeroDivisionError
            if job.key == "own":
                raise TimeoutError("of a socket")
            return await super().run(job)

    qpu = Broken(Dice("q0"), Behaviour(), np.random.default_rng(0))
    scheduler = Scheduler([qpu])

    async def main() -> list[Answer]:
        with pytest.raises(ZeroDivisionError):
            await scheduler.answer([work("a", [qpu]), work("bad", [qpu]), work("b", [qpu])])
        with pytest.raises(TimeoutError, match="of a socket"):
            await scheduler.answer([work("own", [qpu])])
        assert all(slot.n_inside == 0 for slot in scheduler._slots.values())
        return await scheduler.answer([work("c", [qpu])])

    assert run_virtually(main())[0].backend == "q0"


def test_time_goes_on_in_another_event_loop() -> None:
    """It is not set back, nor is what lies between counted; two event loops at once are refused."""
    quick = Behaviour(0.001, 0.001, 0.0, 0.05, 0.0, windows=((0.0, 9.0),))
    qpus = machines([quick])
    scheduler = Scheduler(qpus)

    async def later() -> list[Answer]:
        await asyncio.sleep(20.0)
        return await scheduler.answer([work("b", qpus)])

    assert run_virtually(scheduler.answer([work("a", qpus)]))[0].backend == "q0"
    [answer] = run_virtually(later())
    assert answer.backend == "q0"
    assert 0.05 < answer.attempts[0].began < 1.0

    async def nested() -> None:
        asked = asyncio.ensure_future(scheduler.answer([work("c", qpus)]))
        await asyncio.sleep(0.0)
        with pytest.raises(InputError, match="another event loop is at work"):
            await asyncio.to_thread(run_virtually, scheduler.answer([work("d", qpus)]))
        with pytest.raises(InputError, match="asked for already"):
            await scheduler.answer([work("c", qpus)])
        await asked

    asyncio.run(nested())


def test_queues_are_bounded() -> None:
    """No more jobs are inside a machine at once than allowed, and wishes decide who comes first."""
    inside = []

    class Watched(SimulatedQPU):
        async def run(self, *args: object, **more: object) -> Execution:
            inside.append(1)
            try:
                return await super().run(*args, **more)
            finally:
                inside.append(-1)

    qpu = Watched(Dice("q0"), Behaviour(), np.random.default_rng(0))
    answers, _, _ = solved([qpu], 12, SchedulerOptions(queue_length=2))
    assert all(answer.backend for answer in answers)
    assert np.cumsum(inside).max() == 2


def test_mistakes_are_told() -> None:
    """Two machines of one name, work of one key, a machine that is not there, a circuit too wide for it."""
    qpus = machines([Behaviour()])
    with pytest.raises(InputError, match="q0, q0; give each a name of its own"):
        Scheduler([*qpus, *qpus])
    work = Work("a", (Option.of("q0", [PUB]),), 8, SampleContext())
    with pytest.raises(InputError, match="the same key"):
        run_virtually(Scheduler(qpus).answer([work, work]))
    with pytest.raises(InputError, match="q9 is not there; choose among q0"):
        run_virtually(Scheduler(qpus).answer([Work("a", (Option.of("q9", [PUB]),), 8, SampleContext())]))
    narrow = SimulatedQPU(Dice("q0", 3), Behaviour(), np.random.default_rng(0))
    with pytest.raises(InputError, match="q0 takes 3 qubits"):
        run_virtually(Scheduler([narrow]).answer([work]))
    with pytest.raises(InputError, match="give each backend once"):
        Work("a", (Option.of("q0", [PUB]),) * 2, 8, SampleContext())
