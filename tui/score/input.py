"""Where the text to score is typed, pasted or put from a file.

Must never hold a character that a terminal would obey; of a file the exact text is kept beside.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content

from tui.inputs.area import ExactArea

_HINT = (
    "Paste or type any text here, or get a file with {open_file}.\n\n"
    "{score_it} then asks of every preset: could this setting have written this?"
    " And if not, which token would it never have written, and why."
)


class ScoreInput(ExactArea):
    """Several lines of text; as in the prompt, Enter is the page's and ctrl+j begins a new line."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+j,shift+enter,alt+enter", "newline", "newline", show=False)
    ]

    def __init__(self, told: Callable[[str], str], *, id: str | None = None) -> None:  # noqa: A002 - textual's name
        super().__init__(
            id=id, soft_wrap=True, highlight_cursor_line=False, tab_behavior="focus", compact=True
        )
        hint = _HINT.format(open_file=told("open_file"), score_it=told("score_it"))
        self.placeholder = Content(hint)
        self._file_text = ""

    @property
    def exact_text(self) -> str:
        """The text as it stands, or as it stood in its file while nobody has changed it."""
        return self._file_text if self.text == _lines(self._file_text) else self.text

    def put(self, text: str) -> None:
        """Replace what stands here by the text of a file."""
        self._file_text = text
        self.text = text

    def action_newline(self) -> None:
        """Begin a new line."""
        if not self.read_only:
            self.insert("\n")


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")
