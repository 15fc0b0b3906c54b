"""Checkpoints are checked when they are read."""

from __future__ import annotations

import hashlib
import json
import struct
import tracemalloc
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from observations import observation
from safetensors.torch import load_file, save_file

import policies.checkpoint
from checkpoints import OBSERVATION_V1, TINY, some_card, some_checkpoint, some_net
from envs.action import ActionConfig
from envs.observation import FEATURES, features_of
from lagrl.errors import InputError, UnknownNameError
from lagrl.io.shipped import shipped_folder
from policies.checkpoint import load_checkpoint, save_checkpoint
from policies.checkpoint_files import described_observation
from policies.locate import shipped_names


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Remove the wait for a second writer: there is none."""
    monkeypatch.setattr("policies.checkpoint_files._BETWEEN_FILES", 0.0)


def edit(path: Path, **changes: Any) -> None:
    """Change fields of a checkpoint's record; None removes one."""
    file = path.with_suffix(".json")
    record = json.loads(file.read_text())
    record = {name: value for name, value in (record | changes).items() if value is not None}
    file.write_text(json.dumps(record))


def edit_weights(path: Path, change: dict[str, torch.Tensor | None]) -> None:
    """Change weights and the checksum that goes with them; None removes one."""
    file = path.with_suffix(".safetensors")
    weights = load_file(file) | change
    save_file({name: tensor for name, tensor in weights.items() if tensor is not None}, file)
    content = file.read_bytes()
    edit(path, sha256=hashlib.sha256(content).hexdigest(), bytes=len(content))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return a good checkpoint."""
    return some_checkpoint(tmp_path)


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    """Weights, size, action and card are read back unchanged, without using random numbers."""
    net, action, card = some_net(), ActionConfig("direction", reach=0.2), some_card()
    save_checkpoint(tmp_path / "a", net, action, card)
    before = torch.random.get_rng_state()
    loaded = load_checkpoint(tmp_path / "a")
    assert torch.equal(torch.random.get_rng_state(), before)
    assert (loaded.policy, loaded.action, loaded.card) == (TINY, action, card)
    state = observation([7, 4], 9)
    assert all(map(torch.equal, loaded.net(state), net(state)))
    assert not loaded.net.training


@pytest.mark.parametrize("name", ["bc-0.5", "v1.2.json.x", "plain"])
def test_names_may_hold_dots(tmp_path: Path, name: str) -> None:
    """Only the two suffixes are ever cut off, and either may be given."""
    some_checkpoint(tmp_path, name)
    for suffix in ("", ".json", ".safetensors"):
        assert load_checkpoint(tmp_path / f"{name}{suffix}").card["name"] == name


def test_record_is_readable(path: Path) -> None:
    """The JSON file describes the weights, and has their number of bytes."""
    record = json.loads(path.with_suffix(".json").read_text())
    weights = path.with_suffix(".safetensors").read_bytes()
    assert record["schema_version"] == 1
    assert record["bytes"] == len(weights)
    assert record["sha256"] == hashlib.sha256(weights).hexdigest()
    assert record["observation"] == described_observation(2)
    assert record["observation"]["features"] == list(FEATURES)
    assert record["card"]["training"]["seconds"] == 1.5


def test_truncated(path: Path) -> None:
    """Truncated weights are an error with the number of bytes left."""
    file = path.with_suffix(".safetensors")
    content = file.read_bytes()
    for length in (len(content) - 1, 100, 0):
        file.write_bytes(content[:length])
        with pytest.raises(InputError, match=rf"tiny.safetensors: holds {length} of {len(content)} bytes: truncated"):
            load_checkpoint(path)


def test_damaged(path: Path) -> None:
    """One flipped bit is an error."""
    file = path.with_suffix(".safetensors")
    content = bytearray(file.read_bytes())
    content[-3] ^= 1
    file.write_bytes(content)
    with pytest.raises(InputError, match="sha256"):
        load_checkpoint(path)


def test_not_safetensors(path: Path) -> None:
    """A wrong header or a pickle with a right checksum is an error, and no code of it runs."""
    file = path.with_suffix(".safetensors")
    for content in (struct.pack("<Q", 2**60) + b"{}", b"\x80\x04cos\nsystem\n(S'exit 1'\ntR."):
        file.write_bytes(content)
        edit(path, sha256=hashlib.sha256(content).hexdigest(), bytes=len(content))
        with pytest.raises(InputError, match=r"tiny\.safetensors: is not safetensors"):
            load_checkpoint(path)


def test_nothing_here_unpickles() -> None:
    """Loading a checkpoint imports no module that could execute a file."""
    package = Path(policies.checkpoint.__file__).parent
    text = "".join(file.read_text() for file in package.glob("*.py"))
    for word in ("pickle.", "torch.load", "import pickle", "eval("):
        assert word not in text.replace(".eval(", "")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"format": "else"}, "format: does not describe a lagrl checkpoint"),
        ({"schema_version": 2}, "schema_version: 2 found, 1 wanted"),
        ({"schema_version": None}, "schema_version: None found, 1 wanted"),
        ({"sha256": 3}, "sha256: 3 is not text"),
        ({"card": None}, "lacks card"),
        ({"extra": 1}, "unknown extra"),
        ({"policy": {"hidden": 64}}, "policy"),
        ({"action": ActionConfig().to_json() | {"mode": "up"}}, "action.mode"),
        ({"action": ActionConfig().to_json() | {"mode": "diagonal+momentum"}}, "action.mode"),
        ({"action": ActionConfig().to_json() | {"base_step": -1.0}}, "action.base_step"),
        ({"policy": TINY.to_json() | {"hidden": 10**9}}, "policy.hidden"),
        (
            {"observation": {"version": 2, "features": ["a", "b"], "n_neighbours": 5, "horizon": 200}},
            "trained with .'a', 'b'.*multiplier",
        ),
        ({"observation": {"version": 3}}, "observation.version: trained with 3, version 2 has 2"),
        ({"observation": described_observation(2) | {"x": 1}}, "observation.x: trained with 1, version 2 has None"),
        ({"policy": TINY.to_json() | {"observation": 3}}, "policy.observation: 3 is not 1 or 2"),
        ({"policy": TINY.to_json() | {"observation": 1}}, "observation.features: trained with .*version 1 has"),
    ],
)
def test_other_records(path: Path, changes: dict[str, Any], message: str) -> None:
    """A record of another program, version or observation is an error that names file, field and value."""
    edit(path, **changes)
    with pytest.raises(InputError, match=message) as caught:
        load_checkpoint(path)
    assert caught.value.source == str(path) + ".json"
    assert caught.value.remedy


def test_a_checkpoint_without_a_version_is_one_of_version_1(tmp_path: Path) -> None:
    """A record as it was before versions gives a policy of the first observations, and the same fingerprint."""
    path = tmp_path / "first"
    save_checkpoint(path, some_net(config=replace(TINY, observation=1)), ActionConfig(), some_card())
    before = load_checkpoint(path)
    policy = {name: value for name, value in before.policy.to_json().items() if name != "observation"}
    record = json.loads(path.with_suffix(".json").read_text())
    assert "version" not in record["observation"]
    edit(path, policy=policy)
    loaded = load_checkpoint(path)
    assert (loaded.policy, loaded.fingerprint) == (before.policy, before.fingerprint)
    assert loaded.net.embed.in_features == 14


@pytest.mark.parametrize("text", ["", "{", "[1]", "\x00\xff", "null"])
def test_record_is_no_json(path: Path, text: str) -> None:
    """Anything except a JSON object is an error with the name of the file."""
    path.with_suffix(".json").write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError, match=r"tiny\.json"):
        load_checkpoint(path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"head.bias": None}, "head.bias: is missing: foreign"),
        ({"other": torch.zeros(1)}, "other: is not part of this policy: foreign"),
        ({"head.bias": torch.zeros(2)}, r"head.bias: torch.float32 \[2\] found, torch.float32 \[1\] wanted"),
        ({"head.bias": torch.zeros(1, dtype=torch.float64)}, "head.bias: torch.float64"),
        ({"head.bias": torch.tensor([float("nan")])}, "head.bias: holds a weight that is not finite"),
    ],
)
def test_foreign_weights(path: Path, change: dict[str, torch.Tensor | None], message: str) -> None:
    """Weights of another policy are an error, also with a right checksum."""
    edit_weights(path, change)
    with pytest.raises(InputError, match=message):
        load_checkpoint(path)


def test_action_mode(path: Path) -> None:
    """A policy of one mode is an error in another."""
    assert load_checkpoint(path, expect_mode="diagonal").action.mode == "diagonal"
    with pytest.raises(InputError, match="trained for 'diagonal', not 'direction'"):
        load_checkpoint(path, expect_mode="direction")


def test_observation_of_another_version(path: Path) -> None:
    """A policy of one version of the observations is an error where another is expected."""
    assert load_checkpoint(path, expect_observation=2).policy.observation == 2
    with pytest.raises(InputError, match="trained with observations of version 2, not 1"):
        load_checkpoint(path, expect_observation=1)


def test_a_checkpoint_of_version_1_is_still_the_same() -> None:
    """A checkpoint of version 0.2 loads with 14 inputs, and with the fingerprint that its committed rows have."""
    loaded = load_checkpoint(OBSERVATION_V1, expect_observation=1)
    assert loaded.net.embed.in_features == len(features_of(1)) == 14
    assert loaded.fingerprint == "cfac7c7c258b"


@pytest.mark.parametrize(
    ("kind", "noun", "command"), [("route", "a route", "bound"), ("assignment", "an assignment", "solve")]
)
def test_a_policy_of_multipliers_is_no_checkpoint_of_the_environment(kind: str, noun: str, command: str) -> None:
    """The shipped ones are refused by name, with the command that takes them."""
    with pytest.raises(InputError, match=f"is {noun} policy; use it in lagrl {command} --controller learned:"):
        load_checkpoint(f"checkpoints/{kind}-policy")


@pytest.mark.parametrize("name", shipped_names())
def test_shipped_checkpoints_load(name: str) -> None:
    """Every shipped checkpoint has a known version of the observations and as many inputs as its features."""
    loaded = load_checkpoint(shipped_folder() / name)
    assert loaded.net.embed.in_features == len(features_of(loaded.policy.observation))


@pytest.mark.parametrize("suffix", [".json", ".safetensors"])
def test_half_a_checkpoint(path: Path, suffix: str) -> None:
    """With one file missing, the message names it."""
    path.with_suffix(suffix).unlink()
    with pytest.raises(InputError, match=rf"tiny\{suffix}: is missing"):
        load_checkpoint(path)


def test_name_is_a_path_first_then_shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`checkpoints/NAME` is a local path first, then a shipped one; unknown names list the shipped ones."""
    shipped, here = tmp_path / "shipped", tmp_path / "here"
    (here / "checkpoints").mkdir(parents=True)
    shipped.mkdir()
    monkeypatch.chdir(here)
    monkeypatch.setattr("policies.locate.shipped_folder", lambda: shipped)
    some_checkpoint(shipped, "small-bc", seed=1)
    assert load_checkpoint("checkpoints/small-bc").card["name"] == "small-bc"
    assert load_checkpoint("small-bc").card["name"] == "small-bc"
    some_checkpoint(here / "checkpoints", "small-bc", seed=2)
    net = load_checkpoint("checkpoints/small-bc").net
    assert torch.equal(net.head.weight, some_net(2).head.weight)
    with pytest.raises(UnknownNameError, match="did you mean 'checkpoints/small-bc'"):
        load_checkpoint("checkpoints/small-bd")
    with pytest.raises(UnknownNameError, match="checkpoints/small-bc"):
        load_checkpoint("elsewhere/small-bc")


