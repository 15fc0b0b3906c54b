"""Bandits from plain options, as in `bandit:trained.json+backends=FakeTorino/FakeParis`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from lagrl.errors import InputError, UnknownNameError, refuse
from lagrl.quantum.bandit.arm_policies import LinearThompson, LinUCB, StaticPolicy, UniformPolicy, require_epsilon
from lagrl.quantum.bandit.arms import DEPTHS, Arm, all_arms
from lagrl.quantum.bandit.bandit_sampler import BanditSampler
from lagrl.quantum.bandit.features import NAMES
from lagrl.quantum.bandit.linear_model import LinearModel
from lagrl.quantum.bandit.pools import SIX, arm_backends, is_account_device
from lagrl.quantum.bandit.saving import StateFile
from lagrl.quantum.bandit.screening import Limits
from lagrl.quantum.bandit.state import BanditState, read_state
from lagrl.quantum.circuits.ansatz import ANSATZE
from lagrl.quantum.devices.placement import PLACEMENTS
from lagrl.quantum.scheduling.dispatcher import Dispatcher
from lagrl.quantum.scheduling.machine import Machine
from lagrl.quantum.scheduling.scheduler import TIMEOUT, Scheduler
from lagrl.quantum.subproblems.candidates import require_width

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from lagrl.quantum.bandit.arm_policies import Policy
    from lagrl.quantum.bandit.decision import DecisionLog

POLICIES = ("linucb", "greedy", "thompson", "uniform", "static")


@dataclass(frozen=True)
class BanditOptions:
    """Options of the sampler `bandit[:STATE]`.

    Attributes
    ----------
    backends
        Names joined by `/`, such as `FakeKingston/FakeBrisbane`; names that start with `ibm_` are devices of your
        account (default: six fake backends, `pools.SIX`).
    policy
        `linucb`, `greedy`, `thompson`, `uniform` or `static` (default: that of the state, or linucb).
    static
        The one arm that is always taken, `BACKEND/PLACEMENT/FAMILY/LAYERS` or `product`; if it may not run, the other
        arms in their order, product last.
    epsilon
        Exploration probability ε, from 0 to 1 (default: that of the state, or 0.05).
    alpha
        Amount of exploration: standard deviations that linucb adds, or the scale of Thompson's draws (default: that
        of the state, or 0.1).
    gates
        Greatest number of two-qubit gates of a circuit.
    fidelity
        Least expected fidelity of a circuit, from 0 to 1.
    decay
        Greatest duration of a circuit, as a multiple of the T2 of the qubit that decays first.
    width
        Greatest number of variables per vehicle.
    families
        Circuit families to choose from, joined by `/` (default: all).
    depths
        Numbers of circuit layers to choose from, joined by `/` (default: 1/2/3).
    placements
        Lines of qubits to choose from, joined by `/` (default: line0/line1/line2/default).
    method
        Simulation of fake backends: `surrogate`, `density` or `trajectories`.
    learn
        Whether to continue learning (default: true if the policy learns). A bandit that does not learn does not
        explore either, unless policy, alpha or epsilon say so: it takes the arm of the highest mean.
    save
        Whether to write the learned state to STATE, which is created if it is missing.
    spread
        Expected reward that may be given up for an earlier result, see `plan_step`: above 0, jobs spread over backends,
        and which backend runs a job depends on how busy they are.
    per_job
        Greatest number of vehicles in a job; 0 for no limit.
    timeout
        Seconds after which a job is given up. Default with a device of an account among the backends: an hour, or
        earlier once others have shown how long jobs take; else no limit.
    """

    backends: str = ""
    policy: str = ""
    static: str = ""
    epsilon: float | None = None
    alpha: float | None = None
    gates: int = Limits.gates
    fidelity: float = Limits.least_fidelity
    decay: float = Limits.most_decay
    width: int = 8
    families: str = ""
    depths: str = ""
    placements: str = ""
    method: str = "surrogate"
    learn: bool | None = None
    save: bool = False
    spread: float = 0.0
    per_job: int = 0
    timeout: float | None = None

    def backend_names(self) -> tuple[str, ...]:
        """Return the names of the backends, as the user wrote them."""
        if self.backends:
            return _split(self.backends)
        if self.static and self.static != "product":
            return (self.static.partition("/")[0],)
        return () if self.static and self.has_one_arm else SIX

    @property
    def has_one_arm(self) -> bool:
        """Whether the static arm is the only one besides product, if there is a static arm."""
        return not (self.backends or self.families or self.depths or self.placements)

    @property
    def is_paid(self) -> bool:
        """Whether a device of an account is among the backends."""
        return any(map(is_account_device, self.backend_names()))

    def seconds(self) -> float:
        """Return the scheduler's timeout; InputError if it is not above 0."""
        if self.timeout is None:
            return TIMEOUT if self.is_paid else np.inf
        if not self.timeout > 0.0:
            refuse("timeout", self.timeout, "give seconds above 0")
        return self.timeout

    def policy_name(self) -> str:
        """Return the requested policy; empty for that of the state, or the default.

        Raises `UnknownNameError` if there is no policy of that name, `InputError` if `static` lacks its arm, or an arm
        is given to another policy.
        """
        if self.policy and self.policy not in POLICIES:
            raise UnknownNameError.of("policy", self.policy, POLICIES)
        if self.static and self.policy not in ("", "static"):
            refuse("static", self.static, f"{self.policy} chooses among all arms: give one of the two")
        if self.policy == "static" and not self.static:
            raise InputError(
                "no arm given", field="policy static", remedy="write static=BACKEND/PLACEMENT/FAMILY/LAYERS"
            )
        return "static" if self.static else self.policy


