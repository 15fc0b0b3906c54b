"""Small files that stand for gigabytes are refused in one line, without the memory."""

from __future__ import annotations

import base64
import gzip
import json
import subprocess
import sys
import zlib
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from lagrl.io.jsonl import JsonLines
from lagrl.quantum.journal.calls import Call
from lagrl.quantum.journal.journal import Journal
from lagrl.quantum.journal.lines import JOURNAL
from lagrl.relaxation.sampler import SampleContext, SampleQuery, Samples

if TYPE_CHECKING:
    from pathlib import Path

MIB = 2**20
SCRIPT = """
import json, resource, sys
from pathlib import Path
import numpy as np
from lagrl.bench.rows import read_rows
from lagrl.errors import InputError
from lagrl.quantum.bandit.traces import read_traces
from lagrl.quantum.journal.journal import Journal
from lagrl.quantum.journal.journaled import ReplaySampler
from lagrl.relaxation.sampler import SampleContext, SampleQuery

def replay(path):
    knapsacks = np.zeros((2, 3)), np.ones(3, int), np.ones(2, int)
    new = path.with_suffix(".sqlite")
    with Journal(new) as journal:
        journal.import_lines(path)
    ReplaySampler(new).sample(SampleQuery(*knapsacks, 5, np.random.default_rng(0), SampleContext("r", 0)))

READERS = {"rows": read_rows, "traces": lambda path: read_traces([path]), "journal": replay}
now = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
resource.setrlimit(resource.RLIMIT_AS, (now + 700 * 2**20,) * 2)
for path in map(Path, sys.argv[1:]):
    try:
        READERS[path.name.split("-")[0]](path)
        print(json.dumps("read"))
    except InputError as error:
        print(json.dumps(str(error)))
    except MemoryError:
        print(json.dumps("memory"))
"""


def zeros_deflated(n_mib: int) -> str:
    """Return n MiB of zero bytes as zlib data in base64, made without them."""
    packer = zlib.compressobj(9, wbits=-15)
    block = packer.compress(bytes(MIB)) + packer.flush(zlib.Z_FULL_FLUSH)  # self-contained, so it can be repeated
    return base64.b64encode(b"\x78\xda" + block * n_mib + b"\x03\x00" + bytes(4)).decode()


def journal(path: Path, strings: dict[str, Any]) -> None:
    """Write a journal of one call whose strings are replaced."""
    rng, context = np.random.default_rng(0), SampleContext("r", 0)
    call = Call.of(SampleQuery(np.zeros((2, 3)), np.ones(3, int), np.ones(2, int), 5, rng, context), "dice")
    whole = path.with_name(f"whole-{path.name}")
    with Journal(whole.with_suffix(".sqlite")) as written:
        written.record(call, Samples(np.zeros((2, 1, 3), np.uint8), np.ones((2, 1), int)), rng)
        written.export_lines(whole)
    line = JOURNAL.decode(whole.read_bytes().splitlines()[1], whole, 2)
    line["samples"]["strings"] = strings
    with JsonLines(path, JOURNAL, lambda *_: None, lock="none") as file:
        file.append(line)


@pytest.mark.skipif(sys.platform != "linux", reason="needs the memory limit of Linux")
def test_bombs_are_refused_within_a_memory_limit(tmp_path: Path) -> None:
    """A gzip of a 3 GB line, data that inflates, shapes of terabytes, long lines and deep nesting."""
    expected = {}
    three_gb = gzip.compress(b" " * 16 * MIB) * 192
    path = tmp_path / "rows-line.jsonl.gz"
    path.write_bytes(gzip.compress(b'{"schema": "lagrl-row/1"') + three_gb)
    assert path.stat().st_size < 4 * MIB
    expected[path] = "line 1: not a result row (longer than 16777216 bytes)"
    path = tmp_path / "traces-lines.jsonl.gz"
    line = json.dumps({"kind": "header", "settings": {"a": " " * 8 * MIB}}).encode() + b"\n"
    path.write_bytes(gzip.compress(line) * 100)
    expected[path] = "unpacked, the file is more than 100 times as large"
    path = tmp_path / "traces-line.jsonl"
    path.write_bytes(b'{"kind": "header", "settings": {}, "a": "' + b"x" * 32 * MIB + b'"}\n')
    expected[path] = "longer than 16777216 bytes"
    path = tmp_path / "traces-deep.jsonl"
    path.write_bytes(b'{"kind": ' + b"[" * 4 * MIB + b"\n")
    expected[path] = "nested deeper than 32 levels"
    path = tmp_path / "journal-inflates.jsonl"
    journal(path, {"bits": zeros_deflated(8192), "shape": [2, 1, 3]})
    assert path.stat().st_size < 13 * MIB
    expected[path] = "the packed data is not that of its shape"
    path = tmp_path / "journal-declared.jsonl"
    journal(path, {"bits": zeros_deflated(1024), "shape": [2, 1024 * MIB, 4]})
    expected[path] = "8589934608 bytes of arrays"
    path = tmp_path / "journal-shape.jsonl"
    journal(path, {"<u4": "", "shape": [2**40, 2**20], "dtype": "int64"})
    expected[path] = "9223372036854775824 bytes of arrays"
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT, *map(str, expected)], capture_output=True, text=True, timeout=60, check=False
    )
    printed = [json.loads(text) for text in run.stdout.splitlines()]
    assert len(printed) == len(expected), run.stderr
    for (path, part), text in zip(expected.items(), printed, strict=True):
        assert part in text, path
        assert path.name in text
