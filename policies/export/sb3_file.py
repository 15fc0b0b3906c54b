"""Reading of a file that a model of Stable-Baselines3 saved, without executing the pickled code in it.

The file is a zip archive. Its entry `data` is JSON: plain values, and pickled objects beside their texts, of which only
the texts are read. Its entry `policy.pth` has the weights, which torch reads as tensors only (`weights_only=True`).
"""

from __future__ import annotations

import ast
import io
import pickletools
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch

from lagrl.errors import InputError
from lagrl.io.json_text import parse_json
from lagrl.io.records import from_record, read_fields
from policies.checkpoint_files import require_same_tensors
from policies.config import PolicyConfig
from policies.network import tensor_types, types_of

if TYPE_CHECKING:
    import os

    from torch import Tensor

HYPERPARAMETERS = (
    "n_envs",
    "n_steps",
    "batch_size",
    "n_epochs",
    "learning_rate",
    "gamma",
    "gae_lambda",
    "ent_coef",
    "vf_coef",
    "max_grad_norm",
)
"""Plain numbers of a model that a card records."""

OTHER_POLICY = "only a policies.DiagonalPrecondPolicy can become a checkpoint; train with that policy"
_SAVE_AGAIN = "give a file that model.save wrote, or save the model again"
_MODULE = "policies.diagonal_precond"
_LARGEST = {"data": 2**26, "policy.pth": 2**30}  # bytes
_LONGEST = 1000  # characters of a network's size


@dataclass(frozen=True)
class SavedModel:
    """What a checkpoint needs of a model of Stable-Baselines3.

    Attributes
    ----------
    policy
        Size of the network, and version of its observations.
    weights
        Tensors of the network, on the CPU.
    seed
        Seed of the training; None if it had none.
    steps
        Steps of all environments.
    hyperparameters
        Plain numbers, by the names of `HYPERPARAMETERS`.
    """

    policy: PolicyConfig
    weights: dict[str, Tensor] = field(repr=False)
    seed: int | None
    steps: int
    hyperparameters: dict[str, Any]


def read_model(path: str | os.PathLike[str]) -> SavedModel:
    """Read a file that `model.save` wrote.

    Raises
    ------
    InputError
        If it cannot be read, is damaged, has another policy or weights of another size than it says, or lies beside a
        `VecNormalize` that changes observations.
    """
    source = str(path)
    data = parse_json(_entry(path, "data"), source=f"{source}: data", remedy=_SAVE_AGAIN, allow_nan=True)
    found = read_fields(
        data,
        {"policy_class": dict, "policy_kwargs": dict, "seed": int | None, "num_timesteps": int},
        source=source,
        field="data",
        remedy=_SAVE_AGAIN,
        allow_others=True,
    )
    module = found["policy_class"].get("__module__")
    if module != _MODULE:
        problem = f"a policy of the module {str(module)[:60]} found"
        raise InputError(problem, source=source, field="policy_class", remedy=OTHER_POLICY)
    policy = _policy_config(found["policy_kwargs"].get("config"), source)
    weights = _weights(_entry(path, "policy.pth"), source)
    require_same_tensors(types_of(weights), tensor_types(policy), source=source, remedy=_SAVE_AGAIN, prefix="net.")
    for beside in filter(_changes_observations, _normalisers(Path(path))):
        raise normalised_observations(str(beside), f"; if the file belongs to another model than {source}, move it")
    numbers = {name: value for name in HYPERPARAMETERS if isinstance(value := data.get(name), int | float)}
    return SavedModel(policy, weights, found["seed"], found["num_timesteps"], numbers)


def normalised_observations(source: str, hint: str = "") -> InputError:
    """Return the error for a policy that needs a `VecNormalize` of its observations; `hint` ends the remedy."""
    return InputError(
        "the policy was trained with normalised observations, which a checkpoint does not have",
        source=source,
        field="VecNormalize",
        remedy=f"train with norm_obs=False: the features are without scale already{hint}",
    )


def _entry(path: str | os.PathLike[str], name: str) -> bytes:
    """Return an entry of the archive."""
    try:
        with zipfile.ZipFile(path) as archive:
            if archive.getinfo(name).file_size > _LARGEST[name]:
                problem = f"has more than {_LARGEST[name]} bytes"
                raise InputError(problem, source=str(path), field=name, remedy=_SAVE_AGAIN)
            return archive.read(name)
    except OSError as error:
        raise InputError(f"cannot be read ({error.strerror})", source=str(path), remedy=_SAVE_AGAIN) from error
    except KeyError:
        problem = "is missing: not a model of Stable-Baselines3"
        raise InputError(problem, source=str(path), field=name, remedy=_SAVE_AGAIN) from None
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:  # damaged, or encrypted
        raise InputError(f"is not a zip archive ({error})", source=str(path), remedy=_SAVE_AGAIN) from error


def _policy_config(text: object, source: str) -> PolicyConfig:
    """Return the network's size from the text `PolicyConfig(hidden=64, …)`; the default one without a text."""
    if text is None:
        return PolicyConfig()
    try:
        if not isinstance(text, str) or len(text) > _LONGEST:
            raise ValueError
        call = ast.parse(text, mode="eval").body
        if not (isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "PolicyConfig"):
            raise ValueError
        record = {str(word.arg): ast.literal_eval(word.value) for word in call.keywords}
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        problem = f"{str(text)[:60]!r} is not a PolicyConfig"
        raise InputError(problem, source=source, field="policy_kwargs.config", remedy=_SAVE_AGAIN) from None
    return from_record(PolicyConfig, record, "policy_kwargs.config", source=source, remedy=_SAVE_AGAIN)


def _weights(content: bytes, source: str) -> dict[str, Tensor]:
    """Return the tensors of the policy's network by their names in it."""
    try:
        found = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged file may raise anything
        problem = f"cannot be read as weights ({type(error).__name__})"
        raise InputError(problem, source=source, field="policy.pth", remedy=_SAVE_AGAIN) from error
    if not isinstance(found, dict) or not all(isinstance(tensor, torch.Tensor) for tensor in found.values()):
        raise InputError("does not hold weights", source=source, field="policy.pth", remedy=_SAVE_AGAIN)
    return {str(name).removeprefix("net."): tensor for name, tensor in found.items()}


def _normalisers(path: Path) -> list[Path]:
    """Return the files of `VecNormalize` that Stable-Baselines3 and the zoo write beside a model."""
    of_the_zoo = path.parent / "LagrangianCVRP-v0" / "vecnormalize.pkl"
    beside = (file for file in path.parent.glob("*.pkl") if "normalize" in file.name.lower())
    return [*sorted(beside), *([of_the_zoo] if of_the_zoo.exists() else [])]


def _changes_observations(path: Path) -> bool:
    """Return whether a pickled `VecNormalize` normalises observations, from its opcodes: nothing is unpickled."""
    is_next = False
    try:
        for opcode, argument, _ in pickletools.genops(path.read_bytes()):
            if argument == "norm_obs":
                is_next = True
            elif is_next and opcode.name not in ("MEMOIZE", "BINPUT", "LONG_BINPUT"):
                return opcode.name != "NEWFALSE"
    except (ValueError, OSError):
        return True  # damaged: its kind is not known
    return True
