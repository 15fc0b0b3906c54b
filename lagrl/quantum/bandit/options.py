"""Bandits from plain options, as in `bandit:trained.json+backends=FakeTorino/FakeParis`, and their learned state."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import InputError, UnknownNameError, refuse
from lagrl.io.atomic import write_text
from lagrl.io.json_text import read_json
from lagrl.io.records import read_fields
from lagrl.printable import shown
from lagrl.quantum.bandit.arm_policies import LinearModel, LinUCB, StaticPolicy, require_epsilon
from lagrl.quantum.bandit.bandit_sampler import BanditSampler
from lagrl.quantum.bandit.features import DEPTHS, NAMES, PLACES, PRODUCT, Arm, all_arms, ansatz_of, schema
from lagrl.quantum.bandit.profile import Limits
from lagrl.quantum.circuits.ansatz import ANSATZE
from lagrl.quantum.devices.fakes import fake_backend, is_fake, known_fakes
from lagrl.quantum.devices.placement import PLACEMENTS
from lagrl.quantum.ibm.runtime import DeviceBackend
from lagrl.quantum.scheduling.machine import Machine
from lagrl.quantum.scheduling.scheduler import TIMEOUT, Dispatcher, Scheduler
from lagrl.quantum.simulators.line_backend import noise_method
from lagrl.quantum.subproblems.candidates import require_width

if TYPE_CHECKING:
    import os
    from collections.abc import Sequence

    from lagrl.quantum.bandit.arm_policies import Policy
    from lagrl.quantum.bandit.features import DecisionLog
    from lagrl.quantum.circuits.backend import Backend
    from lagrl.quantum.simulators.line_backend import LineBackend

KIND = "lagrl bandit"
_FIELDS = {"policy": str, "parameter": float, "epsilon": float, "model": dict}
EPSILON = 0.05
_STATIC = "static is the only arm, and does not learn: omit it"
SIX = ("FakeKingston", "FakeTorino", "FakeBrisbane", "FakeCusco", "FakeMumbai", "FakeParis")
"""Snapshots of different quality: two each of Heron, Eagle and Falcon processors (`lagrl devices` lists errors)."""


@dataclass(frozen=True)
class BanditOptions:
    """Options of the sampler `bandit[:STATE]`.

    Attributes
    ----------
    backends
        Names joined by `/`, such as `FakeKingston/FakeBrisbane`; names that start with `ibm_` are devices of your
        account (default: six fake backends, `SIX`).
    static
        The one arm that is always taken, `BACKEND/PLACEMENT/FAMILY/LAYERS` or `product`, without learning. If it may
        not run, the product state.
    epsilon
        Exploration probability ε, from 0 to 1 (default: that of the state, or 0.05).
    alpha
        Number of standard deviations that LinUCB adds, 0 or more (default: that of the state, or 0.1).
    gates
        Greatest number of two-qubit gates of a circuit.
    width
        Greatest number of variables per vehicle.
    families
        Circuit families to choose from, joined by `/` (default: qaoa/linear/pairwise).
    depths
        Numbers of circuit layers to choose from, joined by `/` (default: 1/2/3).
    placements
        Lines of qubits to choose from, joined by `/` (default: line0/line1/default).
    method
        Simulation of fake backends: `surrogate`, `density` or `trajectories`.
    learn
        Whether to continue learning, until it is closed. A bandit that does not learn does not explore either, unless
        alpha or epsilon say so: it takes the arm of the highest mean.
    timeout
        Seconds after which a job is given up. Default with a device of an account among the backends: an hour, or
        earlier once others have shown how long jobs take; else no limit.
    """

    backends: str = ""
    static: str = ""
    epsilon: float | None = None
    alpha: float | None = None
    gates: int = Limits.gates
    width: int = 8
    families: str = ""
    depths: str = ""
    placements: str = ""
    method: str = "surrogate"
    learn: bool = True
    timeout: float | None = None

    def backend_names(self) -> tuple[str, ...]:
        """Return the names of the backends, as the user wrote them."""
        if self.static:
            return () if self.static == "product" else (self.static.partition("/")[0],)
        return _split(self.backends) or SIX

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

    def arms(self, backends: Sequence[str]) -> tuple[Arm, ...]:
        """Return the arms on backends of these names.

        Raises `UnknownNameError` or `InputError` if a family or placement is unknown, a depth is no number above 0, or
        one is named twice.
        """
        families = _split(self.families) or ANSATZE
        placements = _split(self.placements) or PLACES
        for kind, names, known in (("circuit family", families, ANSATZE), ("placement", placements, PLACEMENTS)):
            for name in names:
                if name not in known:
                    raise UnknownNameError.of(kind, name, known)
        try:
            depths = tuple(int(text) for text in _split(self.depths)) or DEPTHS
        except ValueError:
            depths = (0,)
        if min(depths) < 1:
            refuse("depths", self.depths, "give whole numbers above 0, joined by /")
        for field, values in (("families", families), ("placements", placements), ("depths", depths)):
            if len(set(values)) < len(values):
                refuse(field, "/".join(map(str, values)), "name each once")
        return all_arms(backends, placements=placements, families=families, depths=depths)


@dataclass(frozen=True)
class BanditState:
    """A learned model, and how LinUCB uses it. Raises `InputError` if a number is out of range."""

    alpha: float  # α of LinUCB
    epsilon: float  # exploration probability ε, from 0 to 1
    model: LinearModel  # model of rewards

    def __post_init__(self) -> None:
        self.make()
        require_epsilon(self.epsilon)

    def make(self) -> LinUCB:
        """Return the policy, which continues to learn in this model."""
        return LinUCB(self.model, self.alpha)

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the state as JSON, atomically.

        Raises `InputError` if a number of the model is not finite, `OutputError` if the file cannot be written.
        """
        content = {
            "kind": KIND,
            "schema": schema(),
            "features": list(NAMES),
            "policy": "linucb",
            "parameter": self.alpha,
            "epsilon": self.epsilon,
            "model": self.model.state(),
        }
        try:
            text = json.dumps(content, allow_nan=False)
        except ValueError as error:
            raise InputError(
                "a number is not finite", source=str(path), field="model", remedy="give finite features and rewards"
            ) from error
        write_text(path, text + "\n")


