"""Beams that differ look different: each is shown from where it parts from the leader."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from core.looking_back.beam_contest import ParentBeam
from core.records.steps import BeamStep, Candidate, DroppedHypothesis, Hypothesis
from tui.common.beam_rows import beam_list
from tui.common.parting import parted, parting, shared
from tui.why.beam_rows import parent_rows

words = st.lists(
    st.sampled_from(["a", "king", "queen", "lived", "loved", "世界", "far"]), max_size=9
)
texts_of_words = st.lists(words.map(" ".join), min_size=1, max_size=8, unique=True)


def test_a_text_is_shown_from_the_word_in_which_it_parts():
    assert parting("the king lived", "the king loved") == len("the king ")
    assert parting("the king", "the king loved") == len("the ")
    assert parting("世界", "世人") == 0
    assert shared(["the old king", "the old queen", "the old man"]) == len("the old ")
    assert shared(["the old king"]) == 0
    texts = ["Once there was a king", "Once there was a queen", "Once in a land"]
    assert parted(texts, [40] * 3) == ["there was a king", "…queen", "in a land"]


@given(texts_of_words, st.integers(12, 60))
def test_texts_that_differ_look_different_and_fit(texts, room):
    shown = parted(texts, [room] * len(texts))
    assert all(cell_len(one) <= room for one in shown)
    assert len(set(shown[1:])) == len(shown) - 1


def hypothesis(text, score, token):
    return Hypothesis(
        tuple(map(ord, text)), text, score, score, 0, Candidate(1, token, -1.0, -1.0, 1)
    )


def plain(rows):
    return ["".join(text for text, _ in row) for row in rows]


COMMON = "Once upon a time, in a land far away, there lived an old "
BEAMS = tuple(
    hypothesis(f"{COMMON}{one} who never spoke to anyone.", -place, ".")
    for place, one in enumerate(("king", "queen", "miller", "wolf"), 1)
)


def test_the_panel_says_once_what_all_beams_have_in_common():
    lost = hypothesis(f"{COMMON}cat who never spoke to anyone.", -9, ".")
    step = BeamStep(5, BEAMS, BEAMS[:1], (DroppedHypothesis(lost, "outscored"),), (), 0.1)
    for width in (30, 40, 60):
        rows = plain(beam_list(step, None, width, 20))
        assert sum("lived an old" in row for row in rows) == 1, "in the row of what is common"
        for word, count in (("king", 2), ("queen", 1), ("miller", 1), ("wolf", 1), ("cat", 1)):
            found = [
                row for row in rows if word[:3] in row or ("ing who" in row and word == "king")
            ]
            assert len(found) >= (0 if word == "king" else count), (width, word, rows)
        assert all(cell_len(row) <= width for row in rows)


def test_of_a_search_that_is_over_each_text_is_shown_once():
    step = BeamStep(5, BEAMS, BEAMS, (), (), 0.1)
    rows = plain(beam_list(step, None, 40, 20, is_over=True))
    assert len([row for row in rows if row.startswith("✓")]) == 4
    assert len(rows) == 6


def test_the_page_shows_each_beam_from_where_it_parts():
    parents = [ParentBeam(at, one, ()) for at, one in enumerate(BEAMS, 1)]
    rows = plain(parent_rows(parents, 48))
    assert rows[0].endswith("spoke to anyone.")
    for row, word in zip(rows[1:], ("queen", "miller", "wolf"), strict=True):
        assert f"  {word} who never" in row.replace("…", "")


def test_what_has_ended_is_not_told_from_its_living_twin_alone():
    months, names = ("November", "January"), ("Nerith", "Orion")
    tales = [
        f"{COMMON}lady. In {month} she saw {name}, small and" for month in months for name in names
    ]
    live = tuple(hypothesis(f"{one} grey.", -9, ".") for one in tales)
    ended = tuple(hypothesis(f"{one} grey.!", -8, "!") for one in tales)
    step = BeamStep(5, live, ended, (), (), 0.1)
    for width in (38, 40, 60):
        rows = plain(beam_list(step, None, width, 20))
        for sign in ("✓", "  "):
            texts = [row[13:] for row in rows[2:] if row.startswith(sign)]
            assert len(set(texts)) == len(texts) >= 3, (width, rows)


def test_words_at_which_texts_part_stand_before_what_is_shown_already():
    texts = ["a b c d e f g h i", "a X c d e f g h i", "a b c Y e f g h i", "a X c Y e f g h i"]
    shown = parted(texts, [12] * 4)
    assert shown[2].startswith("…Y e")
    assert shown[3].startswith("X…Y e")
