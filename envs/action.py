"""Actions: how they move the multipliers, and which action corresponds to a given move."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from gymnasium import spaces

from lagrl.errors import InputError, UnknownNameError
from lagrl.io.records import from_record, to_record

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from lagrl.relaxation.dual import DualPoint

MOMENTUM: Literal["diagonal+momentum"] = "diagonal+momentum"
MODES = ("diagonal", "direction", MOMENTUM)
TOLERANCE = 1e-6  # rounding of float32 beyond ±1


@dataclass(frozen=True)
class ActionConfig:
    """How an action in [−1, 1] moves the multipliers.

    Attributes
    ----------
    mode
        Meaning of an action a. `diagonal`: λ ← λ + s·D∘g with the positive diagonal D = D₀·10^(c·a). `direction`:
        λ ← λ + s·r·a, which can also move where g = 0. `diagonal+momentum`, of the route relaxations only, has both
        and a return to the best point, see `envs.route.action`.
    base_step
        D₀ of mode `diagonal`, in units of the dual's cost scale s. The steps of `hwc` from the linear relaxation's
        prices have a median of about 0.3; nearly all lie within two decades of it.
    decades
        c of mode `diagonal`: D lies in [D₀/10^c, D₀·10^c].
    reach
        r of mode `direction`: the longest move, in units of s.

    Raises
    ------
    InputError
        If a value is not positive and finite.
    UnknownNameError
        If the mode is not known.
    """

    mode: Literal["diagonal", "direction", "diagonal+momentum"] = "diagonal"
    base_step: float = 0.3
    decades: float = 2.0
    reach: float = 0.3

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise UnknownNameError.of("action mode", str(self.mode), MODES)
        for name in ("base_step", "decades", "reach"):
            value = getattr(self, name)
            if not 0 < value < np.inf:
                raise InputError(f"{value} given", field=f"action.{name}", remedy="give a finite number above 0")

    def to_json(self) -> dict[str, Any]:
        """Return the configuration as plain JSON values."""
        return to_record(self)

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> ActionConfig:
        """Read a record that `to_json` returned; InputError if an entry is unknown, missing or of another type."""
        return from_record(cls, record, "action")


def next_multipliers(
    action: NDArray[np.floating[Any]], point: DualPoint, scale: float, config: ActionConfig
) -> NDArray[np.float64]:
    """Return the multipliers that an action leads to, [n] distance units, not yet clipped to the dual's bounds.

    Parameters
    ----------
    action
        [n] in [−1, 1], one number per customer.
    point
        The last evaluation: λ [n] distance units, and g [n].
    scale
        The dual's cost scale s, distance units.
    config
        The mode and its constants.

    Raises
    ------
    InputError
        If the action has another shape, or an entry is not finite or outside [−1, 1].
    """
    values = np.asarray(action)
    if values.shape != point.multipliers.shape:
        raise InputError(
            f"array of shape {values.shape}", field="action", remedy=f"give shape {point.multipliers.shape}"
        )
    if not (np.abs(values) <= 1.0 + TOLERANCE).all():  # NaN compares false as well
        refuse_entry(values)
    bounded = np.clip(values.astype(np.float64), -1.0, 1.0)
    if config.mode == "direction":
        return point.multipliers + (scale * config.reach) * bounded
    step = (scale * config.base_step) * np.power(10.0, config.decades * bounded)
    return point.multipliers + step * point.violation


def action_label(
    multipliers: NDArray[np.float64],
    target: NDArray[np.float64],
    violation: NDArray[np.float64],
    scale: float,
    config: ActionConfig,
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Return the action that moves `multipliers` to `target`: the inverse of `next_multipliers`.

    A step that is longer or shorter than the mode allows gets the nearest label, ±1. In `diagonal` mode a customer
    with g = 0 cannot move (label 0, masked), and a move against g becomes the shortest one (−1).

    Parameters
    ----------
    multipliers, target
        [n] start and end of the move, distance units.
    violation
        [n] g at `multipliers`.
    scale
        The dual's cost scale s, distance units.
    config
        The mode and its constants.

    Returns
    -------
    Action [n] float32 in [−1, 1], and mask [n] bool: true where the action has an effect.

    Raises
    ------
    InputError
        If the shapes differ or an entry is not finite.
    """
    arrays = {"multipliers": multipliers, "target": target, "violation": violation}
    for name, array in arrays.items():
        if array.shape != multipliers.shape or not np.isfinite(array).all():
            raise InputError(
                f"array of shape {array.shape} is not {multipliers.shape} finite numbers",
                field=name,
                remedy="give one finite number per customer",
            )
    move = (target - multipliers) / scale
    if config.mode == "direction":
        return np.clip(move / config.reach, -1.0, 1.0).astype(np.float32), np.ones(len(move), dtype=bool)
    mask = violation != 0
    with_g = mask & (move * violation > 0)
    label = np.where(mask, -1.0, 0.0)
    wanted = np.log10(move[with_g] / violation[with_g] / config.base_step) / config.decades
    label[with_g] = np.clip(wanted, -1.0, 1.0)
    return label.astype(np.float32), mask


