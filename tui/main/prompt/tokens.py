"""The tokens of the prompt as it is typed: their count, and a panel with each of them and its id.

Must never keep a key waiting: a long text is read on a thread of its own once typing rests. No
token's text goes through markup.
"""

from __future__ import annotations

from functools import partial
from typing import NamedTuple

from textual.app import ComposeResult
from textual.containers import Vertical
from textual.message import Message
from textual.timer import Timer

from core.backends.background_call import BackgroundCall
from core.playground.playground import Playground
from core.records.errors import PlaygroundError
from core.records.model_info import ModelInfo
from core.records.prompt_tokens import PromptToken
from core.text.readable import token_count
from tui.common.rows_view import RowsView
from tui.common.step_rows import DIM
from tui.common.visible import visible_prose
from tui.main.prompt.input import PromptInput
from tui.main.prompt.token_rows import token_at, token_rows

READ_AT_ONCE = 4_000
"""So many characters are read before the next key; it takes about two milliseconds."""

MOST_CHARACTERS = 500_000
"""Longer texts fit into no context, and are not read."""

_PAUSE = 0.2

_READING = 0.1
"""How long, in seconds, a short text is waited for: many times what it takes."""

_ENDLESS = "…"


class _Asked(NamedTuple):
    """What tokens depend on."""

    text: str
    model: ModelInfo | None
    is_beginning: bool


class PromptTokens(Vertical):
    """Reads the prompt under the model that runs; hidden, it still counts."""

    class Counted(Message):
        """The number of the prompt's tokens in words, empty where there is none."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - textual's name
        super().__init__(id=id)
        self.count = ""
        self._playground: Playground | None = None
        self._asked = _Asked("", None, True)
        self._call: BackgroundCall[tuple[PromptToken, ...]] | None = None
        self._called_for = self._asked
        self._tokens: tuple[PromptToken, ...] = ()
        self._note = ""
        self._cursor = 0
        self._timer: Timer | None = None

    def compose(self) -> ComposeResult:
        """Lay the panel out."""
        self.border_title = "tokens of the prompt"
        yield RowsView(id="prompt-token-rows")

    def on_mount(self) -> None:
        """Make the timer that waits for a pause in typing."""
        self._timer = self.set_interval(_PAUSE, self._rested, pause=True)
        self.query_one(RowsView).can_focus = False

    def on_resize(self) -> None:
        """Break the lines of tokens anew."""
        self._draw()

    def toggle(self) -> None:
        """Show the panel, or hide it."""
        self.display = not self.display
        self.call_after_refresh(self._draw)

    def follow(self, playground: Playground) -> None:
        """Read anew where the model, or whether a document stands before the prompt, changed."""
        self._playground = playground
        self._ask(self._asked.text)

    def read(self, prompt: PromptInput) -> None:
        """Take over what stands in ``prompt``, and where its cursor is."""
        text = prompt.text
        cursor = len(prompt.get_text_range((0, 0), prompt.cursor_location))
        has_moved, self._cursor = cursor != self._cursor, cursor
        if not self._ask(text) and has_moved:
            self._draw()

    def _ask(self, text: str) -> bool:
        """Find the tokens of ``text``, now or after a pause; return whether there was a need to."""
        playground = self._playground
        model = playground.model.info if playground is not None else None
        asked = _Asked(text, model, playground is None or not playground.document.turns)
        if asked == self._asked:
            return False
        self._asked = asked
        self._pause_timer()
        if not text or model is None or playground is None:
            self._show((), "" if not text else "the model is being loaded")
        elif len(text) > MOST_CHARACTERS:
            self._show((), f"longer than {MOST_CHARACTERS:,} characters: not read", _ENDLESS)
        elif len(text) > READ_AT_ONCE or self._call is not None or not self._reads(playground):
            self._wait()
        return True

    def _reads(self, playground: Playground) -> bool:
        """Begin to read; return whether that has ended already, as where nothing holds it up."""
        call = self._call_for(playground)
        if call.wait(_READING):
            self._call = None
            self._take(call)
            return True
        return False

    def _call_for(self, playground: Playground) -> BackgroundCall[tuple[PromptToken, ...]]:
        self._called_for = self._asked
        read = partial(playground.prompt_tokens, self._asked.text)
        self._call = BackgroundCall(read, "the prompt's tokens could not be found")
        return self._call

    def _take(self, call: BackgroundCall[tuple[PromptToken, ...]]) -> None:
        try:
            self._show(call.result())
        except PlaygroundError as error:
            self._show((), str(error))

    def _wait(self) -> None:
        self._show(self._tokens, "reading…", _ENDLESS + " tokens")
        if self._timer is not None:
            self._timer.reset()
            self._timer.resume()

    def _rested(self) -> None:
        """Nothing was typed for a while: begin to read, or look whether that has ended."""
        call, playground = self._call, self._playground
        if call is not None and not call.is_done:
            return
        self._call = None
        if call is not None and self._called_for == self._asked:
            self._pause_timer()
            self._take(call)
        elif playground is not None:
            self._call_for(playground)

    def _pause_timer(self) -> None:
        if self._timer is not None:
            self._timer.pause()

    def _show(
        self, tokens: tuple[PromptToken, ...], note: str = "", count: str | None = None
    ) -> None:
        self._tokens, self._note = tokens, note
        shown = token_count(len(tokens)) if tokens else ""
        count = shown if count is None else count
        if count != self.count:
            self.count = count
            self.post_message(self.Counted(count))
        self._draw()

    def _draw(self) -> None:
        """Draw what is known, with the token at the cursor in sight."""
        view = self.query_one(RowsView)
        width = view.size.width
        if not self.display or not width:
            return
        if self._note or not self._tokens:
            hint = self._note or "type: each token and its id stand here"
            view.show_rows([[(visible_prose(hint), DIM)]])
            view.scroll_to(0, 0, animate=False, force=True)
            return
        at = token_at(self._tokens, self._cursor)
        rows, cursor_row = token_rows(self._tokens, width, at)
        view.show_rows(rows)
        height = view.size.height
        top = view.scroll_offset.y
        if not top <= cursor_row <= top + height - 2:
            view.scroll_to(0, max(0, cursor_row + 2 - height), animate=False, force=True)
