"""The command `lagrl fetch`."""

from __future__ import annotations

import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from command_runs import SMALL, contents, error_of, output_of, solved

from lagrl.problems.cvrplib import read_instance

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture
def template(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Serve the bundled instances from this machine and give the address template."""
    monkeypatch.setenv("no_proxy", "127.0.0.1")

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: Any) -> None:
            """Keep stderr to what the command says."""

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(Path(SMALL).parent))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/{{name}}.{{ext}}"
        server.shutdown()
        thread.join()


def test_what_is_fetched_can_be_solved(tmp_path: Path, template: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Instance and solution arrive unchanged, with the best known cost; a failed download leaves no file."""
    printed = output_of(capsys, "fetch", "G-n16-k3", "--to", str(tmp_path), "--url", template)
    assert printed == f"{tmp_path / 'G-n16-k3.vrp'}\n"
    assert contents(tmp_path) == {"G-n16-k3.vrp", "G-n16-k3.sol"}
    assert (tmp_path / "G-n16-k3.vrp").read_bytes() == Path(SMALL).read_bytes()
    record = solved(capsys, str(tmp_path / "G-n16-k3.vrp"), "--evaluations", "5")
    assert record["bks"] == read_instance(SMALL).best_known
    assert "G-n99-k9" in error_of(capsys, "fetch", "G-n99-k9", "--to", str(tmp_path), "--url", template)
    assert contents(tmp_path) == {"G-n16-k3.vrp", "G-n16-k3.sol"}
