"""Picture of a knapsack's samples."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import InputError, require_type
from lagrl.plot.picture_style import colour, current_theme, finish, new_axes, styled
from lagrl.relaxation.sampler import ExactSampler
from lagrl.samplers.one_knapsack import KnapsackSamples

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from numpy.typing import NDArray

_WIDEST = 16  # customers whose bits are written below a bar
_KINDS = (("optimum", 2, "xx"), ("fits", 0, None), ("exceeds the capacity", 1, "//"))


@styled
def samples(drawn: KnapsackSamples, ax: Axes | None = None, *, most: int = 16) -> Axes:
    """Draw how often each string was drawn, the best value first, beside the exact optimum and uniform bits.

    Bars are shares of the shots. The optimum has a bar even if it was never drawn; the dotted line is 2⁻ⁿ, the share of
    each string under uniform bits. Of more strings than `most`, those drawn most often are shown.

    Parameters
    ----------
    drawn
        What `lagrl.quantum.sample` returned: strings [1, S, n], counts [1, S] and the knapsack.
    ax
        Axes to draw on; new ones if None.
    most
        Greatest number of bars, 1 or more; the optimum comes on top.

    Returns
    -------
    The axes.

    Raises
    ------
    InputError
        If `drawn` is something else, or `most` is below 1.
    MissingExtraError
        If matplotlib is not installed.

    Examples
    --------
    >>> import lagrl
    >>> drawn = lagrl.quantum.sample([-9, -7, -6, -4], weight=[4, 3, 3, 2], capacity=8)
    >>> lagrl.plot.samples(drawn).get_ylabel()
    'share of 256 shots'
    """
    require_type(drawn, KnapsackSamples, "drawn", "give what lagrl.quantum.sample(...) returns")
    if most < 1:
        raise InputError(f"{most} given", field="most", remedy="give 1 or more")
    ax = ax or new_axes()
    strings, share, kind = _bars(drawn, most)
    value, n = strings @ drawn.query.reduced_cost[0], strings.shape[1]
    place = np.arange(len(strings))
    for number, (name, index, hatch) in enumerate(_KINDS):
        own = kind == number
        if own.any():
            ax.bar(
                place[own], share[own], 0.8, color=colour(index), hatch=hatch, edgecolor=current_theme().background,
                linewidth=0.0, label=name, gid=name,
            )  # fmt: skip
    ax.axhline(
        0.5**n, color=current_theme().faint, linestyle=(0, (2, 2)), linewidth=1.4, label="uniform bits", gid="uniform"
    )
    for x in place[(kind == 0) & (share == 0.0)]:
        ax.annotate(
            "not drawn", (x, 0), xytext=(0, 4), textcoords="offset points", rotation=90, ha="center", va="bottom"
        )
    text = ["".join(map(str, row)) + "\n" if n <= _WIDEST else "" for row in strings.tolist()]
    ax.set_xticks(place, [f"{bits}{worth:.4g}" for bits, worth in zip(text, value, strict=True)], rotation=60)
    for label in ax.get_xticklabels():
        label.set(ha="right", rotation_mode="anchor", fontsize=10)
    shots, left = int(drawn.counts.sum()), 1.0 - float(share.sum())
    others = f"; {100 * left:.0f} % are other strings" if left > 0.005 else ""
    finish(
        ax,
        f"{100 * drawn.feasible_share:.0f} % of the shots fit the capacity{others}",
        f"{'chosen customers and ' if n <= _WIDEST else ''}value, the best first",
        f"share of {shots} shots",
    )
    return ax


def _bars(drawn: KnapsackSamples, most: int) -> tuple[NDArray[np.uint8], NDArray[np.float64], NDArray[np.int64]]:
    """Return strings [B, n] by value, their shares of the shots, and their kinds, indices of `_KINDS`."""
    query = drawn.query
    optimum = ExactSampler().sample(query).best(*query.knapsacks)[0][0]
    count: dict[tuple[int, ...], int] = {}
    for string, times in zip(drawn.bitstrings[0].tolist(), drawn.counts[0].tolist(), strict=True):
        count[tuple(string)] = count.get(tuple(string), 0) + times
    ranked = [string for string, times in sorted(count.items(), key=lambda entry: (-entry[1], entry[0])) if times]
    chosen = dict.fromkeys([tuple(optimum.tolist()), *ranked[:most]])
    worth = query.reduced_cost[0]
    ordered = sorted(chosen, key=lambda string: (float(np.dot(string, worth)), string))
    strings = np.array(ordered, dtype=np.uint8)
    share = np.array([count.get(string, 0) for string in ordered]) / drawn.counts.sum()
    fits = strings @ query.weight <= query.capacity[0]
    best = float(optimum @ worth)
    is_best = fits & (np.abs(strings @ worth - best) <= 1e-9 * max(1.0, abs(best)))
    return strings, share, np.where(is_best, 0, np.where(fits, 1, 2))
