"""Downloading from a server that may be wrong in every way, run on this machine."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from cvrplib_samples import GOOD_INSTANCE, GOOD_SOLUTION

from lagrl.errors import FetchError, InputError, LagrlError, OutputError, UnknownNameError
from lagrl.problems.cvrplib import read_instance
from lagrl.problems.fetch import fetch

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

NAME = "T-n4-k2"


@dataclass
class Server:
    """A server's files by path, and the requests so far."""

    template: str
    bodies: dict[str, bytes] = field(default_factory=dict)
    headers: dict[str, str] = field(default_factory=dict)
    status: int = 200
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """Serve a sound instance and its solution, until a test says otherwise."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            state.asked.append(self.path)
            body = state.bodies.get(self.path)
            self.send_response(404 if body is None else state.status)
            for key, value in ({"Content-Length": str(len(body or b""))} | state.headers).items():
                if value:
                    self.send_header(key, value)
            self.end_headers()
            try:
                self.wfile.write(body or b"")
            except ConnectionError:
                self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None:
            """Write no log of requests."""

    http = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    state = Server(f"http://127.0.0.1:{http.server_address[1]}/{{set}}/{{name}}.{{ext}}")
    state.bodies = {f"/T/{NAME}.vrp": GOOD_INSTANCE.encode(), f"/T/{NAME}.sol": GOOD_SOLUTION.encode()}
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield state
    http.shutdown()
    http.server_close()
    thread.join()


def refused(server: Server, folder: Path, expected: str, **options: Any) -> None:
    """Fetching fails with an error that names the address, and leaves nothing behind."""
    with pytest.raises(FetchError, match=expected) as caught:
        fetch([NAME], folder, url_template=server.template, **options)
    assert "127.0.0.1" in str(caught.value)
    assert list(folder.iterdir()) == []


def test_instance_and_solution_arrive(server: Server, tmp_path: Path) -> None:
    """Both files are there, byte for byte, nothing else is, and each instance is reported."""
    seen: list[Path] = []
    files = fetch([NAME], tmp_path, url_template=server.template, progress=seen.append)
    assert files == seen == [tmp_path / f"{NAME}.vrp"]
    assert files[0].read_text() == GOOD_INSTANCE
    assert files[0].with_suffix(".sol").read_text() == GOOD_SOLUTION
    assert len(list(tmp_path.iterdir())) == 2
    assert read_instance(files[0]).best_known == 26


def test_a_missing_solution_is_no_error(server: Server, tmp_path: Path) -> None:
    """Where the server has no .sol the instance comes alone."""
    del server.bodies[f"/T/{NAME}.sol"]
    fetch([NAME], tmp_path, url_template=server.template)
    assert [path.name for path in tmp_path.iterdir()] == [f"{NAME}.vrp"]


def test_the_template_comes_from_the_environment(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LAGRL_FETCH_URL stands in for the argument."""
    monkeypatch.setenv("LAGRL_FETCH_URL", server.template)
    assert fetch([NAME], tmp_path)[0].is_file()


def test_an_unknown_instance_is_reported(server: Server, tmp_path: Path) -> None:
    """404 for the .vrp is an error."""
    server.bodies.clear()
    refused(server, tmp_path, "not found .HTTP status 404")


def test_another_status_is_reported(server: Server, tmp_path: Path) -> None:
    """A server error is not taken for a file."""
    server.status = 503
    refused(server, tmp_path, "HTTP status 503")


@pytest.mark.parametrize("headers", [{}, {"Content-Length": ""}])
def test_an_oversized_file_is_refused(server: Server, tmp_path: Path, headers: dict[str, str]) -> None:
    """The limit holds with and without a length in the server's header."""
    server.headers = headers
    refused(server, tmp_path, "larger than 100 bytes", max_bytes=100)


