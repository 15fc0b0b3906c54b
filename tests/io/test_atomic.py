"""A file is replaced completely or not at all."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

import pytest

from lagrl.errors import InstanceError, OutputError
from lagrl.io.atomic import replacing, require_writable, write_text

if TYPE_CHECKING:
    from pathlib import Path


def test_text_replaces_text(tmp_path: Path) -> None:
    """After writing, the file has the new content in UTF-8 and no temporary file is left."""
    path = tmp_path / "a.txt"
    write_text(path, "old")
    write_text(path, "λ")
    assert path.read_bytes() == "λ".encode()
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), ValueError("x"), InstanceError("x")])
def test_a_failing_body_leaves_the_old_content(tmp_path: Path, error: BaseException) -> None:
    """If an error interrupts the writing, the old file stays, the temporary file is removed and the error is raised."""
    path = tmp_path / "a.txt"
    path.write_text("old")
    with pytest.raises(type(error)), replacing(path) as temporary:
        temporary.write_text("half")
        raise error
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_full_disk_is_an_output_error(tmp_path: Path) -> None:
    """A system error while writing is raised with the file's name, once."""
    with pytest.raises(OutputError, match=r"a\.txt: cannot be written \(No space left"), replacing(tmp_path / "a.txt"):
        raise OSError(28, "No space left on device")
    assert list(tmp_path.iterdir()) == []


def test_our_own_errors_are_not_told_twice(tmp_path: Path) -> None:
    """An OutputError about another file keeps its message."""
    with pytest.raises(OutputError, match=r"^other file$"), replacing(tmp_path / "a.txt"):
        raise OutputError("other file")


def test_a_missing_folder_is_told(tmp_path: Path) -> None:
    """Checking and writing both name the missing folder."""
    path = tmp_path / "none" / "a.txt"
    with pytest.raises(OutputError, match=r"a\.txt"):
        write_text(path, "x")
    with pytest.raises(OutputError, match="does not exist; create it first"):
        require_writable(path)


def test_a_folder_is_not_a_file(tmp_path: Path) -> None:
    """A folder is not replaced by a file."""
    (tmp_path / "d").mkdir()
    with pytest.raises(OutputError, match="is a folder"):
        require_writable(tmp_path / "d")
    with pytest.raises(OutputError, match="is a folder"):
        write_text(tmp_path / "d", "x")
    assert [path.name for path in tmp_path.iterdir()] == ["d"]


def test_a_link_stays_and_what_it_points_to_is_replaced(tmp_path: Path) -> None:
    """Writing through a link changes the linked file."""
    (tmp_path / "real").write_text("old")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    write_text(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_text() == "new"


def test_a_pipe_is_refused_and_stays(tmp_path: Path) -> None:
    """A device or pipe is not replaced by a file."""
    os.mkfifo(tmp_path / "pipe")
    for write in (require_writable, lambda path: write_text(path, "x")):
        with pytest.raises(OutputError, match="not a regular file"):
            write(tmp_path / "pipe")
    assert stat.S_ISFIFO((tmp_path / "pipe").stat().st_mode)


def test_a_writable_place_is_left_alone(tmp_path: Path) -> None:
    """Checking whether a file can be written creates nothing."""
    require_writable(tmp_path / "a.txt")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_told(tmp_path: Path) -> None:
    """A read-only folder is an error when checking and when writing."""
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    try:
        for write in (require_writable, lambda path: write_text(path, "x")):
            with pytest.raises(OutputError, match=r"a\.txt"):
                write(tmp_path / "a.txt")
    finally:
        tmp_path.chmod(stat.S_IRWXU)


def test_permissions_follow_the_umask(tmp_path: Path) -> None:
    """A written file has the permissions of any new file, not those of a temporary one."""
    (tmp_path / "plain").touch()
    write_text(tmp_path / "ours", "x")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode
