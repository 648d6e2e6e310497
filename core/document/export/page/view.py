"""A run as its page shows it: every figure and text as it will stand there, and nothing computed.

Must never make markup: what is a text here is escaped by the template.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from core.document.export.facts import facts_of, how_it_ended, setting_value
from core.document.export.page.tree_map import grew_from
from core.document.export.page.written import WrittenToken, final_beams, written_tokens
from core.document.export.reading import ExportedRun
from core.records.steps import BeamStep, Candidate, Hypothesis
from core.text.readable import bits, decimal, number, percent, share_of_rest, tint_level
from core.text.visible import marks_behind

_SHARES = 50
"""Of how many equal parts the bars behind probabilities are made."""


@dataclass(frozen=True, slots=True)
class CandidateRow:
    """One candidate of a token: what the model gave it, and what the settings made of that.

    ``share`` is the model's probability in parts of ``_SHARES``.
    """

    text: str
    probability: str
    share: int
    final: str
    cut_by: str
    is_chosen: bool


@dataclass(frozen=True, slots=True)
class TokenView:
    """One token of the text, the ``place``-th from 1, and what its panel says.

    ``marks`` stand on the letter before it.
    """

    place: int
    step: str
    text: str
    marks: int
    name: str
    level: int
    is_by_hand: bool
    is_special: bool
    bits: str
    rank: str
    rows: tuple[CandidateRow, ...]
    is_beyond: bool
    rest: str
    entropy: str
    kept: str


@dataclass(frozen=True, slots=True)
class BeamView:
    """One beam: where it stands among the others, and how it differs from the first of them.

    ``same`` is how its text begins as the first one's does, ``rest`` how it goes on.
    """

    place: str
    score: str
    sum: str
    parent: str
    same: str
    rest: str
    remark: str = ""
    is_winner: bool = False


@dataclass(frozen=True, slots=True)
class SearchStep:
    """What one step of a beam search kept, and what it gave up."""

    number: str
    beams: tuple[BeamView, ...]


@dataclass(frozen=True, slots=True)
class RunView:
    """All that the page says of one run.

    ``grew`` says what it grew from, and ``parent`` which run of the page that is, 0 for none.
    ``earlier`` is what was written before ``prompt`` was, and stands with another run.
    """

    number: int
    name: str
    grew: str
    parent: int
    earlier: str
    prompt: str
    tokens: tuple[TokenView, ...]
    unwritten: str
    ending: str
    is_failed: bool
    is_search: bool
    beams: tuple[BeamView, ...]
    search: tuple[SearchStep, ...]
    facts: tuple[tuple[str, str], ...]
    settings: tuple[tuple[str, str], ...]


def run_view(run: ExportedRun, number_: int, runs: Sequence[ExportedRun] = ()) -> RunView:
    """Return what the page says of the ``number_``-th run, from 1, of ``runs``.

    Among several, what stood before it is told apart, so that it need not be read again.
    """
    parent, grew = grew_from(run, runs)
    earlier = run.place.earlier if run.place is not None and len(runs) > 1 else ""
    asked = run.prompt.removeprefix(earlier)  # a message behind a text has a line to itself
    about, finished = run.about, run.finished
    tokens, unwritten = written_tokens(run.steps, finished)
    beams = final_beams(run.steps)
    settings = about.get("settings") or {}
    return RunView(
        number=number_,
        name=_name(run) or f"run {number_}",
        grew=grew,
        parent=parent,
        earlier=earlier,
        prompt=asked.removeprefix("\n") if earlier and run.chat is not None else asked,
        tokens=tuple(_tokens(tokens)),
        unwritten=unwritten,
        ending=how_it_ended(finished),
        is_failed=finished.reason == "failed",
        is_search=bool(beams),
        beams=tuple(_beams(beams, beams, finished.token_ids)),
        search=tuple(_search(run)),
        facts=tuple(facts_of(about, run.started)),
        settings=tuple((name, setting_value(value)) for name, value in settings.items()),
    )


def _name(run: ExportedRun) -> str:
    preset = str(run.about.get("preset") or "")
    return " · ".join(one for one in (run.name, preset) if one)


def _tokens(tokens: Sequence[WrittenToken]) -> Iterator[TokenView]:
    marks = 0
    for place, one in enumerate(tokens, 1):
        yield _token(one, place, marks)
        marks = marks_behind(one.text, marks)


def _token(one: WrittenToken, place: int, marks: int) -> TokenView:
    weighed = one.distribution
    shown = weighed.candidates if weighed is not None else ()
    is_search = one.score is not None
    is_beyond = all(candidate.token_id != one.token.token_id for candidate in shown)
    rows = [*shown, one.token] if is_beyond else shown
    return TokenView(
        place=place,
        step=number(one.step),
        text=one.text,
        marks=marks,
        name=one.token.text,
        level=tint_level(one.token.surprisal),
        is_by_hand=one.chosen_by == "person",
        is_special=one.is_special,
        bits=bits(one.token.surprisal),
        rank=f"{one.token.rank:,}",
        rows=tuple(_row(row, one.token, is_search=is_search) for row in rows),
        is_beyond=is_beyond and bool(shown),
        rest=share_of_rest(weighed.rest) if weighed is not None and weighed.rest > 0 else "",
        entropy=bits(weighed.entropy) if weighed is not None else "",
        kept=f"{weighed.kept:,}" if weighed is not None else "",
    )


def _row(one: Candidate, chosen: Candidate, *, is_search: bool) -> CandidateRow:
    if one.final_logprob is None:
        final = ""
    elif is_search:  # what is added to the beam's sum, which is no probability
        final = decimal(one.final_logprob)
    else:
        final = percent(one.final_probability)
    return CandidateRow(
        text=one.text,
        probability=percent(one.probability),
        share=round(min(1.0, one.probability) * _SHARES),
        final=final,
        cut_by=one.cut_by or "",
        is_chosen=one.token_id == chosen.token_id,
    )


def _search(run: ExportedRun) -> Iterator[SearchStep]:
    for step in run.steps:
        if isinstance(step, BeamStep):
            lost = {id(one.hypothesis): one.reason for one in step.dropped}
            beams = [*step.hypotheses, *(one.hypothesis for one in step.dropped)]
            views = _beams(beams, step.hypotheses, (), lost)
            yield SearchStep(number(step.index), tuple(views))


def _beams(
    beams: list[Hypothesis],
    live: list[Hypothesis] | tuple[Hypothesis, ...],
    winner: tuple[int, ...],
    lost: dict[int, str] | None = None,
) -> Iterator[BeamView]:
    first = live[0].text if live else ""
    for place, one in enumerate(beams):
        same = _in_common(one.text, first) if place else 0
        reason = (lost or {}).get(id(one))
        yield BeamView(
            place=str(place + 1) if reason is None else "",
            score=decimal(one.normalized_score, 3),
            sum=decimal(one.score, 3),
            parent=str(one.parent + 1),
            same=one.text[:same],
            rest=one.text[same:],
            remark=reason or "",
            is_winner=bool(winner) and one.token_ids == winner,
        )


def _in_common(text: str, other: str) -> int:
    """Return with how many characters both begin alike, in whole words."""
    pairs = enumerate(zip(text, other, strict=False))
    least = min(len(text), len(other))
    at = next((at for at, (one, two) in pairs if one != two), least)
    return at if at == least else text.rfind(" ", 0, at) + 1