def test_a_length_that_is_too_long_is_a_cut_file(server: Server, tmp_path: Path) -> None:
    """Fewer bytes than promised are not believed."""
    server.headers = {"Content-Length": str(len(GOOD_INSTANCE) + 1000)}
    refused(server, tmp_path, "cut off|no answer")


def test_a_length_that_is_too_short_is_a_cut_file(server: Server, tmp_path: Path) -> None:
    """What is left of the file is not an instance."""
    server.headers = {"Content-Length": "150"}
    refused(server, tmp_path, "not a valid instance")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"<html><body>Not here</body></html>", "not a valid instance: '<html>"),
        (GOOD_INSTANCE[:-60].encode(), "not a valid instance"),
        (b"", "not a valid instance: the file is empty"),
        (b"\x00\x01\x02", "not a valid instance: binary"),
        (GOOD_INSTANCE.replace(NAME, "T-n4-k3").encode(), f"NAME: 'T-n4-k3' came instead of '{NAME}'"),
        (GOOD_INSTANCE.replace("CAPACITY", "DISTANCE : 20\nCAPACITY").encode(), "DISTANCE: .*limits the duration"),
    ],
)
def test_what_is_not_the_instance_is_refused(server: Server, tmp_path: Path, body: bytes, expected: str) -> None:
    """A page, a cut file, another instance or an unsupported one never takes the instance's place."""
    server.bodies[f"/T/{NAME}.vrp"] = body
    refused(server, tmp_path, expected)


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"Route #1: 1 2\nRoute #2: 7\nCost 26\n", "does not solve T-n4-k2: customer 7 does not exist"),
        (b"Route #1: 1 2\nRoute #2: 3\nCost 2\n", "stated cost is 2"),
        (b"Route #1: 1 2\nRoute #2: 3\n", "not a valid solution"),
        (b"<html>", "not a valid solution"),
    ],
)
def test_what_is_not_the_solution_is_refused(server: Server, tmp_path: Path, body: bytes, expected: str) -> None:
    """A solution of another instance rejects its instance, unless solutions are not requested."""
    server.bodies[f"/T/{NAME}.sol"] = body
    refused(server, tmp_path, expected)
    assert fetch([NAME], tmp_path, url_template=server.template, solutions=False)[0].is_file()
    assert len(list(tmp_path.iterdir())) == 1


def test_sound_files_are_kept_unless_told_otherwise(server: Server, tmp_path: Path) -> None:
    """Valid existing files are not requested again; broken files are replaced."""
    target = tmp_path / f"{NAME}.vrp"
    own = GOOD_INSTANCE.replace("three customers", "my own copy")
    target.write_text(own)
    target.with_suffix(".sol").write_text(GOOD_SOLUTION)
    fetch([NAME], tmp_path, url_template=server.template)
    assert (server.asked, target.read_text()) == ([], own)
    fetch([NAME], tmp_path, url_template=server.template, overwrite=True)
    assert target.read_text() == GOOD_INSTANCE
    target.write_text(GOOD_INSTANCE[:-60])
    fetch([NAME], tmp_path, url_template=server.template)
    assert target.read_text() == GOOD_INSTANCE


def test_a_failed_replacement_leaves_the_old_file(server: Server, tmp_path: Path) -> None:
    """Overwriting with something broken changes nothing."""
    target = tmp_path / f"{NAME}.vrp"
    target.write_text(GOOD_INSTANCE)
    server.bodies[f"/T/{NAME}.vrp"] = b"<html>"
    with pytest.raises(FetchError):
        fetch([NAME], tmp_path, url_template=server.template, overwrite=True)
    assert [path.read_text() for path in tmp_path.iterdir()] == [GOOD_INSTANCE]


def test_a_redirection_off_the_web_is_refused(server: Server, tmp_path: Path) -> None:
    """A server cannot make us read the local disk."""
    server.status = 302
    server.headers = {"Location": "file:///etc/hostname"}
    refused(server, tmp_path, "file:///etc/hostname|HTTP status 302")


