"""Colours that can be read and told apart in every theme, computed for the terminal at hand.

A theme's own colours may be too near its background, and a terminal of 256 or 16 colours draws its
nearest ones: everything here is measured as it will be drawn. Must never know a widget. Contrast is
that of WCAG 2.2, 1 to 21: text has 4.5 at least, bars and frames 3.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from typing import Literal

from rich.color import Color as RichColor
from rich.color import ColorSystem
from textual.color import Color, Lab, lab_to_rgb, rgb_to_lab

Colours = Literal["truecolor", "256", "standard"]
"""How many colours a terminal draws, by rich's names; ``standard`` is 16."""

TINT_CONTRASTS: tuple[float, ...] = (1.15, 1.4, 1.9, 2.8)
"""How far the tints of surprising tokens stand out from the background, faintest first."""

TINT_STYLES: tuple[str, ...] = ("none", "underline", "bold", "bold underline", "reverse")
"""The same scale, with the unsurprising first, where there are too few colours to tint with."""

TEXT_CONTRAST = 4.5
SHAPE_CONTRAST = 3.0

_NEXT_TINT = 1.12  # the least by which a tint has more contrast than the one before it
_TEXTS = ("text-primary", "text-secondary", "text-accent", "text-warning", "text-error")
_SHAPES = ("primary", "secondary", "accent", "warning", "error", "success")
_SYSTEMS = {"256": ColorSystem.EIGHT_BIT, "standard": ColorSystem.STANDARD}
_BLACK, _WHITE = Color(0, 0, 0), Color(255, 255, 255)


def contrast(one: Color, other: Color) -> float:
    """Return the contrast ratio of two colours, 1 to 21.

    Source: WCAG 2.2, "contrast ratio" and "relative luminance".
    """
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def drawn(colour: Color, colours: Colours) -> Color:
    """Return what a terminal of so many ``colours`` draws for ``colour``."""
    if colours == "truecolor":
        return colour
    near = RichColor.from_rgb(*colour.rgb).downgrade(_SYSTEMS[colours])
    return Color(*near.get_truecolor())


def readable(
    colour: Color, backgrounds: Sequence[Color], least: float, colours: Colours = "truecolor"
) -> Color:
    """Return ``colour``, made lighter or darker as far as it takes to be seen on ``backgrounds``.

    The contrast with each is ``least`` or more, or else the most there is.
    """
    behind = [drawn(one, colours) for one in backgrounds]

    def seen(one: Color) -> float:
        return min(contrast(drawn(one, colours), other) for other in behind)

    far = max((_BLACK, _WHITE), key=seen)
    steps = (colour.blend(far, step / 20) for step in range(20))
    return next((one for one in steps if seen(one) >= least), far)


def tints(
    hues: Sequence[Color], background: Color, colours: Colours = "truecolor"
) -> tuple[Color, ...]:
    """Return a colour of each of ``hues`` that stands out from ``background``, ever more so."""
    scale: list[Color] = []
    least = 1.0
    for hue, ratio in zip(hues, TINT_CONTRASTS, strict=True):
        ratio = max(ratio, least * _NEXT_TINT)
        scale.append(shade(hue, background, ratio, colours, least=least * _NEXT_TINT))
        least = contrast(drawn(scale[-1], colours), drawn(background, colours))
    return tuple(scale)


def shade(
    hue: Color,
    background: Color,
    ratio: float,
    colours: Colours = "truecolor",
    *,
    least: float = 1.0,
) -> Color:
    """Return a colour of ``hue`` with a contrast of ``ratio`` to ``background``.

    Where the terminal has no such colour, the likest of those with ``least`` and more.
    """
    behind = drawn(background, colours)
    wanted = _lightened(hue, behind, ratio)
    if colours == "truecolor":
        return wanted
    near = [one for one in _palette(colours) if one != behind and contrast(one, behind) >= least]
    return min(near, key=lambda one: _unlikeness(one, wanted), default=wanted)


def colour_variables(
    theme: Mapping[str, str], *, is_dark: bool, colours: Colours, tints_by_style: bool
) -> dict[str, str]:
    """Return the app's own variables for a theme's, and what of the theme's must be mended.

    ``theme`` are textual's CSS variables for it. With ``tints_by_style``, the tints are no colours
    but weights and underlines. A theme of the terminal's own colours, which may look like anything,
    takes its text as it comes.
    """
    if theme["background"].startswith("ansi"):
        return _ansi_variables(is_dark=is_dark)
    return dict(_computed(tuple(sorted(theme.items())), colours, tints_by_style))


