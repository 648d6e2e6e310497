"""Other settings swept over a whole recorded run at once: what each step would have picked.

Must never run a model. What it claims is what the plain processors do to the same logits and
dice, step by step, and the tests hold it to that. Where rounding, equal scores or what is known of
the tail only in sum leave open whether a token stays or wins, those processors are asked.

Settings that do not cut at a threshold, such as ``typical_p``, are applied step by step, which
takes some milliseconds a step.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch

from core.decoding.token_texts import with_token_ids
from core.looking_back.dice import Dice, race_winner
from core.looking_back.explain import applied_settings, kept_step
from core.looking_back.other_settings.field import SweepField
from core.looking_back.other_settings.index import SweepIndex, build_index
from core.looking_back.setting_effects import refuse_beams
from core.records.recorded_run import RecordedRun
from core.records.settings import Settings


@dataclass(frozen=True, slots=True)
class SweptStep:
    """What settings would have done at one step.

    ``pick`` is the token that they would have picked with the same dice, ``None`` where they
    leave no token. ``cut_by`` is the setting that would have removed the recorded one, if any did.
    """

    pick: int | None
    cut_by: str | None


_AT_ONCE = 64
"""So many steps are indexed and swept together: what a sweep computes of them is ten times what is
kept, and that of a whole long run would be hundreds of megabytes."""


class Sweeper:
    """Sweeps settings over one recorded run; what all sweeps share is computed once.

    ``prepare`` takes a few milliseconds a step, a sweep afterwards some ten for the whole run.
    """

    def __init__(self, run: RecordedRun) -> None:
        self.run = run
        self.dice = Dice(run)
        self._positions = [at for at, step in enumerate(run.steps) if step is not None]
        self._pieces = [
            self._positions[start : start + _AT_ONCE]
            for start in range(0, len(self._positions), _AT_ONCE)
        ]
        self._indexes: dict[bool, list[SweepIndex]] = {}

    def prepare(self, *, moves: bool = False) -> None:
        """Compute what sweeps share: with ``moves`` for settings with penalties or bans."""
        self._indexes_of(moves=moves)

    def sweep(self, settings: Settings) -> tuple[SweptStep | None, ...]:
        """Return what ``settings`` would have done at each step, ``None`` where it is unknown.

        Raises:
            PlaygroundError: The settings search with beams, or cannot be told of this run.
        """
        refuse_beams(settings)
        swept: list[SweptStep | None] = [None] * len(self.run.steps)
        if not self._positions:
            return tuple(swept)
        first = kept_step(self.run, self._positions[0])
        settings = with_token_ids(settings, self.run.start.texts, first.vocabulary_size)
        if _is_by_threshold(settings):
            indexes = self._indexes_of(moves=_has_moves(settings))
            found = [
                step
                for piece, index in zip(self._pieces, indexes, strict=True)
                for step in _sweep(index, settings, self._bans(settings, piece, index))
            ]
        else:
            found = [None] * len(self._positions)
        for position, step in zip(self._positions, found, strict=True):
            swept[position] = step or plain_step(self.run, position, settings, self.dice)
        return tuple(swept)

    def _indexes_of(self, *, moves: bool) -> list[SweepIndex]:
        if moves not in self._indexes:
            self._indexes[moves] = [
                build_index(self.run, piece, self.dice, moves=moves) for piece in self._pieces
            ]
        return self._indexes[moves]

    def _bans(
        self, settings: Settings, positions: Sequence[int], index: SweepIndex
    ) -> list[tuple[str, torch.Tensor]]:
        """Return which of ``index.moved`` are banned, in the order in which the bans act."""
        bans: list[tuple[str, torch.Tensor]] = []
        ids = index.moved.ids
        if settings.no_repeat_ngram_size > 0:
            banned = torch.zeros_like(ids, dtype=torch.bool)
            repeated = repeated_tokens(
                self.run.start.context_token_ids + self.run.token_ids,
                settings.no_repeat_ngram_size,
                [len(self.run.start.context_token_ids) + at for at in positions],
            )
            for row, tokens in enumerate(repeated):
                if tokens:
                    banned[row] = torch.isin(ids[row], torch.tensor(sorted(tokens)))
            bans.append(("no_repeat_ngram_size", banned))
        start = self.run.start
        name, least = "min_new_tokens", settings.min_new_tokens
        if least is None:
            name, least = "min_length", max(0, settings.min_length - start.prompt_length)
        if least and start.eos_token_ids:
            is_end = torch.isin(ids, torch.tensor(start.eos_token_ids))
            before = start.prompt_length - len(start.context_token_ids)
            is_early = torch.tensor(positions) < before + least
            bans.append((name, is_end & is_early[:, None]))
        return bans


def plain_step(run: RecordedRun, index: int, settings: Settings, dice: Dice) -> SweptStep:
    """Return what ``settings`` would have done at one step, by the plain processors.

    Raises:
        PlaygroundError: The step's logits are no longer kept, the settings are beams, or they
            cannot be told of this run.
    """
    applied, _ = applied_settings(run, index, settings)
    if not bool((applied.scores > -math.inf).any()):
        pick = None
    elif settings.do_sample:
        pick = race_winner(applied.scores, dice.times(index))
    else:
        pick = int(applied.scores.argmax())
    return SweptStep(pick, applied.cut_by(run.token_ids[index]))


def repeated_tokens(
    token_ids: Sequence[int], size: int, lengths: Sequence[int]
) -> list[frozenset[int]]:
    """Return which tokens would repeat a run of ``size`` tokens, after each of ``lengths``.

    ``lengths`` rise; each is how much of ``token_ids`` stands before the token in question.
    """
    followers: dict[tuple[int, ...], set[int]] = {}
    found: list[frozenset[int]] = []
    ended = 0
    for length in lengths:
        for end in range(max(ended, size - 1), length):
            followers.setdefault(tuple(token_ids[end - size + 1 : end]), set()).add(token_ids[end])
        ended = length
        last = tuple(token_ids[length - size + 1 : length]) if length + 1 >= size else None
        found.append(frozenset(followers.get(last, ())) if last is not None else frozenset())
    return found


_SWEPT = frozenset(
    (
        *("do_sample", "temperature", "top_k", "top_p", "min_p"),
        *("repetition_penalty", "no_repeat_ngram_size", "min_length", "min_new_tokens"),
        *("max_length", "max_new_tokens", "stop_strings", "seed", "renormalize_logits"),
    )
)
"""What is known how to sweep, or says nothing of a step: all else is applied step by step."""


def _is_by_threshold(settings: Settings) -> bool:
    return _SWEPT.issuperset(settings.to_mapping())


def _has_moves(settings: Settings) -> bool:
    return (
        settings.repetition_penalty != 1.0
        or settings.no_repeat_ngram_size > 0
        or bool(settings.min_length or settings.min_new_tokens)
    )


def _sweep(
    index: SweepIndex, settings: Settings, bans: list[tuple[str, torch.Tensor]]
) -> list[SweptStep | None]:
    """Return what each step would have done, ``None`` where an index leaves that open."""
    moved = _penalized(index, settings.repetition_penalty)
    cuts: list[tuple[str, torch.Tensor]] = []
    for name, banned in bans:
        moved = moved.masked_fill(banned, -math.inf)
        cuts.append((name, torch.cat((torch.zeros_like(index.rivals.ids).bool(), banned), dim=1)))
    field = SweepField.of(index, moved, 1.0 / settings.temperature)
    if not settings.do_sample:
        picks, is_open = field.likeliest(), torch.zeros(len(moved), dtype=torch.bool)
    else:
        is_left = field.values > -math.inf
        is_unsure = torch.zeros_like(is_left)
        for name, surely, perhaps in field.warped(settings):
            cuts.append((name, is_left & ~perhaps))
            is_left = is_left & perhaps
            is_unsure = is_unsure | (is_left & ~surely)
        winner, was_close = field.raced(is_left)
        columns = torch.stack((winner, index.chosen_column), dim=1)
        is_any = is_left.any(dim=1)
        picks = torch.where(is_any, field.ids.gather(1, winner[:, None])[:, 0], -1)
        is_open = is_any & (was_close | is_unsure.gather(1, columns).any(dim=1))
    names = _cut_names(cuts, index.chosen_column)
    return [
        None if skip else SweptStep(pick if pick >= 0 else None, name)
        for pick, name, skip in zip(picks.tolist(), names, is_open.tolist(), strict=True)
    ]


def _penalized(index: SweepIndex, penalty: float) -> torch.Tensor:
    """Return the moved values under a repetition penalty, as transformers computes it."""
    if penalty == 1.0:
        return index.moved.values
    # These are sums that give the logits again: in float32, as they were.
    logits = (index.moved.values + index.maxima[:, None]).float()
    changed = torch.where(logits < 0, logits * penalty, logits / penalty).double()
    return torch.where(index.is_context, changed - index.maxima[:, None], index.moved.values)


def _cut_names(
    cuts: list[tuple[str, torch.Tensor]], chosen_column: torch.Tensor
) -> list[str | None]:
    names: list[str | None] = [None] * len(chosen_column)
    for name, cut in reversed(cuts):
        for row, is_cut in enumerate(cut.gather(1, chosen_column[:, None])[:, 0].tolist()):
            if is_cut:
                names[row] = name
    return names
