"""The families of samplers: one descriptor for each name, from its options to how it is made."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lagrl.errors import InputError, refuse
from lagrl.io.shipped import or_shipped
from lagrl.plugins import checked_factory, import_attribute
from lagrl.quantum.circuits.ansatz import make_ansatz
from lagrl.quantum.circuits.line_qaoa import default_ramp
from lagrl.quantum.circuits.statevector import QAOASampler
from lagrl.quantum.devices.fakes import is_fake
from lagrl.quantum.ibm.primitive import open_backend
from lagrl.quantum.ibm.runtime import DeviceBackend
from lagrl.quantum.journal.journaled import ReplaySampler
from lagrl.quantum.simulators.line_backend import noise_method
from lagrl.quantum.simulators.surrogate import SurrogateSampler
from lagrl.quantum.subproblems.candidate_sampler import AnnealingSampler, GreedySampler, ProductSampler
from lagrl.quantum.subproblems.penalties import make_penalty
from lagrl.relaxation.sampler import ExactSampler, SubproblemSampler, require_sampler
from lagrl.samplers import options as kinds
from lagrl.samplers.circuit_sampler import CircuitSampler

if TYPE_CHECKING:
    from collections.abc import Callable

    from lagrl.quantum.bandit.options import BanditOptions
    from lagrl.quantum.circuits.backend import Backend
    from lagrl.quantum.journal.journal import Journal
    from lagrl.samplers.spec import SamplerSpec


@dataclass(frozen=True)
class Family:
    """The samplers of one name, `NAME[:ARGUMENT][+option=value …]`.

    Attributes
    ----------
    form
        The name with its argument, such as `noisy:BACKEND`, or `bandit[:STATE]` if it may be left out.
    summary
        One line for `lagrl list samplers`.
    options
        Returns the dataclass of the options, which may be imported then.
    make
        Makes the sampler of a string with its options.
    packages
        Distributions that the samples depend on.
    needs_trust
        Whether it needs code, files or an account of the user's, so that a file may not choose it.
    keeps_answers
        Whether a journal can keep the samples: exact ones are computed again, replayed ones are in a journal.
    stays_open
        Whether one sampler serves all rows of an evaluation and all episodes of an environment: it has a connection,
        or learns. It may be sampled again after `close`, which ends batches and sessions and saves what was learned.
    paid, learns, fingerprint
        Return, of a string: how the journal of its paid jobs is named, if any are paid; whether its samples depend on
        earlier calls; a digest of the trained file that it reads, if any.
    keep_jobs
        Has a sampler's jobs kept in a journal, under a name, before they are sent.
    """

    form: str
    summary: str
    options: Callable[[], type]
    make: Callable[[SamplerSpec, Any], SubproblemSampler]
    packages: tuple[str, ...] = ()
    needs_trust: bool = False
    keeps_answers: bool = True
    stays_open: bool = False
    paid: Callable[[SamplerSpec], str] = lambda _: ""
    learns: Callable[[SamplerSpec], bool] = lambda _: False
    fingerprint: Callable[[SamplerSpec], str] = lambda _: ""
    keep_jobs: Callable[[Any, Journal, str], None] = lambda *_: None

    @property
    def name(self) -> str:
        """The name without argument."""
        return self.form.partition("[")[0].partition(":")[0]

    @property
    def forms(self) -> tuple[str, ...]:
        """The form, as two if the argument may be left out."""
        return (self.name, self.form.replace("[", "").removesuffix("]")) if "[" in self.form else (self.form,)


def _qaoa(_: SamplerSpec, options: kinds.QAOAOptions) -> QAOASampler:
    ramp = default_ramp(options.layers, warm=options.warm)
    return QAOASampler(options.width, options.warm, ramp, make_penalty(options.penalty, options.strength))


def _noisy(spec: SamplerSpec, options: kinds.NoisyOptions) -> SubproblemSampler:
    method = noise_method(options.method)
    if options.method == "surrogate" and options.ansatz == "qaoa":
        return SurrogateSampler.of(spec.argument, _qaoa(spec, options))
    return _circuits(method.of(spec.argument), options)


def _device(spec: SamplerSpec, options: kinds.DeviceOptions) -> CircuitSampler:
    return _circuits(_device_backend(spec.argument, options), options, options.fallback)


def _device_backend(name: str, options: kinds.DeviceOptions) -> DeviceBackend:
    backend = DeviceBackend.of(name, options.runtime())
    backend.rebuild = partial(_device_backend, name, options)
    return backend


def _backend(spec: SamplerSpec, options: kinds.BackendOptions) -> CircuitSampler:
    return _circuits(open_backend(spec.argument), options, options.fallback)


def _circuits(backend: Backend, options: kinds.CircuitOptions, fallback: str = "") -> CircuitSampler:
    if options.ansatz != "qaoa" and not options.warm:
        refuse("warm", "no", f"only qaoa has a cold start, not {options.ansatz}")
    ansatz = make_ansatz(options.ansatz, options.layers, warm=options.warm)
    penalty = make_penalty(options.penalty, options.strength)
    return CircuitSampler(backend, ansatz, options.width, penalty, fallback=fallback)


def _keep_device_jobs(sampler: CircuitSampler, journal: Journal, _: str) -> None:
    backend = sampler.backend
    assert isinstance(backend, DeviceBackend)
    backend.journal, backend.rebuild = journal, None  # another process must not send the same jobs


def _bandit_options() -> type[BanditOptions]:
    from lagrl.quantum.bandit.options import BanditOptions

    return BanditOptions


def _bandit(spec: SamplerSpec, options: BanditOptions) -> SubproblemSampler:
    from lagrl.quantum.bandit.options import make_bandit

    _state_digest(spec)  # raises an error for a file that cannot be read
    state = _state_file(spec)
    made = make_bandit(state, options)
    made.rebuild = partial(make_bandit, state, options)
    return made


def _keep_bandit_jobs(sampler: Any, journal: Journal, name: str) -> None:
    if any(isinstance(backend, DeviceBackend) for backend in sampler.backends.values()):
        sampler.keep_jobs(journal, name)
    sampler.rebuild = None


def _state_file(spec: SamplerSpec) -> str:
    """Return the full path of a bandit's state, or of the shipped one of this name; empty if none is given."""
    return str(or_shipped(Path(spec.argument), ".json").resolve()) if spec.argument else ""


