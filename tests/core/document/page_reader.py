"""A page read as a browser reads it, by the standard library's parser: its elements and texts."""

from __future__ import annotations

import math
from html.parser import HTMLParser

from core.document.export.about import about_run
from core.document.export.reading import ExportedRun
from core.records.model_info import ModelInfo
from core.records.settings import Settings
from core.records.steps import Candidate, Distribution, Finished, Started, TokenStep

VOID = {"meta", "br", "img", "input", "link", "hr"}
INFO = ModelInfo("demo", "cpu", "float32", 1, 1024, 2000, engine="fast", revision="abc")

HOSTILE = [
    "</script><script>alert(1)</script>",
    "<script>document.title='owned'</script>",
    "</style><style>*{display:none}</style>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)>",
    "<iframe src='https://example.com'></iframe>",
    "<link rel=stylesheet href=//example.com/a.css>",
    "<meta http-equiv=refresh content='0;url=https://example.com'>",
    "<base href=https://example.com/>",
    "\"><b>' onmouseover='alert(1)",
    "`${alert(1)}` {{ 7*7 }} {% raw %}",
    "]]> <![CDATA[ <!-- --> -->",
    "&lt;b&gt; &amp; &#x41; &nbsp;",
    "\x00\x07\x1b[2J\x7f\x9b31m",
    "\u202eright to left\u202c \u2066\u2069\u200f",
    "a\u0301\u0302\u0303\u0304 \u200b\u200d\ufeff",
    "\ud800 \udfff",
    "\r\n\ttabs and\nlines\n\n",
    "  spaces  ",
    "עברית والعربية 日本語 🎈",
    "\ufdd0\uffff\U0010ffff",
]


class PageReader(HTMLParser):
    """Reads all elements with their attributes, and the text of those of each class."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self._open: list[tuple[str, frozenset[str]]] = []
        self._texts: list[tuple[frozenset[str], str]] = []
        self.feed(page)
        self.close()
        assert not self._open, self._open

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append((tag, frozenset((dict(attrs).get("class") or "").split())))

    def handle_endtag(self, tag):
        assert self._open[-1][0] == tag, (tag, self._open)
        self._open.pop()

    def handle_data(self, data):
        if self._open and self._open[-1][0] in ("script", "style"):
            self.scripts.append(data)
            return
        classes = frozenset().union(*(found for _, found in self._open), {"any"})
        self._texts.append((classes, data))

    def text(self, name: str, *, without: str = "none") -> str:
        """All text within elements of one class, but that within elements of another."""
        return "".join(
            text for classes, text in self._texts if name in classes and without not in classes
        )


def run_of(*texts: str, prompt: str = "Once", **about: object) -> ExportedRun:
    """A run whose tokens are ``texts``, each with itself and another as what was weighed."""
    steps = []
    for index, text in enumerate(texts):
        token = Candidate(index, text, math.log(0.5), math.log(0.8), 1)
        other = Candidate(index + 1000, text + "!", math.log(0.25), None, 2, "top_k")
        steps.append(TokenStep(index, token, Distribution((token, other), 1.5, 1), text, 0.0))
    finished = Finished("length", tuple(range(len(texts))), "".join(texts), 9.0)
    told = {**about_run(INFO, "greedy", Settings()), **about}
    return ExportedRun(
        prompt, told, Settings(), Started((1,), (1,), 9, None, 7), tuple(steps), finished
    )
