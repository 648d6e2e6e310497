"""Requests to a hub: every answer under a ceiling, and every connection to be closed from outside.

Plain HTTP through huggingface_hub's client, which knows about proxies, tokens and certificates.
Must never read what was not asked for: the body of a redirect or of an error, a body that is
packed, or more than a caller has room for.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator, Mapping
from typing import Any, Literal

from core.models.hub.errors import Abandoned, UntrustedAnswer

LIBRARY = "gpt2-playground"
"""What the hub is told about who asks."""

_MOST_REDIRECTS = 10
_CONNECTED = ("connect_tcp.complete", "start_tls.complete")


class Requests:
    """The requests of one download: made by one thread, one at a time, and shut from any."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._is_shut = False

    def shut(self) -> None:
        """Close the connection, and each that is made from now on: nothing more is read."""
        with self._lock:
            self._is_shut = True
            for one in self._sockets:
                _shut(one)

    @contextlib.contextmanager
    def answer(
        self,
        method: Literal["GET", "HEAD"],
        address: str,
        timeout: float,
        headers: Mapping[str, str] | None = None,
        parameters: Mapping[str, str] | None = None,
    ) -> Iterator[Any]:
        """Give the answer behind all redirects, its body not yet read; see ``pieces``.

        ``HEAD`` follows redirects on the same host alone: what says where a file is stored also
        says what it is. ``timeout`` is in seconds, without a byte.

        Raises:
            UntrustedAnswer: It redirects without end, or is packed.
            Abandoned: ``shut`` has been called.
            Exception: What huggingface_hub and its client raise; ``hub_errors.explain`` knows it.
        """
        from huggingface_hub import get_session
        from huggingface_hub.utils import build_hf_headers, hf_raise_for_status  # type: ignore[attr-defined]

        session: Any = get_session()
        sent = build_hf_headers(library_name=LIBRARY)
        # A connection of its own, which can be closed; the bytes as they are, to be counted.
        sent |= {"Accept-Encoding": "identity", "Connection": "close", **(headers or {})}
        request = session.build_request(
            method,
            address,
            headers=sent,
            params=parameters,
            timeout=timeout,
            extensions={"trace": self._note},
        )
        try:
            for _ in range(_MOST_REDIRECTS):
                with contextlib.closing(
                    session.send(request, stream=True, follow_redirects=False)
                ) as response:
                    following = response.next_request
                    is_elsewhere = following is not None and following.url.host != request.url.host
                    if following is None or (method == "HEAD" and is_elsewhere):
                        hf_raise_for_status(_without_body(response))
                        if method == "GET":
                            _check_unpacked(response)
                        yield response
                        return
                request = following
        except Exception:
            if self._is_shut:  # which is what broke it
                raise Abandoned from None
            raise
        finally:
            with self._lock:
                self._sockets.clear()
        raise UntrustedAnswer(f"it redirects more than {_MOST_REDIRECTS} times")

    def pieces(self, response: Any, ceiling: int) -> Iterator[bytes]:  # noqa: ANN401
        """Yield the body of ``response`` as it comes.

        Raises:
            UntrustedAnswer: It has more than ``ceiling`` bytes.
            Abandoned: ``shut`` has been called.
            Exception: As ``answer``.
        """
        count = 0
        for data in response.iter_raw():
            if self._is_shut:
                raise Abandoned
            count += len(data)
            if count > ceiling:
                raise UntrustedAnswer(f"its answer is longer than {ceiling:,} bytes")
            yield data

    def _note(self, event: str, info: Mapping[str, Any]) -> None:
        """Keep the socket of a connection; called by the client for whatever it does."""
        if event.endswith(_CONNECTED):
            one = info["return_value"].get_extra_info("socket")
            with self._lock:
                self._sockets.append(one)
                if self._is_shut:
                    _shut(one)


def _shut(one: socket.socket) -> None:
    """End a connection at once, under a thread that waits for its bytes."""
    with contextlib.suppress(OSError):
        socket.socket.shutdown(one, socket.SHUT_RDWR)  # TLS has nothing to say any more


def _without_body(response: Any) -> Any:  # noqa: ANN401
    """Return what the library needs to tell an error: it would read a body to its end."""
    headers = {
        name: value
        for name, value in response.headers.items()
        if name.lower() not in ("content-encoding", "content-length", "transfer-encoding")
    }
    return type(response)(
        response.status_code, headers=headers, content=b"", request=response.request
    )


def _check_unpacked(response: Any) -> None:  # noqa: ANN401
    packing = response.headers.get("Content-Encoding", "").strip().lower()
    if packing not in ("", "identity"):
        raise UntrustedAnswer("its answer is packed, which was not asked for")
