"""The learned state of a bandit, and its file."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from lagrl.errors import InputError
from lagrl.io.atomic import write_text
from lagrl.io.json_text import read_json
from lagrl.io.records import read_fields
from lagrl.printable import shown
from lagrl.quantum.bandit.arm_policies import LinearModel, LinUCB, require_epsilon
from lagrl.quantum.bandit.features import NAMES, schema

if TYPE_CHECKING:
    import os
    from pathlib import Path

KIND = "lagrl bandit"
_FIELDS = {"policy": str, "parameter": float, "epsilon": float, "model": dict}


@dataclass(frozen=True)
class BanditState:
    """A learned model, and how LinUCB uses it. Raises `InputError` if a number is out of range.

    Attributes
    ----------
    alpha
        α of LinUCB.
    epsilon
        Exploration probability ε, from 0 to 1.
    model
        Model of rewards.
    """

    alpha: float
    epsilon: float
    model: LinearModel

    def __post_init__(self) -> None:
        self.make()
        require_epsilon(self.epsilon)

    def make(self) -> LinUCB:
        """Return the policy, which continues to learn in this model."""
        return LinUCB(self.model, self.alpha)

    def write(self, path: str | os.PathLike[str]) -> None:
        """Write the state as JSON, atomically.

        Raises `InputError` if a number of the model is not finite, `OutputError` if the file cannot be written.
        """
        content = {
            "kind": KIND,
            "schema": schema(),
            "features": list(NAMES),
            "policy": "linucb",
            "parameter": self.alpha,
            "epsilon": self.epsilon,
            "model": self.model.state(),
        }
        try:
            text = json.dumps(content, allow_nan=False)
        except ValueError as error:
            raise InputError(
                "a number is not finite", source=str(path), field="model", remedy="give finite features and rewards"
            ) from error
        write_text(path, text + "\n")


def read_state(path: Path) -> BanditState:
    """Return the state that `BanditState.write` wrote.

    Raises `InputError` if the file cannot be read, is something else, or was learned on other features.
    """
    name = str(path)
    content = read_json(path, remedy="give a file that lagrl wrote")
    if not isinstance(content, dict) or content.get("kind") != KIND:
        raise InputError("is no state of a bandit", source=name, remedy="give a file that lagrl wrote")
    again = "train again with this version: lagrl traces, then python -m train.bandit"
    if content.get("schema") != schema():
        listed = content.get("features")
        theirs = {str(feature) for feature in listed} if isinstance(listed, list) else set()
        differ = sorted(theirs ^ set(NAMES))
        how = f"{len(differ)} features differ ({', '.join(differ[:5])})" if differ else "same names, other sizes"
        raise InputError(f"was learned on other features: {how}", source=name, field="schema", remedy=again)
    try:
        read_fields(content, _FIELDS, source=None, remedy=None, allow_others=True)
        if content["policy"] != "linucb":
            raise InputError(f"{shown(content['policy'])} given", field="policy", remedy="only linucb is left")
        model = LinearModel.restored(content["model"])
        state = BanditState(float(content["parameter"]), float(content["epsilon"]), model)
    except InputError as error:
        raise InputError(f"is damaged: {error}", source=name, remedy="train again") from error
    if state.model.n_features != len(NAMES):
        raise InputError(
            f"has {state.model.n_features} weights for {len(NAMES)} features", source=name, remedy="train again"
        )
    return state
