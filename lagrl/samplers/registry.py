"""Samplers by name: exact, classical controls, circuits on simulated and real devices, replays, user-defined ones.

A name is `NAME[:ARGUMENT][+option=value …]`, see `SUMMARIES`. Every public function parses its string once and works
with the `SamplerSpec`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

from lagrl.errors import InputError, UnknownNameError, require_type
from lagrl.io.shipped import or_shipped
from lagrl.plugins import checked_factory, import_attribute
from lagrl.printable import shown
from lagrl.quantum.circuits.qaoa_sampler import ProductSampler
from lagrl.quantum.devices.fakes import is_fake
from lagrl.quantum.journal.journal import Journal
from lagrl.quantum.journal.journaled import JournaledSampler
from lagrl.quantum.journal.replay import ReplaySampler
from lagrl.quantum.subproblems.greedy import GreedySampler
from lagrl.relaxation.sampler import ExactSampler, SubproblemSampler, require_sampler
from lagrl.samplers import families
from lagrl.samplers.spec import SamplerSpec

if TYPE_CHECKING:
    import os

    from lagrl.quantum.circuits.execution import CircuitExecutor
    from lagrl.samplers.circuit_sampler import CircuitSampler

__all__ = [
    "SAMPLERS",
    "SamplerFactory",
    "close_sampler",
    "default_journal",
    "is_built_in",
    "is_learning",
    "keeps_answers",
    "make_sampler",
    "require_known",
    "sampler_fingerprint",
    "sampler_packages",
]

SamplerFactory = Callable[[SamplerSpec], SubproblemSampler]

_QISKIT = ("qiskit", "qiskit-aer", "qiskit-ibm-runtime")
_PACKAGES = {
    "annealing": ("dimod", "dwave-samplers"),
    "backend": ("qiskit",),
    **dict.fromkeys(("noisy", "ibm", "bandit"), _QISKIT),
}

# required after the colon
_ARGUMENT = {"noisy": "BACKEND", "ibm": "BACKEND", "backend": "MODULE:FACTORY", "replay": "FILE"}
_OPTIONAL_ARGUMENT = {"bandit": "STATE"}
_OF_USER = ("ibm", "backend", "bandit", "replay")  # with an account, code or files of the user's


@dataclass(frozen=True)
class ReplayOptions:
    """Options of the sampler `replay:FILE`.

    Attributes
    ----------
    sampler
        The sampler string whose samples are replayed; needed where the journal has samples of several.
    """

    sampler: str = ""


def _device(spec: SamplerSpec, journal: str = "") -> SubproblemSampler:
    return _shared_device(spec, journal)


def _bandit(spec: SamplerSpec, journal: str = "") -> SubproblemSampler:
    return _shared_bandit(spec, *_bandit_state(spec), journal)


SAMPLERS: dict[str, SamplerFactory] = {
    "exact": lambda spec: spec.read(ExactSampler),  # without options
    "greedy": lambda spec: GreedySampler(spec.read(families.WidthOption).width),
    "product": lambda spec: ProductSampler(spec.read(families.WidthOption).width),
    "annealing": lambda spec: families.make_annealing(spec.read(families.AnnealingOptions)),
    "qaoa": lambda spec: families.make_qaoa(spec.read(families.QAOAOptions)),
    "noisy": lambda spec: families.make_noisy(spec.argument, spec.read(families.NoisyOptions)),
    "ibm": _device,
    "backend": lambda spec: families.make_backend(spec.argument, spec.read(families.BackendOptions)),
    "bandit": _bandit,
    "replay": lambda spec: ReplaySampler(spec.argument, spec.read(ReplayOptions).sampler or None),
}

SUMMARIES = {
    "exact": "optimal solution of every knapsack, by dynamic programming or branch and bound",
    "greedy": "greedy by efficiency: the classical baseline",
    "product": "independent biased bits: the baseline of circuits without two-qubit gates",
    "annealing": "simulated annealing of the QUBO",
    "qaoa": "QAOA circuits without noise, by statevector simulation",
    "noisy:BACKEND": "circuits with the noise of a fake backend, such as noisy:FakeKingston",
    "ibm:BACKEND": "quantum computer of your IBM account; ibm:FakeKingston runs the same steps offline",
    "backend:MODULE:FACTORY": "any BackendV2 or SamplerV2 of qiskit that your function makes",
    "bandit[:STATE]": "bandit that chooses backend, qubits and circuit; STATE is a file of lagrl train bandit",
    "replay:FILE": "the answers that a journal recorded",
    "module:attribute": "class or function of your own that makes a sampler",
}
"""One line on each form of a sampler's name, for `lagrl list samplers`."""


