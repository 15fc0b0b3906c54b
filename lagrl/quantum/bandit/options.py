"""A bandit from plain options: what a name such as `bandit:trained.json+backends=FakeTorino/FakeParis` stands for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lagrl.errors import InputError, UnknownNameError, refuse
from lagrl.quantum.bandit.arm_policies import LinearThompson, LinUCB, StaticPolicy, UniformPolicy
from lagrl.quantum.bandit.arms import DEPTHS, Arm, all_arms
from lagrl.quantum.bandit.backend_qpu import BackendQPU
from lagrl.quantum.bandit.bandit_sampler import BanditSampler
from lagrl.quantum.bandit.features import NAMES
from lagrl.quantum.bandit.linear_model import LinearModel
from lagrl.quantum.bandit.pools import SIX, arm_backends, is_account_device
from lagrl.quantum.bandit.saving import SavingBandit
from lagrl.quantum.bandit.screening import Limits
from lagrl.quantum.bandit.state import BanditState, read_state
from lagrl.quantum.circuits.ansatz import ANSATZE
from lagrl.quantum.devices.placement import PLACEMENTS
from lagrl.quantum.scheduling.dispatcher import Dispatcher
from lagrl.quantum.scheduling.scheduler import WAIT, Scheduler, SchedulerOptions
from lagrl.quantum.subproblems.candidates import require_width

if TYPE_CHECKING:
    from lagrl.quantum.bandit.arm_policies import Policy
    from lagrl.quantum.bandit.backend_qpu import ArmBackend
    from lagrl.quantum.bandit.decision import DecisionLog

POLICIES = ("linucb", "greedy", "thompson", "uniform", "static")


@dataclass(frozen=True)
class BanditOptions:
    """Options of `bandit[:STATE]`.

    Attributes
    ----------
    backends
        Names joined by `/`, such as `FakeKingston/FakeBrisbane`; names that start with `ibm_` are devices of your
        account (default: six fake backends, `pools.SIX`).
    policy
        `linucb`, `greedy`, `thompson`, `uniform` or `static`; the state's, or linucb, if left out.
    static
        The one arm that is always taken, `BACKEND/PLACEMENT/FAMILY/LAYERS` or `product`; where it may not run, other
        arms in their order, no circuit last.
    epsilon
        Exploration probability ε, from 0 to 1 (default: that of the state, or 0.05).
    alpha
        How much is explored: deviations that linucb adds, the scale of Thompson's draws; the state's, or the policy's
        own default, if left out.
    gates
        Greatest number of two-qubit gates of a circuit.
    fidelity
        Least expected fidelity of a circuit, from 0 to 1.
    decay
        Greatest duration of a circuit, as a multiple of the T2 of the qubit that decays first.
    width
        Most variables per vehicle.
    families
        Circuit families to choose from, joined by `/` (default: all).
    depths
        Numbers of circuit layers to choose from, joined by `/` (default: 1/2/3).
    placements
        Lines of qubits to choose from, joined by `/` (default: line0/line1/line2/default).
    method
        Simulation of fake backends: `surrogate`, `density` or `trajectories`.
    learn
        Whether to go on learning; yes if left out, where the policy learns. Who does not learn does not explore either,
        unless policy, alpha or epsilon say so: the arm of the highest mean is taken.
    save
        Whether what is learned is written back to STATE, which is made if it is missing.
    spread
        How much expected reward may be given up for an earlier answer, see `plan_step`: above 0 work spreads over
        backends, and which of them answers depends on how busy they are.
    per_job
        Most vehicles of a job; 0 for all that go to the same place.
    timeout
        Seconds after which a job is given up; an hour, or earlier than that where others show how long jobs take, if
        left out and a device of an account is among the backends; simulators are waited for.
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
        is_alone = self.static and not (self.families or self.depths or self.placements)
        return () if is_alone else SIX

    def limits(self) -> Limits:
        """Return what may run."""
        return Limits(self.gates, self.fidelity, self.decay)

    @property
    def is_paid(self) -> bool:
        """Whether a device of an account is among the backends."""
        return any(map(is_account_device, self.backend_names()))

    def scheduling(self) -> SchedulerOptions:
        """Return how long results are waited for.

        Raises
        ------
        InputError
            If the timeout is not above 0.
        """
        if self.timeout is not None:
            if not self.timeout > 0.0:
                raise InputError(f"{self.timeout} given", field="timeout", remedy="give seconds above 0")
            return SchedulerOptions(timeout=self.timeout)
        return SchedulerOptions() if self.is_paid else WAIT

    def learned_policy(self) -> str:
        """Return the kind of policy; empty for the state's, or the default.

        Raises
        ------
        UnknownNameError
            If there is none of that name.
        InputError
            If `static` lacks its arm, or an arm is given to another policy.
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


def make_bandit(
    state_file: str,
    options: BanditOptions,
    *,
    log: DecisionLog | None = None,
) -> BanditSampler | SavingBandit:
    """Make the bandit of some options.

    Parameters
    ----------
    state_file
        What it begins with, written by `python -m train.bandit` or by `save`; empty to begin knowing nothing.
    options
        The options.
    log
        Keeps its decisions.

    Raises
    ------
    UnknownNameError
        If a backend, policy, circuit family or placement is not known.
    InputError
        If the state cannot be read or was learned on other features, an option is out of range, or would do nothing.
    OutputError
        If the state is to be saved where nothing can be written.
    MissingExtraError
        Without the extra quantum.
    """
    kind = options.learned_policy()
    require_width(options.width)
    _refuse_out_of_range(options, kind)
    _refuse_idle(state_file, options, kind)
    arms = _arms(options)  # before any device is loaded
    known = _state(state_file, options, kind)
    pool = _pool(options)
    policy, epsilon = _policy(options, kind, known, pool)
    sampler = BanditSampler(
        backends=pool,
        policy=policy,
        arms=_on_pool(arms, policy, pool, is_only=_is_only(options)),
        limits=options.limits(),
        epsilon=epsilon,
        width=options.width,
        learns=known is not None and options.learn is not False,
        log=log,
        spread=options.spread,
        most_per_job=options.per_job,
        dispatcher=Dispatcher(Scheduler([BackendQPU(backend) for backend in pool], options.scheduling())),
    )
    if not options.save:
        return sampler
    assert known is not None
    return SavingBandit(sampler, Path(state_file), known)


def _refuse_out_of_range(options: BanditOptions, kind: str) -> None:
    """Refuse numbers that make no sense, under the names that the user gave them."""
    if options.epsilon is not None and not 0.0 <= options.epsilon <= 1.0:
        refuse("epsilon", options.epsilon, "give a share from 0 to 1")
    if options.alpha is not None and not 0.0 <= options.alpha < float("inf"):
        refuse("alpha", options.alpha, "give a finite number of 0 or more, above 0 for thompson")
    if not 0.0 <= options.spread < float("inf"):
        refuse("spread", options.spread, "give a finite number of 0 or more")
    if options.per_job < 0:
        refuse("per_job", options.per_job, "give 1 or more, or 0 for all that go to the same place")
    options.scheduling()


def _refuse_idle(state_file: str, options: BanditOptions, kind: str) -> None:
    """Refuse what would do nothing."""
    names = options.backend_names()
    if options.save and not state_file:
        refuse("save", "true", "there is no file to write to: write bandit:STATE")
    if options.save and options.learn is False:
        refuse("save", "true", "nothing is learned: leave out save or learn=false")
    for name in ("spread", "per_job", "timeout"):
        if getattr(options, name) != getattr(BanditOptions, name) and not names:
            refuse(name, getattr(options, name), "product is the only arm: give backends too, or leave it out")
    if options.spread and len(names) < 2:
        refuse("spread", options.spread, "there is one backend: name more, or leave it out")
    if kind in ("static", "uniform"):
        if state_file:
            refuse("state", state_file, f"{kind} knows nothing: leave it out")
        for name, value in (("alpha", options.alpha), ("learn", options.learn), ("save", options.save or None)):
            if value is not None:
                refuse(name, value, f"{kind} does not learn: leave it out")
    if kind == "uniform" and options.epsilon is not None:
        refuse("epsilon", options.epsilon, "uniform chooses by lot always: leave it out")
    if kind == "greedy" and options.alpha is not None:
        refuse("alpha", options.alpha, "greedy does not explore: give policy=linucb, or leave it out")
    if options.method != "surrogate" and all(map(is_account_device, names)):
        refuse("method", options.method, "no backend is simulated: leave it out")
    if options.static == "product" and _is_only(options):
        for name in ("epsilon", "gates", "fidelity", "decay"):
            value = getattr(options, name)
            if value != getattr(BanditOptions, name):
                refuse(name, value, "product is the only arm: give backends too, or leave it out")


def _is_only(options: BanditOptions) -> bool:
    """Whether the static arm is the only one, but for none."""
    return not (options.backends or options.families or options.depths or options.placements)


def _arms(options: BanditOptions) -> tuple[tuple[str, ...], tuple[str, ...], tuple[int, ...]]:
    """Return the families, placements and depths that can be chosen.

    Raises
    ------
    UnknownNameError, InputError
        If one is not known, or no number.
    """
    families = _split(options.families) or ANSATZE
    placements = _split(options.placements) or PLACEMENTS
    for name in families:
        if name not in ANSATZE:
            raise UnknownNameError.of("circuit family", name, ANSATZE)
    for name in placements:
        if name not in PLACEMENTS:
            raise UnknownNameError.of("placement", name, PLACEMENTS)
    try:
        depths = tuple(int(text) for text in _split(options.depths)) or DEPTHS
    except ValueError:
        depths = (0,)
    if min(depths) < 1:
        raise InputError(f"{options.depths} given", field="depths", remedy="give whole numbers above 0, joined by /")
    for field, names in (("families", families), ("placements", placements), ("depths", depths)):
        if len(set(names)) < len(names):
            raise InputError(f"{'/'.join(map(str, names))} given", field=field, remedy="name each once")
    return families, placements, depths


def _pool(options: BanditOptions) -> tuple[ArmBackend, ...]:
    names = options.backend_names()
    if not names:
        return ()
    return arm_backends(names, method=options.method, width=options.width)


def _state(state_file: str, options: BanditOptions, kind: str) -> BanditState | None:
    """Return what the bandit begins with, the options put in; None where nothing is learned."""
    if kind in ("static", "uniform"):
        return None
    path = Path(state_file)
    if state_file and (path.exists() or not options.save):
        known = read_state(path)
    else:
        known = BanditState("linucb", LinUCB.alpha, 0.05, LinearModel(len(NAMES)))
    name, parameter = known.policy, known.parameter
    if kind:
        name = "thompson" if kind == "thompson" else "linucb"
        if name != known.policy:
            parameter = LinearThompson.scale if name == "thompson" else LinUCB.alpha
        if kind == "linucb" and not parameter:  # the state's is greedy
            parameter = LinUCB.alpha
        if kind == "greedy":
            parameter = 0.0
    if options.alpha is not None:
        if name == "thompson" and not options.alpha:
            refuse("alpha", options.alpha, "give a number above 0: the scale of Thompson's draws")
        parameter = options.alpha
    elif options.learn is False and not kind:  # who does not learn has nothing to explore for
        name, parameter = "linucb", 0.0
    epsilon = 0.0 if options.learn is False else known.epsilon
    return BanditState(name, parameter, epsilon if options.epsilon is None else options.epsilon, known.model)


def _policy(
    options: BanditOptions, kind: str, known: BanditState | None, pool: tuple[ArmBackend, ...]
) -> tuple[Policy, float]:
    """Return the policy, and its share of choices by lot."""
    if known is not None:
        return known.make(), known.epsilon
    if kind == "uniform":
        return UniformPolicy(), 1.0
    return StaticPolicy((_static_arm(options, pool),)), options.epsilon or 0.0


def _static_arm(options: BanditOptions, pool: tuple[ArmBackend, ...]) -> Arm:
    """Return the static arm under its backend's own name; the user may write `FakeKingston` for `fake_kingston`."""
    given, rest = options.static.partition("/")[::2]
    try:
        arm = Arm.parse(options.static)
    except UnknownNameError:
        raise
    except InputError:
        raise InputError(
            f"{options.static!r} given",
            field="static",
            remedy="write BACKEND/PLACEMENT/FAMILY/LAYERS, or product alone; 1 layer or more",
        ) from None
    if not arm.backend:
        return arm
    own = given if is_account_device(given) else arm_backends((given,))[0].name
    if own not in [backend.name for backend in pool]:
        raise InputError(f"{given} is not among {options.backends}", field="static", remedy="name it in backends too")
    return Arm.parse(f"{own}/{rest}")


def _on_pool(
    parts: tuple[tuple[str, ...], tuple[str, ...], tuple[int, ...]],
    policy: Policy,
    pool: tuple[ArmBackend, ...],
    *,
    is_only: bool,
) -> tuple[Arm, ...]:
    families, placements, depths = parts
    if isinstance(policy, StaticPolicy) and is_only:
        return policy.preferred
    every = all_arms([backend.name for backend in pool], placements=placements, families=families, depths=depths)
    if isinstance(policy, StaticPolicy):
        return (*every, *(arm for arm in policy.preferred if arm not in every))
    return every


def _split(text: str) -> tuple[str, ...]:
    return tuple(text.split("/")) if text else ()


__all__ = ["POLICIES", "BanditOptions", "make_bandit"]
