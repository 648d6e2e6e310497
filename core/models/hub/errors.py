"""What can go wrong on the way from a hub to the disk, each as one sentence that says what to do.

Must never show a traceback, a token or the inside of a library. It knows the HTTP library's
errors by their names alone: huggingface_hub has changed from one such library to the next.
"""

from __future__ import annotations

import errno
import logging
import os
import re
import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from core.records.errors import PlaygroundError
from core.text.visible import one_line

logger = logging.getLogger(__name__)

_FULL_DISK = (errno.ENOSPC, errno.EDQUOT)
_PASSING_ERRORS = ("TimeoutException", "NetworkError", "RemoteProtocolError", "CutShort")
_UNITS = ("bytes", "kB", "MB", "GB", "TB")


class DownloadCancelled(PlaygroundError):  # noqa: N818
    """The user stopped a download; what has come is kept."""


class Abandoned(Exception):  # noqa: N818
    """Whoever wanted the model has gone; nothing may be read or written any more."""


class UntrustedAnswer(Exception):  # noqa: N818
    """What a server sent is not what a hub sends, or not what it announced."""


class CutShort(Exception):  # noqa: N818
    """An answer was not the rest of the file."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What a sentence about a failed download needs to know."""

    name: str
    endpoint: str
    folder: Path
    """The cache."""
    kept: int
    """Bytes of the model that are on disk."""
    total: int | None
    """Bytes that the whole model takes; ``None`` before that is known."""


def format_bytes(count: float) -> str:
    """Return a number of bytes for people, in powers of 1,000: ``6.4 GB``."""
    value = float(count)
    for unit in _UNITS:
        if value < 999.95 or unit == _UNITS[-1]:
            break
        value /= 1000
    return f"{value:.0f} {unit}" if unit == "bytes" or value >= 100 else f"{value:.1f} {unit}"


def without_password(address: str) -> str:
    """Return a web address without the user name and password that it may hold."""
    try:
        parts = urlsplit(address)
    except ValueError:  # what is none holds none
        return address
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def too_little_room(attempt: Attempt, needed: int, free: int) -> PlaygroundError:
    """Return the sentence for a disk on which ``needed`` more bytes have no room."""
    return PlaygroundError(
        f"{attempt.name!r} needs {format_bytes(needed)} more, but only {format_bytes(free)} are "
        f"free at {attempt.folder}; free some space, or set HF_HOME to a folder on another disk"
    )


def no_answer(attempt: Attempt, seconds: float) -> PlaygroundError:
    """Return the sentence for an endpoint that says nothing for ``seconds``."""
    return _unreachable(attempt, f"no answer within {seconds:.0f} seconds")


def is_passing(error: Exception) -> bool:
    """Return whether the same request may well work a moment later."""
    status = _status(error)
    if status is not None:
        return status in (408, 500, 502, 503, 504)
    return _is_named(error, *_PASSING_ERRORS) and not _is_about_certificates(error)


def explain(error: Exception, attempt: Attempt) -> PlaygroundError:
    """Return the sentence for ``error``, whatever it is."""
    if isinstance(error, PlaygroundError):
        return error
    logger.debug("the download of %r failed", attempt.name, exc_info=error)
    status = _status(error)
    if _is_named(error, "OfflineModeIsEnabled"):
        return offline(attempt)
    if status is not None:
        return PlaygroundError(_about_status(error, status, attempt))
    if isinstance(error, UntrustedAnswer) or _is_named(error, "TooManyRedirects"):
        return PlaygroundError(
            f"{attempt.endpoint} does not answer as a model hub does ({_reason(error)}); check "
            "HF_ENDPOINT, and whether a proxy or a login page stands between"
        )
    if _is_about_a_proxy(error):
        return _proxy_trouble(_reason(error))
    if _is_about_certificates(error):
        return PlaygroundError(
            f"no secure connection to {attempt.endpoint} can be made ({_reason(error)}); check "
            "HF_ENDPOINT and this machine's clock, or set SSL_CERT_FILE to the certificates that "
            "your network uses"
        )
    if _is_named(error, "TransportError", "InvalidURL", "CutShort"):
        return _broken(attempt, error)
    if isinstance(error, OSError):
        return _disk_trouble(error, attempt)
    return PlaygroundError(
        f"the download of {attempt.name!r} failed: {type(error).__name__}: {_reason(error)}"
    )


def offline(attempt: Attempt) -> PlaygroundError:
    """Return the sentence for a model that is not here while HF_HUB_OFFLINE is set."""
    return PlaygroundError(
        f"{attempt.name!r} is not complete in the cache at {attempt.folder} and HF_HUB_OFFLINE is "
        "set; unset it to download the model, or name a folder that holds one"
    )