def require_known(text: str) -> SamplerSpec:
    """Return the parsed string if its name is in `SAMPLERS` or `module:attribute`; nothing is imported.

    Raises
    ------
    UnknownNameError
        If no such sampler is known.
    InputError
        If its argument is missing, or it takes none.
    """
    remedy = "give a name, such as 'qaoa+width=8'; lagrl.solve(problem, sampler=…) takes an object as well"
    require_type(text, str, "sampler", remedy)
    spec = SamplerSpec.parse(text)
    if spec.name not in SAMPLERS:
        if not spec.argument:
            known = [f"{name}:{_ARGUMENT[name]}" if name in _ARGUMENT else name for name in SAMPLERS]
            known += [f"{name}:{argument}" for name, argument in _OPTIONAL_ARGUMENT.items()]
            raise UnknownNameError.of("sampler", text, known, hint="; or module:attribute for your own")
        if spec.options:
            raise InputError("options given", field=f"sampler {text}", remedy="a sampler of your own takes none")
    elif spec.name in _ARGUMENT and not spec.argument:
        raise InputError("incomplete", field=f"sampler {text}", remedy=f"write {spec.name}:{_ARGUMENT[spec.name]}")
    elif spec.argument and spec.name not in _ARGUMENT and spec.name not in _OPTIONAL_ARGUMENT:
        raise InputError(
            f"{shown(spec.argument)} given", field=f"sampler {text}", remedy=f"{spec.name} takes nothing there"
        )
    return spec


def make_sampler(text: str, *, journal: str | os.PathLike[str] | None = None) -> SubproblemSampler:
    """Make the sampler of a sampler string.

    Parameters
    ----------
    text
        The sampler string, see the module.
    journal
        File that keeps all samples, to resume after a crash or to replay. The samples of a quantum computer are always
        kept: in `default_journal(text)` unless another file is given.

    Raises
    ------
    UnknownNameError
        If no such sampler, option, backend, … is known.
    InputError
        If an option's value is not allowed, `module:attribute` cannot be imported or does not make a sampler, there
        is no account, or the journal cannot be read or has nothing to keep.
    MissingExtraError
        If a package is missing.
    """
    spec = require_known(text)
    is_paid = _is_paid(spec)
    if spec.name == "ibm" or is_paid:
        kept = _default_journal(spec, is_paid) if journal is None else Path(journal)
        file = "" if kept is None else str(kept.resolve())
        return (_device if spec.name == "ibm" else _bandit)(spec, file)
    if spec.name in SAMPLERS:
        made = SAMPLERS[spec.name](spec)
    else:
        attribute = import_attribute("sampler", text)
        made = checked_factory("sampler", text, attribute, SubproblemSampler, "sample(query)")()
        require_sampler(made, f"sampler {text}")
    if journal is None:
        return made
    if not keeps_answers(text):
        close_sampler(made)
        raise InputError(f"{journal} given", field="journal", remedy=f"leave it out: {spec.name} has nothing to keep")
    return JournaledSampler(made, Journal(journal), text)


def keeps_answers(text: str) -> bool:
    """Whether a journal can keep the samples: exact ones are computed again, replayed ones are in a journal."""
    return SamplerSpec.parse(text).name not in ("exact", "replay")


def default_journal(text: str) -> Path | None:
    """Return the journal of a sampler with paid jobs, in the working folder; None for all others."""
    spec = SamplerSpec.parse(text)
    return _default_journal(spec, _is_paid(spec))


def sampler_packages(text: str) -> tuple[str, ...]:
    """Return the distributions that the samples depend on, for rows; `packages` of a user-defined sampler.

    Raises
    ------
    InputError
        If `module:attribute` cannot be imported.
    """
    spec = SamplerSpec.parse(text)
    if spec.name in SAMPLERS:
        return _PACKAGES.get(spec.name, ())
    return tuple(getattr(import_attribute("sampler", text), "packages", ()))