def read_state(path: Path) -> BanditState:
    """Return the state that `BanditState.write` wrote.

    Raises `InputError` if the file cannot be read, is something else, or was learned on other features.
    """
    name = str(path)
    content = read_json(path, remedy="give a file that lagrl wrote")
    if not isinstance(content, dict) or content.get("kind") != KIND:
        raise InputError("is no state of a bandit", source=name, remedy="give a file that lagrl wrote")
    again = "train again with this version: lagrl traces, then python -m train.bandit"
    if content.get("schema") != schema():
        listed = content.get("features")
        theirs = {str(feature) for feature in listed} if isinstance(listed, list) else set()
        differ = sorted(theirs ^ set(NAMES))
        how = f"{len(differ)} features differ ({', '.join(differ[:5])})" if differ else "same names, other sizes"
        raise InputError(f"was learned on other features: {how}", source=name, field="schema", remedy=again)
    try:
        read_fields(content, _FIELDS, source=None, remedy=None, allow_others=True)
        if content["policy"] != "linucb":
            raise InputError(f"{shown(content['policy'])} given", field="policy", remedy="only linucb is left")
        model = LinearModel.restored(content["model"])
        state = BanditState(float(content["parameter"]), float(content["epsilon"]), model)
    except InputError as error:
        raise InputError(f"is damaged: {error}", source=name, remedy="train again") from error
    if state.model.n_features != len(NAMES):
        raise InputError(
            f"has {state.model.n_features} weights for {len(NAMES)} features", source=name, remedy="train again"
        )
    return state


def make_bandit(state_file: str, options: BanditOptions, *, log: DecisionLog | None = None) -> BanditSampler:
    """Return the bandit of some options.

    Parameters
    ----------
    state_file
        State to start from, written by `lagrl train bandit`; empty to start without knowledge.
    options
        The options.
    log
        Stores its decisions.

    Raises
    ------
    UnknownNameError
        If a backend, circuit family or placement is unknown.
    InputError
        If the state cannot be read or was learned on other features, or an option is out of range or does not go with
        another one.
    MissingExtraError
        Without the extra quantum.
    """
    _require(state_file, options)
    timeout, names = options.seconds(), options.backend_names()
    options.arms(names)  # errors before any device is loaded
    static = _static_arm(options.static) if options.static else None
    state = _state(state_file, options) if static is None else None
    pool = arm_backends(names, method=options.method, width=options.width) if names else {}
    policy: Policy
    if state is not None:
        policy, arms, epsilon = state.make(), options.arms(list(pool)), state.epsilon
    else:
        assert static is not None
        arm = replace(static, backend=next(iter(pool))) if pool else static
        policy, arms, epsilon = StaticPolicy((arm,)), (arm,), 0.0
    return BanditSampler(
        backends=pool,
        policy=policy,
        arms=arms,
        limits=Limits(options.gates),
        epsilon=epsilon,
        width=options.width,
        learns=state is not None and options.learn,
        log=log,
        dispatcher=Dispatcher(Scheduler([Machine(*own) for own in pool.items()], timeout)),
    )


