"""Samplers by name: what a sampler string means, and opening it.

Every public function takes the string or the `SamplerSpec` that it was parsed to.
"""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from lagrl.errors import InputError, UnknownNameError, require_type
from lagrl.plugins import import_attribute
from lagrl.printable import shown
from lagrl.quantum.journal.journal import Journal
from lagrl.quantum.journal.journaled import JournaledSampler
from lagrl.quantum.journal.lines import require_imported
from lagrl.samplers.families import FAMILIES, OWN, Family
from lagrl.samplers.spec import SamplerSpec

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from lagrl.relaxation.sampler import SubproblemSampler


def require_known(sampler: str | SamplerSpec) -> SamplerSpec:
    """Return the parsed string if its name is in `FAMILIES` or `module:attribute`; nothing is imported.

    Raises `UnknownNameError` if no such sampler is known, `InputError` if its argument is missing, or it takes none.
    """
    remedy = "give a name, such as 'qaoa+width=8'; lagrl.solve(problem, sampler=…) takes an object as well"
    require_type(sampler, (str, SamplerSpec), "sampler", remedy)
    spec = SamplerSpec.parse(sampler)
    family, field = family_of(spec), f"sampler {spec.text}"
    if family is OWN:
        if not spec.argument:
            known = [form for one in FAMILIES.values() for form in one.forms]
            raise UnknownNameError.of("sampler", spec.text, known, hint="; or module:attribute for your own")
        if spec.options:
            raise InputError("options given", field=field, remedy="a sampler of your own takes none")
    elif spec.text.startswith(f"{spec.name}:") and family.form == family.name:
        raise InputError(f"{shown(spec.argument)} given", field=field, remedy=f"{spec.name} takes nothing there")
    elif not spec.argument and spec.name not in family.forms:
        raise InputError("incomplete", field=field, remedy=f"write {family.form}")
    elif not spec.argument and family.form != family.name and spec.text.startswith(f"{spec.name}:"):
        raise InputError("no state given", field=field, remedy="name a file after the colon, or leave both out")
    return spec


def family_of(sampler: str | SamplerSpec) -> Family:
    """Return the descriptor of a sampler's family."""
    return FAMILIES.get(SamplerSpec.parse(sampler).name, OWN)


def make_sampler(sampler: str | SamplerSpec, *, journal: str | os.PathLike[str] | None = None) -> SubproblemSampler:
    """Make the sampler of a sampler string; the caller closes it, see `open_sampler`.

    Parameters
    ----------
    sampler
        The sampler string, see `FAMILIES`.
    journal
        File that keeps all samples, to resume after a crash or to replay. The samples of a quantum computer are always
        kept: in `default_journal(sampler)` unless another file is given.

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
    spec = require_known(sampler)
    family = family_of(spec)
    file = default_journal(spec) if journal is None else Path(journal)
    if journal is None and file is not None:
        require_imported(file)
    made = family.make(spec, spec.read(family.options()))
    if file is None:
        return made
    if not family.keeps_answers:
        close_sampler(made)
        raise InputError(f"{journal} given", field="journal", remedy=f"leave it out: {spec.name} has nothing to keep")
    try:
        kept = Journal(file)  # last: no file is left if there is no device
    except BaseException:
        close_sampler(made)
        raise
    family.keep_jobs(made, kept, spec.text)
    return JournaledSampler(made, kept, spec.text)


@contextlib.contextmanager
def open_sampler(
    sampler: str | SamplerSpec, *, journal: str | os.PathLike[str] | None = None
) -> Iterator[SubproblemSampler]:
    """Open the sampler of a sampler string for a `with` statement, which closes it; see `make_sampler`.

    Several solves share a connection or a learning bandit if they are given the same open sampler.

    Examples
    --------
    >>> import lagrl
    >>> with lagrl.samplers.open("qaoa+layers=2+width=6") as sampler:
    ...     lagrl.solve(lagrl.read("G-n16-k3"), sampler=sampler, evaluations=5).sampling.backend
    'statevector'
    """
    made = make_sampler(sampler, journal=journal)
    try:
        yield made
    finally:
        close_sampler(made)


def close_sampler(sampler: SubproblemSampler) -> None:
    """Close the files, batches and sessions that a sampler holds open, if any."""
    close = getattr(sampler, "close", None)
    if callable(close):
        close()


def default_journal(sampler: str | SamplerSpec) -> Path | None:
    """Return the journal of a sampler with paid jobs, in the working folder; None for all others."""
    paid = family_of(sampler).paid(SamplerSpec.parse(sampler))
    return Path(f"{paid}.journal.sqlite") if paid else None


def sampler_packages(sampler: str | SamplerSpec) -> tuple[str, ...]:
    """Return the distributions that the samples depend on, for rows; `packages` of a user-defined sampler.

    Raises InputError if `module:attribute` cannot be imported.
    """
    spec, family = SamplerSpec.parse(sampler), family_of(sampler)
    if family is not OWN:
        return family.packages
    return tuple(getattr(import_attribute("sampler", spec.text), "packages", ()))


def sampler_fingerprint(sampler: str | SamplerSpec) -> str | None:
    """Return a digest of the content of a trained sampler's file; None if there is no file, or it is written to."""
    return family_of(sampler).fingerprint(SamplerSpec.parse(sampler)) or None


def is_learning(sampler: str | SamplerSpec) -> bool:
    """Whether the samples depend on earlier calls of the same sampler."""
    return family_of(sampler).learns(SamplerSpec.parse(sampler))


def is_built_in(name: str) -> bool:
    """Whether a sampler needs no code, file or account of the user's; see `lagrl.plugins.require_trusted`."""
    return not FAMILIES.get(name.partition("+")[0].partition(":")[0], OWN).needs_trust
