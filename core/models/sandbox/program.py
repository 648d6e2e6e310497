"""What computes for a model's folder, in a process of its own: it can be stopped at any time.

A chat template is a program, and so are a tokenizer's regular expressions and rules. Questions come
as lines of JSON, answers go the same way. Must never run code that came with a model, reach a
network, or import torch, which no tokenizer needs.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import resource
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TextIO

_MOST_ADDRESSES = 6 * 2**30
"""Bytes of address space; macOS has no such limit, there the memory is watched from outside."""


class Folder:
    """The tokenizer of one folder, as transformers reads it."""

    def __init__(self, path: str) -> None:
        from transformers import AutoTokenizer

        from core.text.encoder import Encoder
        from core.text.spelling import Spelling

        self.path = path
        self.tokenizer: Any = AutoTokenizer.from_pretrained(
            path, local_files_only=True, trust_remote_code=False
        )
        self.backend: Any = getattr(self.tokenizer, "backend_tokenizer", None)
        if self.backend is not None:
            # Whoever saved it last may have cut or padded texts; transformers does so where asked.
            self.backend.no_truncation()
            self.backend.no_padding()
            self.encoder = Encoder(self.backend, Spelling(self.backend))

    def open(self, _question: dict[str, Any]) -> dict[str, Any]:
        """Return what another process needs to decode with it, ``None`` where it has no fast form.

        With the decoder's description once more, and whether there is a chat template.
        """
        text = None if self.backend is None else self.backend.to_str()
        return {
            "tokenizer": text,
            "decoder": None if text is None else json.loads(text)["decoder"],
            "fingerprint": None if text is None else hashlib.sha256(text.encode()).hexdigest(),
            "has_template": bool(self.tokenizer.chat_template),
        }

    def encode(self, question: dict[str, Any]) -> list[Any]:
        """Return the token ids of a text, and where each stands."""
        return list(self.encoder(question["text"], question["is_beginning"]))

    def render(self, question: dict[str, Any]) -> str:
        """Return the text that the chat template makes of messages."""
        text: str = self.tokenizer.apply_chat_template(
            question["messages"], tokenize=False, add_generation_prompt=True
        )
        return text

    def facts(self, _question: dict[str, Any]) -> dict[str, Any]:
        """Return what the tokenizer says of itself."""
        tokenizer = self.tokenizer
        vocabulary = tokenizer.get_vocab()
        special = [
            (str(name), str(one), vocabulary.get(str(one)))
            for name, value in tokenizer.special_tokens_map.items()
            for one in (value if isinstance(value, list | tuple) else (value,))
        ]
        return {
            "kind": type(tokenizer).__name__,
            "vocabulary_size": int(tokenizer.vocab_size),
            "all_tokens": len(tokenizer),
            "maximum_length": tokenizer.model_max_length,
            "padding_side": str(tokenizer.padding_side),
            "truncation_side": str(tokenizer.truncation_side),
            "special_tokens": special,
        }


def main() -> None:
    """Answer questions until there are no more."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 1)  # what libraries print is no answer
    sys.path.append(str(Path(__file__).parents[3]))
    sys.modules["torch"] = None  # type: ignore[assignment]
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        most = resource.getrlimit(resource.RLIMIT_AS)[1]
        resource.setrlimit(resource.RLIMIT_AS, (_MOST_ADDRESSES, most))
    import transformers.models.auto.tokenization_auto  # noqa: F401 - before any time is measured

    _say(answers, {"answer": "ready"})
    folder: Folder | None = None
    for line in sys.stdin:
        question = json.loads(line)
        _limit(question["seconds"])
        try:
            if folder is None or question["do"] == "open":
                folder = None  # there may be no room for two
                folder = Folder(question["folder"])
            do: Callable[[dict[str, Any]], Any] = getattr(folder, question["do"])
            answer = {"answer": do(question)}
        except BaseException as error:  # whatever a file brings about, panics in Rust included
            kinds = [one.__name__ for one in type(error).__mro__]
            answer = {"error": str(error)[:2000], "kinds": kinds}
        _say(answers, answer)


def _limit(seconds: float) -> None:
    """Have the system end this process after so much more time of a processor.

    Whoever asks watches the clock as well, but may be gone.
    """
    used = resource.getrusage(resource.RUSAGE_SELF)
    until = int(used.ru_utime + used.ru_stime + seconds) + 2
    most = resource.getrlimit(resource.RLIMIT_CPU)[1]
    if most == resource.RLIM_INFINITY or until < most:
        resource.setrlimit(resource.RLIMIT_CPU, (until, most))


def _say(answers: TextIO, answer: dict[str, Any]) -> None:
    answers.write(json.dumps(answer, ensure_ascii=True) + "\n")
    answers.flush()


if __name__ == "__main__":
    main()
