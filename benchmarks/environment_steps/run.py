"""Count the environment's steps per second, alone and in a batch, and say where its time goes.

python -m benchmarks.environment_steps.run
python -m benchmarks.environment_steps.run --route-sampler qaoa --profile --out ROWS.json

One thread. Instances of exactly n customers are generated; actions are random ones that neither stand still nor jump.
A run takes whole rounds of episodes, resets included (instance, linearisation, linear relaxation, savings); lanes are
put out of step first, as they are in training. The median over the repeats counts, each repeat going on with further
instances. Compilation is excluded. Seconds are those of the process on the processor, which depend less on what else
the machine does; if one of the `--processes` is above 1, all are those of the clock on the wall.
"""

from __future__ import annotations

from benchmarks.harness import one_thread, write_record

if __name__ == "__main__":
    one_thread()  # before numpy, numba and torch are loaded

import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import contextmanager, nullcontext
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import numpy as np

from envs.action import ActionConfig
from envs.config import EnvConfig
from envs.core import EpisodeBatch
from envs.sb3 import LagrangianVecEnv
from envs.sb3_processes import LagrangianSubprocVecEnv
from lagrl.bench.provenance import versions
from lagrl.errors import InputError, LagrlError
from lagrl.io.atomic import require_writable
from lagrl.relaxation.knapsack import KnapsackBatch

if TYPE_CHECKING:
    from collections.abc import Iterator

Actor = Callable[[dict[str, Any]], Any]


@dataclass(frozen=True)
class Args:
    """What to time.

    Attributes
    ----------
    sizes
        Numbers of customers.
    lanes
        Episodes side by side; 1 is the environment alone.
    processes
        Processes among which the lanes are divided.
    route_sampler
        What proposes the routes.
    sampler
        What prices the multipliers.
    route_every
        Evaluations from one route feedback to the next.
    decode_every
        Evaluations between two decodings.
    tour_decoded
        Whether decoded assignments are toured.
    shots
        Strings per vehicle asked of an approximate sampler.
    steps
        Steps of all lanes together in a repeat, at least.
    repeats
        Of which the median counts.
    policy
        A checkpoint whose mean actions are taken instead of random ones; its time is included.
    compiled
        Whether `policies.CompiledMean` computes them, otherwise the network in torch, with its critic.
    profile
        Print the share of the time by part; clocks around every part make the whole a little slower.
    seed
        Seed of the instances and actions.
    out
        JSON file for the rows, if any.
    """

    sizes: tuple[int, ...] = (20, 50, 100, 200)
    lanes: tuple[int, ...] = (1, 16)
    processes: tuple[int, ...] = (1,)
    route_sampler: str = "exact"
    sampler: str = "exact"
    route_every: int = 10
    decode_every: int = 1
    tour_decoded: bool = True
    shots: int = 64
    steps: int = 6400
    repeats: int = 5
    policy: str = ""
    compiled: bool = True
    profile: bool = False
    seed: int = 0
    out: Path | None = None

    def __post_init__(self) -> None:
        if min(self.repeats, self.steps, *self.lanes, *self.processes) < 1:
            raise InputError(
                "nothing to time", field="--repeats, --steps, --lanes, --processes", remedy="give 1 or more"
            )
        if self.profile and max(self.processes) > 1:
            raise InputError("given", field="--profile", remedy="leave it out: it sees the parts of one process only")


@dataclass(frozen=True)
class Row:
    """One size and number of lanes: the median of the repeats, all of them, and seconds by part."""

    n_customers: int
    lanes: int
    processes: int
    sampler: str
    route_sampler: str
    policy: str
    steps_per_second: float
    repeats: list[float]
    share: dict[str, float] = field(default_factory=dict)


def main(args: Args) -> None:
    """Time every size alone and in a batch, and print a Markdown table."""
    if args.out is not None:
        require_writable(args.out)
    names = [*dict.fromkeys(name for name, _, _ in parts()), "rest"] if args.profile else []
    columns = ["n", "lanes", "processes", "sampler", "route sampler", "policy", "steps/s", "least … most", *names]
    print(f"| {' | '.join(columns)} |\n{'|---' * len(columns)}|", flush=True)
    rows = []
    for n in args.sizes:
        for lanes in args.lanes:
            for processes in (count for count in args.processes if count <= lanes):
                rows.append(time_steps(n, lanes, processes, args))
                print(_line(rows[-1], names), flush=True)
    if args.out is not None:
        record = {"versions": versions("gymnasium", "stable-baselines3", "torch"), "threads": 1, "args": _plain(args)}
        write_record(args.out, record | {"rows": [asdict(row) for row in rows]})


