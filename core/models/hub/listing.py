"""What a hub says about a repository, and which of its files make a model that is safe to use.

Must never choose a file that could run code, nor write anything.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from core.models.hub.cache import TOKENIZER_FILES, causal_architecture
from core.models.hub.errors import UntrustedAnswer
from core.models.hub.files import RemoteFile
from core.models.hub.requests import Requests
from core.models.hub.weights import INDEX_FILE, SINGLE_FILE, shard_names
from core.records.errors import PlaygroundError
from core.text.visible import one_line

_TIMEOUT = 10.0  # seconds without a byte from the endpoint
_LONGEST_LISTING = 8_000_000  # bytes; twenty thousand files
_LARGEST_SMALL_FILE = 256_000_000  # bytes; ten times the largest tokenizer
_LONGEST_NUMBER = 20  # digits of a size in bytes
_LARGE = ".safetensors"
_SMALL_FILES = (
    "config.json",
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "vocab.json",
    "merges.txt",
    "special_tokens_map.json",
    "added_tokens.json",
    "chat_template.jinja",
    "tokenizer.model",
)


@dataclass(frozen=True, slots=True)
class Listing:
    """One commit of a repository."""

    name: str
    """As the user wrote it."""
    repository: str
    endpoint: str
    commit: str
    entries: dict[str, Any]
    """By file name: what the hub says about its size and checksum."""
    config: dict[str, Any]
    """What the hub says about its config.json; may be empty."""
    requests: Requests

    @property
    def is_sharded(self) -> bool:
        """Whether the weights are spread over files that an index names."""
        return SINGLE_FILE not in self.entries

    def index(self) -> RemoteFile:
        """Return the index of the weights."""
        return self._file(INDEX_FILE)

    def files(self, index: Path) -> list[RemoteFile]:
        """Return the files to fetch, the large ones last.

        Where a repository has its weights in one file and in shards, it is the one file.

        Args:
            index: Where the index has been put, if the weights are sharded.

        Raises:
            PlaygroundError: The index names files that are not there.
        """
        names = [name for name in _SMALL_FILES if name in self.entries]
        weights = (INDEX_FILE, *shard_names(index)) if self.is_sharded else (SINGLE_FILE,)
        for name in weights:
            if name not in self.entries:
                raise PlaygroundError(
                    f"{self.name!r} lacks {name}, which its index names; choose another model"
                )
        return [self._file(name) for name in (*names, *weights)]

    def address(self, filename: str) -> str:
        """Return where one of the files is fetched from."""
        from huggingface_hub import hf_hub_url

        return hf_hub_url(self.repository, filename, revision=self.commit, endpoint=self.endpoint)

    def _file(self, name: str) -> RemoteFile:
        entry = self.entries[name]
        lfs = entry.lfs
        size = entry.size if lfs is None else lfs.size
        digest = entry.blob_id if lfs is None else lfs.sha256
        if size is None or not digest:  # some mirrors leave this out of the list
            size, digest = self._asked_for(name)
        if not isinstance(size, int) or size < 0 or not isinstance(digest, str):
            raise UntrustedAnswer(f"it does not say how long {name} is")
        if not name.endswith(_LARGE) and size > _LARGEST_SMALL_FILE:
            raise UntrustedAnswer(f"{name} would have {size:,} bytes")
        return RemoteFile(name, size, digest)

    def _asked_for(self, name: str) -> tuple[int | None, str]:
        """Return size and checksum of a file, as the hub says them in a header each."""
        with self.requests.answer("HEAD", self.address(name), _TIMEOUT) as response:
            headers = response.headers
            is_stored_here = response.next_request is None
            size = headers.get("X-Linked-Size") or (
                headers.get("Content-Length", "") if is_stored_here else ""
            )
            digest = headers.get("X-Linked-ETag") or headers.get("ETag", "")
        is_number = size.isdecimal() and len(size) < _LONGEST_NUMBER
        return int(size) if is_number else None, digest.removeprefix("W/").strip('"')


def list_repository(
    name: str, repository: str, revision: str, endpoint: str, requests: Requests
) -> Listing:
    """Ask the hub for the files of a repository; one request, not repeated.

    Raises:
        PlaygroundError: It holds no model that can be used here.
        UntrustedAnswer: The answer cannot be read, or is too long to be one.
        Abandoned: ``requests`` were shut.
        Exception: What huggingface_hub raises; ``hub_errors.explain`` knows it.
    """
    from huggingface_hub import ModelInfo
    from huggingface_hub.utils import logging

    # Its remarks would land in the middle of the app's screen.
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    address = f"{endpoint}/api/models/{repository}/revision/{quote(revision, safe='')}"
    with requests.answer("GET", address, _TIMEOUT, parameters={"blobs": "true"}) as response:
        body = b"".join(requests.pieces(response, _LONGEST_LISTING))
    try:
        info = ModelInfo(**json.loads(body))  # type: ignore[no-untyped-call]
        entries = {str(entry.rfilename): entry for entry in info.siblings or ()}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise UntrustedAnswer("its list of files cannot be read") from error
    config = info.config if isinstance(info.config, dict) else {}
    listing = Listing(name, repository, endpoint, str(info.sha), entries, config, requests)
    _check(listing)
    return listing


def _check(listing: Listing) -> None:
    """Make sure, before anything is fetched, that a repository holds a model to use here.

    Raises:
        PlaygroundError: It does not.
    """
    name, present = listing.name, set(listing.entries)
    if "config.json" not in present:
        raise PlaygroundError(f"{name!r} has no config.json, so it is no model to load here")
    if not present & {SINGLE_FILE, INDEX_FILE}:
        raise PlaygroundError(
            f"{name!r} has no safetensors weights, and only those are fetched, since other "
            "formats can run code; choose another model"
        )
    if not any(present.issuperset(names) for names in TOKENIZER_FILES):
        raise PlaygroundError(f"{name!r} has no tokenizer that can be used; choose another model")
    kinds = listing.config.get("architectures")
    if kinds and causal_architecture(listing.config) is None:
        kind = one_line(", ".join(map(str, kinds)) if isinstance(kinds, list) else str(kinds), 100)
        raise PlaygroundError(
            f"{name!r} is no causal language model but {kind}; choose one that continues text"
        )
