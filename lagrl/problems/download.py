"""Download of a small file over HTTP, with limits on size and time."""

from __future__ import annotations

import http.client
import time
import urllib.error
import urllib.request
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from lagrl import __version__
from lagrl.errors import FetchError

if TYPE_CHECKING:
    from email.message import Message
    from typing import IO

_CHUNK = 64 * 1024


def download(url: str, *, max_bytes: int, timeout: float) -> bytes | None:
    """Return the body at `url`, or None if the server has nothing there (404 or 410).

    `url`: `http` or `https`; redirections to anything else are refused. `max_bytes`: largest body accepted, whatever
    the server says its length is. `timeout`: seconds for the connection, for each answer and for the whole.

    Raises FetchError if there is no connection, another HTTP status than 200, or a body that is too large, too slow or
    cut off.
    """
    _require_web(url, url)
    request = urllib.request.Request(url, headers={"User-Agent": f"lagrl/{__version__}"})
    opener = urllib.request.build_opener(_WebRedirects)
    deadline = time.monotonic() + timeout
    try:
        with opener.open(request, timeout=timeout) as response:
            return _body(response, url, max_bytes, deadline)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code in (404, 410):
            return None
        raise FetchError(f"HTTP status {error.code}", source=url, remedy="check the address or try later") from error
    except FetchError:
        raise
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        raise FetchError(
            f"no answer ({reason or type(error).__name__})", source=url, remedy="check the connection and the address"
        ) from error


class _WebRedirects(urllib.request.HTTPRedirectHandler):
    """Redirections to http and https only; urllib would follow to FTP too."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> urllib.request.Request | None:
        _require_web(newurl, req.full_url)
        # the type stubs want the headers of http.client here; urllib itself hands over an email Message
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]


def _require_web(url: str, source: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise FetchError(f"{url!r:.120} is not an http or https address", source=source, remedy="correct the address")


def _body(response: http.client.HTTPResponse, url: str, max_bytes: int, deadline: float) -> bytes:
    if response.status != 200:
        raise FetchError(f"HTTP status {response.status}", source=url, remedy="check the address")
    received = bytearray()
    while chunk := response.read1(_CHUNK):
        received += chunk
        if len(received) > max_bytes:
            raise FetchError(
                f"larger than {max_bytes} bytes", source=url, remedy="check the address or raise the limit"
            )
        if time.monotonic() > deadline:
            raise FetchError("takes too long", source=url, remedy="try later or give a longer timeout")
    stated = response.headers.get("Content-Length", "")
    if stated.isdecimal() and int(stated) != len(received):
        raise FetchError(f"cut off after {len(received)} of {stated} bytes", source=url, remedy="try again")
    return bytes(received)
