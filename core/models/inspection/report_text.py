"""A model's report as lines for a terminal, and as a mapping for JSON.

Must never let a control character from a file through to a terminal, and loads no model library.
"""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from core.records.model_report import CacheFacts, ModelReport, ModuleNode, Totals
from core.text.visible import cell_width, one_line, pad, visible

_INDENT = "  "
_GAP = "  "


class ModuleRow(NamedTuple):
    """A line of the module tree; the figures are empty where it has none."""

    text: str
    parameters: str = ""
    dtype: str = ""
    size: str = ""
    tied: str = ""


def report_lines(report: ModelReport) -> list[str]:
    """Return ``report`` as lines without line ends; columns are as wide as what stands in them."""
    blocks = (
        _titled("model", _aligned(model_rows(report))),
        _titled("tokenizer", _aligned(tokenizer_rows(report))),
        _titled("config.json", config_lines(report)),
        _titled("modules", module_lines(report.modules)),
        _titled("parameters", _aligned(totals_rows(report))),
        _titled("key-value cache", _aligned(cache_rows(report.cache, report.cache_note))),
        _titled("notes", [one_line(note) for note in report.notes]) if report.notes else [],
    )
    lines: list[str] = []
    for block in blocks:
        if block:
            lines += [*block, ""]
    return lines[:-1]


def report_dict(report: ModelReport) -> dict[str, Any]:
    """Return ``report`` as JSON-able values; the configuration is the one of config.json itself.

    Numbers that JSON lacks (Infinity, NaN) become texts.
    """
    mapping: dict[str, Any] = {}
    for field in dataclasses.fields(report):
        if field.name == "config_json":
            mapping["config"] = json.loads(report.config_json, parse_constant=str)
        else:
            mapping[field.name] = _plain(getattr(report, field.name))
    return mapping


def module_lines(root: ModuleNode) -> list[str]:
    """Return the tree as ``print(model)`` writes it, with parameters, dtype and bytes beside it.

    A folded line says how often its figures are there: ``48 × 30,740,800``.
    """
    rows = list(module_rows(root))
    left = max(cell_width(row[0]) for row in rows)
    widths = [max(cell_width(row[column]) for row in rows) for column in (1, 2, 3)]
    lines = []
    for text, parameters, dtype, size, tied in rows:
        cells = (
            pad(text, left),
            " " * (widths[0] - cell_width(parameters)) + parameters,
            pad(dtype, widths[1]),
            " " * (widths[2] - cell_width(size)) + size,
            tied,
        )
        lines.append(_GAP.join(cells).rstrip())
    return lines


def readable_bytes(size: int) -> str:
    """Return ``size`` as people write it: ``6.23 GB``, in powers of 1,000."""
    if size < 1_000:
        return f"{size} B"
    value, unit = size / 1_000, "kB"
    for larger in ("MB", "GB", "TB", "PB"):
        if value < 999.5:
            break
        value, unit = value / 1_000, larger
    digits = 2 if value < 9.995 else 1 if value < 99.95 else 0
    return f"{value:,.{digits}f} {unit}"


def _plain(value: Any) -> Any:  # noqa: ANN401
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {
            field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)
        }
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return value


def _titled(title: str, lines: Sequence[str]) -> list[str]:
    return [title.upper(), *(_INDENT + line for line in lines)]


def _aligned(rows: Sequence[tuple[str, str]]) -> list[str]:
    """Return names and values in two columns; values from files have been made harmless here."""
    shown = [(one_line(name), one_line(value)) for name, value in rows]
    width = max(cell_width(name) for name, _ in shown)
    return [f"{pad(name, width)}{_GAP}{value}".rstrip() for name, value in shown]


def config_lines(report: ModelReport) -> list[str]:
    """Return config.json as harmless lines, in the file's order."""
    # The stored text escapes all that is not ASCII; a person should read the letters themselves.
    text = json.dumps(json.loads(report.config_json), indent=2, ensure_ascii=False)
    return visible(text, keep="\n").split("\n")


def model_rows(report: ModelReport) -> list[tuple[str, str]]:
    """Return what the model is, as names and values as the files say them, not yet harmless."""
    facts = report.facts
    heads = _count(facts.heads)
    if facts.key_value_heads != facts.heads:
        heads += f" ({_count(facts.key_value_heads)} of keys and values)"
    return [
        ("name", report.name),
        ("folder", report.folder),
        ("architecture", f"{report.architecture} ({report.model_type})"),
        ("layers", _count(facts.layers)),
        ("heads", heads),
        ("hidden size", _count(facts.hidden_size)),
        ("context", _count(facts.context_size)),
        ("vocabulary", _count(facts.vocabulary_size)),
    ]


