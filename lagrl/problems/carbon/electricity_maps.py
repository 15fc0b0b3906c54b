"""Reader of Electricity Maps' hourly CSV files of carbon intensity, both generations.

The files are under the Open Database License; lagrl ships none. Marginal intensities, as WattTime's, are refused: the
emissions of a placement are counted by average intensities, and the two must not be mixed.
"""

from __future__ import annotations

import csv
import math
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from lagrl.errors import InstanceError

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

Kind = Literal["direct", "life cycle"]

_HOUR = timedelta(hours=1)
_REMEDY = "download the hourly CSV file of a zone from Electricity Maps again"
_MARKS = {"direct": ("(direct)",), "life cycle": ("(life cycle)", "(lca)")}


def read_intensity(path: str | os.PathLike[str], kind: Kind) -> dict[str, dict[datetime, float]]:
    """Read hourly carbon intensities, gCO2e/kWh, by zone and hour (UTC).

    Parameters
    ----------
    path
        A CSV file with the columns `Datetime (UTC)`, `Zone id` and `Carbon intensity gCO₂eq/kWh (…)`; upper and lower
        case do not matter.
    kind
        Which emissions: `direct`, or `life cycle` (`LCA` in older files).

    Raises
    ------
    InstanceError
        If it is another file, a value is missing, negative or not finite, an hour is missing or given twice, or a time
        is not in UTC.
    """
    source = str(path)
    rows = _rows(path, source)
    header = [name.strip().casefold().lstrip("\ufeff") for name in next(rows, [])]
    if "point_time" in header:
        raise InstanceError(
            "holds marginal intensities in lbs/MWh (WattTime)",
            source=source,
            remedy="give average intensities; a placement's emissions must not mix the two",
        )
    when, zone, value = (_column(header, source, *wanted) for wanted in _wanted(kind))
    found: dict[str, dict[datetime, float]] = {}
    for line, row in enumerate(rows, start=2):
        if not any(entry.strip() for entry in row):
            continue
        if len(row) < len(header):
            raise _error(source, line, f"{len(row)} of {len(header)} columns")
        name, hour = row[zone].strip(), _hour(row[when], source, line)
        series = found.setdefault(name, {})
        if hour in series:
            raise _error(source, line, f"zone {name}: {hour:%Y-%m-%d %H:%M} given twice")
        series[hour] = _intensity(row[value], source, line, header[value])
    if not found:
        raise InstanceError("has no hours", source=source, remedy=_REMEDY)
    for name, series in found.items():
        _require_all_hours(source, name, series)
    return found


def day_of(
    series: dict[str, dict[datetime, float]], zone: str, day: datetime, *, source: str, hours: int = 24
) -> list[float]:
    """Return the intensities of a zone in the hours from `day` on, gCO2e/kWh.

    Raises
    ------
    InstanceError
        If the zone or an hour is not in the file.
    """
    if zone not in series:
        raise InstanceError(
            f"no zone {zone!r}", source=source, field="zone", remedy=f"known: {', '.join(sorted(series))}"
        )
    wanted = [day + h * _HOUR for h in range(hours)]
    missing = [hour for hour in wanted if hour not in series[zone]]
    if missing:
        first, last = min(series[zone]), max(series[zone])
        raise InstanceError(
            f"zone {zone} has no {missing[0]:%Y-%m-%d %H:%M}",
            source=source,
            field="day",
            remedy=f"the file covers {first:%Y-%m-%d %H:%M} to {last:%Y-%m-%d %H:%M} UTC",
        )
    return [series[zone][hour] for hour in wanted]


def _rows(path: str | os.PathLike[str], source: str) -> Iterator[list[str]]:
    try:
        text = Path(path).read_text(encoding="utf-8-sig")
    except OSError as error:
        raise InstanceError(f"cannot be read ({error.strerror})", source=source, remedy=_REMEDY) from error
    except UnicodeDecodeError as error:
        raise InstanceError(f"is not UTF-8 ({error})", source=source, remedy=_REMEDY) from error
    return csv.reader(text.splitlines())


def _wanted(kind: Kind) -> tuple[tuple[str, ...], ...]:
    """Return what each needed column starts with, and the texts of which it ends with one."""
    return ("datetime (utc)",), ("zone id",), ("carbon intensity", *_MARKS[kind])


def _column(header: list[str], source: str, start: str, *marks: str) -> int:
    fitting = [i for i, name in enumerate(header) if name.startswith(start) and (not marks or name.endswith(marks))]
    if not fitting:
        wanted = start + (f" … {marks[0]}" if marks else "")
        known = ", ".join(header) or "nothing"
        raise InstanceError(f"no column {wanted!r}", source=source, remedy=f"{_REMEDY}; the file has {known}")
    return fitting[0]


def _hour(text: str, source: str, line: int) -> datetime:
    try:
        moment = datetime.fromisoformat(text.strip().replace(" UTC", ""))
    except ValueError:
        raise _error(source, line, f"{text!r} is not a time") from None
    if moment.utcoffset():
        raise _error(source, line, f"{text!r} is not in UTC")
    moment = moment.replace(tzinfo=UTC)
    if moment.minute or moment.second or moment.microsecond:
        raise _error(source, line, f"{text!r} is not a full hour")
    return moment


def _intensity(text: str, source: str, line: int, column: str) -> float:
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0.0 <= value < math.inf:
        raise _error(source, line, f"{column}: {text.strip()!r} is not a number of 0 or more")
    return value


def _require_all_hours(source: str, zone: str, series: dict[datetime, float]) -> None:
    first, last = min(series), max(series)
    missing = (last - first) // _HOUR + 1 - len(series)
    if missing:
        hour = first
        while hour in series:
            hour += _HOUR
        raise InstanceError(
            f"zone {zone} lacks {missing} hours, the first {hour:%Y-%m-%d %H:%M} UTC", source=source, remedy=_REMEDY
        )


def _error(source: str, line: int, problem: str) -> InstanceError:
    return InstanceError(problem, source=f"{source}, line {line}", remedy=_REMEDY)