def test_shipped_folder_is_beside_the_package_in_a_checkout() -> None:
    """Without an installed copy, the shipped folder is that of the checkout."""
    assert shipped_folder().name in ("checkpoints", "shipped")
    assert shipped_folder().parent in (Path(policies.__file__).parent, Path(policies.__file__).parents[1])


def test_sizes_of_the_record_are_compared_before_anything_is_built(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A small record that claims 13 GB of weights is refused by the header, without a network in memory."""

    def build(*_: object) -> None:
        raise AssertionError("built")

    large = {"hidden": 4096, "layers": 64, "heads": 64, "critic_hidden": 4096}
    edit(path, policy=TINY.to_json() | large)
    monkeypatch.setattr("policies.checkpoint.DiagonalPrecondNet", build)
    tracemalloc.start()
    with pytest.raises(InputError, match=r"attention.0.att: torch.float32 \[1, 2, 4\] found, .*\[1, 64, 64\] wanted"):
        load_checkpoint(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2**26


@pytest.mark.parametrize(
    ("header", "message"),
    [
        ('{"a":' * 9999, "nested deeper"),
        ("[]", "no header"),
        ('{"head.bias": {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]}}', r"head.bias.shape\[0\]: -1 is not"),
        ('{"head.bias": 3}', "head.bias: 3 is not an object"),
        ('{"%s": {"dtype": "F8_E5", "shape": [1], "data_offsets": [0, 1]}}' % ("x" * 10**5), "foreign weights"),
    ],
)
def test_a_wrong_header_is_one_short_error(path: Path, header: str, message: str) -> None:
    """A header of another form, with a right checksum, is refused in a line."""
    content = struct.pack("<Q", len(header)) + header.encode()
    path.with_suffix(".safetensors").write_bytes(content)
    edit(path, sha256=hashlib.sha256(content).hexdigest(), bytes=len(content))
    with pytest.raises(InputError, match=message) as caught:
        load_checkpoint(path)
    assert len(str(caught.value)) < 500 + len(str(path))


@pytest.mark.parametrize(
    ("text", "message"),
    [('{"format": ' * 9999, "nested deeper"), (f'{{"format": "{"x" * 2**21}"}}', "is larger than 1048576 bytes")],
)
def test_a_record_is_bounded(path: Path, text: str, message: str) -> None:
    """Deeply nested or large JSON is refused in a line."""
    path.with_suffix(".json").write_text(text)
    with pytest.raises(InputError, match=message):
        load_checkpoint(path)
