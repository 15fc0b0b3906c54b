"""Reader of LiteLLM's price table, `model_prices_and_context_window.json`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from lagrl.errors import InputError, InstanceError, UnknownNameError
from lagrl.io.json_text import read_json
from lagrl.printable import shown
from lagrl.problems.cascade.cascade import TOKENS_PER_PRICE, LanguageModel

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping, Sequence

MODES = ("chat", "completion", "responses")
"""Kinds of entries that answer text; embeddings, images and others are refused."""

_REMEDY = "give LiteLLM's model_prices_and_context_window.json"


def read_price_table(
    path: str | os.PathLike[str], models: Sequence[str], quality: Mapping[str, float] | None = None
) -> tuple[LanguageModel, ...]:
    """Return models of a price table.

    The table has prices in dollars per token and contexts, but neither quality nor latency nor capacity.

    Parameters
    ----------
    path
        The table.
    models
        Names of its entries, in the order of the result.
    quality
        Scores by name, 0 … 1; 0 where missing.

    Raises
    ------
    InputError
        If the file cannot be read, a name is unknown, an entry is no text model, or a price or a context is missing or
        not a number of 0 or more.
    """
    table = read_json(path, remedy=_REMEDY)
    source = str(path)
    if not isinstance(table, dict):
        raise InputError(f"{shown(table)} is not an object", source=source, remedy=_REMEDY)
    scores = quality or {}
    for name in (*models, *scores):
        if name not in table or name == "sample_spec":
            raise UnknownNameError.of("model", name, _nearby(name, table))
    return tuple(_model(source, name, table[name], scores.get(name, 0.0)) for name in models)


def _model(source: str, name: str, entry: Any, quality: float) -> LanguageModel:
    if not isinstance(entry, dict) or entry.get("mode") not in MODES:
        mode = entry.get("mode") if isinstance(entry, dict) else entry
        raise InstanceError(f"{shown(mode)} given", source=source, field=f"{name}.mode", remedy="choose a chat model")
    prices = [_number(source, name, entry, f"{kind}_cost_per_token") for kind in ("input", "output")]
    context = entry.get("max_input_tokens", entry.get("max_tokens"))
    if context is not None:
        whole = isinstance(context, int | float) and 1 <= context < 2**63 and context == int(context)
        if isinstance(context, bool) or not whole:
            remedy = "give a whole number from 1 to 2**63 - 1"
            raise InstanceError(
                f"{shown(context)} given", source=source, field=f"{name}.max_input_tokens", remedy=remedy
            )
    per_million_in, per_million_out = (price * TOKENS_PER_PRICE for price in prices)
    return LanguageModel(
        name, per_million_in, per_million_out, quality, context_tokens=None if context is None else int(context)
    )


def _number(source: str, name: str, entry: dict[str, Any], key: str) -> float:
    value = entry.get(key)
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= sys.float_info.max:
        problem = f"{shown(value)} given" if key in entry else "missing"
        raise InstanceError(problem, source=source, field=f"{name}.{key}", remedy="give dollars per token, 0 or more")
    return float(value)


def _nearby(name: str, table: dict[str, Any]) -> list[str]:
    """Return the names to suggest: those with a part of `name`, at most 20 of the table's thousands."""
    known = [entry for entry in table if entry != "sample_spec"]
    part = name.split("/")[-1].split("-")[0]
    return [entry for entry in known if part and part in entry][:20] or known[:20]