def _about_status(error: Exception, status: int, attempt: Attempt) -> str:
    name, endpoint = attempt.name, attempt.endpoint
    headers = _headers(error)
    if _is_named(error, "GatedRepoError"):
        return (
            f"{name!r} is gated: accept its licence at {endpoint}/{name}, then set HF_TOKEN to a "
            "token of that account"
        )
    if _is_named(error, "RevisionNotFoundError"):
        return f"{name!r} has no such revision on {endpoint}; leave it out to get the newest"
    if status == 407:
        return str(_proxy_trouble("407, it wants a user name and a password"))
    if status == 401 and "credentials" in headers.get("x-error-message", "").lower():
        return f"{endpoint} does not accept the token in HF_TOKEN; set a valid one, or unset it"
    if status in (401, 404):
        return (
            f"there is no model {name!r} on {endpoint}, or it is private; check its spelling "
            "(owner/name), or set HF_TOKEN to a token that may read it"
        )
    if status == 403:
        return f"{endpoint} forbids access to {name!r}; set HF_TOKEN to a token that may read it"
    if status == 429:
        wait = headers.get("retry-after", "")
        when = f"in {int(wait):,} seconds" if wait.isdecimal() and len(wait) < 7 else "later"
        return f"{endpoint} gets too many requests (429); try again {when}, or set HF_TOKEN"
    if status >= 500:
        return (
            f"{endpoint} has trouble of its own (error {status}); try again later"
            f"{_what_is_kept(attempt)}"
        )
    return f"{endpoint} refuses the download of {name!r} (error {status}); try another model"


def _broken(attempt: Attempt, error: Exception) -> PlaygroundError:
    if attempt.total is None or _is_named(error, "ConnectError", "ConnectTimeout"):
        return _unreachable(attempt, _reason(error))
    return PlaygroundError(
        f"the connection to {attempt.endpoint} broke ({_reason(error)}); try again"
        f"{_what_is_kept(attempt)}"
    )


def _unreachable(attempt: Attempt, reason: str) -> PlaygroundError:
    what = "the network or HF_ENDPOINT"
    if any(os.environ.get(name) for name in _proxy_variables()):
        what = "the network, HF_ENDPOINT or HTTPS_PROXY"
    return PlaygroundError(
        f"cannot reach {attempt.endpoint} to download {attempt.name!r} ({reason}); check {what}, "
        "or name a folder that holds the model (HF_HUB_OFFLINE=1 never asks the network)"
        f"{_what_is_kept(attempt)}"
    )


def _what_is_kept(attempt: Attempt) -> str:
    if not attempt.kept or attempt.total is None:
        return ""
    return (
        f" (the {format_bytes(attempt.kept)} of {format_bytes(attempt.total)} that have come are "
        "kept)"
    )


def _proxy_trouble(reason: str) -> PlaygroundError:
    proxy = next(
        (os.environ[key] for key in _proxy_variables() if os.environ.get(key)), "(from the system)"
    )
    return PlaygroundError(
        f"the proxy {without_password(proxy)} does not let the download through ({reason}); "
        "check HTTPS_PROXY, or unset it where none is needed"
    )


def _proxy_variables() -> list[str]:
    names = ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY")
    return [spelling for name in names for spelling in (name, name.lower())]


def _disk_trouble(error: OSError, attempt: Attempt) -> PlaygroundError:
    if error.errno in _FULL_DISK:
        return PlaygroundError(
            f"the disk at {attempt.folder} is full; free some space and try again"
            f"{_what_is_kept(attempt)}"
        )
    where = error.filename or attempt.folder
    return PlaygroundError(
        f"cannot write {where}: {error.strerror or _reason(error)}; set HF_HOME to a folder that "
        "you may write to"
    )


def _is_about_a_proxy(error: Exception) -> bool:
    # The address of a proxy that cannot be used, or needs a package that is not there.
    is_setup = isinstance(error, ValueError | ImportError) and "proxy" in str(error).lower()
    return is_setup or _is_named(error, "ProxyError")


def _is_about_certificates(error: Exception) -> bool:
    # Later than while connecting, an error of that layer is one more broken connection.
    chain: BaseException | None = error if _is_named(error, "ConnectError") else None
    while chain is not None:
        if isinstance(chain, ssl.SSLError):
            return True
        chain = chain.__cause__ or chain.__context__
    return "CERTIFICATE_VERIFY_FAILED" in str(error)


def _is_named(error: Exception, *names: str) -> bool:
    return any(kind.__name__ in names for kind in type(error).__mro__)


def _status(error: Exception) -> int | None:
    status = getattr(getattr(error, "response", None), "status_code", None)
    return status if isinstance(status, int) else None


def _headers(error: Exception) -> dict[str, str]:
    headers: Any = getattr(getattr(error, "response", None), "headers", {})
    return {str(key).lower(): str(value) for key, value in headers.items()}


def _reason(error: Exception) -> str:
    text = re.sub(r"^\[[^]]*\]\s*", "", str(error))  # "[Errno 111] …" and "[SSL: …] …"
    return one_line(text, 160).rstrip(".") or type(error).__name__