def test_no_server_is_reported(server: Server, tmp_path: Path) -> None:
    """A closed port is a connection that fails, not a crash."""
    server.template = "http://127.0.0.1:9/{set}/{name}.{ext}"
    refused(server, tmp_path, "no answer", timeout=5.0)


@pytest.mark.parametrize(
    ("start", "drop", "expected"),
    [
        (b"", b"", "takes more than 0.2 s"),
        (b"HTTP/1.1 200 OK\r\nX: ", b"y", "takes more than 0.2 s"),
        (b"HTTP/1.1 200 OK\r\n", b"X: y\r\n", "takes more than 0.2 s|no answer"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n", "takes more than 0.2 s"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"0", "takes more than 0.2 s"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n", "takes more than 0.2 s"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999\r\n\r\n", b"x", "takes more than 0.2 s"),
        (b"HTTP/1.1 302 Found\r\nLocation: /a\r\n\r\n", b"x" * 4096, "takes more than 0.2 s|HTTP status 302"),
    ],
)
def test_the_timeout_holds_for_the_whole_exchange(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start: bytes, drop: bytes, expected: str
) -> None:
    """A server that says nothing, or a little again and again in any part of its answer, is left after the timeout."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    stopped = threading.Event()

    def drip(connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            connection.sendall(start)
            while not stopped.wait(0.02):
                connection.sendall(drop)

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=drip, args=[server.accept()[0]], daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as server:
        threading.Thread(target=serve, daemon=True).start()
        template = f"http://127.0.0.1:{server.getsockname()[1]}/{{name}}.{{ext}}"
        started = time.monotonic()
        with pytest.raises(FetchError, match=expected):
            fetch([NAME], tmp_path, url_template=template, timeout=0.2)
        assert time.monotonic() - started < 10.0  # the answer never ends
        stopped.set()
        server.shutdown(socket.SHUT_RDWR)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "template",
    ["file:///etc/{name}.{ext}", "ftp://127.0.0.1/{name}.{ext}", "127.0.0.1/{name}.{ext}", "http:///{name}.{ext}"],
)
def test_only_the_web_is_asked(tmp_path: Path, template: str) -> None:
    """Other schemes, and none, are refused."""
    with pytest.raises(FetchError, match="is not an http or https address"):
        fetch([NAME], tmp_path, url_template=template)


@pytest.mark.parametrize("template", ["http://h/{name}", "http://h/x.{ext}", "http://h/{nome}/{name}.{ext}"])
def test_a_template_that_is_none_is_refused(tmp_path: Path, template: str) -> None:
    """Missing and unknown placeholders are reported before any request."""
    with pytest.raises(InputError, match=r"LAGRL_FETCH_URL: .*is not an address template"):
        fetch([NAME], tmp_path, url_template=template)


@pytest.mark.parametrize("name", ["../T-n4-k2", "T/../../x", "T-n4-k2.vrp", "", "T%2e"])
def test_names_cannot_leave_the_folder(server: Server, tmp_path: Path, name: str) -> None:
    """A name that is a path is refused before any name is fetched."""
    with pytest.raises(UnknownNameError):
        fetch([NAME, name], tmp_path, url_template=server.template)
    assert server.asked == []


def test_a_missing_folder_is_told_first(server: Server, tmp_path: Path) -> None:
    """Nothing is downloaded for a place that cannot be written."""
    with pytest.raises(OutputError, match="does not exist"):
        fetch([NAME], tmp_path / "none", url_template=server.template)
    assert server.asked == []


@pytest.mark.parametrize("options", [{"max_bytes": 0}, {"timeout": 0.0}, {"timeout": float("nan")}])
def test_limits_must_be_positive(server: Server, tmp_path: Path, options: dict[str, Any]) -> None:
    """A limit that allows nothing is the user's mistake."""
    with pytest.raises(LagrlError, match="is not above 0"):
        fetch([NAME], tmp_path, url_template=server.template, **options)
