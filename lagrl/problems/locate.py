"""The places of CVRPLIB's files on this machine."""

from __future__ import annotations

import os
import re
from pathlib import Path

from lagrl.errors import InputError, UnknownNameError, nearest

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
    from lagrl.problems.bundled import bundled_names

    known = {path.stem for path in (*root.glob("*.vrp"), *root.glob("*/*.vrp"))}
    raise UnknownNameError(
        f"no {name}.vrp among the {len(known)} instances there",
        source=str(root),
        field="name",
        remedy=f"{nearest(name, {*known, *bundled_names()})}it may lie in the folder itself or in {set_of(name)}/; "
        f"lagrl fetch {name} --to {root} downloads it from CVRPLIB",
    )


def resolve_instances(spec: str, folder: str | os.PathLike[str] | None = None) -> tuple[Path, ...]:
    """Return the files that a user means by `spec`: all `.vrp` files of a folder, by name, else `resolve_instance`.

    Raises InputError if the folder has no such file, and what `resolve_instance` raises.
    """
    if not os.path.isdir(spec):
        return (resolve_instance(spec, folder),)
    found = tuple(sorted(Path(spec).glob("*.vrp")))
    if not found:
        raise InputError("no .vrp file in this folder", source=spec, remedy="give files, or a folder that has some")
    return found


def resolve_instance(spec: str, folder: str | os.PathLike[str] | None = None) -> Path:
    """Return the file that a user means by `spec`: a path, a bundled instance's name, or a CVRPLIB name.

    `spec`: path of a `.vrp` file, or an instance name without folder and extension. `folder`: where CVRPLIB names are
    looked up; the environment variable LAGRL_DATA if None.

    Raises UnknownNameError if a name is neither bundled nor in the folder. Raises InputError if `spec` is a solution
    (`.sol`), or a name and there is no folder to look in.
    """
    from lagrl.problems.bundled import bundled_names, bundled_path

    path = Path(spec)
    if path.suffix.lower() == ".sol":
        beside = path.with_suffix(".vrp")
        raise InputError(
            "is a solution, not an instance",
            source=spec,
            remedy=f"give {beside}" if beside.is_file() else "give the .vrp file that it solves",
        )
    if os.path.exists(spec) or path.suffix or len(path.parts) != 1:
        return path  # reading it reports its faults
    if spec in bundled_names():
        return bundled_path(spec)
    if folder is None and not os.environ.get(DATA_VARIABLE):
        remedy = f"give a .vrp file, or the folder of CVRPLIB's files by --data DIR or {DATA_VARIABLE}"
        if _NAME.fullmatch(spec):
            remedy += f"; lagrl fetch {spec} --to DIR downloads it from CVRPLIB"
        raise UnknownNameError(
            f"{spec!r} is no file and no bundled instance ({', '.join(bundled_names())})",
            field="instance",
            remedy=nearest(spec, bundled_names()) + remedy,
        )
    return find_instance(spec, data_folder(folder))
