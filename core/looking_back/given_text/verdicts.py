"""Whether a preset could have written a text: followed token by token, up to one that it forbids.

Must never choose a token: it is shown the logits that each was chosen from. It runs the model only
where guidance asks what that would say without the prompt, beside the text.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

import torch

from core.decoding.guiding import guide_of
from core.decoding.stopping import StopRule
from core.decoding.token_texts import ends_of_text, with_token_ids
from core.decoding.weighing.processors import NamedProcessor, build_processors
from core.models.base import CausalModel
from core.presets.book import Preset
from core.records.decode_state import DecodeState
from core.records.errors import PlaygroundError
from core.records.scores import Forbidden, PresetVerdict
from core.records.settings import DEFAULT_NEW_TOKENS, Settings
from core.records.steps import Candidate
from core.text.codec import TextCodec


def judge_of(
    model: CausalModel,
    codec: TextCodec,
    preset: Preset,
    context: tuple[int, ...],
    token_ids: tuple[int, ...],
) -> Judge:
    """Return who follows ``preset`` through ``token_ids``, which stand behind ``context``.

    Raises:
        PlaygroundError: The settings of ``preset`` are not for this model.
    """
    settings = with_token_ids(preset.settings, codec, model.vocabulary_size)
    ends = ends_of_text(settings, model.eos_token_ids)
    guide = None if settings.num_beams > 1 else guide_of(model, settings, len(context))
    if settings.num_beams > 1:
        settings = settings.replace(guidance_scale=None, negative_prompt_ids=None)
    name, limit = _longest(settings, len(context))
    return Judge(
        preset,
        codec,
        context,
        token_ids,
        build_processors(
            settings,
            len(context),
            ends,
            torch.device("cpu"),
            guide.logits if guide is not None else None,
        ),
        StopRule(codec, context, ends, settings.stop_strings, len(token_ids), "length"),
        limit_name=name,
        limit=limit,
    )


def _longest(settings: Settings, context_length: int) -> tuple[str, int]:
    """Return how many tokens may follow a context, and the setting that says so."""
    if settings.max_new_tokens is not None:
        return "max_new_tokens", settings.max_new_tokens
    if settings.max_length is not None:
        return "max_length", max(0, settings.max_length - context_length)
    return "max_new_tokens", DEFAULT_NEW_TOKENS


_LONGEST_READING = 16
"""In characters: how long the other tokens are that are looked for at each place of a text."""


def other_readings(
    codec: TextCodec, state: DecodeState, token_ids: tuple[int, ...]
) -> tuple[int, ...]:
    """Return the tokens but the first of ``token_ids`` with which their text can begin as well.

    ``state`` is where the text before them stands. Within a character there are none.
    """
    if state.pending:
        return ()
    text, after = "", state
    for token_id in token_ids[:_LONGEST_READING]:
        more, after = codec.extend(after, token_id)
        text += more
    found = []
    for length in range(1, min(_LONGEST_READING, len(text)) + 1):
        try:
            ids = codec.encode(text[:length], is_beginning=False)
        except PlaygroundError:  # a tokenizer may have no token for a part of a word
            continue
        is_one = len(ids) == 1 and ids[0] != token_ids[0]
        if is_one and codec.extend(state, ids[0])[0] == text[:length]:
            found.append(ids[0])
    return tuple(found)


def fewest_tokens(token_texts: frozenset[str], text: str) -> int:
    """Return how few tokens ``text`` can be read as, of which ``token_texts`` are the texts.

    A single character counts as one, even if it is written in bytes or stands for broken ones.
    """
    longest = max(map(len, token_texts), default=1)
    fewest = [0]
    for end in range(1, len(text) + 1):
        begins = range(max(0, end - longest), end - 1)
        whole = [fewest[begin] for begin in begins if text[begin:end] in token_texts]
        fewest.append(1 + min([fewest[end - 1], *whole]))
    return fewest[-1]


_LENGTHS = ("max_new_tokens", "max_length")
_ENDS = ("eos_token_id", "stop_strings", *_LENGTHS)
"""What ends a text whatever its next token is."""


@dataclass(slots=True)
class Judge:
    """Follows one preset through a text, up to the first token that it forbids."""

    preset: Preset
    codec: TextCodec
    context: tuple[int, ...]
    token_ids: tuple[int, ...]
    processors: list[NamedProcessor]
    stop_rule: StopRule
    limit_name: str
    limit: int
    has_others: bool = False
    costs: list[float] = field(default_factory=list)
    forbidden: Forbidden | None = None

    @property
    def is_beams(self) -> bool:
        """Whether the preset weighs whole texts: no more can be said than that they had ended."""
        return self.preset.settings.num_beams > 1

    @property
    def wants_others(self) -> bool:
        """Whether it matters to the verdict with which other tokens the text can go on."""
        return self.forbidden is None and not self.is_beams and not self.has_others

    @property
    def wants_fewest(self) -> bool:
        """Whether it matters to the verdict as how few tokens the text can be read."""
        is_long = self.forbidden is not None and self.forbidden.cut_by in _LENGTHS
        return is_long and (self.has_others or self.is_beams)

    def see(
        self, index: int, logits: torch.Tensor, token: Candidate, others: tuple[int, ...] = ()
    ) -> None:
        """Look at token ``index`` of the text, and at the raw logits that it was chosen from.

        ``others`` are tokens with which the same text can go on.
        """
        if self.forbidden is not None:
            return
        cut_by = self._ended_by(index)
        if self.is_beams and cut_by is None:
            return
        scores = logits[None]
        document = torch.tensor([[*self.context, *self.token_ids[:index]]]).long()
        removed_by = None
        for processor in self.processors:
            scores = processor.process(document, scores)
            is_gone = bool(torch.isneginf(scores[0, token.token_id]))
            removed_by = (removed_by or processor.name) if is_gone else None
        cut_by = cut_by or removed_by
        best = int(scores[0].argmax())
        is_greedy = not self.preset.settings.do_sample
        if cut_by is None and is_greedy and best != token.token_id:
            cut_by = "do_sample"
        final = torch.log_softmax(scores[0].double(), dim=-1)
        if others and cut_by not in _ENDS:
            left = [best] if is_greedy else torch.isfinite(scores[0]).nonzero()[:, 0].tolist()
            self.has_others = self.has_others or not set(others).isdisjoint(left)
        if cut_by is None:
            self.costs.append(0.0 if is_greedy else -float(final[token.token_id]) / math.log(2))
            return
        own = torch.log_softmax(logits.double(), dim=-1)
        instead = Candidate(
            best,
            self.codec.token_text(best),
            float(own[best]),
            float(final[best]),
            1 + int((logits > logits[best]).sum()),
        )
        removed = replace(token, final_logprob=None, cut_by=cut_by)
        self.forbidden = Forbidden(index, removed, cut_by, instead)

    def begin_anew(self) -> None:
        """Forget what was seen, but for other tokens that were left: the text is shown again."""
        self.costs.clear()
        self.forbidden = None

    def _ended_by(self, index: int) -> str | None:
        """Return what would have ended the text before token ``index``, if anything."""
        reason = self.stop_rule.reason(self.token_ids[:index]) if index else None
        ended = {"end_of_text": "eos_token_id", "stop_string": "stop_strings"}.get(reason or "")
        return self.limit_name if ended is None and index >= self.limit else ended

    def verdict(self, prompt_length: int, fewest: int | None = None) -> PresetVerdict:
        """Return what the whole text showed, which has ``prompt_length`` tokens before it.

        ``fewest`` is as how few tokens the text can be read, where that is known.
        """
        found = self.forbidden
        if found is not None:
            found = replace(found, index=found.index + prompt_length)
        has_others = found is not None and found.cut_by not in _ENDS and self.has_others
        if self.wants_fewest and fewest is not None:
            has_others = fewest <= self.limit
        return PresetVerdict(
            self.preset.name,
            None if self.is_beams and found is None else found is None,
            found,
            math.fsum(self.costs),
            len(self.costs),
            self.limit if self.limit < len(self.token_ids) else None,
            has_others,
        )
