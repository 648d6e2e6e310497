"""A hub that answers without end, or with more than it says: told soon, and hung up on."""

from __future__ import annotations

import contextlib
import gzip
import hashlib
import itertools
import json
import socket
import threading
import time

import pytest

from core.models.hub import download as hub_module
from core.models.hub.download import DownloadCancelled, download
from core.models.hub.errors import UntrustedAnswer
from core.models.hub.files import RemoteFile
from core.records.errors import PlaygroundError
from tests.core.models.hub.conftest import model_files
from tests.core.models.hub.server import COMMIT, git_hash, is_large, until

NAME = "owner/tiny"
SOON = 5.0  # seconds
MOST_SENT = 40_000_000  # bytes: the longest listing, and what lies in the buffers of a connection
BLOCK = b"\0" * 65536


class Endless:
    """A server on loopback that answers as ``answer`` says, and counts what is taken of it.

    ``answer`` is given the path of a request and yields bytes until the connection is closed.
    """

    def __init__(self, answer):
        self.sent = 0
        self.open = 0
        self._answer = answer
        self._server = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self):
        self._server.close()

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self._server.accept()
                self.open += 1
                threading.Thread(target=self._talk, args=(connection,), daemon=True).start()

    def _talk(self, connection):
        with connection, contextlib.suppress(OSError):
            request = connection.recv(65536).decode()
            method, path = request.split()[:2]
            for data in self._answer(self, method, path):
                connection.sendall(data)
                self.sent += len(data)
                if not data:  # a silence
                    connection.settimeout(0.05)
                    with contextlib.suppress(TimeoutError):
                        if not connection.recv(1):
                            break
        self.open -= 1


def head(status="200 OK", **headers):
    lines = [f"HTTP/1.1 {status}", *(f"{k.replace('_', '-')}: {v}" for k, v in headers.items())]
    return "\r\n".join([*lines, "", ""]).encode()


def endless(*_):
    while True:
        yield BLOCK


def chunked(pieces):
    for piece in pieces:
        yield b"%x\r\n%s\r\n" % (len(piece), piece)


def silence(*_):
    while True:
        yield b""


FILES = model_files()
BOMB = gzip.compress(bytes(50_000_000))


def listing(**changes):
    siblings = []
    for name, content in FILES.items():
        entry = {"rfilename": name, "size": len(content), "blobId": git_hash(content)}
        if is_large(name):
            digest = hashlib.sha256(content).hexdigest()
            entry["lfs"] = {"size": len(content), "sha256": digest, "pointerSize": 1}
        siblings.append(entry | changes.get(name, {}))
    body = json.dumps({"id": NAME, "sha": COMMIT, "siblings": siblings}).encode()
    return head(Content_Length=len(body)) + body


def nested(_hub, _method, _path):
    body = b'{"id": ' + b"[" * 1_000_000
    yield head(Content_Length=len(body)) + body


def of_the_listing(answer):
    return answer


def of_a_file(answer):
    def both(hub, method, path):
        return answer(hub, method, path) if "/resolve/" in path else iter([listing()])

    return both


def of_sizes(answer):
    def both(hub, method, path):
        if "/resolve/" in path:
            return answer(hub, method, path)
        return iter([listing(**{name: {"size": None, "blobId": None} for name in FILES})])

    return both


def answer_with(first, rest):
    def answer(*_):
        yield first
        yield from rest()

    return answer


def redirect(hub, _method, path):
    yield head("302 Found", Location=f"{hub.address}{path}", Content_Length=10**15)
    yield from endless()


ANSWERS = {
    "a length": answer_with(head(Content_Length=10**15), endless),
    "no length": answer_with(head(), endless),
    "pieces": answer_with(head(Transfer_Encoding="chunked"), lambda: chunked(endless())),
    "one piece": answer_with(head(Transfer_Encoding="chunked") + b"fffffffffff\r\n", endless),
    "a bomb": answer_with(head(Content_Encoding="gzip", Content_Length=len(BOMB)), lambda: [BOMB]),
    "another packing": answer_with(head(Content_Encoding="br"), endless),
    "redirects": redirect,
    "an error": answer_with(head("404 Not Found", Content_Length=10**15), endless),
    "an error without length": answer_with(head("500 Oh"), endless),
    "an error that is a bomb": answer_with(
        head("403 Forbidden", Content_Encoding="gzip", Content_Length=len(BOMB)), lambda: [BOMB]
    ),
    "headers": answer_with(b"HTTP/1.1 200 OK\r\n", lambda: (b"a: b\r\n" for _ in iter(int, 1))),
    "one header": answer_with(b"HTTP/1.1 200 OK\r\na: ", endless),
    "no headers": endless,
}


