"""Samplers by name: kernels, annealing, circuits on simulated and real devices, replays, and a user's own.

A name is `NAME[:ARGUMENT][+option=value …]`, see `SUMMARIES`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from lagrl.errors import InputError, UnknownNameError
from lagrl.plugins import checked, imported
from lagrl.quantum.circuits.qaoa_sampler import ProductSampler
from lagrl.quantum.devices.fakes import is_fake
from lagrl.quantum.journal.journal import Journal
from lagrl.quantum.journal.journaled import JournaledSampler
from lagrl.quantum.journal.replay import ReplaySampler
from lagrl.quantum.subproblems.greedy import GreedySampler
from lagrl.relaxation.sampler import ExactSampler, SubproblemSampler
from lagrl.samplers import families
from lagrl.samplers.spec import SamplerSpec

if TYPE_CHECKING:
    import os

__all__ = [
    "SAMPLERS",
    "SamplerFactory",
    "close_sampler",
    "default_journal",
    "is_learning",
    "keeps_answers",
    "make_sampler",
    "require_known",
    "sampler_fingerprint",
    "sampler_packages",
]

SamplerFactory = Callable[[SamplerSpec], SubproblemSampler]

_QISKIT = ("qiskit", "qiskit-aer", "qiskit-ibm-runtime")
_PACKAGES = {"annealing": ("dimod", "dwave-samplers"), "noisy": _QISKIT, "ibm": _QISKIT, "bandit": _QISKIT}

ARGUMENT = {"noisy": "BACKEND", "ibm": "BACKEND", "replay": "FILE"}  # what follows the colon, and must
OPTIONAL = {"bandit": "STATE"}  # what may follow it


@dataclass(frozen=True)
class NoOptions:
    """Takes none."""


@dataclass(frozen=True)
class ReplayOptions:
    """Options of `replay:FILE`.

    Attributes
    ----------
    sampler
        Whose answers, where the journal holds those of several.
    """

    sampler: str = ""


def _exact(spec: SamplerSpec) -> SubproblemSampler:
    spec.read(NoOptions)
    return ExactSampler()


def _replay(spec: SamplerSpec) -> SubproblemSampler:
    return ReplaySampler(spec.argument, spec.read(ReplayOptions).sampler or None)


def _device(spec: SamplerSpec) -> SubproblemSampler:
    return _on_device(spec.text, "")


def _bandit(spec: SamplerSpec) -> SubproblemSampler:
    return _shared_bandit(spec.text, *_bandit_state(spec), "")


SAMPLERS: dict[str, SamplerFactory] = {
    "exact": _exact,
    "greedy": lambda spec: GreedySampler(spec.read(families.WidthOption).width),
    "product": lambda spec: ProductSampler(spec.read(families.WidthOption).width),
    "annealing": lambda spec: families.annealing(spec.read(families.AnnealingOptions)),
    "qaoa": lambda spec: families.qaoa(spec.read(families.QAOAOptions)),
    "noisy": lambda spec: families.noisy(spec.argument, spec.read(families.NoisyOptions)),
    "ibm": _device,
    "bandit": _bandit,
    "replay": _replay,
}

SUMMARIES = {
    "exact": "optimal solution of every knapsack, by dynamic programming or branch and bound",
    "greedy": "greedy by efficiency: the classical baseline",
    "product": "independent biased bits: the baseline of circuits without two-qubit gates",
    "annealing": "simulated annealing of the QUBO",
    "qaoa": "QAOA circuits without noise, by statevector simulation",
    "noisy:BACKEND": "circuits with the noise of a fake backend, such as noisy:FakeKingston",
    "ibm:BACKEND": "quantum computer of your IBM account; ibm:FakeKingston runs the same steps offline",
    "bandit[:STATE]": "bandit that chooses backend, qubits and circuit; STATE is a file of lagrl train bandit",
    "replay:FILE": "the answers that a journal recorded",
    "module:attribute": "class or function of your own that makes a sampler",
}
"""One line on each form of a sampler's name, for `lagrl list samplers`."""


def require_known(text: str) -> None:
    """Refuse a name that is neither of `SAMPLERS` nor `module:attribute`, without importing anything.

    Raises
    ------
    UnknownNameError
        If no such sampler is known.
    InputError
        If its argument is missing, or it takes none.
    """
    spec = SamplerSpec.parse(text)
    if spec.name not in SAMPLERS:
        if not spec.argument:
            known = [f"{name}:{ARGUMENT[name]}" if name in ARGUMENT else name for name in SAMPLERS]
            known += [f"{name}:{argument}" for name, argument in OPTIONAL.items()]
            raise UnknownNameError.of("sampler", text, known, hint="; or module:attribute for your own")
        if spec.options:
            raise InputError("options given", field=f"sampler {text}", remedy="a sampler of your own takes none")
    elif spec.name in ARGUMENT and not spec.argument:
        raise InputError("incomplete", field=f"sampler {text}", remedy=f"write {spec.name}:{ARGUMENT[spec.name]}")
    elif spec.argument and spec.name not in ARGUMENT and spec.name not in OPTIONAL:
        raise InputError(f"{spec.argument!r} given", field=f"sampler {text}", remedy=f"{spec.name} takes nothing there")


