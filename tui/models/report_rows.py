"""A model's report as the rows of a page, section by section.

Must never hold a widget, and no text of a file reaches a row before it is harmless.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from rich.cells import cell_len

from core.models.inspection.report_text import (
    ModuleRow,
    cache_rows,
    config_lines,
    model_rows,
    module_rows,
    readable_bytes,
    tokenizer_rows,
    totals_rows,
)
from core.records.model_info import ModelInfo
from core.records.model_report import CacheFacts, ModelReport, ModuleNode
from core.text.visible import one_line, visible
from tui.common.step_rows import CHOSEN, DIM, NUMBER, Row

_INDENT = "  "
_GAP = "  "
_KEY = re.compile(r'( *)("(?:[^"\\]|\\.)*")(: )')
_Pairs = list[tuple[str, str]]
_BYTES = {"float64": 8, "float32": 4, "bfloat16": 2, "float16": 2}


class Section(NamedTuple):
    """A part of the page; ``name`` is short enough for a row of all names.

    ``title`` stands over the rows where the name alone says too little.
    """

    name: str
    rows: tuple[Row, ...]
    title: str = ""

    @property
    def text(self) -> str:
        """The rows without styles, for the clipboard."""
        return "\n".join("".join(text for text, _ in row).rstrip() for row in self.rows)


def report_sections(report: ModelReport, info: ModelInfo | None) -> tuple[Section, ...]:
    """Return ``report`` as sections.

    Args:
        report: What the model's files say.
        info: The model as it runs, where it does: its dtype may be another than the stored one.
    """
    runs_on, cache_as_it_runs = _running_rows(report.cache, info) if info is not None else ([], [])
    sections = (
        Section("model", _named([*model_rows(report), *runs_on])),
        Section("tokenizer", _named(tokenizer_rows(report))),
        Section("config.json", tuple(_config_row(text) for text in config_lines(report))),
        Section("modules", tuple(_module_rows(report.modules))),
        Section("parameters", _named(totals_rows(report))),
        Section(
            "cache",
            _named([*cache_rows(report.cache, report.cache_note), *cache_as_it_runs]),
            "key-value cache",
        ),
        Section("notes", tuple([(_INDENT + one_line(note), NUMBER)] for note in report.notes)),
    )
    return tuple(section for section in sections if section.rows)


def _running_rows(cache: CacheFacts | None, info: ModelInfo) -> tuple[_Pairs, _Pairs]:
    """Return where the model runs, and its cache there if that differs from the one as stored."""
    why = f" ({info.placement})" if info.placement else ""
    runs_on = [("runs on", f"{info.device} in {info.dtype}{why}")]
    if info.engine:
        runs_on.append(("engine", info.engine))
    kept = "bfloat16" if info.dtype == "int8" else info.dtype  # weights alone are int8
    size = _BYTES.get(kept)
    if cache is None or size is None or kept == cache.dtype:
        return runs_on, []
    bytes_per_token = 2 * cache.layers * cache.key_value_heads * cache.head_dim * size
    shown = f"{bytes_per_token:,} bytes, {readable_bytes(bytes_per_token)} per token"
    return runs_on, [("as it runs", f"{shown} ({kept})")]


def _named(rows: Sequence[tuple[str, str]]) -> tuple[Row, ...]:
    shown = [(one_line(name), one_line(value)) for name, value in rows]
    width = max((cell_len(name) for name, _ in shown), default=0)
    return tuple(
        [(f"{_INDENT}{name}{' ' * (width - cell_len(name))}{_GAP}", DIM), (value, NUMBER)]
        for name, value in shown
    )


def _config_row(text: str) -> Row:
    match = _KEY.match(text)
    if match is None:
        return [(_INDENT + text, NUMBER)]
    margin, key, colon = match.groups()
    return [
        (_INDENT + margin, NUMBER),
        (key, "$text-primary"),
        (colon, DIM),
        (text[match.end() :], NUMBER),
    ]


def _module_rows(root: ModuleNode) -> Iterator[Row]:
    """Yield the tree behind its figures, which so stay in sight however deep it is."""
    rows = [ModuleRow(*(visible(cell, keep="") for cell in row)) for row in module_rows(root)]
    widths = [max(cell_len(row[column]) for row in rows) for column in (1, 2, 3)]
    head = zip(("parameters", "dtype", "bytes"), widths, strict=True)
    widths = [max(len(name), width) for name, width in head]
    heads = (f"{'parameters':>{widths[0]}}", f"{'dtype':<{widths[1]}}", f"{'bytes':>{widths[2]}}")
    yield [(_INDENT + _GAP.join((*heads, "module")), "italic " + DIM)]
    for row in rows:
        yield _module_row(row, widths)


def _module_row(row: ModuleRow, widths: Sequence[int]) -> Row:
    figures = _GAP.join(
        (
            f"{row.parameters:>{widths[0]}}",
            f"{row.dtype:<{widths[1]}}",
            f"{row.size:>{widths[2]}}",
        )
    )
    tied = [(f"{_GAP}{row.tied}", CHOSEN)] if row.tied else []
    return [(_INDENT + figures + _GAP, DIM), (row.text, NUMBER), *tied]