@pytest.fixture
def serve(cache, online, monkeypatch):
    """Start a server and have the program ask it."""
    hubs = []

    def serve(answer):
        hub = Endless(answer)
        hubs.append(hub)
        monkeypatch.setenv("HF_ENDPOINT", hub.address)
        return hub

    yield serve
    for hub in hubs:
        hub.close()


@pytest.mark.parametrize("what", ANSWERS)
@pytest.mark.parametrize("where", [of_the_listing, of_a_file, of_sizes])
def test_an_answer_without_end(serve, impatient, where, what):
    hub = serve(where(ANSWERS[what]))
    began = time.monotonic()
    with pytest.raises(PlaygroundError) as caught:
        download(NAME, lambda _: None, lambda: False)

    assert time.monotonic() - began < 2 * SOON
    assert "\n" not in str(caught.value)
    until(lambda: hub.open == 0, SOON)
    assert hub.sent < MOST_SENT


def test_an_answer_that_cannot_be_read_for_its_depth(serve):
    hub = serve(nested)
    with pytest.raises(PlaygroundError, match="does not answer as a model hub does"):
        download(NAME, lambda _: None, lambda: False)

    until(lambda: hub.open == 0, SOON)


def drip(*_):
    """Never so slow that a time limit for one byte would end it."""
    yield b"HTTP/1.1 200 OK\r\n"
    while True:
        yield b"a"
        yield b""


def continues(*_):
    while True:
        yield head("100 Continue")
        yield b""


def drip_in_a_body(*_):
    yield head(Content_Length=10**6)
    while True:
        yield b"\0"
        yield b""


def half_a_file(hub, _method, path):
    name = path.rpartition("/")[2]
    content = FILES[name]
    yield head(Content_Length=len(content))
    yield content if not is_large(name) else content[:10]
    yield from silence()


@pytest.mark.parametrize(
    ("where", "answer"),
    [
        *itertools.product([of_the_listing, of_a_file, of_sizes], [silence, drip, continues]),
        *itertools.product([of_the_listing, of_a_file], [drip_in_a_body]),
        (of_a_file, half_a_file),
    ],
)
def test_giving_up_closes_the_connection(serve, where, answer):
    hub = serve(where(answer))
    asked = []

    def is_cancelled():
        asked.append(None)
        return len(asked) > 5 and hub.open > 0

    began = time.monotonic()
    with pytest.raises(DownloadCancelled):
        download(NAME, lambda _: None, is_cancelled)
    assert time.monotonic() - began < 2 * SOON
    until(lambda: hub.open == 0, 2 * SOON)
    until(lambda: "download" not in [one.name for one in threading.enumerate()], 2 * SOON)


@pytest.mark.parametrize("answer", [silence, drip, continues])
def test_a_hub_that_says_nothing_of_use_is_hung_up_on(serve, monkeypatch, answer):
    monkeypatch.setattr(hub_module, "_FIRST_ANSWER", 0.5)
    hub = serve(answer)
    with pytest.raises(PlaygroundError, match="no answer within"):
        download(NAME, lambda _: None, lambda: False)

    until(lambda: hub.open == 0, 2 * SOON)


@pytest.mark.parametrize(
    "digest",
    [
        *("", "0", ".", "a" * 32, "a" * 39, "a" * 41, "a" * 63, "a" * 65, "a" * 128, "A" * 40),
        *("g" * 64, "../../../etc/passwd", "a" * 40 + "\n", "0x" + "a" * 38),
    ],
)
def test_a_checksum_that_no_file_has(digest):
    with pytest.raises(UntrustedAnswer, match=r"the checksum of config\.json makes no sense"):
        RemoteFile("config.json", 3, digest)


@pytest.mark.parametrize("digest", ["a" * 32, "a" * 63, "d41d8cd98f00b204e9800998ecf8427e-2"])
def test_a_listing_with_such_a_checksum_is_refused_before_anything_comes(serve, cache, digest):
    hub = serve(lambda *_: iter([listing(**{"config.json": {"blobId": digest}})]))
    with pytest.raises(PlaygroundError, match="does not answer as a model hub does"):
        download(NAME, lambda _: None, lambda: False)

    assert not list(cache.rglob("*"))
    until(lambda: hub.open == 0, SOON)


def test_a_small_file_that_would_be_large_is_refused(serve, cache):
    serve(lambda *_: iter([listing(**{"config.json": {"size": 10**10}})]))
    with pytest.raises(PlaygroundError, match=r"config\.json would have 10,000,000,000 bytes"):
        download(NAME, lambda _: None, lambda: False)

    assert not list(cache.rglob("*"))
