"""Tables IV and V: the policy's network and its training, from the records of checkpoints."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from lagrl.bench.tables import Table
from lagrl.errors import InputError
from lagrl.io.shipped import or_shipped
from lagrl.paper.items import NOT_KNOWN, ItemContent, PaperItem, Published

if TYPE_CHECKING:
    from lagrl.paper.sources import RowSource

Record = dict[str, Any]
_ABSENT = "—"

POLICY = (
    ("node features", "14", ("observation", "features")),
    ("width of the network", "256", ("policy", "hidden")),
    ("GATv2 layers", "4", ("policy", "layers")),
    ("attention heads", "8 (inferred)", ("policy", "heads")),
    ("neighbours of a customer", "5 (inferred)", ("observation", "n_neighbours")),
    ("action", "positive diagonal of the step", ("action", "mode")),
    ("most steps of an episode", "200", ("observation", "horizon")),
    ("range of the multipliers", "[-400, 800]", ("card", "config", "env", "bounds")),
)
"""Row of Table IV, published value, and its place in a checkpoint's record."""

TRAINING = (
    ("cloned controller", "subgradient experts", ("card", "config", "expert")),
    ("epochs of cloning", "120", ("epochs",)),
    ("DAgger rounds", f"some, number {NOT_KNOWN}", ("card", "config", "rounds")),
    ("discount factor γ", "0.99", ("card", "config", "gamma")),
    ("GAE λ", "0.95", ("card", "config", "gae_lambda")),
    ("imitation weight during PPO", "annealed", ("card", "config", "imitation")),
    ("steps between route evaluations", "2", ("card", "config", "env", "decode_every")),
    ("curriculum 1 → 2 at a served share above", "0.65", ("card", "config", "env", "curriculum", "share")),
    ("curriculum 2 → 3 at a gap below", "0.20", ("card", "config", "env", "curriculum", "gap")),
    ("smoothing window", "30", ("card", "config", "env", "curriculum", "window")),
    ("weight of feasibility", "3.0", ("card", "config", "env", "rewards", "feasibility")),
    ("weight of the gap, phase 2", "3.0", ("card", "config", "env", "rewards", "gap")),
    ("weight of the cost, phase 3", "0.10", ("card", "config", "env", "rewards", "cost")),
    (
        "weight of the gap, phase 3",
        "0.01 (may be truncated in our source)",
        ("card", "config", "env", "rewards", "cost_gap"),
    ),
    ("phases trained in", "1, 2, 3", ("card", "config", "env", "phases")),
    ("rollouts of PPO", NOT_KNOWN, ("card", "config", "rollouts")),
    ("training instances", NOT_KNOWN, ("card", "training", "instances")),
    ("seconds of training", NOT_KNOWN, ("card", "training", "seconds")),
    ("what was kept", NOT_KNOWN, ("card", "description")),
)
"""Row of Table V, published value, and its place in a checkpoint's record."""


def read_record(policy: str) -> Record:
    """Return the JSON record of a checkpoint: a file beside the weights, or that of a shipped one.

    Raises
    ------
    InputError
        If it cannot be read or is no record of a checkpoint.
    """
    named = Path(policy if policy.endswith(".json") else f"{policy}.json")
    path = named if named.exists() else or_shipped(Path(policy), ".json")
    remedy = "give a checkpoint that lagrl train bc or ppo wrote, or --policies none"
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(f"cannot be read ({reason})", source=str(path), field="--policies", remedy=remedy) from error
    if not isinstance(record, dict) or not isinstance(record.get("card"), dict) or "policy" not in record:
        raise InputError("is no record of a checkpoint", source=str(path), field="--policies", remedy=remedy)
    config = record["card"].get("config", {})
    if "rounds" in config and "epochs_per_round" in config:
        record["epochs"] = config["rounds"] * config["epochs_per_round"]
    return record


def entry(record: Record, place: tuple[str, ...]) -> str:
    """Return a value of a record as text; `—` where the record has none, the number of entries for the features."""
    value: Any = record
    for name in place:
        if not isinstance(value, dict) or name not in value:
            return _ABSENT
        value = value[name]
    if place[-1] == "features":
        return str(len(value))
    if place[-1] == "bounds" and value is None:
        return "[0, 2 max a]"
    if isinstance(value, list):
        return " → ".join(map(str, value)) if place[-1] == "imitation" else ", ".join(map(str, value))
    return str(value)


def make_table4(source: RowSource) -> ItemContent:
    """Make Table IV: the policy."""
    return _compared(source, "Policy", POLICY)


def make_table5(source: RowSource) -> ItemContent:
    """Make Table V: the training."""
    return _compared(source, "Training", TRAINING)


def _compared(source: RowSource, title: str, entries: tuple[tuple[str, str, tuple[str, ...]], ...]) -> ItemContent:
    if not source.config.trained:
        raise InputError("none given", field="--policies", remedy="give a checkpoint, or leave the option out")
    found = {Path(policy).name: read_record(policy) for policy in source.config.trained}
    lines = [[what, value, *(entry(own, place) for own in found.values())] for what, value, place in entries]
    records = [
        {"entry": what, "published": value, **{name: entry(own, place) for name, own in found.items()}}
        for what, value, place in entries
    ]
    note = "From the records of the checkpoints; —: no such entry. a: costs of the assignment problem."
    table = Table(title, ["", "published", *found], lines, n_labels=2 + len(found), note=note)
    revisions = tuple(sorted({str(own["card"].get("git_revision") or "unknown") for own in found.values()}))
    return ItemContent((table,), records, revisions)


def _published(entries: tuple[tuple[str, str, tuple[str, ...]], ...]) -> tuple[Published, ...]:
    return tuple(Published(what, value) for what, value, _ in entries if NOT_KNOWN not in value)


TRAINING_ITEMS = (
    PaperItem(
        "table4",
        "The policy DiagonalPrecondPolicy.",
        "The shipped policies are the preset `small`, of other features; `--preset reference` of `lagrl train` has the "
        "paper's width and layers.",
        make_table4,
        "1 s",
        "1 s",
        _published(POLICY),
    ),
    PaperItem(
        "table5",
        "The training: cloning, DAgger, PPO and the curriculum.",
        "The shipped policies were trained by the preset `small` within minutes; give --policies to show the records "
        "of your own, such as those of `--preset reference`.",
        make_table5,
        "1 s",
        "1 s",
        _published(TRAINING),
    ),
)
