"""What stands in the transcript's place while the document is empty.

Must never put a model's or a preset's words through markup.
"""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.widgets import Static

from core.models.listing import BYTES_TO_FETCH, format_bytes
from core.playground.notices import ActionTold
from core.playground.playground import Playground
from core.presets.book import Preset
from core.presets.key_name import key_name
from tui.common.step_rows import CHOSEN, DIM, Row, lines
from tui.common.visible import visible_prose

_WHAT_HAPPENS = (
    ": the model writes on, token by token. Beside it stand the five tokens it weighed most, "
    "and which one won."
)
EXAMPLE_PROMPT = "A long long time ago,"


class Welcome(Static):
    """A hint on what to press, or why there is no model."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - textual's name
        super().__init__(id=id, markup=False)
        self._shown: tuple[str | None, str, str] | None = None

    def show(self, playground: Playground) -> None:
        """Draw the hint, or the error, if it is another than before."""
        note = playground.model.info.note if playground.model.info is not None else ""
        offer = playground.model.fetch_offer or ""
        state = (playground.model.load_error, note, offer)
        if state != self._shown:
            self._shown = state
            if playground.model.load_error is not None:
                self._show_error(playground.model.load_error, playground.told)
            else:
                self._show_hint(playground.next_run.book.presets, note, offer, playground.told)

    def _show_hint(
        self, presets: Sequence[Preset], note: str, offer: str, told: ActionTold
    ) -> None:
        """Tell a stranger how to begin."""
        rows: list[Row] = [
            [("See how a language model decides.", "bold")],
            [],
            [
                ("Type a beginning and press ", DIM),
                ("Enter", CHOSEN),
                (_WHAT_HAPPENS, DIM),
            ],
            [],
            _key("→", "take the example"),
            *_preset_keys(presets),
            _key(f"{told('step_back')} {told('step_on')}", "look back, step by step"),
            _key(told("help"), "what it all means"),
            _key(told("menu"), "all that can be done, each with one letter"),
        ]
        if note:
            rows.extend([[], [(visible_prose(note) + ".", DIM)]])
        if offer:
            size = BYTES_TO_FETCH.get(offer)
            what = f" ({format_bytes(size)})" if size is not None else ""
            rows.append(
                [(told("get_model"), CHOSEN), (f" fetches {visible_prose(offer)}{what}.", DIM)]
            )
        self.update(lines(rows))

    def _show_error(self, message: str, told: ActionTold) -> None:
        """Say why no model could be loaded."""
        self.update(
            Content("").join(
                [
                    Content.styled("The model could not be loaded.\n\n", "bold $text-error"),
                    Content(visible_prose(message)),
                    Content.styled(
                        f"\n\nThe menu ({told('menu')}) has “load the model again”.", DIM
                    ),
                ]
            )
        )


def _key(key: str, meaning: str) -> Row:
    return [(f"{key:<9} ", CHOSEN), (meaning, DIM)]


def _preset_keys(presets: Sequence[Preset]) -> list[Row]:
    keys = [key_name(preset.key) for preset in presets if preset.key]
    if not keys:
        return []
    span = keys[0] if len(keys) == 1 else f"{keys[0]} … {keys[-1]}"
    return [_key(span, "how the model decides")]
