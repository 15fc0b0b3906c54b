"""Readers of price tables and of routing benchmarks."""

from __future__ import annotations

import importlib
import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from lagrl.errors import InputError
from lagrl.problems.cascade import prompt_table
from lagrl.problems.cascade.benchmark_records import read_benchmark_records
from lagrl.problems.cascade.cascade_sources import read_cascade_files
from lagrl.problems.cascade.price_table import read_price_table
from lagrl.problems.cascade.prompt_table import read_prompt_table

if TYPE_CHECKING:
    from pathlib import Path

PRICES: dict[str, Any] = {
    "sample_spec": {"input_cost_per_token": 0.0, "mode": "one of chat, embedding"},
    "gpt-small": {
        "input_cost_per_token": 1.5e-07,
        "output_cost_per_token": 6e-07,
        "max_input_tokens": 128000,
        "mode": "chat",
    },
    "free": {"input_cost_per_token": 0, "output_cost_per_token": 0, "mode": "chat"},
    "embed": {"input_cost_per_token": 1e-7, "output_cost_per_token": 0, "mode": "embedding"},
    "lacking": {"input_cost_per_token": 1e-7, "mode": "chat"},
    "negative": {"input_cost_per_token": -1e-7, "output_cost_per_token": 0, "mode": "chat"},
    "text": {"input_cost_per_token": "0.1", "output_cost_per_token": 0, "mode": "chat"},
    "huge": {"input_cost_per_token": 0, "output_cost_per_token": 10**400, "mode": "chat"},
    "wide": {"input_cost_per_token": 0, "output_cost_per_token": 0, "max_input_tokens": 1e300, "mode": "chat"},
    "narrow": {"input_cost_per_token": 0, "output_cost_per_token": 0, "max_input_tokens": 0, "mode": "chat"},
}
TABLE = (
    'sample_id,prompt,eval_name,a,a|total_cost,b,b|total_cost\nx,"12345678, yes",e,1,0.5,0.25,0.01\ny,,e,0,0.1,1,0\n'
)
RECORD = {"index": 1, "cost": 0.5, "prompt_tokens": 10, "completion_tokens": 5, "score": 1.0, "prompt": "?"}


def price_refusal(tmp_path: Path, *models: str, **quality: float) -> str:
    """Return the message with which models of the price table are refused."""
    path = tmp_path / "prices.json"
    path.write_text(json.dumps(PRICES))
    with pytest.raises(InputError) as error:
        read_price_table(path, models, quality)
    return str(error.value)


def test_prices_are_per_million_tokens(tmp_path: Path) -> None:
    """LiteLLM's dollars per token become dollars per million, and its input limit the context."""
    path = tmp_path / "prices.json"
    path.write_text(json.dumps(PRICES))
    small, free = read_price_table(path, ("gpt-small", "free"), {"free": 0.25})
    assert (small.dollars_per_million_in, small.dollars_per_million_out) == pytest.approx((0.15, 0.6))
    assert (small.context_tokens, free.context_tokens, free.quality) == (128000, None, 0.25)


def test_entries_that_cannot_be_used_are_named(tmp_path: Path) -> None:
    """Unknown and non-text models, missing, negative and textual prices, and impossible contexts are refused."""
    assert "unknown model 'gpt-smal'; did you mean 'gpt-small'?" in price_refusal(tmp_path, "gpt-smal")
    assert "unknown model 'sample_spec'" in price_refusal(tmp_path, "sample_spec")
    assert "unknown model 'other'" in price_refusal(tmp_path, "free", other=0.5)
    assert "embed.mode: 'embedding' given; choose a chat model" in price_refusal(tmp_path, "embed")
    assert "lacking.output_cost_per_token: missing; give dollars per token" in price_refusal(tmp_path, "lacking")
    assert "negative.input_cost_per_token: -1e-07 given" in price_refusal(tmp_path, "negative")
    assert "text.input_cost_per_token: '0.1' given" in price_refusal(tmp_path, "text")
    assert "huge.output_cost_per_token: 1000" in price_refusal(tmp_path, "huge")
    assert "wide.max_input_tokens: 1e+300 given; give a whole number" in price_refusal(tmp_path, "wide")
    assert "narrow.max_input_tokens: 0 given; give a whole number" in price_refusal(tmp_path, "narrow")


@pytest.mark.parametrize(
    ("number", "words"),
    [("NaN", "NaN is not a JSON number; give LiteLLM's"), ("1e999", "inf given; give a whole number from 1")],
)
def test_a_context_that_is_no_number_is_refused(tmp_path: Path, number: str, words: str) -> None:
    """NaN and a number too large for a float are refused with file, field, value and remedy."""
    path = tmp_path / "prices.json"
    path.write_text(json.dumps(PRICES).replace("128000", number))
    with pytest.raises(InputError) as error:
        read_price_table(path, ["gpt-small"])
    assert str(error.value).startswith(f"{path}: gpt-small.max_input_tokens: {words}")