def make_bandit(state_file: str, options: BanditOptions, *, log: DecisionLog | None = None) -> BanditSampler:
    """Return the bandit of some options.

    Parameters
    ----------
    state_file
        State to start from, written by `python -m train.bandit` or by `save`; empty to start without knowledge.
    options
        The options.
    log
        Stores its decisions.

    Raises
    ------
    UnknownNameError
        If a backend, policy, circuit family or placement is unknown.
    InputError
        If the state cannot be read or was learned on other features, or an option is out of range or has no effect.
    OutputError
        If the state is to be saved where nothing can be written.
    MissingExtraError
        Without the extra quantum.
    """
    name = options.policy_name()
    require_width(options.width)
    _refuse_out_of_range(options)
    _refuse_without_effect(state_file, options, name)
    circuits = _circuits(options)  # before any device is loaded
    state = None if name in ("static", "uniform") else _state(state_file, options, name)
    names = options.backend_names()
    pool = arm_backends(names, method=options.method, width=options.width) if names else {}
    arms = all_arms(list(pool), **circuits._asdict())
    policy: Policy
    if state is not None:
        policy, epsilon = state.make(), state.epsilon
    elif name == "uniform":
        policy, epsilon = UniformPolicy(), 1.0
    else:
        arm = _static_arm(options, pool)
        policy, epsilon = StaticPolicy((arm,)), options.epsilon or 0.0
        arms = (arm,) if options.has_one_arm else tuple(dict.fromkeys((*arms, arm)))
    return BanditSampler(
        backends=pool,
        policy=policy,
        arms=arms,
        limits=Limits(options.gates, options.fidelity, options.decay),
        epsilon=epsilon,
        width=options.width,
        learns=state is not None and options.learn is not False,
        log=log,
        spread=options.spread,
        most_per_job=options.per_job,
        dispatcher=Dispatcher(Scheduler([Machine(*own) for own in pool.items()], options.seconds())),
        state_file=StateFile(Path(state_file), state) if options.save and state is not None else None,
    )


def _refuse_out_of_range(options: BanditOptions) -> None:
    """Refuse numbers out of range, by the names that the user gave them."""
    if options.epsilon is not None:
        require_epsilon(options.epsilon)
    if options.alpha is not None and not 0.0 <= options.alpha < np.inf:
        refuse("alpha", options.alpha, "give a finite number of 0 or more, above 0 for thompson")
    if not 0.0 <= options.spread < np.inf:
        refuse("spread", options.spread, "give a finite number of 0 or more")
    if options.per_job < 0:
        refuse("per_job", options.per_job, "give 1 or more, or 0 for no limit")
    options.seconds()


