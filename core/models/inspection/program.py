"""What makes a report in a process of its own: one question in, one answer out.

Must never write anything else to standard output.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any


def main() -> None:
    """Answer the question on standard input; see ``apart``."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # what libraries print is no answer
    sys.path.append(str(Path(__file__).parents[3]))
    from core.records.errors import PlaygroundError

    question = json.load(sys.stdin)
    try:
        answer = {"report": _report(**question)}
    except PlaygroundError as error:
        answer = {"error": str(error)}
    answers.write(json.dumps(answer))
    answers.close()


def _report(folder: str, name: str, note: str, *, is_json: bool) -> Any:  # noqa: ANN401
    from core.models.inspection.report import inspect_model
    from core.models.inspection.report_text import report_dict, report_lines

    report = inspect_model(Path(folder), name, note)
    if is_json:
        # ASCII alone: nothing in it can command a terminal, and it stays JSON on one.
        return json.dumps(report_dict(report), indent=2, allow_nan=False)
    return "\n".join(report_lines(report))


if __name__ == "__main__":
    main()
