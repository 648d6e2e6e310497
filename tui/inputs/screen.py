"""One line of text over the screen: a name, a path.

Must never close by itself before what was typed has been taken, nor wait for a disk on the thread
that paints; what stands in the way is told in one sentence, never through markup.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from core.backends.background_call import BackgroundCall
from core.presets.key_name import told_key
from core.records.errors import PlaygroundError
from tui.common.visible import visible_prose
from tui.inputs.line import ExactLine
from tui.inputs.stand_ins import exact

_AT_ONCE = 0.1
"""So many seconds a disk has before the box says that it is waited for."""

_LOOKS_PER_SECOND = 20

Take = Callable[[str], Callable[[], object] | None]
"""Takes a line; what it returns is called on a thread of its own, for a disk may be slow."""


class InputScreen(ModalScreen[bool]):
    """Asks for a line and gives it to ``take``, which raises ``PlaygroundError`` to refuse it.

    What ``take`` returns may refuse it too. Gives ``True`` when it was taken. Where there are
    several ``choices``, tab goes through them: ``choice`` is the number of the one that is chosen,
    from 0, and ``title`` has its name in the place of ``{}``.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(False)", "close", priority=True),
        Binding("tab", "choose", "the next choice", priority=True),
    ]

    def __init__(
        self,
        title: str,
        take: Take,
        *,
        hint: str,
        accept: str,
        value: str = "",
        choices: Sequence[str] = (),
    ) -> None:
        super().__init__()
        self.choice = 0
        self._choices = choices
        self._title = title
        self._take = take
        self._hint = hint
        self._accept = accept
        self._value = value
        self._call: BackgroundCall[object] | None = None

    @property
    def is_waiting(self) -> bool:
        """Whether a disk has not answered yet, also where the box was closed meanwhile."""
        return self._call is not None and not self._call.is_done

    def compose(self) -> ComposeResult:
        """Lay the box out."""
        with Vertical(id="input-box") as box:
            box.border_title = self._told_title()
            box.border_subtitle = Content(f"Enter {self._accept} · Esc closes")
            yield ExactLine(self._value, placeholder=self._hint, id="input-line")
            if len(self._choices) > 1:
                yield Static(self._told_choices(), id="input-choices")
            yield Static(id="input-refusal")

    def action_choose(self) -> None:
        """Choose the next of the choices, the first behind the last."""
        if len(self._choices) > 1:
            self.choice = (self.choice + 1) % len(self._choices)
            self.query_one("#input-box").border_title = self._told_title()
            self.query_one("#input-choices", Static).update(self._told_choices())
            self.query_one("#input-refusal", Static).display = False

    def _told_title(self) -> Content:
        name = self._choices[self.choice] if self._choices else ""
        return Content(visible_prose(self._title.replace("{}", name)))

    def _told_choices(self) -> Content:
        marks = ("●" if at == self.choice else "○" for at in range(len(self._choices)))
        told = (f"{mark} {name}" for mark, name in zip(marks, self._choices, strict=True))
        return Content(f"{told_key('tab')}  {'  '.join(told)}")

    @on(Input.Submitted)
    def _submitted(self, event: Input.Submitted) -> None:
        event.stop()
        if self._call is not None:  # Enter was pressed twice
            return
        try:
            call = self._take(exact(event.value))
        except PlaygroundError as error:
            self._tell(f"✗ {error}")
            return
        if call is None:
            self.dismiss(True)
            return
        self._call = BackgroundCall(call, "it could not be done")
        if self._call.wait(_AT_ONCE):
            self._take_over()
        else:
            self._tell("… the disk has not answered yet")
            self.set_interval(1 / _LOOKS_PER_SECOND, self._take_over)

    def _take_over(self) -> None:
        """Close when all is done; on a timer, which ends with the box."""
        if self._call is None or not self._call.is_done:
            return
        call, self._call = self._call, None
        try:
            call.result()
        except PlaygroundError as error:
            self._tell(f"✗ {error}")
        else:
            self.dismiss(True)

    def _tell(self, sentence: str) -> None:
        told = self.query_one("#input-refusal", Static)
        told.update(Content(visible_prose(sentence)))
        told.display = True
