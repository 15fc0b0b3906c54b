"""The places of CVRPLIB's files on this machine."""

from __future__ import annotations

import os
import re
from difflib import get_close_matches
from pathlib import Path

from lagrl.errors import InputError, UnknownNameError

DATA_VARIABLE = "LAGRL_DATA"

_NAME = re.compile(r"(?=.{1,64}\Z)([A-Za-z]+)[A-Za-z0-9_-]*")


def set_of(name: str) -> str:
    """Return the set (family) at the start of an instance name: `X` of `X-n101-k25`, `CMT` of `CMT1`.

    Raises UnknownNameError if `name` is not a letter followed by letters, digits, `_` and `-`, and so could be no
    CVRPLIB name.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        raise UnknownNameError(
            f"{name!r:.80} is not an instance name", field="name", remedy="give one like X-n101-k25, without a folder"
        )
    return match[1]


def data_folder(explicit: str | os.PathLike[str] | None = None) -> Path:
    """Return the folder of CVRPLIB files: `explicit` (`--data`), else the environment variable LAGRL_DATA.

    Raises InputError if neither is given, or what is given is not a folder.
    """
    remedy = f"give --data DIR or set {DATA_VARIABLE}=DIR to a folder of CVRPLIB files"
    given = os.environ.get(DATA_VARIABLE, "") if explicit is None else os.fspath(explicit)
    source = DATA_VARIABLE if explicit is None else "--data"
    if not given:
        raise InputError("no folder of CVRPLIB files given", source=source, remedy=remedy)
    if not Path(given).is_dir():
        raise InputError(f"{given!r} is not a folder", source=source, remedy=remedy)
    return Path(given)


def find_instance(name: str, folder: str | os.PathLike[str]) -> Path:
    """Return `folder/NAME.vrp`, else `folder/SET/NAME.vrp`, SET being the set that the name begins with.

    Raises UnknownNameError if there is neither.
    """
    root = Path(folder)
    places = (root, root / set_of(name))
    for place in places:
        if (place / f"{name}.vrp").is_file():
            return place / f"{name}.vrp"
    known = {path.stem for path in (*root.glob("*.vrp"), *root.glob("*/*.vrp"))}
    close = get_close_matches(name, sorted(known), n=1)
    guess = f"did you mean {close[0]!r}? " if close else ""
    raise UnknownNameError(
        f"no {name}.vrp among the {len(known)} instances there",
        source=str(root),
        field="name",
        remedy=f"{guess}it may lie in the folder itself or in {set_of(name)}/; lagrl fetch {name} downloads it",
    )


def resolve_instance(spec: str, folder: str | os.PathLike[str] | None = None) -> Path:
    """Return the file that a user means by `spec`: a path, a bundled instance's name, or a CVRPLIB name.

    `spec`: path of a `.vrp` file, or an instance name without folder and extension. `folder`: where CVRPLIB names are
    looked up; the environment variable LAGRL_DATA if None.

    Raises UnknownNameError if a name is neither bundled nor in the folder. Raises InputError if `spec` is a name and
    there is no folder to look in.
    """
    from lagrl.problems.bundled import bundled_names, bundled_path

    path = Path(spec)
    if os.path.exists(spec) or path.suffix or len(path.parts) != 1:
        return path  # reading it reports its faults
    if spec in bundled_names():
        return bundled_path(spec)
    if folder is None and not os.environ.get(DATA_VARIABLE):
        raise UnknownNameError(
            f"{spec!r} is no file and no bundled instance ({', '.join(bundled_names())})",
            field="instance",
            remedy=f"give a .vrp file, or say with --data DIR or {DATA_VARIABLE} where CVRPLIB's files are",
        )
    return find_instance(spec, data_folder(folder))