def tokenizer_rows(report: ModelReport) -> list[tuple[str, str]]:
    """Return what the tokenizer is, as names and values, not yet harmless."""
    tokenizer = report.tokenizer
    if tokenizer is None:
        return [("none", report.tokenizer_note)]
    vocabulary = _count(tokenizer.vocabulary_size)
    if tokenizer.added_tokens:
        vocabulary += f" and {tokenizer.added_tokens:,} added"
    limit = tokenizer.maximum_length
    rows = [
        ("class", tokenizer.kind),
        ("vocabulary", vocabulary),
        ("maximum length", "not set" if limit is None else f"{limit:,}"),
        ("padding side", tokenizer.padding_side),
        ("truncation side", tokenizer.truncation_side),
    ]
    for token in tokenizer.special_tokens:
        token_id = "not in the vocabulary" if token.token_id is None else f"{token.token_id}"
        # Escaped rather than one_line alone: a special token may be white space.
        rows.append((token.name, f"{visible(token.text, keep='')} = {token_id}"))
    return rows


def module_rows(node: ModuleNode, depth: int = 0) -> Iterator[ModuleRow]:
    """Yield the tree's lines, harmless, indented as ``print(model)`` does."""
    margin = _INDENT * depth
    times = f"{node.count} x " if node.count > 1 else ""
    name = f"({node.name}): " if depth else ""
    head = f"{margin}{name}{times}{node.kind}"
    figures = _figures(node)
    extra = visible(node.description, keep="\n").split("\n") if node.description else []
    if node.kind == "None":
        yield ModuleRow(head, *figures)
        return
    if not node.children and len(extra) < 2:
        yield ModuleRow(f"{head}({''.join(extra)})", *figures)
        return
    yield ModuleRow(f"{head}(", *figures)
    for line in extra:
        yield ModuleRow(f"{margin}{_INDENT}{line}")
    for child in node.children:
        yield from module_rows(child, depth + 1)
    yield ModuleRow(f"{margin})")


def _figures(node: ModuleNode) -> tuple[str, str, str, str]:
    if not node.parameters:
        return "", "", "", ""
    times = f"{node.count} × " if node.count > 1 else ""
    tied = f"tied to {visible(node.tied_to, keep='')}" if node.tied_to else ""
    return (
        f"{times}{node.parameters:,}",
        node.dtype or "",
        f"{times}{readable_bytes(node.bytes)}",
        tied,
    )


def totals_rows(report: ModelReport) -> list[tuple[str, str]]:
    """Return the sums of parameters and bytes, as names and values, not yet harmless."""
    totals = report.totals
    sources = {
        "weights": "as the safetensors files say",
        "configuration": "as config.json says",
        "default": "nothing says otherwise",
    }
    rows = [("total", f"{totals.parameters:,}"), *_tied_rows(totals)]
    rows.append(("dtype", f"{report.dtype} ({sources[report.dtype_source]})"))
    rows.append(("size", f"{totals.bytes:,} bytes, {readable_bytes(totals.bytes)}"))
    rows += [(f"in {dtype}", readable_bytes(size)) for dtype, size in totals.bytes_if]
    rows.append(
        ("buffers", f"{totals.buffers:,}, {readable_bytes(totals.buffer_bytes)}, not counted above")
        if totals.buffers
        else ("buffers", "none")
    )
    if report.weights is None:
        rows.append(("stored", report.weights_note))
    else:
        stored = report.weights
        parts = ", ".join(
            f"{readable_bytes(size)} {dtype}" for dtype, size in stored.bytes_by_dtype
        )
        files = "1 file" if stored.files == 1 else f"{stored.files:,} files"
        rows.append(("stored", f"{stored.tensors:,} tensors in {files}: {parts}"))
    return rows


def _tied_rows(totals: Totals) -> list[tuple[str, str]]:
    if not totals.tied:
        return [("tied", "none")]
    rows = [("without ties", f"{totals.parameters_untied:,}")]
    rows += [
        ("tied", f"{tie.name} is {tie.same_as}, {tie.parameters:,} parameters")
        for tie in totals.tied
    ]
    return rows


def cache_rows(cache: CacheFacts | None, note: str) -> list[tuple[str, str]]:
    """Return what keys and values take, as names and values; ``note`` where it is not known."""
    if cache is None:
        return [("unknown", note)]
    rows = [
        ("per token", f"{cache.bytes_per_token:,} bytes, {readable_bytes(cache.bytes_per_token)}"),
        ("", f"= {cache.formula} ({cache.dtype})"),
    ]
    if cache.sliding_layers and cache.window is not None:
        rows.append(
            ("", f"{cache.sliding_layers} layers keep the last {cache.window:,} tokens only")
        )
    if cache.context_size is not None and cache.bytes_at_full_context is not None:
        size = cache.bytes_at_full_context
        full = f"{size:,} bytes, {readable_bytes(size)} for {cache.context_size:,} tokens"
        rows.append(("full context", full))
    return rows


def _count(number: int | None) -> str:
    return "not known" if number is None else f"{number:,}"
