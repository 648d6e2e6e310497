"""One line on what goes on: loading, running, why it stopped, or what was just asked.

Must never put a model's or a preset's words through markup, and never reads a clock.
"""

from __future__ import annotations

from rich.cells import cell_len

from core.document.document import Turn
from core.playground.playground import Playground
from core.records.model_info import ModelInfo
from core.records.steps import Finished, TokenStep
from core.text.readable import decimal, length, number
from tui.common.lines_view import LinesView
from tui.common.step_rows import DIM, NUMBER, Row, gauge, shorten
from tui.common.visible import visible_prose
from tui.main.hand_rows import hand_row

_REASONS = {
    "end_of_text": "the model ended the text",
    "length": "the length asked for is reached",
    "context_full": "the context is full",
    "stop_string": "a stop string came",
    "by_hand": "written by hand",
    "cancelled": "stopped",
    "failed": "failed",
}

_INDENT = "  "
_NOTICE = "▌ "
_GAUGE_WIDTH = 10


class StatusLine(LinesView):
    """Draws the playground's state as one sentence."""

    def has_room_for(self, sentence: str) -> bool:
        """Whether a notice of ``sentence`` could be read to its end."""
        return cell_len(f"{_INDENT}{_NOTICE}{visible_prose(sentence)}") <= self.size.width

    def show(self, playground: Playground, *, is_typing: bool) -> None:
        """Draw what ``playground`` is doing; ``is_typing`` is whether the prompt has a text."""
        parts = [(_INDENT, ""), *_parts(playground, is_typing=is_typing)]
        row = [(text.replace("\n", " "), style) for text, style in parts]
        self.update_rows([shorten(row, self.size.width)])


def _parts(playground: Playground, *, is_typing: bool) -> Row:
    parts: Row = []
    notice = playground.notices.current
    if notice is not None:
        style = "$text-warning" if notice.is_warning else "$text-primary"
        parts += [(_NOTICE, style), (visible_prose(notice.text), style), ("  ", "")]
    session = playground.keeping.session
    if session is not None and not session.is_saved:
        parts += [("not saved", "bold $text-warning"), (" · ", DIM)]
    if playground.next_run.is_by_hand:
        parts += [("◇ by hand", "bold $text-accent"), (" · ", DIM)]
    if playground.next_run.dice.are_new:
        parts += [("new dice", "bold $text-accent"), (" · ", DIM)]
    if playground.model.loading_stage is not None:
        return [*parts, *_loading(playground)]
    if playground.model.load_error is not None:
        return [*parts, ("✗ ", "bold $text-error"), ("the model could not be loaded", "bold")]
    turns = playground.document.turns
    if playground.document.is_weighing:
        return [*parts, ("weighing the next token", NUMBER)]
    if playground.document.is_running:
        row = _running(turns[-1], is_stopping=playground.runs.is_stopping)
        return [*parts, *row, *_other_engine(playground)]
    if playground.next_run.is_by_hand:
        return [*parts, *hand_row(playground, is_typing=is_typing)]
    info = playground.model.info
    is_other = info is not None and bool(turns) and turns[-1].model_name != info.name
    if turns and turns[-1].finished is not None and not is_other:
        return [*parts, *_finished(turns[-1], turns[-1].finished), *_other_engine(playground)]
    name = visible_prose(playground.next_run.preset.name)
    ready: Row = [("● ", "$text-success"), ("ready", NUMBER), (f" · {name}", DIM)]
    return [*parts, *ready, *_engine(info)]


def _other_engine(playground: Playground) -> Row:
    """Return what runs the model now, where something else did when it was loaded."""
    return _engine(playground.model.info) if playground.model.has_another_engine else []


def _engine(info: ModelInfo | None) -> Row:
    engine = visible_prose(info.engine) if info is not None else ""
    return [(f" · engine: {engine}", DIM)] if engine else []


def _loading(playground: Playground) -> Row:
    row: Row = [
        ("◌ ", "$text-warning"),
        ("loading the model: ", NUMBER),
        (visible_prose(playground.model.loading_stage or ""), NUMBER),
    ]
    if playground.model.loading_share is not None:
        filled, empty = gauge(playground.model.loading_share, _GAUGE_WIDTH)
        row += [(" ", ""), (filled, "$text-warning"), (empty, DIM)]
        row.append((f" {playground.model.loading_share:.0%}", NUMBER))
    row.append((f" {playground.model.loading_seconds:.0f} s", NUMBER))
    waiting = playground.prompts.queued is not None
    hint = "your prompt runs when it is ready" if waiting else "Enter queues a prompt"
    return [*row, (" · ", DIM), (hint, "$text-primary" if waiting else DIM)]


def _running(turn: Turn, *, is_stopping: bool) -> Row:
    parts: Row = [
        ("● ", "$text-success"),
        ("stopping" if is_stopping else "running", "bold $text-success"),
        (f" · {visible_prose(turn.preset_name)}", NUMBER),
    ]
    if turn.steps:
        last = turn.steps[-1]
        has_limit = turn.started is not None and not turn.is_by_hand
        limit = f" of {turn.started.max_new_tokens:,}" if has_limit and turn.started else ""
        parts.append((f" · step {number(last.index)}{limit}", DIM))
        if last.elapsed > 0:
            unit = "tok/s" if isinstance(last, TokenStep) else "steps/s"
            parts.append((f" · {(last.index + 1) / last.elapsed:,.0f} {unit}", NUMBER))
    return parts


def _finished(turn: Turn, finished: Finished) -> Row:
    has_failed = finished.reason == "failed"
    style = "bold $text-error" if has_failed else "bold"
    parts: Row = [
        ("✗ " if has_failed else "■ ", style),
        (_REASONS[finished.reason], style),
    ]
    if finished.detail:
        parts.append((f": {visible_prose(finished.detail)}", NUMBER))
    parts.append((f" · {visible_prose(turn.preset_name)}", DIM))
    parts.append((f" · {length(len(finished.token_ids), len(turn.steps))}", DIM))
    if finished.tokens_per_second > 0 and not turn.is_by_hand:
        parts.append((f" · {finished.tokens_per_second:,.0f} tok/s", DIM))
    if finished.drafted_tokens:
        parts.append((f" · {finished.accepted_share:.0%} of drafts accepted", DIM))
    if finished.score is not None:
        parts.append((f" · score {decimal(finished.score)}", DIM))
    return parts
