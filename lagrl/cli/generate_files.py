"""Generated instances as CVRPLIB files."""

from __future__ import annotations

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from lagrl.errors import InputError, OutputError
from lagrl.io.atomic import require_writable
from lagrl.problems.cvrplib import write_instance
from lagrl.problems.generate import XTypeParams, generate, sample_params

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator, Mapping


def generate_files(
    folder: str | os.PathLike[str],
    n_customers: int,
    count: int,
    seed: int,
    *,
    overwrite: bool = False,
    given: Mapping[str, Any] | None = None,
) -> Iterator[Path]:
    """Write `count` X-type instances of `n_customers` into an existing folder, giving each path once it is there.

    Parameters
    ----------
    folder
        Where the files go.
    n_customers, count, seed
        Size, number, and what makes them reproducible: instance j of a seed does not depend on `count`.
    overwrite
        Whether files of the same name are replaced.
    given
        Fields of `XTypeParams` to fix; the others are drawn anew for each instance.

    Raises
    ------
    InputError
        If a characteristic is unknown or out of range.
    OutputError
        If a file is there already, or cannot be written.
    """
    if count < 1 or seed < 0:
        field, value, least = ("count", count, 1) if count < 1 else ("seed", seed, 0)
        raise InputError(f"{value} given", field=field, remedy=f"give {least} or more")
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        drawn = asdict(sample_params(rng, (n_customers, n_customers)))
        params = XTypeParams(**{**drawn, **(given or {})})
        problem = generate(params, rng)
        name = f"{problem.name}-s{seed}" + (f"-{number}" if count > 1 else "")
        path = Path(folder) / f"{name}.vrp"
        require_writable(path)
        if path.exists() and not overwrite:
            raise OutputError(f"{path}: is there already; give --overwrite or another folder")
        write_instance(path, replace(problem, name=name))
        yield path