def time_steps(n: int, lanes: int, processes: int, args: Args) -> Row:
    """Step an environment through whole rounds of episodes; in several processes the lanes stay in step."""
    act, action = _actor(args, n, lanes)
    config = EnvConfig(
        n_max=n,
        n_customers=(n, n),
        action=action,
        sampler=args.sampler,
        route_sampler=args.route_sampler,
        route_every=args.route_every,
        decode_every=args.decode_every,
        tour_decoded=args.tour_decoded,
        shots=args.shots,
    )
    env: Any = LagrangianVecEnv(config, lanes, args.seed)
    if processes > 1:
        env = LagrangianSubprocVecEnv(config, lanes, args.seed, processes=processes)
    observations = env.reset()
    rng = np.random.default_rng(args.seed)
    for step in range(config.max_steps):  # put the lanes out of step
        for lane in np.flatnonzero(rng.random(lanes) < 1 / config.max_steps):
            if processes == 1:
                env.batch.reset(int(lane), np.random.default_rng([args.seed, step, lane]))
                observations = env.observations()
        observations = env.step(act(observations))[0]
    clock = time.process_time if max(args.processes) == 1 else time.perf_counter
    per_repeat = max(1, -(-args.steps // (lanes * config.max_steps))) * config.max_steps
    rates, seconds = [], Counter[str]()
    with _clocks(seconds, act) if args.profile else nullcontext(act) as act:
        for _ in range(args.repeats):
            started = clock()
            for _ in range(per_repeat):
                observations = env.step(act(observations))[0]
            elapsed = clock() - started
            rates.append(per_repeat * lanes / elapsed)
            seconds["total"] += elapsed
    env.close()
    total = seconds.pop("total")
    share = {name: seconds[name] / total for name in dict.fromkeys(part[0] for part in parts())} if args.profile else {}
    if args.profile:
        share["rest"] = 1.0 - sum(share.values())
    return Row(
        n, lanes, processes, args.sampler, args.route_sampler, Path(args.policy).name, median(rates), rates, share
    )


def _actor(args: Args, n: int, lanes: int) -> tuple[Actor, ActionConfig]:
    """Return what gives actions for observations (a policy, or a list drawn beforehand), and what they mean."""
    if args.policy:
        import torch

        from policies.checkpoint import load_checkpoint
        from train.allocator import keep_memory

        torch.set_num_threads(1)
        checkpoint = load_checkpoint(args.policy)
        keep_memory()  # as training does
        net = checkpoint.net.eval()

        if args.compiled:
            from policies.compiled_mean import CompiledMean

            compiled = CompiledMean(net)
            return lambda observations: compiled(observations).clip(-1.0, 1.0), checkpoint.action

        def mean(observations: dict[str, Any]) -> Any:
            with torch.no_grad():
                found = net({name: torch.as_tensor(array) for name, array in observations.items()})[0]
            return found.clamp(-1.0, 1.0).numpy()

        return mean, checkpoint.action
    # steps of a hundredth of the scale to about once it: what subgradient rules take
    drawn = np.random.default_rng(args.seed).uniform(-0.75, 0.25, (64, lanes, n)).astype(np.float32)
    count = iter(range(sys.maxsize))
    return lambda _: drawn[next(count) % len(drawn)], ActionConfig()


@contextmanager
def _clocks(seconds: Counter[str], act: Actor) -> Iterator[Actor]:
    """Put a clock around every part and `act` for a while; a part inside another stops the outer one's clock."""
    running: list[list[Any]] = []

    def timed(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            now = time.process_time()
            if running:
                seconds[running[-1][0]] += now - running[-1][1]
            # what a reset prices, repairs and tours is the reset's
            running.append(["reset" if running and running[0][0] == "reset" else name, now])
            try:
                return function(*args, **kwargs)
            finally:
                now = time.process_time()
                ended, since = running.pop()
                seconds[ended] += now - since
                if running:
                    running[-1][1] = now

        return call

    kept = [(owner, attribute, getattr(owner, attribute)) for _, owner, attribute in parts() if owner is not None]
    for name, owner, attribute in parts():
        if owner is not None:
            setattr(owner, attribute, timed(name, getattr(owner, attribute)))
    try:
        yield timed("policy", act)
    finally:
        for owner, attribute, function in kept:
            setattr(owner, attribute, function)


def parts() -> tuple[tuple[str, Any, str], ...]:
    """Return which function's time goes under which name; what a part calls of another part counts there only."""
    from envs import batch_kernels, step_kernels
    from envs.compiled import CompiledSteps

    return (
        ("pricing", KnapsackBatch, "price_all"),
        ("decode, repair and tours", batch_kernels, "recover_batch"),
        ("pools and incumbents", CompiledSteps, "_recover"),
        ("observation and reward", step_kernels, "record_batch"),
        ("observation and reward", step_kernels, "write_features"),
        ("observation and reward", EpisodeBatch, "observations"),
        ("infos", CompiledSteps, "_noted"),
        ("reset", EpisodeBatch, "reset"),
        ("policy", None, ""),
    )


def _plain(args: Args) -> dict[str, Any]:
    return asdict(args) | {"policy": Path(args.policy).name, "out": None if args.out is None else args.out.name}


def _line(row: Row, parts: list[str]) -> str:
    cells = [row.n_customers, row.lanes, row.processes, row.sampler, row.route_sampler, row.policy or "random"]
    cells += [f"{row.steps_per_second:,.0f}", f"{min(row.repeats):,.0f} … {max(row.repeats):,.0f}"]
    return f"| {' | '.join(map(str, [*cells, *(f'{100 * row.share[part]:.0f} %' for part in parts)]))} |"


if __name__ == "__main__":
    import tyro

    try:
        main(tyro.cli(Args, description=__doc__))
    except LagrlError as error:
        sys.exit(f"environment_steps: {error}")