def sampler_fingerprint(text: str) -> str | None:
    """Return a digest of the content of a trained sampler's file; None if there is no file, or it is written to."""
    spec = SamplerSpec.parse(text)
    return (spec.name == "bandit" and _bandit_state(spec)[1]) or None


def is_learning(text: str) -> bool:
    """Whether the samples depend on earlier calls, including those of other solves of the process."""
    spec = SamplerSpec.parse(text)
    if spec.name != "bandit":
        return False
    is_fixed = "static" in spec.options or spec.options.get("policy") in ("static", "uniform")
    return not is_fixed and spec.flag("learn", True)


def is_built_in(text: str) -> bool:
    """Whether a sampler needs no code, file or account of the user's; see `lagrl.plugins.require_trusted`."""
    name = text.partition("+")[0].partition(":")[0]
    return name in SAMPLERS and name not in _OF_USER


def close_sampler(sampler: SubproblemSampler) -> None:
    """Close the files, batches and sessions that a sampler holds open, if any."""
    close = getattr(sampler, "close", None)
    if callable(close):
        close()


def _is_paid(spec: SamplerSpec) -> bool:
    if spec.name == "bandit":
        from lagrl.quantum.bandit.options import BanditOptions

        return spec.read(BanditOptions).is_paid
    return spec.name == "ibm" and not is_fake(spec.argument)


def _default_journal(spec: SamplerSpec, is_paid: bool) -> Path | None:
    device = "bandit" if spec.name == "bandit" else spec.argument
    return Path(f"{device}.journal.jsonl") if is_paid else None


class _SharedSampler(JournaledSampler):
    """A journaled sampler that keeps its journal open when it is closed, for the next solve or episode."""

    def close(self) -> None:
        close_sampler(self.sampler)


@lru_cache(maxsize=32)
def _shared_device(spec: SamplerSpec, journal: str) -> SubproblemSampler:
    """Make the sampler of a device; one connection serves all solves and episodes of a process."""
    options = spec.read(families.DeviceOptions)
    executor = families.make_device_executor(spec.argument, options)
    sampler = families.make_circuits(executor, options, options.fallback)
    if not journal:
        executor.rebuild = partial(_shared_executor, spec)
        return sampler
    kept = executor.journal = Journal(journal)  # last: no file is left if there is no device
    return _SharedSampler(sampler, kept, spec.text)


def _shared_executor(spec: SamplerSpec) -> CircuitExecutor:
    """Return the executor of a device's sampler; it is the same object in all of a process."""
    return cast("CircuitSampler", _shared_device(spec, "")).executor


def _bandit_state(spec: SamplerSpec) -> tuple[str, str]:
    """Return the state's full path, and a digest of its content unless the sampler writes to it.

    A file that does not exist is looked for among the shipped ones, as checkpoints are.

    Raises
    ------
    InputError
        If no name follows the colon, or the file cannot be read.
    """
    if not spec.argument:
        if spec.text.startswith(f"{spec.name}:"):
            raise InputError(
                "no state given", field=f"sampler {spec.text}", remedy="name a file after the colon, or leave both out"
            )
        return "", ""
    path, saves = Path(spec.argument), spec.flag("save", False)
    path = (path if saves else or_shipped(path, ".json")).resolve()  # what is shipped is never written to
    try:
        if saves or not path.is_file():
            return str(path), ""
        return str(path), hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise InputError(
            f"cannot be read: {error.strerror}", source=str(path), remedy="check its permissions"
        ) from error


@lru_cache(maxsize=32)
def _shared_bandit(spec: SamplerSpec, state: str, content: str, journal: str) -> SubproblemSampler:
    """Make a bandit; one serves all solves and episodes of a process, so each learns from the earlier ones.

    The cache distinguishes states by `content`: a state file that another process has rewritten makes a new bandit.
    """
    from lagrl.quantum.bandit.options import BanditOptions, make_bandit
    from lagrl.quantum.bandit.saving import keep_jobs

    made = make_bandit(state, spec.read(BanditOptions))
    if not journal:
        made.rebuild = partial(_shared_bandit, spec, state, content, journal)
        return made
    kept = Journal(journal)  # last: no file is left if there is no device
    keep_jobs(made, kept, spec.text)
    return _SharedSampler(made, kept, spec.text)
