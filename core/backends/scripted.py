"""A backend that plays a script: what the app's tests hold instead of a model.

Must never import torch. It follows the contract of ``base`` to the letter, so that a front end
that works with it works with a model.
"""

from __future__ import annotations

import math
import re
import threading
from collections.abc import Callable, Iterator, Sequence

from core.backends.scripted_outlook import scripted_outlook
from core.backends.scripted_scores import scripted_score
from core.presets.book import Preset
from core.records.comparison import ColumnEvent
from core.records.errors import PlaygroundError
from core.records.model_info import ModelInfo
from core.records.model_report import Facts, ModelReport, ModuleNode, Totals
from core.records.outlook import Growth, Reach
from core.records.progress import Report
from core.records.prompt_tokens import PromptToken
from core.records.recorded_run import RunRecorder, TokenTexts, WrittenRun
from core.records.request import Request
from core.records.scores import Scorable, ScoredText, WrittenTokens
from core.records.steps import (
    BeamStep,
    Candidate,
    Distribution,
    Event,
    Finished,
    FinishReason,
    Hypothesis,
    NextToken,
    Started,
    TokenStep,
)

SCRIPTED_MODEL = ModelInfo(
    name="scripted",
    device="cpu",
    dtype="float32",
    parameters=1_500_000,
    context_size=1024,
    vocabulary_size=2000,
)


