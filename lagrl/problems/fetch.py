"""Download of CVRPLIB instances; a file is kept only if it is the requested instance."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from lagrl.errors import FetchError, InputError
from lagrl.io.atomic import replacing, require_writable
from lagrl.problems.cvrplib import read_instance, read_solution
from lagrl.problems.download import download
from lagrl.problems.locate import set_of
from lagrl.problems.solution import check

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from lagrl.problems.cvrp import CVRP

URL_VARIABLE = "LAGRL_FETCH_URL"
CVRPLIB_URL = "http://vrp.galgos.inf.puc-rio.br/media/com_vrp/instances/{set}/{name}.{ext}"


def fetch(
    names: Iterable[str],
    folder: str | os.PathLike[str],
    *,
    url_template: str | None = None,
    max_bytes: int = 16 * 2**20,
    timeout: float = 30.0,
    overwrite: bool = False,
    solutions: bool = True,
    progress: Callable[[Path], None] | None = None,
) -> list[Path]:
    """Download `NAME.vrp`, and `NAME.sol` where the server has one, into `folder`; return the `.vrp` files.

    An instance is kept with its solution or not at all; complete ones stay after an error.

    Parameters
    ----------
    names
        Instance names, such as `X-n101-k25`.
    folder
        An existing folder.
    url_template
        Address with the placeholders `{set}`, `{name}` and `{ext}`; the environment variable LAGRL_FETCH_URL, else
        CVRPLIB's own site, if None.
    max_bytes
        Largest file accepted.
    timeout
        Seconds a file may take.
    overwrite
        Whether to download valid existing files again. Unreadable files are always replaced.
    solutions
        Whether to download the solutions too. A few published ones do not solve their instance and are refused.
    progress
        Called with each `.vrp` file after its download.

    Raises
    ------
    UnknownNameError
        If a name cannot be a CVRPLIB name.
    InputError
        If the template or a limit is unusable.
    FetchError
        If the server cannot be reached, has no such instance, or sends something else.
    OutputError
        If the folder does not exist or cannot be written.
    """
    wanted = list(names)
    template = url_template or os.environ.get(URL_VARIABLE) or CVRPLIB_URL
    addresses = {name: _address(template, name) for name in wanted}
    for value, field in ((max_bytes, "max_bytes"), (timeout, "timeout")):
        if not value > 0:
            raise InputError(f"{value} is not above 0", field=field, remedy="give a positive number")
    files: list[Path] = []
    for name in wanted:
        target = Path(folder) / f"{name}.vrp"
        require_writable(target)
        source = _Source(addresses[name], max_bytes, timeout)
        problem = None if overwrite else _sound_instance(target, name)
        if problem is None:
            _fetch_instance(source, name, target, with_solution=solutions)
        elif solutions and not _is_sound_solution(target.with_suffix(".sol"), problem):
            _fetch_solution(source, target.with_suffix(".sol"), problem)
        files.append(target)
        if progress is not None:
            progress(target)
    return files


@dataclass(frozen=True)
class _Source:
    """The files of one instance on a server."""

    address: str
    max_bytes: int
    timeout: float

    def url(self, extension: str) -> str:
        return self.address.replace("{ext}", extension)

    def get(self, extension: str) -> bytes | None:
        return download(self.url(extension), max_bytes=self.max_bytes, timeout=self.timeout)


def _address(template: str, name: str) -> str:
    """Fill in everything except `{ext}`."""
    filled = template.replace("{set}", set_of(name)).replace("{name}", name)
    if "{name}" not in template or "{ext}" not in template or re.search(r"[{}\s]", filled.replace("{ext}", "")):
        raise InputError(
            f"{template!r:.120} is not an address template",
            source=URL_VARIABLE,
            remedy="use {name} and {ext}, and {set} if needed, such as http://host/{set}/{name}.{ext}",
        )
    return filled


def _fetch_instance(source: _Source, name: str, target: Path, *, with_solution: bool) -> None:
    body = source.get("vrp")
    if body is None:
        raise FetchError("not found (HTTP status 404)", source=source.url("vrp"), remedy="check the name and address")
    with replacing(target) as temporary:
        temporary.write_bytes(body)
        try:
            problem = read_instance(temporary)
        except InputError as error:
            raise _refused("instance", source.url("vrp"), error) from error
        if problem.name != name:
            raise FetchError(
                f"{problem.name!r} came instead of {name!r}",
                source=source.url("vrp"),
                field="NAME",
                remedy="check the address",
            )
        if with_solution:
            _fetch_solution(source, target.with_suffix(".sol"), problem)


def _fetch_solution(source: _Source, target: Path, problem: CVRP) -> None:
    body = source.get("sol")
    if body is None:
        return
    with replacing(target) as temporary:
        temporary.write_bytes(body)
        try:
            found = check(problem, read_solution(temporary))
        except InputError as error:
            raise _refused("solution", source.url("sol"), error) from error
        if found:
            raise FetchError(
                f"does not solve {problem.name}: {found[0]}",
                source=source.url("sol"),
                remedy="fetch without solutions, or from elsewhere",
            )


def _refused(kind: str, url: str, error: InputError) -> FetchError:
    return FetchError(f"the download is not a valid {kind}: {error.problem}", source=url, field=error.field)


def _sound_instance(path: Path, name: str) -> CVRP | None:
    """Read an existing file; None if it is not the instance called `name`."""
    try:
        problem = read_instance(path)
    except InputError:
        return None
    return problem if problem.name == name else None


def _is_sound_solution(path: Path, problem: CVRP) -> bool:
    try:
        return not check(problem, read_solution(path))
    except InputError:
        return False
