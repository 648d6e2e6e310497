"""Reads the templates of the rule files; knows nothing of what their names mean."""

from __future__ import annotations


class GrammarError(ValueError):
    """A rule file asks for something that is not there."""


# Plain text, a rule and the variable that keeps its result, or branches to choose from.
Part = str | tuple[str, str] | list["list[Part]"]


def parse(template: str) -> list[Part]:
    """A template as text, ``(rule, variable)`` pairs and lists of branches."""
    parts, rest = _parse_branch(template, 0, top=True)
    if rest != len(template):
        raise GrammarError(f"a bracket is not closed: {template!r}")
    return parts


def _parse_branch(text: str, at: int, top: bool = False) -> tuple[list[Part], int]:
    parts: list[Part] = []
    plain = at
    while at < len(text) and (top or text[at] not in "|)"):
        if text[at] == "{":
            parts.append(text[plain:at])
            end = text.index("}", at)
            name, _, keep = text[at + 1 : end].partition(":")
            parts.append((name, keep))
            at = plain = end + 1
        elif text[at] == "(":
            parts.append(text[plain:at])
            branches: list[list[Part]] = []
            at += 1
            while True:
                branch, at = _parse_branch(text, at)
                if at >= len(text):
                    raise GrammarError(f"a bracket is not closed: {text!r}")
                branches.append(branch)
                at += 1
                if text[at - 1] == ")":
                    break
            parts.append(branches)
            plain = at
        else:
            at += 1
    parts.append(text[plain:at])
    return [part for part in parts if part != ""], at