class ScriptedBackend:
    """Answers every request with the same tokens, one step each, in the mode it asks for.

    ``texts`` are the tokens' texts; the token id of ``texts[i]`` is ``i + 100``. ``step_gate``,
    where given, is awaited before every step, so that a test decides when a step happens.
    ``load_error`` makes loading fail with that sentence. With ``accepted_tokens``, a run says that
    so many of four guesses of an assistant came true.
    """

    def __init__(
        self,
        texts: Sequence[str] = (" far", ",", " away", " there", " lived", " a", " cat", "."),
        *,
        step_gate: threading.Semaphore | None = None,
        load_error: str | None = None,
        info: ModelInfo = SCRIPTED_MODEL,
    ) -> None:
        self.texts = tuple(texts)
        self.requests: list[Request] = []
        self.closed = False
        self.accepted_tokens = 0
        self._step_gate = step_gate
        self._load_error = load_error
        self._info = info

    def load(self, report: Report) -> ModelInfo:
        """Return the scripted model, or fail as told."""
        report("reading the script")
        if self._load_error is not None:
            raise PlaygroundError(self._load_error)
        return self._info

    def generate(self, request: Request, is_cancelled: Callable[[], bool]) -> Iterator[Event]:
        """Play the script: token steps, or beam steps where the settings ask for beams."""
        self.requests.append(request)
        said = [one.content for one in request.messages]
        if isinstance(request.prompt, str):
            words = " ".join((*said, request.prompt)).split()
            prompt_ids = tuple(range(10, 10 + len(words)))
        else:
            prompt_ids = request.prompt
        context = request.context_token_ids + prompt_ids
        by_hand = request.most_drawn is not None
        most = request.most_drawn if by_hand else request.settings.max_new_tokens
        most = len(self.texts) if most is None else most
        written = list(request.written_token_ids)
        forced = self._forced(request.forced)
        most_in_all = len(written) + len(forced) + most
        seed = request.settings.seed or 0
        size, told = self._info.context_size, (request.drawn, request.counted)
        yield Started(context, prompt_ids, most_in_all, size, seed, 0, *told)
        texts = [self._text_of(token_id) for token_id in written]
        first = len(written) + len(forced) if by_hand else 0
        script = self.texts[first : first + most]
        steps = [self._forced_step(len(written) + at, *one) for at, one in enumerate(forced)]
        for place in range(len(forced) + len(script)):
            if self._step_gate is not None:
                while not self._step_gate.acquire(timeout=0.01):
                    if is_cancelled():
                        break
            if is_cancelled():
                yield self._finished("cancelled", written, texts)
                return
            if place < len(forced):
                yield steps[place]
                written.append(forced[place][0])
                texts.append(forced[place][1])
                continue
            index = first + place - len(forced)
            if request.settings.num_beams > 1 and not by_hand:
                yield self._beam_step(index, request.settings.num_beams)
            else:
                yield self._token_step(index, len(written))
            written.append(100 + index)
            texts.append(self.texts[index])
        if by_hand and len(script) == most:
            yield NextToken(self._distribution(len(written)))
            yield self._finished("by_hand", written, texts)
        else:
            is_whole = len(script) == most
            yield self._finished("length" if is_whole else "end_of_text", written, texts)

    def compare(
        self, requests: Sequence[Request], is_cancelled: Callable[[], bool]
    ) -> Iterator[ColumnEvent]:
        """Play the script for each request, a step of each in turn."""
        runs = {at: self.generate(one, is_cancelled) for at, one in enumerate(requests)}
        while runs:
            for column, events in list(runs.items()):
                event = next(events, None)
                if event is None:
                    del runs[column]
                else:
                    yield ColumnEvent(column, event)

    def score(
        self,
        text: Scorable | WrittenTokens,
        presets: Sequence[Preset],
        is_cancelled: Callable[[], bool],
    ) -> ScoredText:
        """Score the text by the rule of ``scripted_score``."""
        if isinstance(text, WrittenTokens):
            text = text.prompt_token_ids + text.token_ids
        words = text if isinstance(text, str) else " ".join(map(str, text))
        return scripted_score(self.prompt_tokens(words, is_beginning=True), presets)

    def outlook(
        self, request: Request, reach: Reach, is_cancelled: Callable[[], bool]
    ) -> Iterator[Growth]:
        """Find what could be said by the rule of ``scripted_outlook``, a growth for each gate."""
        self.requests.append(request)
        for growth in scripted_outlook(self.texts, reach):
            if self._step_gate is not None:
                while not self._step_gate.acquire(timeout=0.01):
                    if is_cancelled():
                        return
            if is_cancelled():
                return
            yield growth

    def read_again(
        self, run: WrittenRun, recorder: RunRecorder, is_cancelled: Callable[[], bool]
    ) -> float:
        """Refuse: a script has no logits.

        Raises:
            PlaygroundError: Always.
        """
        raise PlaygroundError("a script has no logits")

    def token_texts(self) -> TokenTexts | None:
        """Return ``None``: a script has no vocabulary."""
        return None

    def prompt_tokens(self, text: str, *, is_beginning: bool) -> tuple[PromptToken, ...]:
        """Return a token a word, with the white space around it: those that a run begins with."""
        return tuple(
            PromptToken(10 + index, word.group(), word.start(), word.end())
            for index, word in enumerate(re.finditer(r"\s*\S+(?:\s+\Z)?", text))
        )

    def inspect(self) -> ModelReport:
        """Return what there is to know of a script: next to nothing."""
        parameters = self._info.parameters
        size = 4 * parameters
        return ModelReport(
            name=self._info.name,
            folder="",
            architecture="Script",
            model_type="scripted",
            facts=Facts(
                None, None, None, None, self._info.context_size, self._info.vocabulary_size
            ),
            tokenizer=None,
            tokenizer_note="a script has no tokenizer",
            config_json="{}",
            modules=ModuleNode("", "Script", "", parameters, parameters, "float32", size),
            totals=Totals(
                parameters, parameters, (), size, (("float32", size),), (("float32", size),), 0, 0
            ),
            dtype="float32",
            dtype_source="default",
            cache=None,
            cache_note="a script keeps no keys and values",
            weights=None,
            weights_note="no weights in the folder",
        )

    def close(self) -> None:
        """Remember that the app closed it."""
        self.closed = True

    def _candidate(self, index: int, rank: int) -> Candidate:
        texts = self.texts
        cut = "top_p" if rank > 3 else None
        logprob = math.log(0.5 / 2 ** (rank - 1))
        return Candidate(
            token_id=(index + rank - 1) % len(texts) + 100,
            text=texts[(index + rank - 1) % len(texts)],
            logprob=logprob,
            final_logprob=None if cut else logprob + math.log(8 / 7),
            rank=rank,
            cut_by=cut,
        )

    def _distribution(self, index: int) -> Distribution:
        candidates = tuple(self._candidate(index, rank) for rank in range(1, 6))
        return Distribution(candidates, entropy=1.9, kept=3)

    def _token_step(self, index: int, place: int) -> TokenStep:
        distribution = self._distribution(index)
        return TokenStep(
            place, distribution.candidates[0], distribution, self.texts[index], 0.01 * (place + 1)
        )

    def _text_of(self, token_id: int) -> str:
        return self.texts[(token_id - 100) % len(self.texts)]

    def _forced(self, forced: Scorable) -> list[tuple[int, str]]:
        """Return the tokens that a person puts first: of a text, a token a word, with new ids."""
        if isinstance(forced, str):
            words = re.findall(r"\s*\S+(?:\s+\Z)?", forced)
            return [(500 + at, word) for at, word in enumerate(words)]
        return [(token_id, self._text_of(token_id)) for token_id in forced]

    def _forced_step(self, index: int, token_id: int, text: str) -> TokenStep:
        distribution = self._distribution(index)
        shown = [one for one in distribution.candidates if one.token_id == token_id]
        token = shown[0] if shown else Candidate(token_id, text, -9.0, -9.0, 17)
        return TokenStep(index, token, distribution, text, 0.01 * (index + 1), "person")

    def _beam_step(self, index: int, num_beams: int) -> BeamStep:
        hypotheses = tuple(
            self._hypothesis(index, (rank - 1) % 5 + 1, parent=0 if index == 0 else rank - 1)
            for rank in range(1, num_beams + 1)
        )
        rows = 1 if index == 0 else num_beams
        return BeamStep(
            index,
            hypotheses,
            finished=(),
            dropped=(),
            distributions=tuple(self._distribution(index) for _ in range(rows)),
            elapsed=0.01 * (index + 1),
        )

    def _hypothesis(self, index: int, rank: int, parent: int) -> Hypothesis:
        token = self._candidate(index, rank)
        score = -0.7 * (index + 1) - 0.3 * rank
        return Hypothesis(
            token_ids=(*range(100, 100 + index), token.token_id),
            text="".join(self.texts[:index]) + token.text,
            score=score,
            normalized_score=score / (index + 1),
            parent=parent,
            token=token,
        )

    def _finished(
        self, reason: FinishReason, token_ids: Sequence[int], texts: Sequence[str]
    ) -> Finished:
        return Finished(
            reason=reason,
            token_ids=tuple(token_ids),
            text="".join(texts),
            tokens_per_second=100.0,
            drafted_tokens=4 if self.accepted_tokens else 0,
            accepted_tokens=self.accepted_tokens,
        )