def make_sampler(text: str, *, journal: str | os.PathLike[str] | None = None) -> SubproblemSampler:
    """Make the sampler called `text`.

    Parameters
    ----------
    text
        A name as above.
    journal
        File that keeps every answer, to go on from after a crash or to replay. What a quantum computer answers is
        always kept: in `default_journal(text)` unless another file is given.

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
    require_known(text)
    spec = SamplerSpec.parse(text)
    if spec.name == "ibm":
        kept = default_journal(text) if journal is None else Path(journal)
        return _on_device(text, "" if kept is None else str(kept.resolve()))
    if _is_paid(spec):
        kept = default_journal(text) if journal is None else Path(journal)
        return _shared_bandit(text, *_bandit_state(spec), "" if kept is None else str(kept.resolve()))
    if spec.name in SAMPLERS:
        made = SAMPLERS[spec.name](spec)
    else:
        factory = checked("sampler", text, imported("sampler", text), SubproblemSampler, "sample(...)")
        made = factory()
    if journal is None:
        return made
    if not keeps_answers(text):
        close_sampler(made)
        raise InputError(f"{journal} given", field="journal", remedy=f"leave it out: {spec.name} has nothing to keep")
    return JournaledSampler(made, Journal(journal), text)


def keeps_answers(text: str) -> bool:
    """Whether a journal can keep what a sampler answers: exact answers are made anew, replayed ones have a journal."""
    return SamplerSpec.parse(text).name not in ("exact", "replay")


def default_journal(text: str) -> Path | None:
    """Return the journal of a sampler that is paid for, in the working folder; None of all others."""
    spec = SamplerSpec.parse(text)
    if not _is_paid(spec):
        return None
    return Path("bandit.journal.jsonl" if spec.name == "bandit" else f"{spec.argument}.journal.jsonl")


def sampler_packages(text: str) -> tuple[str, ...]:
    """Return the distributions that a sampler's answers depend on, for rows; `packages` of a sampler of your own.

    Raises
    ------
    InputError
        If `module:attribute` cannot be imported.
    """
    spec = SamplerSpec.parse(text)
    if spec.name in SAMPLERS:
        return _PACKAGES.get(spec.name, ())
    return tuple(getattr(imported("sampler", text), "packages", ()))


def sampler_fingerprint(text: str) -> str | None:
    """Return a digest of the file that a trained sampler begins with; None where there is none, or it is written to.

    A name says which file, not what is in it.
    """
    spec = SamplerSpec.parse(text)
    return (spec.name == "bandit" and _bandit_state(spec)[1]) or None


def is_learning(text: str) -> bool:
    """Whether what a sampler answers depends on what it was asked before, by other solves of the process too."""
    spec = SamplerSpec.parse(text)
    if spec.name != "bandit":
        return False
    is_fixed = "static" in spec.options or spec.options.get("policy") in ("static", "uniform")
    return not is_fixed and spec.flag("learn", True)


def close_sampler(sampler: SubproblemSampler) -> None:
    """Close what a sampler holds open: files, batches, sessions. Most hold nothing."""
    close = getattr(sampler, "close", None)
    if callable(close):
        close()


def _is_paid(spec: SamplerSpec) -> bool:
    if spec.name == "bandit":
        from lagrl.quantum.bandit.options import BanditOptions

        return spec.read(BanditOptions).is_paid
    return spec.name == "ibm" and not is_fake(spec.argument)


class _OnDevice(JournaledSampler):
    """Leaves its journal open when it is closed: it is asked again, by the next solve or episode."""

    def close(self) -> None:
        close_sampler(self.sampler)


@lru_cache(maxsize=32)
def _on_device(text: str, journal: str) -> SubproblemSampler:
    """One connection for all solves and episodes of a process."""
    spec = SamplerSpec.parse(text)
    options = spec.read(families.DeviceOptions)
    executor = families.device_executor(spec.argument, options)
    sampler = families.on_device(executor, options)
    if not journal:
        return sampler
    kept = executor.journal = Journal(journal)  # last: no file is left where there is no device
    return _OnDevice(sampler, kept, text)


def _bandit_state(spec: SamplerSpec) -> tuple[str, str]:
    """Return the state's full name, and a digest of its content where nothing is written back to it.

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
    path = Path(spec.argument).resolve()
    try:
        if spec.flag("save", False) or not path.is_file():
            return str(path), ""
        return str(path), hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as error:
        raise InputError(
            f"cannot be read: {error.strerror}", source=str(path), remedy="check its permissions"
        ) from error


@lru_cache(maxsize=32)
def _shared_bandit(text: str, state: str, content: str, journal: str) -> SubproblemSampler:
    """One bandit for all solves and episodes of a process: what one brings, the next ones know.

    A state that was written anew by somebody else (`content`) is another one.
    """
    from lagrl.quantum.bandit.options import BanditOptions, make_bandit
    from lagrl.quantum.bandit.saving import keep_jobs

    del content
    spec = SamplerSpec.parse(text)
    options = spec.read(BanditOptions)
    made = make_bandit(state, options)
    if not journal:
        return made
    kept = Journal(journal)  # last: no file is left where there is no device
    keep_jobs(made, kept, text)
    return _OnDevice(made, kept, text)