def test_a_table_gives_scores_and_costs(tmp_path: Path) -> None:
    """Columns MODEL and MODEL|total_cost become scores and dollars; tokens are a quarter of the characters."""
    path = tmp_path / "table.csv"
    path.write_text(TABLE)
    cascade = read_cascade_files([str(path)], 0.7)
    np.testing.assert_array_equal(cascade.quality, [[1, 0], [0.25, 1]])
    np.testing.assert_array_equal(cascade.dollars, [[0.5, 0.1], [0.01, 0]])
    assert [model.name for model in cascade.models] == ["a", "b"]
    assert (cascade.tasks, cascade.tokens.tolist(), cascade.budget_dollars) == (("x", "y"), [4, 0], 0.7)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("0.25,0.01", "1.25,0.01", ":2: b: '1.25' given; give a score of 0 … 1"),
        ("0.25,0.01", "nan,0.01", ":2: b: 'nan' given"),
        ("1,0\n", "1,-3\n", ":3: b|total_cost: '-3' given; give dollars, 0 or more"),
        ("1,0\n", "1,inf\n", ":3: b|total_cost: 'inf' given"),
        ("1,0\n", "1\n", ":3: has too many or too few values"),
        ("1,0\n", "1,0,7\n", ":3: has too many or too few values"),
        ("b,b|", "c,b|", ": lacks the column b"),
        ("sample_id", "id", ": lacks the column sample_id"),
        ("y,,", "x,,", ": tasks: 'x' occurs twice"),
        ("|total_cost", "|price", ": has no line or no column MODEL|total_cost"),
    ],
)
def test_a_bad_table_is_refused(tmp_path: Path, old: str, new: str, words: str) -> None:
    """Each fault is one line with the file's line, the column, the value and a remedy."""
    path = tmp_path / "table.csv"
    path.write_text(TABLE.replace(old, new))
    with pytest.raises(InputError) as error:
        read_prompt_table(path, 1.0)
    assert str(error.value).startswith(f"{path}{words}")


def test_pickles_are_never_read(tmp_path: Path) -> None:
    """RouterBench's own files are refused by their suffix, without opening them."""
    for name in ("routerbench_0shot.pkl", "x.pickle"):
        with pytest.raises(InputError, match="is a pickle, which runs code when it is read; export it as CSV"):
            read_cascade_files([str(tmp_path / name)], 1.0)


def test_parquet_without_pyarrow_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without pyarrow the message names it and the way around."""

    def missing(name: str) -> Any:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(InputError, match="Parquet needs pyarrow, which is not installed; pip install pyarrow, or"):
        read_prompt_table(tmp_path / "table.parquet", 1.0)


def test_parquet_rows_are_read_as_csv_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Parquet table goes the same way; pyarrow is replaced by its two calls."""
    rows = [{"sample_id": "x", "a": 1.0, "a|total_cost": 0.5}]

    class Table:
        def to_pylist(self) -> list[dict[str, Any]]:
            return rows

    class Parquet:
        read_table = staticmethod(lambda source: Table())

    monkeypatch.setattr(prompt_table.importlib, "import_module", lambda name: Parquet)
    cascade = read_prompt_table(tmp_path / "table.parquet", 1.0)
    assert (cascade.n_tasks, cascade.dollars.tolist()) == (1, [[0.5]])


def records(tmp_path: Path, name: str, *entries: dict[str, Any]) -> str:
    """Write a file of LLMRouterBench."""
    path = tmp_path / f"{name}.json"
    path.write_text(json.dumps({"model_name": name, "records": list(entries), "demo": True}))
    return str(path)


def test_one_file_per_model_gives_an_instance(tmp_path: Path) -> None:
    """Files of LLMRouterBench are joined by the prompt's index, whatever their order."""
    first = records(tmp_path, "a", RECORD, RECORD | {"index": 2, "score": 0.0})
    second = records(tmp_path, "b", RECORD | {"index": 2, "cost": 0.25}, RECORD | {"cost": 2})
    cascade = read_cascade_files([first, second], 3.0)
    np.testing.assert_array_equal(cascade.dollars, [[0.5, 0.5], [2, 0.25]])
    np.testing.assert_array_equal(cascade.quality, [[1, 0], [1, 1]])
    assert cascade.tokens.tolist() == [15, 15]


def test_bad_records_are_refused(tmp_path: Path) -> None:
    """Missing prompts, doubled models and prompts, and bad values are refused by name."""
    good = records(tmp_path, "a", RECORD)
    for entries, words in (
        ([RECORD | {"index": 2}], "records: prompt 1 is in only one of two files"),
        ([RECORD, RECORD], r"records\[1\].index: 1 occurs twice"),
        ([RECORD | {"cost": -1}], r"records\[0\].cost: -1 is not a finite number of 0 or more"),
        ([RECORD | {"cost": float("nan")}], r"records\[0\].cost: NaN is not a JSON number; give the files of LLMR"),
        ([RECORD | {"score": 7}], r"records\[0\].score: 7 is not a number from 0 to 1"),
    ):
        with pytest.raises(InputError, match=words):
            read_benchmark_records([good, records(tmp_path, "b", *entries)], 1.0)
    with pytest.raises(InputError, match="model_name: 'a' occurs twice"):
        read_benchmark_records([good, good], 1.0)


def test_what_a_table_needs_is_said(tmp_path: Path) -> None:
    """A table has no budget, and cannot have a floor of the mean quality."""
    path = tmp_path / "table.csv"
    path.write_text(TABLE)
    with pytest.raises(InputError, match="--budget: none given"):
        read_cascade_files([str(path)])
    with pytest.raises(InputError, match=r"--mean-quality: 0\.5 given"):
        read_cascade_files([str(path)], 1.0, 0.5)
    with pytest.raises(InputError, match="FILES: 2 tables given"):
        read_cascade_files([str(path), str(path)], 1.0)
    with pytest.raises(InputError, match="FILES: none given"):
        read_cascade_files([])
