"""The prompt line: a text area that runs on Enter, grows with its text, and has a history.

Must never lose what was typed: a prompt that can't run stays, and a draft survives a walk through
the history.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingsMap, BindingType
from textual.content import Content
from textual.message import Message

from tui.actions.prompt_line import CHOOSE
from tui.inputs.area import ExactArea

_ONLY_WITH_TEXT = frozenset(
    ("cursor_left", "cursor_right", "cursor_line_start", "cursor_line_end", "cursor_page")
)
_EDITS = frozenset(("undo", "redo"))
"""Of the document, where there is no text to edit."""

_NEVER = frozenset(("cursor_page_up", "cursor_page_down"))


class PromptInput(ExactArea):
    """Several lines of text; while it is empty, the arrow keys belong to the steps."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "submit", "run"),
        Binding("enter", "submit_by_hand", "next token"),
        # While something runs: nothing to offer, but whoever presses it is told why.
        Binding("enter", "submit_too_early", show=False),
        # The one key for it that every terminal sends; what else it may send does so too.
        Binding("ctrl+j", "newline", "new line"),
        Binding("ctrl+j,shift+enter,alt+enter", "first_newline", show=False),
        # Where steps are taken by hand and the line is empty; else the app lets them be text.
        *(
            Binding(
                key, f"app.choose({key})", CHOOSE.name, show=key == "1", key_display=CHOOSE.shown
            )
            for key in CHOOSE.keys
        ),
        Binding("tab", "accept_example", "take the example", show=False),
    ]

    class Submitted(Message):
        """A person pressed Enter; ``text`` is exactly what stands in the line."""

        def __init__(self, text: str) -> None:
            super().__init__()
            self.text = text

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - textual's name
        super().__init__(
            id=id, compact=True, soft_wrap=True, highlight_cursor_line=False, tab_behavior="focus"
        )
        self.prompts: list[str] = []
        self.example: str | None = None
        self._position: int | None = None  # in ``prompts``; None: the draft
        self._draft = ""
        self._hint = ""
        self._can_run = True
        self._is_by_hand = False

    def offer(
        self, example: str | None, hint: str, *, can_run: bool, is_by_hand: bool = False
    ) -> None:
        """Offer an example prompt in the empty line; without one, show ``hint`` there.

        With ``can_run`` the key bar offers Enter, ``is_by_hand`` for one token.
        """
        self._is_by_hand = is_by_hand
        hint = f"{example}   (→ takes this example)" if example else hint
        self.example, self._can_run = example, can_run
        if hint != self._hint:
            self._hint = hint
            self.placeholder = Content(hint)

    def recall(self, prompts: Sequence[str]) -> None:
        """Have these as the earlier prompts, oldest first; what is typed stays."""
        self.prompts, self._position, self._draft = list(prompts), None, ""

    def take(self, prompt: str) -> None:
        """Take ``prompt`` out of the line and keep it in the history, once if it comes twice.

        What was typed after Enter, before this call, stays.
        """
        if prompt and (not self.prompts or self.prompts[-1] != prompt):
            self.prompts.append(prompt)
        self._position, self._draft = None, ""
        self.put(self.text.removeprefix(prompt))

    def put(self, text: str) -> None:
        """Replace what stands in the line, the cursor behind it."""
        self.text = text
        self.move_cursor(self.document.end)

    def give_back(self, prompt: str) -> None:
        """Put a prompt that did not run back, before what was typed since."""
        if prompt:
            typed = self.text
            self.put(f"{prompt}\n{typed}" if typed and typed != prompt else prompt)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave the arrow keys of an empty line to the app, which moves through the steps."""
        if action in _NEVER:
            return False
        if action == "submit_too_early":
            return not self._can_run
        if action in ("submit", "submit_by_hand"):
            return self._can_run and self._is_by_hand == (action == "submit_by_hand")
        if action == "newline":  # offered while there is a line to end
            return bool(self.text)
        if action == "accept_example":
            return bool(self.example) and not self.text
        if action in _EDITS and not self.text:
            return False
        if action in _ONLY_WITH_TEXT and not self.text:
            return action == "cursor_right" and bool(self.example)
        return super().check_action(action, parameters)

    async def on_key(self, event: events.Key) -> None:
        """Run this widget's own bindings at once.

        Textual would send the key round by the app, and what was typed after it would overtake it:
        a fast ``abc``, Enter would run ``ab``.
        """
        for binding in _OWN.get(event.key, ()):
            if await self.app.run_action(binding.action, self):
                event.stop()
                event.prevent_default()
                return

    def action_submit(self) -> None:
        """Hand the text over; the app empties the line if it takes it."""
        self.post_message(self.Submitted(self.text))

    def action_submit_by_hand(self) -> None:
        """Hand the text over, for as long as a person writes by hand."""
        self.action_submit()

    def action_submit_too_early(self) -> None:
        """Hand the text over all the same; the app says why it cannot take it."""
        self.action_submit()

    def action_newline(self) -> None:
        """Begin a new line in the prompt."""
        self.insert("\n")

    def action_first_newline(self) -> None:
        """Begin the prompt with a new line."""
        self.action_newline()

    def action_accept_example(self) -> None:
        """Take the example prompt."""
        if self.example and not self.text:
            self.put(self.example)

    def action_cursor_right(self, select: bool = False) -> None:
        """Take the example in an empty line, else move right."""
        if not self.text:
            self.action_accept_example()
        else:
            super().action_cursor_right(select)

    def action_cursor_up(self, select: bool = False) -> None:
        """Move up a line; from the first one, to the prompt before."""
        if select or not self.navigator.is_first_wrapped_line(self.cursor_location):
            super().action_cursor_up(select)
        elif self.prompts:
            self._recall(len(self.prompts) if self._position is None else self._position, -1)

    def action_cursor_down(self, select: bool = False) -> None:
        """Move down a line; from the last one, to the prompt after."""
        if select or not self.navigator.is_last_wrapped_line(self.cursor_location):
            super().action_cursor_down(select)
        elif self._position is not None:
            self._recall(self._position, 1)

    def _recall(self, position: int, direction: int) -> None:
        if self._position is None:
            self._draft = self.text
        position = max(0, position + direction)
        if position >= len(self.prompts):
            self._position = None
            self.put(self._draft)
        else:
            self._position = position
            self.put(self.prompts[position])


_OWN = {
    **BindingsMap(ExactArea.BINDINGS).key_to_bindings,
    **BindingsMap(PromptInput.BINDINGS).key_to_bindings,
}
"""What each key does here, in the order in which it is tried."""
