"""Lines of JSON files: written and read back, torn ones distinguished from others, and packed files."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from lagrl.errors import InputError
from lagrl.io.line_format import LineFormat, TornLineWarning, read_lines

PLAIN = LineFormat(fault="not a note", remedy="remove the line", heads=(b'{"note": ',))
CHECKED = LineFormat(fault="damaged", remedy="restore the file", has_checksum=True)
NOTES = [{"note": text} for text in ("first", 'with "quotes"', "umlaut ü", "")]
NAME = Path("notes.jsonl")


@pytest.mark.parametrize("form", [PLAIN, CHECKED])
def test_a_line_reads_back_with_or_without_its_end(form: LineFormat) -> None:
    """Each object is one line; a line that lacks only its end counts."""
    for note in NOTES:
        line = form.encode(note)
        assert line.count(b"\n") == 1
        assert form.decode(line, NAME, 1) == form.decode(line[:-1], NAME, 1) == note


def test_every_beginning_of_a_line_is_torn_and_nothing_else() -> None:
    """What is cut off anywhere before its end is torn; another beginning is refused, and a whole object is not torn."""
    line = PLAIN.encode(NOTES[0])[:-1]
    assert all(PLAIN.is_torn(line[:length], NAME, 1) for length in range(1, len(line)))
    assert not PLAIN.is_torn(line, NAME, 1)
    with pytest.raises(InputError, match=r"^notes\.jsonl: line 7: not a note \(not JSON\); remove the line$"):
        PLAIN.is_torn(b'{"song": 1', NAME, 7)


def test_packed_files_are_read(tmp_path: Path) -> None:
    """A gzipped file gives the same lines, without a torn last one; a damaged archive is named."""
    path = tmp_path / "notes.jsonl.gz"
    packed = gzip.compress(b"".join(map(PLAIN.encode, NOTES)) + b'{"note": "to')
    path.write_bytes(packed)
    with pytest.warns(TornLineWarning, match="line 5 is torn.* left out"):
        assert list(read_lines(path, PLAIN)) == [(note, number) for number, note in enumerate(NOTES, 1)]
    path.write_bytes(packed[:-12])
    with pytest.raises(InputError, match=r"notes\.jsonl\.gz: cannot be read"):
        list(read_lines(path, PLAIN))
