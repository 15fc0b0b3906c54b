"""Download of a small file over HTTP, with limits on size and time."""

from __future__ import annotations

import http.client
import io
import time
import urllib.error
import urllib.request
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from lagrl import __version__
from lagrl.errors import FetchError

if TYPE_CHECKING:
    import socket
    from email.message import Message
    from typing import IO

_CHUNK = 64 * 1024


def download(url: str, *, max_bytes: int, timeout: float) -> bytes | None:
    """Return the body at `url`, or None if the server has nothing there (404 or 410).

    `url`: `http` or `https`; redirections to anything else are refused. `max_bytes`: largest body accepted, whatever
    the server says its length is. `timeout`: seconds for the whole exchange, redirections included; only the attempt to
    connect has that time for each address of a server.

    Raises FetchError if there is no connection, another HTTP status than 200, or a body that is too large, too slow or
    cut off.
    """
    _require_web(url, url)
    request = urllib.request.Request(url, headers={"User-Agent": f"lagrl/{__version__}"})
    opener = urllib.request.build_opener(_WebRedirects, _Timed(time.monotonic() + timeout))
    try:
        with opener.open(request, timeout=timeout) as response:
            return _body(response, url, max_bytes)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code in (404, 410):
            return None
        raise FetchError(f"HTTP status {error.code}", source=url, remedy="check the address or try later") from error
    except FetchError:
        raise
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "reason", None) or error
        if isinstance(reason, TimeoutError):
            raise FetchError(
                f"takes more than {timeout:g} s", source=url, remedy="try later or give a longer timeout"
            ) from error
        raise FetchError(
            f"no answer ({reason or type(error).__name__})", source=url, remedy="check the connection and the address"
        ) from error


class _Timed(urllib.request.HTTPHandler, urllib.request.HTTPSHandler):
    """Connections whose answers are read until a deadline; a timeout of a socket starts again with every byte."""

    def __init__(self, deadline: float) -> None:
        super().__init__()
        self._deadline = deadline

    def http_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self._open(http.client.HTTPConnection, req)

    def https_open(self, req: urllib.request.Request) -> http.client.HTTPResponse:
        return self._open(http.client.HTTPSConnection, req)

    def _open(self, kind: type[http.client.HTTPConnection], req: urllib.request.Request) -> http.client.HTTPResponse:
        def connection(host: str, timeout: float) -> http.client.HTTPConnection:
            made = kind(host, timeout=_left(self._deadline))
            made.response_class = partial(_TimedResponse, self._deadline)  # type: ignore[assignment]  # only called
            return made

        return self.do_open(connection, req)  # type: ignore[arg-type]  # only called


class _TimedResponse(http.client.HTTPResponse):
    """An answer that is read until a deadline, its headers and the lengths of its chunks included."""

    def __init__(self, deadline: float, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_TimedSocket(self.fp.detach(), sock, deadline))


class _TimedSocket(io.RawIOBase):
    """A socket as a file, each read of which ends at the deadline."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket, deadline: float) -> None:
        self._raw, self._sock, self._deadline = raw, sock, deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        self._sock.settimeout(_left(self._deadline))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


def _left(deadline: float) -> float:
    """Return the seconds until a deadline; TimeoutError if it is over."""
    left = deadline - time.monotonic()
    if left <= 0:
        raise TimeoutError("timed out")
    return left


class _WebRedirects(urllib.request.HTTPRedirectHandler):
    """Redirections to http and https only; urllib would follow to FTP too."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Message, newurl: str
    ) -> urllib.request.Request | None:
        _require_web(newurl, req.full_url)
        fp.close()  # urllib would read all of the body, however long
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]  # stubs want http.client's headers


def _require_web(url: str, source: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise FetchError(f"{url!r:.120} is not an http or https address", source=source, remedy="correct the address")


def _body(response: http.client.HTTPResponse, url: str, max_bytes: int) -> bytes:
    if response.status != 200:
        raise FetchError(f"HTTP status {response.status}", source=url, remedy="check the address")
    received = bytearray()
    while chunk := response.read1(_CHUNK):
        received += chunk
        if len(received) > max_bytes:
            raise FetchError(
                f"larger than {max_bytes} bytes", source=url, remedy="check the address or raise the limit"
            )
    stated = response.headers.get("Content-Length", "")
    if stated.isdecimal() and int(stated) != len(received):
        raise FetchError(f"cut off after {len(received)} of {stated} bytes", source=url, remedy="try again")
    return bytes(received)
