"""A model hub on loopback, as far as a download needs one, and as unreliable as a test wants it."""

from __future__ import annotations

import hashlib
import json
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"
_PIECE = 1 << 16


@dataclass(frozen=True)
class Seen:
    method: str
    path: str
    start: int | None
    """The first byte asked for by a Range header."""
    authorization: str | None


@dataclass
class Behaviour:
    """What goes wrong; each entry is used up or stays, as its comment says."""

    cut_after: list[int] = field(default_factory=list)  # bytes of a weight file; one per request
    stall_after: int | None = None  # bytes of a weight file, then silence
    status: dict[str, int] = field(default_factory=dict)  # by path prefix
    headers: dict[str, str] = field(default_factory=dict)  # sent with each such status
    bytes_per_second: float | None = None  # of a weight file
    ignores_ranges: bool = False
    refuses_ranges: bool = False
    corrupts: str = ""  # the name of a file that arrives damaged
    is_silent: bool = False
    leaves_out_sizes: bool = False
    storage: str | None = None  # the address of another hub that holds the weights
    body: bytes | None = None  # sent for the listing in place of it


class Hub:
    """Repositories by name, each a mapping of file names to their bytes."""

    def __init__(self) -> None:
        self.repositories: dict[str, dict[str, bytes]] = {}
        self.configs: dict[str, dict] = {}
        self.behaviour = Behaviour()
        self.seen: list[Seen] = []
        self.bytes_sent = 0
        self._stop = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def add(self, name: str, files: dict[str, bytes], config: dict | None = None) -> None:
        self.repositories[name] = files
        self.configs[name] = config or {}

    def close(self) -> None:
        self._stop.set()
        self._server.shutdown()
        self._server.server_close()

    def requested(self, end: str) -> list[Seen]:
        return [seen for seen in self.seen if seen.path.endswith(end)]

    def _handler(hub) -> type[BaseHTTPRequestHandler]:  # noqa: N805
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                pass

            def do_HEAD(self) -> None:
                hub._answer(self)

            def do_GET(self) -> None:
                hub._answer(self)

            def do_CONNECT(self) -> None:
                hub._answer(self)

        return Handler

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        path = unquote(urlsplit(request.path).path)
        wanted = request.headers.get("Range")
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted else None
        self.seen.append(Seen(request.command, path, start, request.headers.get("Authorization")))
        if self.behaviour.is_silent:
            self._stop.wait(30)
            return
        for prefix, status in self.behaviour.status.items():
            if path.startswith(prefix) or prefix == "*":
                _send(request, status, b"{}", self.behaviour.headers)
                return
        parts = path.strip("/").split("/")
        if parts[:2] == ["api", "models"]:
            self._list(request, "/".join(parts[2:]).partition("/revision/")[0])
        elif "resolve" in parts:
            at = parts.index("resolve")
            self._file(request, "/".join(parts[:at]), "/".join(parts[at + 2 :]), start)
        else:
            _send(request, 404, b"{}")

    def _list(self, request: BaseHTTPRequestHandler, name: str) -> None:
        files = self.repositories.get(name)
        if files is None:
            _send(request, 404, b"{}", {"X-Error-Code": "RepoNotFound"})
            return
        siblings = []
        for filename, content in files.items():
            entry: dict = {"rfilename": filename}
            if not self.behaviour.leaves_out_sizes:
                entry |= {"size": len(content), "blobId": git_hash(content)}
                if is_large(filename):
                    sha = hashlib.sha256(content).hexdigest()
                    entry["lfs"] = {"size": len(content), "sha256": sha, "pointerSize": 130}
            siblings.append(entry)
        body = {"id": name, "sha": COMMIT, "siblings": siblings, "config": self.configs[name]}
        _send(request, 200, self.behaviour.body or json.dumps(body).encode())

    def _file(
        self, request: BaseHTTPRequestHandler, name: str, filename: str, start: int | None
    ) -> None:
        content = self.repositories.get(name, {}).get(filename)
        if content is None:
            _send(request, 404, b"", {"X-Error-Code": "EntryNotFound"})
            return
        whole = len(content)
        digest = hashlib.sha256(content).hexdigest() if is_large(filename) else git_hash(content)
        headers = {"ETag": f'"{digest}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
        if is_large(filename):
            headers["X-Linked-Size"] = str(whole)
        if self.behaviour.corrupts == filename:
            content = content[:-1] + bytes([content[-1] ^ 1])
        if self.behaviour.storage is not None and is_large(filename):
            address = self.behaviour.storage + urlsplit(request.path).path
            _send(request, 302, b"", {**headers, "Location": address})
            return
        status = 200
        if start is not None and not self.behaviour.ignores_ranges:
            if start >= whole or self.behaviour.refuses_ranges:
                _send(request, 416, b"")
                return
            status = 206
            headers["Content-Range"] = f"bytes {start}-{whole - 1}/{whole}"
            content = content[start:]
        request.send_response(status)
        for key, value in headers.items():
            request.send_header(key, value)
        request.send_header("Content-Length", str(len(content)))
        request.end_headers()
        if request.command == "GET":
            self._stream(request, content, is_large(filename))

    def _stream(self, request: BaseHTTPRequestHandler, content: bytes, is_weight: bool) -> None:
        cut = stall = None
        if is_weight:
            cut = self.behaviour.cut_after.pop(0) if self.behaviour.cut_after else None
            stall = self.behaviour.stall_after
        ends = [end for end in (cut, stall) if end is not None]
        shown = content[: min(ends)] if ends else content
        try:
            for at in range(0, len(shown), _PIECE):
                piece = shown[at : at + _PIECE]
                request.wfile.write(piece)
                self.bytes_sent += len(piece)
                if is_weight and self.behaviour.bytes_per_second:
                    time.sleep(len(piece) / self.behaviour.bytes_per_second)
            if stall is not None and len(shown) < len(content) and cut is None:
                self._stop.wait(30)
            if len(shown) < len(content):
                request.close_connection = True
                request.connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            request.close_connection = True


def is_large(filename: str) -> bool:
    return filename.endswith((".safetensors", ".bin"))


def git_hash(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()  # noqa: S324


def _send(
    request: BaseHTTPRequestHandler, status: int, body: bytes, headers: dict | None = None
) -> None:
    request.send_response(status)
    for key, value in (headers or {}).items():
        request.send_header(key, value)
    request.send_header("Content-Length", str(len(body)))
    request.end_headers()
    if request.command != "HEAD":
        request.wfile.write(body)


def until(condition: Callable[[], bool], seconds: float = 60.0) -> None:
    """Wait until ``condition`` holds.

    Raises:
        TimeoutError: It does not in time.
    """
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("it did not come about")
        time.sleep(0.01)