@cache
def _computed(
    theme: tuple[tuple[str, str], ...], colours: Colours, tints_by_style: bool
) -> tuple[tuple[str, str], ...]:
    given = dict(theme)
    ground, surface, panel = (Color.parse(given[one]) for one in ("background", "surface", "panel"))
    picked = shade(Color.parse(given["primary"]), ground, 1.35, colours, least=1.05)
    behind = (ground, surface, panel, picked)

    def text(colour: Color) -> Color:
        return readable(colour, behind, TEXT_CONTRAST, colours)

    foreground = text(Color.parse(given["foreground"]))
    found = {
        "foreground": foreground,
        "dim": text(ground.blend(foreground, 0.66)),
        "faint": readable(ground.blend(foreground, 0.35), (ground,), 1.8, colours),
        "picked": picked,
    }
    for name in (*_TEXTS, "text-success"):
        found[name] = text(Color.parse(given[name]))
    for name in _SHAPES:
        found[name] = readable(Color.parse(given[name]), (ground,), SHAPE_CONTRAST, colours)
    found["text-muted"] = found["dim"]
    for name, fill in _fills(found, ground, colours):
        found[name] = fill
        found["on-" + name] = readable(foreground, (fill,), TEXT_CONTRAST, colours)
    variables = {name: colour.hex for name, colour in found.items()}
    variables["prompt-style"] = _prompt_style(tints_by_style=tints_by_style)
    for level in range(len(TINT_STYLES)):
        variables[f"tint-{level}-style"] = TINT_STYLES[level] if tints_by_style else "none"
        if tints_by_style:
            variables[f"tint-{level}"], variables[f"on-tint-{level}"] = ground.hex, foreground.hex
    return tuple(variables.items())


def _fills(
    found: Mapping[str, Color], ground: Color, colours: Colours
) -> Iterator[tuple[str, Color]]:
    """Yield what text may stand on: tints, what scrubbing marks, a prompt's tokens, the cursor."""
    accent, error, primary = (found[name] for name in ("accent", "error", "primary"))
    hues = (accent, accent, accent.blend(error, 0.6), error)
    yield "tint-0", ground
    for level, colour in enumerate(tints(hues, ground, colours), 1):
        yield f"tint-{level}", colour
    yield "other", shade(primary, ground, 2.0, colours, least=1.3)
    yield "other-later", shade(primary, ground, 1.35, colours, least=1.05)
    yield "cut", shade(error, ground, 2.0, colours, least=1.3)
    yield "cut-later", shade(error, ground, 1.35, colours, least=1.05)
    yield "token-even", shade(primary, ground, 1.5, colours, least=1.05)
    yield "token-odd", shade(found["secondary"], ground, 1.2, colours, least=1.05)
    yield "selected", accent


def _ansi_variables(*, is_dark: bool) -> dict[str, str]:
    """The terminal's own colours: those of them that stand out from such a background anywhere."""
    bright = "ansi_bright_" if is_dark else "ansi_"
    hues = {
        "primary": bright + ("cyan" if is_dark else "blue"),
        "secondary": bright + "magenta",
        "accent": bright + ("yellow" if is_dark else "magenta"),
        "warning": bright + ("yellow" if is_dark else "red"),
        "error": bright + "red",
        "success": bright + "green" if is_dark else "ansi_black",
    }
    variables = {"dim": "ansi_default", "text-muted": "ansi_default", "faint": "ansi_bright_black"}
    variables |= hues | {"text-" + name: colour for name, colour in hues.items()}
    variables |= {"picked": "ansi_blue" if is_dark else "ansi_bright_cyan"}
    fills = ["other", "other-later", "cut", "cut-later", "token-even", "token-odd"]
    for name in (*fills, *(f"tint-{level}" for level in range(len(TINT_STYLES)))):
        variables |= {name: "transparent", "on-" + name: "ansi_default"}
    variables |= {"selected": hues["accent"], "on-selected": "ansi_black"}
    variables["prompt-style"] = _prompt_style(tints_by_style=True)
    return variables | {f"tint-{level}-style": style for level, style in enumerate(TINT_STYLES)}


def _prompt_style(*, tints_by_style: bool) -> str:
    """A style for the prompt that none of the tints has."""
    return "italic" if tints_by_style else "bold"


def _luminance(colour: Color) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4
        for part in colour.normalized
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _lightened(hue: Color, behind: Color, ratio: float) -> Color:
    """Return ``hue`` in the lightness that has ``ratio`` to ``behind``, on the side with room."""
    is_up = contrast(behind, _WHITE) > contrast(behind, _BLACK)
    _, a, b = rgb_to_lab(hue)
    near, far = rgb_to_lab(behind).L, 100.0 if is_up else 0.0
    for _ in range(16):
        middle = (near + far) / 2
        if contrast(lab_to_rgb(Lab(middle, a, b)).clamped, behind) < ratio:
            near = middle
        else:
            far = middle
    return lab_to_rgb(Lab(far, a, b)).clamped


@cache
def _palette(colours: Colours) -> tuple[Color, ...]:
    """The terminal's colours that are drawn as themselves where they are asked for."""
    numbers = range(16) if colours == "standard" else range(16, 256)
    entries = (Color(*RichColor.from_ansi(number).get_truecolor()) for number in numbers)
    return tuple(one for one in entries if drawn(one, colours) == one)


def _unlikeness(one: Color, other: Color) -> float:
    """The distance of two colours in CIELAB (CIE 1976); lightness counts twice."""
    a, b = rgb_to_lab(one), rgb_to_lab(other)
    return 4 * (a.L - b.L) ** 2 + (a.a - b.a) ** 2 + (a.b - b.b) ** 2
