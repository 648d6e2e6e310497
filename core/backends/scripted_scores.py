"""What the scripted backend makes of a text: a score for every word, by a rule to be followed.

Must never import torch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from core.presets.book import Preset
from core.records.errors import PlaygroundError
from core.records.prompt_tokens import PromptToken
from core.records.scores import Forbidden, PresetVerdict, ScoredText, ScoredToken
from core.records.steps import Candidate

_BEGINNING = 1
_FAVOURITE = " the"


def scripted_score(words: Sequence[PromptToken], presets: Sequence[Preset]) -> ScoredText:
    """Score ``words``: one of n letters has rank n and costs n bits; nucleus keeps three.

    Raises:
        PlaygroundError: There are none.
    """
    if not words:
        raise PlaygroundError("there is no text to score")
    tokens = tuple(_scored(word) for word in words)
    return ScoredText(
        (_BEGINNING,),
        tuple(word.token_id for word in words),
        0,
        tokens,
        tuple(_verdict(preset, tokens) for preset in presets),
    )


def _scored(word: PromptToken) -> ScoredToken:
    letters = max(1, len(word.text.strip()))
    token = _candidate(word.token_id, word.text, letters)
    favourite = _candidate(2, _FAVOURITE, 1)
    return ScoredToken(token, word.text, (token if letters == 1 else favourite,), 2.0)


def _candidate(token_id: int, text: str, rank: int) -> Candidate:
    logprob = -rank * math.log(2)
    return Candidate(token_id, text, logprob, logprob, rank)


def _verdict(preset: Preset, tokens: Sequence[ScoredToken]) -> PresetVerdict:
    settings = preset.settings
    if settings.num_beams > 1:
        return PresetVerdict(preset.name, None, None, 0.0, 0)
    cut_by, most = "do_sample", 1
    if settings.do_sample:
        cut_by, most = ("top_p", 3) if settings.top_p < 1 else ("top_k", settings.top_k)
    for index, one in enumerate(tokens):
        if most and one.token.rank > most:
            forbidden = Forbidden(index, one.token, cut_by, one.likeliest[0])
            return PresetVerdict(preset.name, False, forbidden, _bits(tokens[:index]), index)
    return PresetVerdict(preset.name, True, None, _bits(tokens), len(tokens))


def _bits(tokens: Sequence[ScoredToken]) -> float:
    return math.fsum(one.bits for one in tokens)