def _refuse_without_effect(state_file: str, options: BanditOptions, policy: str) -> None:
    """Refuse options that would have no effect."""

    def refuse_given(remedy: str, *names: str) -> None:
        for name in names:
            value = getattr(options, name)
            if value != getattr(BanditOptions, name):
                refuse(name, str(value).lower() if value is True else value, remedy)

    names = options.backend_names()
    if not state_file:
        refuse_given("there is no file to write to: write bandit:STATE", "save")
    if options.learn is False:
        refuse_given("nothing is learned: omit save or learn=false", "save")
    if not names:
        refuse_given("product is the only arm: give backends too, or omit it", "spread", "per_job", "timeout")
    if len(names) < 2:
        refuse_given("there is one backend: name more, or omit it", "spread")
    if policy in ("static", "uniform"):
        if state_file:
            refuse("state", state_file, f"{policy} uses no state: omit it")
        refuse_given(f"{policy} does not learn: omit it", "alpha", "learn", "save")
    if policy == "uniform":
        refuse_given("uniform always chooses at random: omit it", "epsilon")
    if policy == "greedy":
        refuse_given("greedy does not explore: give policy=linucb, or omit it", "alpha")
    if all(map(is_account_device, names)):
        refuse_given("no backend is simulated: omit it", "method")
    if options.static == "product" and options.has_one_arm:
        remedy = "product is the only arm: give backends too, or omit it"
        refuse_given(remedy, "epsilon", "gates", "fidelity", "decay")


class _Circuits(NamedTuple):
    """Arguments of `all_arms` apart from the backends."""

    placements: Sequence[str]
    families: Sequence[str]
    depths: Sequence[int]


def _circuits(options: BanditOptions) -> _Circuits:
    """Return the circuits to choose from.

    Raises `UnknownNameError` or `InputError` if a family or placement is unknown, a depth is no number above 0, or one
    is named twice.
    """
    families = _split(options.families) or ANSATZE
    placements = _split(options.placements) or PLACEMENTS
    for kind, names, known in (("circuit family", families, ANSATZE), ("placement", placements, PLACEMENTS)):
        for name in names:
            if name not in known:
                raise UnknownNameError.of(kind, name, known)
    try:
        depths = tuple(int(text) for text in _split(options.depths)) or DEPTHS
    except ValueError:
        depths = (0,)
    if min(depths) < 1:
        refuse("depths", options.depths, "give whole numbers above 0, joined by /")
    circuits = _Circuits(placements, families, depths)
    for field, values in circuits._asdict().items():
        if len(set(values)) < len(values):
            refuse(field, "/".join(map(str, values)), "name each once")
    return circuits


def _state(state_file: str, options: BanditOptions, policy: str) -> BanditState:
    """Return the state to start from, changed by the options."""
    path = Path(state_file)
    if state_file and (path.exists() or not options.save):
        known = read_state(path)
    else:
        known = BanditState("linucb", LinUCB.alpha, 0.05, LinearModel(len(NAMES)))
    name, parameter = known.policy, known.parameter
    if policy:
        name = "thompson" if policy == "thompson" else "linucb"
        if name != known.policy:
            parameter = LinearThompson.scale if name == "thompson" else LinUCB.alpha
        if policy == "linucb" and not parameter:  # the state's policy is greedy
            parameter = LinUCB.alpha
        if policy == "greedy":
            parameter = 0.0
    if options.alpha is not None:
        if name == "thompson" and not options.alpha:
            refuse("alpha", options.alpha, "give a number above 0: the scale of Thompson's draws")
        parameter = options.alpha
    elif options.learn is False and not policy:  # without learning, exploration has no use
        name, parameter = "linucb", 0.0
    epsilon = 0.0 if options.learn is False else known.epsilon
    return BanditState(name, parameter, epsilon if options.epsilon is None else options.epsilon, known.model)


def _static_arm(options: BanditOptions, pool: Collection[str]) -> Arm:
    """Return the static arm with its backend's own name; the user may write `FakeKingston` for `fake_kingston`."""
    given, rest = options.static.partition("/")[::2]
    try:
        arm = Arm.parse(options.static)
    except UnknownNameError:
        raise
    except InputError:
        refuse(
            "static",
            repr(options.static),
            "write BACKEND/PLACEMENT/FAMILY/LAYERS, or product alone; 1 layer or more",
        )
    if not arm.backend:
        return arm
    own = given if is_account_device(given) else next(iter(arm_backends((given,))))
    if own not in pool:
        raise InputError(f"{given} is not among {options.backends}", field="static", remedy="name it in backends too")
    return Arm.parse(f"{own}/{rest}")


def _split(text: str) -> tuple[str, ...]:
    return tuple(text.split("/")) if text else ()
