"""Files of JSON lines keep every whole line, whatever happened to their writers."""

from __future__ import annotations

import gzip
import os
import stat
import warnings
from typing import TYPE_CHECKING, Any

import pytest

from lagrl.errors import InputError, OutputError
from lagrl.io.jsonl import JsonLines, Offset
from lagrl.io.line_format import LineFormat, TornLineWarning, read_lines

if TYPE_CHECKING:
    from pathlib import Path

PLAIN = LineFormat(fault="not a note", remedy="remove the line", heads=(b'{"note": ',))
CHECKED = LineFormat(fault="damaged", remedy="restore the file", header={"kind": "header"}, has_checksum=True)
NOTES = [{"note": text} for text in ("first", 'with "quotes"', "umlaut ü", "")]


def opened(path: Path, form: LineFormat, **options: Any) -> tuple[JsonLines, list[tuple[dict[str, Any], Offset]]]:
    """Open a file that one writer holds, and return it with the list of what it reads."""
    found: list[tuple[dict[str, Any], Offset]] = []
    return JsonLines(path, form, lambda record, offset: found.append((record, offset)), lock="held", **options), found


@pytest.mark.parametrize("form", [PLAIN, CHECKED])
def test_a_file_cut_at_any_byte_is_continued_to_the_same_bytes(tmp_path: Path, form: LineFormat) -> None:
    """Whole lines are kept, also one that lacks only its end; a torn one is cut off with a warning that names it."""
    path = tmp_path / "notes.jsonl"
    with opened(path, form)[0] as file:
        file.append(*NOTES)
    whole = path.read_bytes()
    ends = [i for i in range(len(whole)) if whole[i : i + 1] == b"\n"]
    for length in range(len(whole) + 1):
        path.write_bytes(whole[:length])
        is_torn = length > 0 and length not in ends and whole[length - 1 : length] != b"\n"
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            file, found = opened(path, form)
        number = whole[:length].count(b"\n") + 1
        is_in_header = bool(form.header) and number == 1
        assert [w.category for w in caught] == [TornLineWarning] * (is_torn and not is_in_header)
        assert all(f"line {number} is torn" in str(w.message) for w in caught)
        with file:
            file.append(*NOTES[len(found) :])
        assert [record for record, _ in found] == NOTES
        assert path.read_bytes() == whole


def test_lines_are_found_again_at_their_offsets(tmp_path: Path) -> None:
    """Offsets are those of the file, whether a line was read or appended."""
    path = tmp_path / "notes.jsonl"
    with opened(path, CHECKED)[0] as file:
        file.append(*NOTES[:2])
    file, found = opened(path, CHECKED)
    with file:
        file.append(*NOTES[2:])
        whole = path.read_bytes()
        lines = [(whole[place.start : place.start + place.length], place.number) for _, place in found]
        assert [CHECKED.decode(line, path, number) for line, number in lines] == NOTES
        assert [offset.number for _, offset in found] == [2, 3, 4, 5]
        file.cut_after(found[1][1])
        file.append(NOTES[3])
    assert [record for record, _ in opened(path, CHECKED)[1]] == [*NOTES[:2], NOTES[3]]


def test_a_changed_byte_is_named_and_left_alone(tmp_path: Path) -> None:
    """A line that does not have its checksum is refused by file and number."""
    path = tmp_path / "notes.jsonl"
    content = CHECKED.first_line + CHECKED.encode(NOTES[0]).replace(b"first", b"forst")
    path.write_bytes(content)
    with pytest.raises(
        InputError, match=r"notes\.jsonl: line 2: damaged \(checksum does not match\); restore the file"
    ):
        opened(path, CHECKED)
    assert path.read_bytes() == content


def test_something_else_is_refused_and_left_alone(tmp_path: Path) -> None:
    """Text that is no beginning of a line, another header, NaN, and lines that the caller refuses."""
    path = tmp_path / "notes.jsonl"

    def refuse(record: dict[str, Any], offset: Offset) -> None:
        raise KeyError("note")

    for content in (b"Dear diary", b'{"song": 1', b"3\n", b'{"note": NaN}\n', b'{"note": NaN}'):
        path.write_bytes(content)
        with pytest.raises(InputError, match=r"line 1: not a note"):
            opened(path, PLAIN)
        with pytest.raises(InputError, match=r"line 1: not a note"):
            list(read_lines(path, PLAIN))
        with pytest.raises(InputError, match=r"the first line is"):
            opened(path, CHECKED)
        assert path.read_bytes() == content
    path.write_bytes(b'{"note": 1}')
    with pytest.raises(InputError, match=r"line 1: not a note \(KeyError\('note'\)\)"):
        JsonLines(path, PLAIN, refuse, lock="none")
    assert path.read_bytes() == b'{"note": 1}'


def test_a_file_that_one_writer_holds_is_refused_to_others(tmp_path: Path) -> None:
    """Until it is closed; a closed file takes nothing more."""
    path = tmp_path / "notes.jsonl"
    file, _ = opened(path, PLAIN)
    with pytest.raises(OutputError, match="writing to it"):
        opened(path, PLAIN)
    file.close()
    file.close()
    opened(path, PLAIN)[0].close()
    with pytest.raises(OutputError, match="is closed"):
        file.append(NOTES[0])
    with pytest.raises(InputError, match="not plain JSON"), opened(path, PLAIN)[0] as again:
        again.append({"note": float("nan")})
    assert path.read_bytes() == b""


def test_packed_files_are_not_written(tmp_path: Path) -> None:
    """A gzipped file cannot be appended to, and stays as it was."""
    path = tmp_path / "notes.jsonl.gz"
    path.write_bytes(gzip.compress(PLAIN.encode(NOTES[0])))
    before = path.read_bytes()
    with pytest.raises(InputError, match="gzipped"):
        opened(path, PLAIN)
    assert path.read_bytes() == before


@pytest.mark.skipif(not hasattr(os, "O_DIRECTORY"), reason="folders cannot be opened here")
@pytest.mark.parametrize("header", [None, {"kind": "rows"}])
def test_the_folder_of_a_new_file_is_synced(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, header: dict[str, str] | None
) -> None:
    """A new file's entry in its folder is on the disk before the first line; an existing file's is already."""
    synced: list[bool] = []
    sync = os.fsync

    def note(descriptor: int) -> None:
        synced.append(stat.S_ISDIR(os.fstat(descriptor).st_mode))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", note)
    form = LineFormat(fault="not a row", remedy="remove it", header=header)
    for is_new in (True, False):
        synced.clear()
        with JsonLines(tmp_path / "rows.jsonl", form, lambda record, offset: None, lock="held") as lines:
            lines.append({"a": 1})
        assert synced[0] is is_new
        assert synced[-1] is False
