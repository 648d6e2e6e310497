"""What the program keeps, told by the session that it writes: every step is a line of its file.

Must never write into that file.
"""

from __future__ import annotations

import json
from pathlib import Path

_STEP, _BEAM_STEP = b'{"type":"step"', b'{"type":"beam_step"'
_RUN, _FINISHED = b'{"type":"run"', b'{"type":"finished"'
_ELAPSED = b'"elapsed":'
_LOGIT = 4  # bytes
_DICE = 5056  # bytes: the state of torch's generator on the processor


class Kept:
    """Reads on in the newest session of ``folder``; a step of beams counts as one token."""

    def __init__(self, folder: Path, vocabulary_size: int) -> None:
        self._folder = folder
        self._vocabulary_size = vocabulary_size
        self._at: dict[Path, int] = {}
        self._tokens: dict[Path, int] = {}
        self._session: Path | None = None
        self._draws = False
        self._elapsed = 0.0
        self.logits = 0
        """In bytes: what was recorded of the session since it is at hand."""
        self.ends: list[float] = []
        """How long each run took that has ended, in seconds, oldest first."""

    @property
    def file_size(self) -> int:
        """The bytes of the session's file."""
        return self._at.get(self._session, 0) if self._session is not None else 0

    @property
    def tokens(self) -> int:
        """How many steps the session at hand has."""
        return self._tokens.get(self._session, 0) if self._session is not None else 0

    def read(self) -> None:
        """Take in what was written since the last time."""
        files = sorted(self._folder.rglob("*.jsonl"), key=lambda one: one.stat().st_mtime_ns)
        for file in files:
            with file.open("rb") as session:
                session.seek(self._at.get(file, 0))
                new = session.read()
            whole = new[: new.rfind(b"\n") + 1]
            if not whole:
                continue
            if file != self._session:
                self._session, self.logits = file, 0
            self._at[file] = self._at.get(file, 0) + len(whole)
            for line in whole.splitlines():
                self._take(file, line)

    def _take(self, file: Path, line: bytes) -> None:
        if line.startswith((_STEP, _BEAM_STEP)):
            self._tokens[file] = self._tokens.get(file, 0) + 1
            if line.startswith(_STEP):
                self.logits += _LOGIT * self._vocabulary_size + _DICE * self._draws
            if _ELAPSED in line:
                behind = line[line.rindex(_ELAPSED) + len(_ELAPSED) :]
                self._elapsed = float(behind.split(b",")[0].split(b"}")[0])
        elif line.startswith(_RUN):
            self._draws = json.loads(line)["settings"]["do_sample"]
        elif line.startswith(_FINISHED):
            self.ends.append(self._elapsed)
