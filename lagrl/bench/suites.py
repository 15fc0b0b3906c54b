"""Named sets of instances, and the benchmark family in an instance's name."""

from __future__ import annotations

import re

from lagrl.errors import UnknownNameError

PAPER30 = (
    *("A-n32-k5", "A-n45-k7", "A-n53-k7", "A-n60-k9", "A-n80-k10"),
    *("B-n31-k5", "B-n45-k6", "B-n57-k9", "B-n78-k10"),
    *("E-n51-k5", "E-n76-k10", "E-n101-k8"),
    *("F-n72-k4", "F-n135-k7"),
    *("M-n101-k10", "M-n121-k7", "M-n151-k12", "M-n200-k17"),
    *("P-n16-k8", "P-n40-k5", "P-n76-k5", "P-n101-k4"),
    *("X-n101-k25", "X-n139-k10", "X-n153-k22", "X-n200-k36"),
    *("X-n251-k28", "X-n303-k21", "X-n351-k40", "X-n401-k29"),
)

SUITES = ("bundled", "paper30")

_FAMILY = re.compile(r"(?:(A|B|E|F|G|M|P|X|XL)-n\d+(?:-k\d+)?(?:-s?\d+)*|(CMT)\d+)")


def suite(name: str) -> tuple[str, ...]:
    """Return the names of the instances of a suite.

    Parameters
    ----------
    name
        `paper30`: 30 CVRPLIB instances of 15 to 400 customers. `bundled`: the generated ones that ship with lagrl.

    Raises
    ------
    UnknownNameError
        If there is no such suite.
    """
    if name == "paper30":
        return PAPER30
    if name == "bundled":
        from lagrl.problems.bundled import bundled_names

        return tuple(bundled_names())
    raise UnknownNameError.of("suite", name, SUITES)


def family(name: str) -> str:
    """Return the benchmark family of the instance called `name` (`A` of `A-n32-k5`, `CMT` of `CMT1`), or `other`."""
    match = _FAMILY.fullmatch(name)
    return (match[1] or match[2]) if match else "other"