def _require(state_file: str, options: BanditOptions) -> None:
    """Refuse numbers out of range, and options that contradict each other."""
    require_width(options.width)
    if options.epsilon is not None:
        require_epsilon(options.epsilon)
    if options.static:
        unused = ["backends", "families", "depths", "placements", "epsilon", "alpha", "learn"]
        unused += ["gates", "method", "timeout"] if options.static == "product" else []
        for name in unused:
            value = getattr(options, name)
            if value != getattr(BanditOptions, name):
                refuse(name, "false" if value is False else value, _STATIC)
        if state_file:
            refuse("state", state_file, "static uses no state: omit it")
    if options.method != BanditOptions.method and all(map(is_account_device, options.backend_names())):
        refuse("method", options.method, "no backend is simulated: omit it")


def _state(state_file: str, options: BanditOptions) -> BanditState:
    """Return the state to start from, changed by the options."""
    known = BanditState(LinUCB.alpha, EPSILON, LinearModel(len(NAMES)))
    if state_file:
        known = read_state(Path(state_file))
    alpha, epsilon = (known.alpha, known.epsilon) if options.learn else (0.0, 0.0)  # exploring would have no use
    return BanditState(
        alpha if options.alpha is None else options.alpha,
        epsilon if options.epsilon is None else options.epsilon,
        known.model,
    )


def _static_arm(text: str) -> Arm:
    """Return the static arm; its backend is spelled as the user wrote it, such as `FakeKingston`."""
    try:
        arm = Arm.parse(text)
        if arm != PRODUCT:
            ansatz_of(arm)  # refuses a family that is in logs only
        return arm
    except UnknownNameError:
        raise
    except InputError:
        refuse("static", repr(text), "write BACKEND/PLACEMENT/FAMILY/LAYERS, or product alone; 1 layer or more")


def _split(text: str) -> tuple[str, ...]:
    return tuple(text.split("/")) if text else ()


def is_account_device(name: str) -> bool:
    """Whether a name is that of a device of an account, such as `ibm_kingston`."""
    return name.startswith("ibm_")


def arm_backends(names: Sequence[str], *, method: str = "surrogate", width: int | None = None) -> dict[str, Backend]:
    """Return backends by the names of their devices: `FakeKingston` or `fake_kingston`, or `ibm_…` of your account.

    Fake ones are the same objects in every call, so that circuits are compiled and lines found once in a process.
    Raises `UnknownNameError` if a backend or method is unknown, `InputError` if there is no backend, one is named
    twice, or the method cannot simulate circuits of that width, `MissingExtraError` without qiskit-ibm-runtime or
    qiskit-aer.

    Parameters
    ----------
    names
        Names of the backends.
    method
        Simulation of fake backends: `surrogate`, `density` or `trajectories`.
    width
        Largest number of qubits needed; None to skip the check.
    """
    most = noise_method(method).max_width
    if not names:
        raise InputError("none given", field="backends", remedy="name one or more, joined by /")
    if width is not None and width > most and not all(map(is_account_device, names)):
        raise InputError(
            f"{width} given, {method} takes {most} qubits",
            field="width",
            remedy=f"give 1 to {most} variables per vehicle, or another method",
        )
    found: dict[str, Backend] = {}
    made: Backend
    for name in names:
        if is_account_device(name):
            account = DeviceBackend.of(name)
            device, made = account.device.name, account
        elif is_fake(name):
            device = str(fake_backend(name).name)
            made = _simulated(device, method)
        else:
            raise UnknownNameError.of("backend", name, known_fakes(), hint="; or ibm_… of your account")
        if device in found:
            raise InputError(f"{'/'.join(names)} given", field="backends", remedy="name each once")
        found[device] = made
    return found


@lru_cache(maxsize=64)
def _simulated(device: str, method: str) -> LineBackend:
    return noise_method(method).of(device)
