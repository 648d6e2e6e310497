"""What has been done to terminals by texts, and how a text is seen to do none of it.

The one list of such texts: whoever lets a text in or out tries these.
"""

from __future__ import annotations

import re
import unicodedata

ATTACKS = {
    "title": "\x1b]0;owned\x07",
    "title, answered as if typed": "\x1b]2;;rm -rf ~;\x07\x1b[21t",
    "clipboard": "\x1b]52;c;cm0gLXJmIH4K\x07",
    "link": "\x1b]8;;https://example.com\x1b\\here\x1b]8;;\x1b\\",
    "notification": "\x1b]9;owned\x07\x1b]777;notify;a;b\x07",
    "palette": "\x1b]4;0;#ffffff\x07\x1b]10;?\x07\x1b]11;?\x07",
    "picture": "\x1b]1337;File=inline=1:AAAA\x07",
    "screen cleared": "\x1b[2J\x1b[3J\x1b[H",
    "cursor reported": "\x1b[6n\x1b[c\x1b[>q",
    "cursor moved and hidden": "\x1b[999A\x1b[?25l\x1b7",
    "other screen": "\x1b[?1049h\x1b[?2004h\x1b[?1003h",
    "colours": "\x1b[8m\x1b[31;1mred",
    "reset": "\x1bc",
    "other letters": "\x1b(0lqqk\x0e",
    "device control": '\x1bP$q"p\x1b\\\x1bP+q544e\x1b\\',
    "sixel": "\x1bPq#0;2;0;0;0#0!9~-\x1b\\",
    "application command": "\x1b_Gf=24;AAAA\x1b\\",
    "private message": "\x1b^owned\x1b\\\x1bXowned\x1b\\",
    "eight bits": "\x9b2J\x9d0;owned\x9c\x90q\x9c\x9eowned\x9c\x85\x84",
    "eight bits in UTF-8 read otherwise": "\xc2\x9b31m",
    "unended": "\x1b]0;\x1b[",
    "backspaces": "safe\b\b\b\bowned",
    "overwritten": "safe\rowned",
    "bell and null": "\x07\x00\x05",
    "form feed, vertical tab": "a\x0bb\x0cc",
    "delete": "a\x7fb",
    "substitute": "a\x1ab\x18c",
    "bidi override": "\u202egnp.exe\u202c",
    "bidi isolate": "\u2066a\u2067b\u2068c\u2069",
    "bidi marks": "\u200e\u200f\u061c",
    "line separators": "a\u2028b\u2029c\x85d",
    "zero width": "a\u200bb\u2060c\ufeffd\u00ade",
    "joiners": "👩\u200d👩\u200d👧\u200c",
    "tags": "\U000e0041\U000e0042\U000e007f",
    "variation selectors": "a\ufe0f\U000e0100",
    "combining stack": "e" + "\u0301\u0302\u0303\u0334\u0489" * 40,
    "lone surrogates": "\ud800 \udfff \udc9b31m",
    "byte order mark": "\ufeffa",
    "tabs": "a\t\tb",
    "markup": "[/b][@click=app.quit]x[/][red]",
    "interlinear": "\ufff9a\ufffab\ufffb",
}

_SAFE_CONTROLS = "\n\r"
_HARMFUL = ("Cc", "Cf", "Cs", "Zl", "Zp")
_STACKED = re.compile("[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]{6,}")


def harm_in(text: str, allowed: str = _SAFE_CONTROLS) -> list[str]:
    """Return what of ``text`` a terminal obeys, a text can hide in, or covers lines around it."""
    return _STACKED.findall(text) + [
        one
        for one in text
        if one not in allowed and (unicodedata.category(one) in _HARMFUL or one in "\ufe0f\u034f")
    ]