def _state_digest(spec: SamplerSpec) -> str:
    """Return a digest of a bandit's state, empty without a file; InputError if it cannot be read."""
    path = Path(_state_file(spec))
    if not path.is_file():
        return ""
    try:
        return hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise InputError(
            f"cannot be read: {error.strerror}", source=str(path), remedy="check its permissions"
        ) from error


def _bandit_learns(spec: SamplerSpec) -> bool:
    return "static" not in spec.options and spec.flag("learn", True)


def _own(spec: SamplerSpec, _: object) -> SubproblemSampler:
    attribute = import_attribute("sampler", spec.text)
    made: SubproblemSampler = checked_factory("sampler", spec.text, attribute, SubproblemSampler, "sample(query)")()
    require_sampler(made, f"sampler {spec.text}")
    return made


_QISKIT = ("qiskit", "qiskit-aer", "qiskit-ibm-runtime")

_ALL = (
    Family(
        "exact",
        "optimal solution of every knapsack, by dynamic programming or branch and bound",
        lambda: kinds.NoOptions,
        lambda *_: ExactSampler(),
        keeps_answers=False,
    ),
    Family(
        "greedy",
        "greedy by efficiency: the classical baseline",
        lambda: kinds.WidthOption,
        lambda _, options: GreedySampler(options.width),
    ),
    Family(
        "product",
        "independent biased bits: the baseline of circuits without two-qubit gates",
        lambda: kinds.WidthOption,
        lambda _, options: ProductSampler(options.width),
    ),
    Family(
        "annealing",
        "simulated annealing of the QUBO",
        lambda: kinds.WidthOption,
        lambda _, options: AnnealingSampler(options.width),
        ("dimod", "dwave-samplers"),
    ),
    Family("qaoa", "QAOA circuits without noise, by statevector simulation", lambda: kinds.QAOAOptions, _qaoa),
    Family(
        "noisy:BACKEND",
        "circuits with the noise of a fake backend, such as noisy:FakeKingston",
        lambda: kinds.NoisyOptions,
        _noisy,
        _QISKIT,
    ),
    Family(
        "ibm:BACKEND",
        "quantum computer of your IBM account; ibm:FakeKingston runs the same steps offline",
        lambda: kinds.DeviceOptions,
        _device,
        _QISKIT,
        needs_trust=True,
        stays_open=True,
        paid=lambda spec: "" if is_fake(spec.argument) else spec.argument,
        keep_jobs=_keep_device_jobs,
    ),
    Family(
        "backend:MODULE:FACTORY",
        "any BackendV2 or SamplerV2 of qiskit that your function makes",
        lambda: kinds.BackendOptions,
        _backend,
        ("qiskit",),
        needs_trust=True,
    ),
    Family(
        "bandit[:STATE]",
        "bandit that chooses backend, qubits and circuit; STATE is a file of lagrl train bandit",
        _bandit_options,
        _bandit,
        _QISKIT,
        needs_trust=True,
        stays_open=True,
        paid=lambda spec: "bandit" if spec.read(_bandit_options()).is_paid else "",
        learns=_bandit_learns,
        fingerprint=_state_digest,
        keep_jobs=_keep_bandit_jobs,
    ),
    Family(
        "replay:FILE",
        "the answers that a journal recorded",
        lambda: kinds.ReplayOptions,
        lambda spec, options: ReplaySampler(spec.argument, options.sampler or None),
        needs_trust=True,
        keeps_answers=False,
    ),
)
FAMILIES = {family.name: family for family in _ALL}
"""All samplers of lagrl by name."""

OWN = Family(
    "module:attribute",
    "class or function of your own that makes a sampler",
    lambda: kinds.NoOptions,
    _own,
    needs_trust=True,
)
"""A sampler that the user's code makes: every name with an argument that is not in `FAMILIES`."""
