"""What a terminal sends as text, with pastes that press no key whatever is in them.

textual looks for keys in a paste too: it takes an escape code that it does not know for keys, and
what it knows for none of the paste. Must never alter a text: what was pasted comes out to the
letter.
"""

from __future__ import annotations

from encodings import utf_8
from typing import Any

_ESCAPE = "\x1b"
_STAND_IN = "\udc1b"  # never comes from UTF-8
_BEGIN, _END = "\x1b[200~", "\x1b[201~"


def as_pasted(text: str) -> str:
    """Return a paste, as it reaches textual's driver, to the letter."""
    return text.replace(_STAND_IN, _ESCAPE)


class InputDecoder(utf_8.IncrementalDecoder):
    """Reads what is no UTF-8 as U+FFFD, since no byte that is typed or pasted may end the app.

    Within a paste a stand-in comes for each escape character; ``as_pasted`` takes it back.
    """

    def __init__(self) -> None:
        super().__init__(errors="replace")
        self._before = ""
        """The end of what came: the beginning of a mark may be there already."""
        self._is_pasted = False

    def decode(self, data: Any, final: bool = False) -> str:  # noqa: ANN401 - any buffer
        """Return the text of ``data``; without any, the terminal has hung up.

        Raises:
            EOFError: There is no data.
        """
        if not data and not final:
            raise EOFError
        text = super().decode(data, final)
        parts: list[str] = []
        while text:
            part, text = self._pasted(text) if self._is_pasted else self._typed(text)
            parts.append(part)
        return "".join(parts)

    def _typed(self, text: str) -> tuple[str, str]:
        """Return what is typed up to where a paste begins, and the rest."""
        held = len(self._before)
        begins = (self._before + text).find(_BEGIN)
        if begins < 0:
            self._before = (self._before + text)[1 - len(_BEGIN) :]
            return text, ""
        self._before, self._is_pasted = "", True
        at = begins + len(_BEGIN) - held
        return text[:at], text[at:]

    def _pasted(self, text: str) -> tuple[str, str]:
        """Return what is pasted, up to its end, and the rest; what may be its end waits."""
        text = self._before + text
        pasted, end, rest = text.partition(_END)
        held = 0 if end else _begun(text)
        self._before = text[len(text) - held :]
        self._is_pasted = not end
        return pasted[: len(pasted) - held].replace(_ESCAPE, _STAND_IN) + end, rest


def _begun(text: str) -> int:
    """Return how many characters at the end of ``text`` begin the mark of a paste's end."""
    return next((many for many in range(len(_END) - 1, 0, -1) if text.endswith(_END[:many])), 0)
