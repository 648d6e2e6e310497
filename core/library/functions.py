"""The functions of ``from core import …``: load, generate, explain, score, save and read.

Must never import torch before a model is loaded. All that can go wrong is a ``PlaygroundError``
with one sentence.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from core.backends.local import LocalBackend
from core.document.export.files import file_of_run
from core.document.export.reading import check_tokens, exported_run, token_texts
from core.files.texts import LARGEST_RUN, read_text_file
from core.library.model import Model, silent
from core.library.run import Run
from core.looking_back.beam_contest import ParentBeam, contest
from core.outlook.gathered import Outlook
from core.presets.book import Preset, PresetBook
from core.presets.finding import find_presets_file
from core.presets.reader import load_presets as read_presets
from core.records.chat import Message
from core.records.errors import PlaygroundError
from core.records.outlook import Reach
from core.records.progress import Report
from core.records.request import Request
from core.records.scores import ScoredText, WrittenTokens
from core.records.settings import Settings
from core.records.steps import BeamStep

if TYPE_CHECKING:
    from core.looking_back.explain import Explanation


def load_model(
    name: str | None = None,
    *,
    device: str = "auto",
    dtype: str = "auto",
    engine: str = "auto",
    assistant: str = "auto",
    report: Report = silent,
) -> Model:
    """Load a model of this machine; nothing is fetched.

    Args:
        name: ``demo`` for the bundled model, a name in the Hugging Face cache such as ``gpt2-xl``,
            or a folder; ``None`` for gpt2-xl where it is here, else the bundled model.
        device: torch's name of it, or ``auto``.
        dtype: ``float32``, ``bfloat16``, ``float16``, ``int8`` or ``auto``.
        engine: ``auto``, ``fast`` or ``transformers``.
        assistant: ``auto``, ``int8`` or ``none``.
        report: Is told what happens meanwhile, such as ``print``.

    Raises:
        PlaygroundError: The model is not here, or cannot run so.
    """
    return Model(LocalBackend(name, device, dtype, engine, assistant), report)


def load_presets(path: str | Path | None = None) -> PresetBook:
    """Read presets: those of ``path``, else of ``./presets.yaml``, the user's own, the program's.

    ``.named("nucleus")`` is one of them, ``.presets`` are all.

    Raises:
        PlaygroundError: The file cannot be used; the sentence names the line.
    """
    return read_presets(find_presets_file(None if path is None else Path(path).expanduser()))


def generate(
    model: Model,
    prompt: str | Sequence[Message],
    settings: Settings | Preset | None = None,
    *,
    seed: int | None = None,
    context_token_ids: Sequence[int] = (),
) -> Run:
    """Begin a run; iterate over it for its steps, which are generated as they are read.

    The tokens are those of transformers' ``model.generate()`` under the same settings and seed.

    Args:
        model: As ``load_model`` returns it.
        prompt: The text to go on from. With a preset that has a ``chat``, what the user says, or
            the messages of a whole conversation, of which the last is to be answered.
        settings: How to decode, or a preset that says so; ``None`` for greedy.
        seed: Of the dice, in the place of the settings' own; ``None`` for that, or a new one.
        context_token_ids: What stands before the prompt, such as the ``document_token_ids`` of a
            run, or a part of them.

    Raises:
        PlaygroundError: It cannot be run; later, from the iteration, that it broke off.
    """
    preset = settings if isinstance(settings, Preset) else None
    decoding = settings.settings if isinstance(settings, Preset) else settings or Settings()
    if seed is not None:
        decoding = decoding.replace(seed=seed)
    request = _request(prompt, decoding, preset, context_token_ids)
    asked = prompt if isinstance(prompt, str) else request.messages[-1].content
    return model.run(request, asked, preset.name if preset is not None else "")


def look_out(
    model: Model,
    prompt: str | Sequence[Message],
    settings: Settings | Preset | None = None,
    *,
    depth: int = 6,
    least: float = 0.01,
    context_token_ids: Sequence[int] = (),
) -> Outlook:
    """Find what could be said behind a prompt: every text, with its exact final probability.

    Its ``in_order()`` has them, the likeliest first and each before what it begins; ``text_of`` one
    as a text. ``covered_to()`` says how much of all that could be written they are.

    Args:
        model: As ``load_model`` returns it.
        prompt: As in ``generate``.
        settings: How to decode; beams are ignored, and without sampling the probabilities are those
            of a draw.
        depth: How many tokens texts have at the most.
        least: How likely, 0 to 1, a text is at least.
        context_token_ids: As in ``generate``.

    Raises:
        PlaygroundError: It cannot be looked for.
    """
    preset = settings if isinstance(settings, Preset) else None
    decoding = settings.settings if isinstance(settings, Preset) else settings or Settings()
    found = Outlook()
    request = _request(prompt, decoding, preset, context_token_ids)
    for growth in model.look_out(request, Reach(depth, least)):
        found.add(growth)
    return found


def _request(
    prompt: str | Sequence[Message],
    decoding: Settings,
    preset: Preset | None,
    context_token_ids: Sequence[int],
) -> Request:
    """Return what is asked of a model.

    Raises:
        PlaygroundError: Prompt, preset and context do not go together.
    """
    chat = preset.chat if preset is not None else None
    if chat is None:
        if not isinstance(prompt, str):
            raise PlaygroundError("messages need a preset that has a chat; give it as settings")
        return Request(prompt, decoding, tuple(context_token_ids))
    messages = (Message("user", prompt),) if isinstance(prompt, str) else tuple(prompt)
    if context_token_ids:
        raise PlaygroundError("a conversation goes on by its messages, not by context_token_ids")
    if not messages or messages[-1].role != "user":
        raise PlaygroundError("the last message must be the user's: it is the one to be answered")
    return Request("", decoding, messages=messages, chat=chat)


def explain(
    run: Run, index: int, settings: Settings | None = None, *, rows: int = 5
) -> Explanation | tuple[ParentBeam, ...]:
    """Explain why a step went as it went.

    Args:
        run: What ``generate`` returned; for a step of beams also one that was read from a file.
        index: The step's, from 0; it is generated if it is not there yet.
        settings: Others than those of the run, to see what they would have left.
        rows: How many candidates to list, at most 200.

    Returns:
        Of a token step what each setting did and the candidates before and after; of a step of
        beams the beams that it began from, and what became of all that they had to offer.

    Raises:
        PlaygroundError: There is no such step, or its logits are not kept.
    """
    steps = list(islice(run, max(index, -1) + 1))
    if not steps or len(steps) <= index:
        count = len(run.steps)
        raise PlaygroundError(f"there is no step {index}; this run has {count:,}, from 0 on")
    step = steps[index]
    if isinstance(step, BeamStep):
        if settings is not None:
            raise PlaygroundError("beams are told as they were searched; leave the settings out")
        before = steps[index - 1] if index else None
        return contest(step, before if isinstance(before, BeamStep) else None)
    recorded = run.recorded
    if recorded is None:
        raise PlaygroundError(
            "this run has no logits to explain a step by, as one from a file has none; generate it"
            " anew from its prompt, its settings and its seed"
        )
    from core.looking_back.explain import explain as explain_step

    return explain_step(recorded, index, settings, rows)


def score(model: Model, text: str | Run, presets: Iterable[Preset] = ()) -> ScoredText:
    """Tell what each token of a text costs, in bits, and which presets could have written it.

    Args:
        model: As ``load_model`` returns it.
        text: Any text; a run is scored by its own tokens, its prompt too, and presets are asked of
            what it wrote.
        presets: Those to ask; each has one of ``verdicts``.

    Raises:
        PlaygroundError: The text is empty or longer than the model reads, or the run is of a model
            with other tokens.
    """
    if not isinstance(text, Run):
        return model.score(text, tuple(presets))
    tokens = WrittenTokens(text.started.context_token_ids, text.token_ids)
    scored = model.score(tokens, tuple(presets))
    texts = {one.token.token_id: one.token.text for one in scored.tokens}
    written_by = text.about.get("model") or ""
    check_tokens(token_texts(text.steps), texts, written_by, model.info.name)
    return scored


def save_run(path: str | Path, run: Run) -> Path:
    """Write a run to a new file, whose end is one of ``FORMAT_OF_SUFFIX``; return where it is.

    Of these, ``read_run`` reads ``.jsonl``.

    Raises:
        PlaygroundError: The name has another end, a file has it already, or it cannot be written.
    """
    events = (run.started, *run.steps, run.finished)
    return file_of_run(str(path), run.prompt, run.about, events).write()


def read_run(path: str | Path) -> Run:
    """Read a run that was saved as JSON Lines; its logits are not in the file.

    Raises:
        PlaygroundError: The file cannot be read, or holds no whole run.
    """
    exported = exported_run(read_text_file(str(path), LARGEST_RUN), repr(str(path)))
    if exported is None:
        raise PlaygroundError(f"{str(path)!r} holds no run in JSON Lines, as save_run writes it")
    events = iter((exported.started, *exported.steps, exported.finished))
    run = Run(exported.prompt, exported.settings, exported.about, events)
    run.read_on()
    return run
