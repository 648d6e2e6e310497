"""Measurements to words and Markdown: medians, their spread, and ratios.

Must never measure.
"""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import Any

OURS, APP, PEER = "gpt2-playground", "its app", "generate()"
UNASSISTED = "without its assistant"


def report(results: dict[str, Any]) -> str:
    """Return the tables of one run of ``speed``."""
    machine = f"{results['device']} ({results['machine']}), torch {results['torch']}"
    lines = [
        f"{machine}, reading {results['bandwidth'] / 1e9:.1f} GB/s.",
        "Steps per second: medians, lowest to highest in brackets; contenders took turns.",
    ]
    for model in results["models"]:
        peers = model["stored_dtype"]
        others = "" if peers == model["dtype"] else f"; {PEER} in {peers}"
        lines += ["", f"**{model['model']}, {model['dtype']}** ({model['engine']}{others})", ""]
        lines += _rates(model)
        lines += ["", *_facts(model, results["bandwidth"])]
        lines += [f"- left out: {sentence}" for sentence in model["left_out"]]
    return "\n".join(lines) + "\n"


def quartiles(values: Sequence[float]) -> str:
    """Return the median of ``values``, two at least, and between which ones half of them lie."""
    first, median, third = statistics.quantiles(values, n=4)
    return f"median {median:.4g}, half of them {first:.4g} to {third:.4g}"


def _rates(model: dict[str, Any]) -> list[str]:
    modes = list(model["rates"])
    names = list(dict.fromkeys(name for mode in modes for name in model["rates"][mode]))
    lines = [f"| | {' | '.join(modes)} |", "| --- |" + " --- |" * len(modes)]
    for name in names:
        cells = [_spread(model["rates"][mode].get(name)) for mode in modes]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    ratios = [
        f"{_median(model['rates'][mode][OURS]) / _median(model['rates'][mode][PEER]):.2f} ×"
        for mode in modes
    ]
    lines.append(f"| {OURS} to {PEER} | {' | '.join(ratios)} |")
    return lines


def _facts(model: dict[str, Any], bandwidth: float) -> list[str]:
    greedy = model["rates"]["greedy"]
    ours = _median(greedy.get(UNASSISTED, greedy[OURS]))
    alone = _median(greedy["its model alone"])
    share = alone * model["weight_bytes"] / bandwidth
    contexts = {name: _median(found) for name, found in model["by_context"].items()}
    least, *_, most = contexts.values()
    fresh = model["fresh"]
    lines = [
        f"- top five, entropy, records and text: {max(0.0, 1 - ours / alone):.1%} of a step",
        f"- weights read at {share:.0%} of the measured bandwidth",
        "- at context "
        + ", ".join(f"{name}: {found:.1f}" for name, found in contexts.items())
        + f" (last to first: {most / least:.0%})",
    ]
    if model["accepted"]:
        shares = [f"{share:.0%} ({mode})" for mode, share in model["accepted"].items()]
        lines.append("- guesses of the assistant that came true: " + ", ".join(shares))
    kept = {
        mode: _median(found[APP]) / _median(found[OURS])
        for mode, found in model["rates"].items()
        if APP in found
    }
    if kept:
        lines.append("- the app keeps " + ", ".join(f"{kept[mode]:.0%} ({mode})" for mode in kept))
    lines += [
        f"- {name}, cold process: first token after {one['first_token_s']:.1f} s,"
        f" {one['peak_gb']:.2f} GB at most"
        for name, one in fresh.items()
    ]
    return lines


def _median(found: list[float]) -> float:
    return statistics.median(found)


def _spread(found: list[float] | None) -> str:
    if not found:
        return "–"
    return f"{_median(found):.1f} ({min(found):.1f}–{max(found):.1f})"
