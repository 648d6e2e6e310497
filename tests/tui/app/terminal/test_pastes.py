"""What a terminal sends: pastes press no key, and come to the letter however they are cut."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests.attacks import ATTACKS
from tui.app.terminal.pastes import InputDecoder, as_pasted

BEGIN, END = "\x1b[200~", "\x1b[201~"
PIECES = ("\x1b", "[", "201~", "\x1b[20", "\x1b[200~", "\x11", "a", "é", *ATTACKS.values())
TEXTS = st.lists(st.sampled_from(PIECES), max_size=5).map(
    lambda pieces: "".join(pieces).encode("utf-8", "replace").decode()
)


@given(st.lists(st.tuples(TEXTS, TEXTS), max_size=3), st.lists(st.integers(1, 9), min_size=1))
def test_a_paste_has_no_escape_character_until_it_is_taken(parts, sizes):
    parts = [(typed.replace(BEGIN, ""), pasted.replace(END, "")) for typed, pasted in parts]
    if any(BEGIN in typed or END in pasted for typed, pasted in parts):
        return
    data = "".join(f"{typed}{BEGIN}{pasted}{END}" for typed, pasted in parts).encode()
    decoder, came, sizes = InputDecoder(), "", sizes * (len(data) + 1)
    while data:
        size = sizes.pop()
        came += decoder.decode(data[:size])
        data = data[size:]
    for typed, pasted in parts:
        assert came.startswith(typed + BEGIN)
        came = came[len(typed + BEGIN) :]
        kept, _, came = came.partition(END)
        assert "\x1b" not in kept
        assert as_pasted(kept) == pasted
    assert came == ""


def test_what_is_typed_waits_for_nothing():
    decoder = InputDecoder()
    assert [decoder.decode(one) for one in (b"\x1b", b"[20", b"\xc3", b"\xa9")] == [
        "\x1b",
        "[20",
        "",
        "é",
    ]
