"""Files of route policies."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from route_weights import SMALL, checkpoint_of, random_checkpoint
from safetensors.numpy import load, save

from lagrl.bounds.route_checkpoint import ROUTES, load_route_policy, save_route_policy
from lagrl.errors import InputError

if TYPE_CHECKING:
    from pathlib import Path


def saved(folder: Path) -> Path:
    """Return the path of a small policy."""
    save_route_policy(folder / "a", random_checkpoint(0).weights, SMALL, {"name": "a"})
    return folder / "a.safetensors"


def changed(path: Path, **fields: Any) -> Path:
    """Replace fields of the metadata's record."""
    content = path.read_bytes()
    length = int.from_bytes(content[:8], "little")
    record = json.loads(json.loads(content[8 : 8 + length])["__metadata__"]["record"]) | fields
    path.write_bytes(save(load(content), metadata={"format": ROUTES.format, "record": json.dumps(record)}))
    return path


def test_what_is_written_is_read(tmp_path: Path) -> None:
    """Weights, size and card return as they were, with or without the suffix."""
    path = saved(tmp_path)
    for spec in (path, tmp_path / "a"):
        found = load_route_policy(spec)
        assert found.policy == SMALL
        assert found.card == {"name": "a"}
        for name, tensor in random_checkpoint(0).weights.items():
            np.testing.assert_array_equal(found.weights[name], tensor)


def test_the_shipped_policy_is_read() -> None:
    """The default is the shipped policy, whose card names its training command."""
    assert "train start" in load_route_policy().card["command"].replace(".", " ")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("features_version", 2),
        ("node_features", ["x"]),
        ("state_features", ["x"]),
        ("schema_version", 2),
        ("action_mode", "direction"),
        ("policy", {"hidden": 16, "layers": 1, "heads": 2, "step_hidden": 8, "step_layers": 1, "steps": 1}),
        ("policy", {"hidden": 8}),
        ("policy", {"hidden": 9, "layers": 1, "heads": 2, "step_hidden": 8, "step_layers": 1, "steps": 1}),
        ("policy", {"hidden": 2**20, "layers": 1, "heads": 2, "step_hidden": 8, "step_layers": 1, "steps": 1}),
        ("policy", {"hidden": 8, "layers": -1, "heads": 2, "step_hidden": 8, "step_layers": 1, "steps": 1}),
        ("other", 1),
    ],
)
def test_other_versions_and_sizes_are_refused(field: str, value: object, tmp_path: Path) -> None:
    """Other features, another size than the tensors', missing and unknown fields are one line with the file."""
    path = changed(saved(tmp_path), **{field: value})
    with pytest.raises(InputError) as caught:
        load_route_policy(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_huge_sizes_are_refused_before_memory_is_taken(tmp_path: Path) -> None:
    """A record that asks for a large network is compared with the tensors' header first."""
    path = changed(
        saved(tmp_path),
        policy={"hidden": 1024, "layers": 16, "heads": 2, "step_hidden": 1024, "step_layers": 16, "steps": 1},
    )
    with pytest.raises(InputError, match="foreign weights"):
        load_route_policy(path)


@pytest.mark.parametrize("content", [b"", b"junk", b"\xff" * 100, save({"a": np.zeros(3, np.float32)})])
def test_damaged_files_are_refused(content: bytes, tmp_path: Path) -> None:
    """Files of anything else are one line."""
    path = tmp_path / "a.safetensors"
    path.write_bytes(content)
    with pytest.raises(InputError, match="route policy"):
        load_route_policy(path)


def test_weights_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    """They are neither written nor read."""
    bad = checkpoint_of(lambda shape: np.full(shape, np.inf)).weights
    with pytest.raises(InputError, match="not finite"):
        save_route_policy(tmp_path / "a", bad, SMALL, {})
    assert not list(tmp_path.iterdir())


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """A path without a file is one line."""
    with pytest.raises(InputError, match="no such file"):
        load_route_policy(tmp_path / "none")
