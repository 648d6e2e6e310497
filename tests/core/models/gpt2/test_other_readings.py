"""A text that is too long by the tokens it is read as, which fewer other tokens make as well."""

from __future__ import annotations

import pytest

from core.looking_back.given_text.scoring import score_text
from core.looking_back.given_text.verdicts import fewest_tokens
from core.presets.book import Preset
from core.records.settings import Settings
from tests.reference import run_ours

HOT = {"do_sample": True, "top_k": 0, "temperature": 1.5}
SAMPLE = {"do_sample": True, "top_k": 0}
RUNS = {
    "a word in parts": (HOT, 18, "Q: What is 2+2?\nA:"),
    "a byte that is no character": (HOT, 54, "Q: What is 2+2?\nA:"),
    "a beginning in parts": (SAMPLE, 106, "1 2 3 4"),
}


@pytest.mark.parametrize("name", RUNS)
def test_what_a_run_wrote_within_its_length(demo, name):
    """Its text is read as more tokens than it wrote: that others make it is told."""
    sampling, seed, prompt = RUNS[name]
    own = Settings(**sampling, max_new_tokens=50)
    run = run_ours(demo.model, demo.codec, own.replace(seed=seed), prompt=prompt).finished
    presets = [
        Preset("own", "", "", own),
        Preset("beams", "", "", Settings(num_beams=2, max_new_tokens=50)),
        Preset("short", "", "", own.replace(max_new_tokens=30)),
        Preset("short beams", "", "", Settings(num_beams=2, max_new_tokens=30)),
    ]
    scored = score_text(demo.model, demo.codec, run.text, presets, prompt=prompt)
    assert len(scored.token_ids) > len(run.token_ids) == 50
    assert {one.forbidden.cut_by for one in scored.verdicts} == {"max_new_tokens"}
    assert [one.other_tokens for one in scored.verdicts] == [True, True, False, False]


def test_the_fewest_tokens_by_hand():
    texts = frozenset({"a", "b", "ab", "abc", "cab", "bca"})
    for text, count in (("", 0), ("abcab", 2), ("abcabab", 3), ("xx", 2), ("cabbca", 2)):
        assert fewest_tokens(texts, text) == count
