"""One page of HTML of any number of runs, by the template, style and script beside this file.

Must never put a text into the page but through the template, which escapes it, and never lets the
page load, send or run anything else than what it holds: its policy names its own style and script
by their hashes, and nothing besides.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from core.document.export.about import about_program
from core.document.export.facts import model_called
from core.document.export.page.tree_map import map_of
from core.document.export.page.view import run_view
from core.document.export.reading import ExportedRun
from core.text.readable import tint_ranges
from core.text.visible import (
    SPECIAL_TOKEN,
    keep_end,
    marks_behind,
    one_line,
    spelled_parts,
    visible,
)

if TYPE_CHECKING:
    from jinja2 import Template
    from markupsafe import Markup

_FOLDER = Path(__file__).parent
_WIDEST_TITLE = 60


def page_of(runs: Sequence[ExportedRun]) -> str:
    """Return a page that shows ``runs`` in their order.

    Characters that cannot be shown, or that would reorder others, are spelled out as everywhere.

    Raises:
        ValueError: There are none.
    """
    if not runs:
        raise ValueError("a page has one run at least")
    models = {model_called(run.model_name) for run in runs}
    style, script = _text("page.css"), _text("page.js")
    return _template().render(
        runs=[run_view(run, number, runs) for number, run in enumerate(runs, 1)],
        map=map_of(runs) if len(runs) > 1 else [],
        title=_title(runs[0]),
        models=" and ".join(sorted(models)),
        tints=tint_ranges(),
        program=about_program(),
        special=SPECIAL_TOKEN,
        style=style,
        script=script,
        policy="; ".join(
            [
                "default-src 'none'",
                f"style-src {_hash(style)}",
                f"script-src {_hash(script)}",
                "base-uri 'none'",
                "form-action 'none'",
            ]
        ),
    )


def _title(run: ExportedRun) -> str:
    """What a tab or a list of files shows: how the text begins, and who wrote it."""
    text = one_line(run.prompt + run.finished.text, _WIDEST_TITLE)
    return f"{text} · {one_line(model_called(run.model_name), _WIDEST_TITLE)}" if text else "A run"


@cache
def _template() -> Template:
    import jinja2  # as everything that takes time, only once it is wanted
    from markupsafe import Markup

    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )

    def shown(text: str, keep: str = "\n\t", marks: int = 0) -> Markup:
        """Spell out what cannot be shown, so that it is told from text that looks the same."""
        parts = spelled_parts(text, keep, marks)
        return Markup().join(
            Markup("<span class=c>{}</span>").format(part) if is_spelled else part
            for part, is_spelled in parts
        )

    def token(text: str) -> Markup:
        """The same for a token by itself, whose first spaces are dots: they are seen nowhere."""
        bare = text.lstrip(" ")
        dots = Markup("<span class=c>{}</span>").format("·" * (len(text) - len(bare)))
        return (dots if len(bare) < len(text) else Markup()) + shown(bare, "")

    def last_words(text: str) -> Markup:
        """The end of a long text, in one line."""
        return shown(keep_end(visible(" ".join(text.split()), keep=""), _WIDEST_TITLE), "")

    environment.filters["shown"], environment.filters["token"] = shown, token
    environment.filters["last_words"], environment.filters["marks"] = last_words, marks_behind
    return environment.from_string(_text("page.html.jinja"))


@cache
def _text(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """Return ``text`` as a source of Content Security Policy: what it hashes to."""
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return f"'sha256-{digest}'"
