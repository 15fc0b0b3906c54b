"""CVRPLIB's benchmark sets, recognised by the instance's name in any spelling."""

from __future__ import annotations

import re
from typing import Literal

_UNROUNDED_SET = re.compile(r"(?:cmt|golden|li|tai)[0-9]", re.ASCII)


def plain_name(name: str) -> str:
    """Return a name that all spellings of an instance share: `tai75a` of `Tai75a`, `TAI-75A` and `tai_075a.vrp`.

    Lower case, without blanks, `_`, `-`, zeros before a number and the extension.
    """
    joined = re.sub(r"[ _-]", "", name.lower().removesuffix(".vrp"))
    return re.sub(r"(?<![0-9])0+(?=[0-9])", "", joined)


def usual_rounding(name: str) -> Literal["nint", "none"]:
    """Return how CVRPLIB takes the distances of the instance called `name`, whatever the spelling.

    The sets of Christofides, Mingozzi and Toth (CMT), Golden et al., Li et al. and Rochat and Taillard (tai) are
    unrounded; all others round each arc to floor(d + 0.5).
    """
    return "none" if _UNROUNDED_SET.match(plain_name(name)) else "nint"
