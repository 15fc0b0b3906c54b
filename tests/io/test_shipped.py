"""Shipped files are found from any folder; a local file of the same name takes precedence."""

from __future__ import annotations

from pathlib import Path

import pytest

from lagrl.io.shipped import or_shipped, shipped_folder
from lagrl.samplers.registry import sampler_fingerprint

SHIPPED = shipped_folder() / "bandit.json"


@pytest.mark.parametrize("name", ["checkpoints/bandit.json", "checkpoints/bandit", "bandit.json", "bandit"])
def test_a_shipped_state_is_found_from_any_folder(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """NAME and checkpoints/NAME, with or without suffix, are the shipped bandit where there is no such file."""
    monkeypatch.chdir(tmp_path)
    assert or_shipped(Path(name), ".json") == SHIPPED
    assert sampler_fingerprint(f"bandit:{name}+learn=false") == sampler_fingerprint(f"bandit:{SHIPPED}") is not None


def test_a_local_file_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An existing path is never replaced, and other folders are not searched."""
    monkeypatch.chdir(tmp_path)
    for other in ("elsewhere/bandit.json", "checkpoints/none.json", "/checkpoints/bandit.json"):
        assert or_shipped(Path(other), ".json") == Path(other)
    (tmp_path / "bandit.json").write_text("{}")
    assert or_shipped(Path("bandit.json"), ".json") == Path("bandit.json")
    assert sampler_fingerprint("bandit:bandit.json") != sampler_fingerprint(f"bandit:{SHIPPED}")
