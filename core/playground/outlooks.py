"""What could be said from where a person looks, and going on with it.

Must never touch a widget, nor choose a token; and going on loses nothing: it is a fork.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from core.backends.reading import LOOKING_OUT, looking_out
from core.backends.worker import GenerationService
from core.document.document import Document
from core.playground.documents import Documents
from core.playground.forks import Forks, beam_before
from core.playground.model_state import ModelState
from core.playground.presets.next_run import NextRun
from core.playground.prompts import Prompts
from core.playground.runs import Runs
from core.records.outlook import Growth, Prospect, Reach
from core.records.request import Request
from core.records.settings import Settings

_SHOWN = 400
"""How many characters of the text before are shown at most."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where one looks out from: what would run there, and the end of the text before it.

    ``prompt`` is what is typed and would be sent; ``is_step`` is whether a step of the document
    stands there, which a fork would replace.
    """

    request: Request
    preset_name: str
    before: str
    prompt: str
    is_step: bool

    @property
    def settings(self) -> Settings:
        """What the picked preset decodes with."""
        return self.request.settings


class Outlooks:
    """Looks out from the document at hand, with the preset that is picked."""

    def __init__(
        self,
        documents: Documents,
        next_run: NextRun,
        model: ModelState,
        runs: Runs,
        prompts: Prompts,
        forks: Forks,
        service: GenerationService,
    ) -> None:
        self._documents = documents
        self._next_run = next_run
        self._model = model
        self._runs = runs
        self._prompts = prompts
        self._forks = forks
        self._service = service

    def place(self, typed: str = "", *, at_step: bool) -> Place | None:
        """Return where to look out from; ``None`` where a notice says why that cannot be.

        That is before the selected step where ``at_step``, else behind the document and what is
        ``typed``.
        """
        if not self._runs.allows_change():
            return None
        document, next_run = self._documents.at_hand, self._next_run
        chat = next_run.preset.chat
        is_step = at_step and document.selected() is not None
        if is_step:
            typed = ""
            document = document.before(document.position, beam_before(document))
        elif not self._prompts.allows(typed):
            return None
        # Another document of the same turns: what is begun there only says what would run.
        settings, name = next_run.settings, next_run.preset_name
        request = Document(document.turns).begin(typed, name, settings, self._model.info, chat)
        return Place(request, name, document.end(_SHOWN) + typed, typed, is_step)

    def look(
        self,
        place: Place,
        reach: Reach,
        take: Callable[[Growth], None],
        is_cancelled: Callable[[], bool],
    ) -> None:
        """Search what could be said, and wait for the end; any thread may call it.

        ``take`` is given each growth as it becomes known, on the model's thread.

        Raises:
            PlaygroundError: It cannot be looked for, or was ended before it was complete.
        """
        self._service.read(looking_out(place.request, reach, take), is_cancelled, LOOKING_OUT)

    def go_on(self, place: Place, way: Sequence[Prospect]) -> bool:
        """Put the tokens of ``way`` behind ``place``, and write on from there.

        Returns:
            Whether the prompt of ``place`` has been taken.
        """
        token_ids = tuple(one.token_id for one in way)
        if not token_ids or not self._runs.allows_change():
            return False
        if not place.is_step:
            return self._prompts.send(place.prompt, token_ids)
        self._forks.to_tokens(token_ids, "".join(one.token_text for one in way))
        return False
