"""What a hub says about a repository, and which of its files make a model that is safe to use.

Must never choose a file that could run code, nor write anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import PlaygroundError
from core.models.hub_cache import TOKENIZER_FILES, causal_architecture
from core.models.hub_errors import UntrustedAnswer
from core.models.hub_files import RemoteFile
from core.models.hub_weights import INDEX_FILE, SINGLE_FILE, shard_names
from core.visible import one_line

LIBRARY = "gpt2-playground"
"""What the hub is told about who asks."""

_TIMEOUT = 10.0  # seconds without a byte from the endpoint
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
            from huggingface_hub import get_hf_file_metadata

            metadata = get_hf_file_metadata(
                self.address(name), timeout=_TIMEOUT, library_name=LIBRARY, endpoint=self.endpoint
            )
            size, digest = metadata.size, metadata.etag
        if not isinstance(size, int) or size < 0 or not isinstance(digest, str):
            raise UntrustedAnswer(f"it does not say how long {name} is")
        return RemoteFile(name, size, digest)


def list_repository(name: str, repository: str, revision: str, endpoint: str) -> Listing:
    """Ask the hub for the files of a repository; one request, not repeated.

    Raises:
        PlaygroundError: It holds no model that can be used here.
        UntrustedAnswer: The answer cannot be read.
        Exception: What huggingface_hub raises; ``hub_errors.explain`` knows it.
    """
    from huggingface_hub import HfApi, get_session
    from huggingface_hub.utils import logging

    # Its remarks would land in the middle of the app's screen.
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    api = HfApi(endpoint=endpoint, library_name=LIBRARY)
    get_session()  # what is wrong with a proxy's address is said here
    try:
        info = api.model_info(repository, revision=revision, files_metadata=True, timeout=_TIMEOUT)
        entries = {str(entry.rfilename): entry for entry in info.siblings or ()}
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        if hasattr(error, "response"):  # an error that the hub itself answered with
            raise
        raise UntrustedAnswer("its list of files cannot be read") from error
    config = info.config if isinstance(info.config, dict) else {}
    listing = Listing(name, repository, endpoint, str(info.sha), entries, config)
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
