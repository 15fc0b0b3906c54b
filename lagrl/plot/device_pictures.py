"""Pictures of devices: which ones a bandit or a scheduler used over time, and how good each is."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from lagrl.errors import InputError
from lagrl.plot.picture_style import (
    colour,
    current_theme,
    finish,
    mark,
    new_axes,
    new_figure,
    outside_legend,
    require_given,
    styled,
)
from lagrl.printable import one_line
from lagrl.quantum.bandit.traces import Trace

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from lagrl.quantum.ibm.device_table import DeviceRow

NO_DEVICE = "product"
"""Name of the share without a device: the product state, drawn classically."""
_BINS = 25
_FEWEST = 8  # decisions in a group, if there are as many
_HATCHES = (None, "//", "..", "\\\\", "xx", "--", "oo")
_OTHERS = "others"


@styled
def device_mix(decisions: Sequence[Trace] | Sequence[str], ax: Axes | None = None) -> Axes:
    """Draw the share of each device over decisions in their order, in at most 25 groups of 8 or more.

    Parameters
    ----------
    decisions
        What `lagrl.quantum.bandit.traces.read_traces` returns, or the device names of jobs in their order; an empty
        name stands for no device.
    ax
        Axes to draw on; new ones if None.

    Returns
    -------
    The axes. The six devices used most have colours and patterns of their own, the rest is *others*.

    Raises
    ------
    InputError
        If there is no decision, or it is neither a trace nor a name.
    MissingExtraError
        If matplotlib is not installed.

    Examples
    --------
    >>> import lagrl
    >>> ax = lagrl.plot.device_mix(["fake_kingston", "fake_torino", "fake_kingston", ""])
    >>> [text.get_text() for text in ax.get_legend().get_texts()]
    ['fake_kingston', 'fake_torino', 'product']
    """
    from matplotlib.ticker import MaxNLocator

    names = [_device_of(decision) for decision in decisions]
    require_given(names, "decisions", "decision")
    ax = ax or new_axes()
    unique, counts = np.unique(names, return_counts=True)
    ranked = [str(name) for _, name in sorted(zip(-counts, unique, strict=True))]
    series = ranked if len(ranked) <= len(_HATCHES) else [*ranked[: len(_HATCHES) - 1], _OTHERS]
    index = np.array([series.index(name) if name in series else len(series) - 1 for name in names])
    groups = np.array_split(index, max(1, min(_BINS, len(index) // _FEWEST)))
    edges = np.cumsum([0, *map(len, groups)])
    share = np.array([[np.mean(group == number) for group in groups] for number in range(len(series))])
    below = np.zeros(len(groups))
    for number, name in enumerate(series):
        ax.bar(
            edges[:-1], share[number], np.diff(edges), bottom=below, align="edge", color=colour(number),
            hatch=_HATCHES[number], edgecolor=current_theme().background, linewidth=0.4, label=one_line(name, 40),
            gid=f"share of {name}",
        )  # fmt: skip
        below += share[number]
    ax.set_xlim(0, len(names))
    ax.set_ylim(0.0, 1.0)
    ax.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
    finish(ax, f"Devices of {len(names)} decisions", "decision", "share of decisions", has_legend=False)
    outside_legend(ax)
    return ax


@styled
def device_errors(rows: Sequence[DeviceRow]) -> Figure:
    """Draw each device's median errors, and the expected fidelity of one layer of QAOA by the number of qubits.

    Parameters
    ----------
    rows
        What `lagrl.quantum.ibm.device_table.list_devices` returns.

    Returns
    -------
    A figure of two panels, one line for each device, the best at the top. Unknown values have no mark.

    Raises
    ------
    InputError
        If there is no device.
    MissingExtraError
        If matplotlib is not installed.

    Examples
    --------
    >>> import lagrl
    >>> from lagrl.quantum.ibm.device_table import DeviceRow
    >>> row = DeviceRow("fake_a", 5, "cx", 0.01, 0.02, 1e-4, 1e-4, fidelity={4: 0.9})
    >>> len(lagrl.plot.device_errors([row]).axes)
    2
    """
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    require_given(rows, "rows", "device")
    widths = list(dict.fromkeys(width for row in rows for width in row.fidelity))

    def merit(row: DeviceRow) -> tuple[float, ...]:
        return (*(row.fidelity.get(width) or 0.0 for width in reversed(widths)), -(row.two_qubit_error or 1.0))

    ordered = sorted(rows, key=merit)
    place = np.arange(len(ordered))
    figure = new_figure(11.0, 1.6 + 0.27 * max(4, len(ordered)))
    left, right = figure.subplots(1, 2, sharey=True)
    measures = {
        "two-qubit gate": [row.two_qubit_error for row in ordered],
        "readout": [row.readout_error for row in ordered],
    }
    for number, (name, values) in enumerate(measures.items()):
        _dots(left, values, number, name)
    for number, width in enumerate(widths):
        _dots(right, [row.fidelity.get(width) for row in ordered], number + 2, f"{width} qubits")
    left.set_xscale("log")
    left.xaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))
    left.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    left.xaxis.set_minor_formatter(NullFormatter())
    left.set_yticks(place, [one_line(row.name, 30) for row in ordered])
    left.set_ylim(-0.7, len(ordered) - 0.3)
    for axes, title, label in (
        (left, "Median errors", "error probability"),
        (right, "Best line of qubits", "expected fidelity of one layer"),
    ):
        finish(axes, title, label, "", has_legend=False)
    named = [axes.get_legend_handles_labels() for axes in (left, right)]
    figure.legend(
        [handle for handles, _ in named for handle in handles], [label for _, labels in named for label in labels],
        loc="outside lower center", ncols=6,
    )  # fmt: skip
    return figure


def _dots(axes: Axes, values: Sequence[float | None], number: int, name: str) -> None:
    known = [(value, place) for place, value in enumerate(values) if value is not None]
    if known:
        axes.plot(
            *zip(*known, strict=True), linestyle="", marker=mark(number), color=colour(number), label=name, gid=name
        )


def _device_of(decision: object) -> str:
    if isinstance(decision, Trace):
        return decision.decision.answered.backend or NO_DEVICE
    if isinstance(decision, str):
        return decision or NO_DEVICE
    remedy = "give what read_traces returns, or names of devices"
    raise InputError(f"{decision!r:.80} given", field="decisions", remedy=remedy)