def action_space(n_max: int, mode: str = "diagonal") -> spaces.Box[np.float32]:
    """Return the space of padded actions: one number in [−1, 1] per customer.

    With `diagonal+momentum` it is [N + 1, 2]: two numbers per customer, and in the last row two of the instance.
    """
    return spaces.Box(-1.0, 1.0, _shape(n_max, mode), np.float32)


def _shape(n_max: int, mode: str) -> tuple[int, ...]:
    return (n_max + 1, 2) if mode == MOMENTUM else (n_max,)


def require_actions(actions: NDArray[Any], n_max: int, sizes: Sequence[int | None], mode: str = "diagonal") -> None:
    """Raise an error for actions that are not [B, N] floats in [−1, 1], or [B, N + 1, 2] with `diagonal+momentum`.

    Parameters
    ----------
    actions
        The actions; entries beyond an instance's customers may be of any size, but must be finite.
    n_max
        Number of customers N that actions are padded to.
    sizes
        Number of customers of each environment; None: its action is ignored.
    mode
        Their mode.

    Raises
    ------
    InputError
        Naming the environment, the customer and the value.
    """
    wanted = (len(sizes), *_shape(n_max, mode))
    if actions.shape != wanted or not np.issubdtype(actions.dtype, np.floating):
        raise InputError(
            f"array of shape {actions.shape} and type {actions.dtype}",
            field="action",
            remedy=f"give floats of shape {wanted}: environments and padded customers"
            + (", then the instance; two numbers each" if mode == MOMENTUM else ""),
        )
    if (np.abs(actions) <= 1.0 + TOLERANCE).all():
        return
    for index, n in enumerate(sizes):
        if n is None:
            continue
        for column in actions[index].T if mode == MOMENTUM else actions[index][None]:
            _require_padded(column, n, n_max, f"environment {index}")


def _require_padded(column: NDArray[np.floating[Any]], n: int, n_max: int, source: str) -> None:
    """Raise an error for padded numbers [N], or [N + 1] with the instance's, of which n are customers'."""
    refuse_entry(column[:n], source)
    for number in column[n_max:]:
        if not abs(number) <= 1.0 + TOLERANCE:
            raise InputError(
                f"the instance is given {float(number)!r}",
                source=source,
                field="action",
                remedy="give numbers in [-1, 1], clipped if they come from a Gaussian",
            )
    for entry in np.flatnonzero(~np.isfinite(column[n:n_max]))[:1]:
        raise InputError(
            f"entry {n + entry} beyond the {n} customers is {column[n + entry]}",
            source=source,
            field="action",
            remedy="pad with 0",
        )


def refuse_entry(action: NDArray[np.floating[Any]], source: str | None = None) -> None:
    """Raise an error for the first entry of an action [n] that is not a number in [−1, 1].

    Raises
    ------
    InputError
        Naming `source`, the customer and the value.
    """
    for customer in np.flatnonzero(~(np.abs(action) <= 1.0 + TOLERANCE))[:1]:
        raise InputError(
            f"customer {customer + 1} is given {float(action[customer])!r}",
            source=source,
            field="action",
            remedy="give numbers in [-1, 1], clipped if they come from a Gaussian",
        )
