"""What ``gpu`` found to Markdown.

Must never measure.
"""

from __future__ import annotations

import statistics
from typing import Any

GENERATE = "generate()"


def gpu_report(found: dict[str, Any]) -> str:
    """Return the tables of what has been found until now."""
    lines: list[str] = []
    for name, write in _PARTS.items():
        if name in found:
            lines += [*write(found), ""]
    if found["left_out"]:
        lines += [
            "Left out, for want of time or because it broke: " + "; ".join(found["left_out"]) + ".",
            "",
        ]
    return "\n".join(lines)


def _machine(found: dict[str, Any]) -> list[str]:
    machine = found["machine"]
    return [
        (
            f"{machine['device']}, torch {machine['torch']}, CUDA {machine['cuda']},"
            f" reading {machine['bandwidth'] / 1e9:,.0f} GB/s."
        )
    ]


def _checks(found: dict[str, Any]) -> list[str]:
    lines = ["**The bundled model in float32, against transformers**", ""]
    names = list(next(iter(found["checks"].values()))["tokens_of_generate"])
    lines += [
        f"| way | runs as | logits differ by | as step by step | tokens of {GENERATE}: "
        + " | ".join(names)
        + " | right |",
        "| --- " * (5 + len(names)) + "|",
    ]
    for way, one in found["checks"].items():
        same = [name for name, is_same in one["same_ahead"].items() if is_same]
        tokens = " | ".join(one["tokens_of_generate"].values())
        lines.append(
            f"| {way} | {one['kernel']} | {one['worst_difference']:.1e} | {', '.join(same)}"
            f" | {tokens} | {'yes' if one['is_right'] else 'NO'} |"
        )
    return lines


def _ready(found: dict[str, Any]) -> list[str]:
    model = found["model"]
    lines = [f"**{model['name']}, {model['dtype']}, {model['bytes'] / 1e9:.2f} GB of weights**", ""]
    return lines + [
        f"- {way}: {one['kernel']}, ready after {one['seconds']:.1f} s"
        for way, one in found["ready"].items()
    ]


def _rates(found: dict[str, Any]) -> list[str]:
    rates = found["rates"]
    modes = list(rates)
    lines = [
        (
            "Steps per second: medians, lowest to highest in brackets, times those of"
            f" {GENERATE}; of greedy also the share of the measured bandwidth that reading the"
            " weights takes."
        ),
        "",
        f"| | {' | '.join(modes)} | bandwidth |",
        "| --- " * (2 + len(modes)) + "|",
    ]
    size, speed = found["model"]["bytes"], found["machine"]["bandwidth"]
    for name in rates[modes[0]]:
        cells = []
        for mode in modes:
            one = rates[mode][name]
            times = statistics.median(one) / statistics.median(rates[mode][GENERATE])
            spread = f"{min(one):,.0f}–{max(one):,.0f}"
            cells.append(f"{statistics.median(one):,.1f} ({spread}) {times:.1f} ×")
        share = statistics.median(rates["greedy"][name]) * size / speed
        lines.append(f"| {name} | {' | '.join(cells)} | {share:.0%} |")
    return lines


def _contexts(found: dict[str, Any]) -> list[str]:
    lines = ["Greedy steps per second by context:", ""]
    for name, one in found["contexts"].items():
        first, *_, last = one.values()
        rates = ", ".join(f"{context}: {rate:,.1f}" for context, rate in one.items())
        lines.append(f"- {name}: {rates} (last to first: {last / first:.0%})")
    return lines


def _kernels(found: dict[str, Any]) -> list[str]:
    lines: list[str] = []
    for name, one in found["kernels"].items():
        lines += [
            (
                f"**A step of {name}**: {one['replay_s'] * 1e6:,.0f} µs, of which"
                f" {one['kernel_s'] * 1e6:,.0f} µs in {one['kernel_count']:,.0f} kernels"
            ),
            "",
            "| µs a step | times | kernel |",
            "| --- | --- | --- |",
        ]
        lines += [
            f"| {kernel['us']:,.1f} | {kernel['count']:,.0f} | `{kernel['name']}` |"
            for kernel in one["kernels"]
        ]
        lines.append("")
    return lines


_PARTS = {
    "machine": _machine,
    "checks": _checks,
    "ready": _ready,
    "rates": _rates,
    "contexts": _contexts,
    "kernels": _kernels,
}
