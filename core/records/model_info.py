"""What a person should know of the model that answers, in one record.

Must never hold more than can be told without reading a weight: ``model_report`` looks deeper.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ModelOrigin = Literal["bundled", "folder", "cache"]
"""Where a model can lie: with this program, in a folder of the user's, in the hub's cache."""


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """What a person should know of the model that answers.

    ``name`` finds it from any working folder. ``context_size`` is ``None`` where the model has no
    limit. ``device`` and ``dtype`` are torch's names; ``placement`` says why these. ``note`` says
    why this model runs where nobody asked for it by name, or what is odd about its files.
    ``stands_in_for`` names the model that would have run if it were here. Token ids mean the same
    text under two models of one ``tokenizer_fingerprint``. ``engine`` is a phrase: what runs the
    model. ``own_settings`` are those that the model's own files ask for and nobody uses, as texts.
    ``origin`` is where the model lies, empty where that is not known; ``revision`` is the commit of
    the hub's repository that the weights are of, where they are in the cache. Two models of one
    ``weights_fingerprint`` have the same weights; empty where nobody knows.
    """

    name: str
    device: str
    dtype: str
    parameters: int
    context_size: int | None
    vocabulary_size: int
    placement: str = ""
    note: str = ""
    stands_in_for: str = ""
    tokenizer_fingerprint: str = ""
    engine: str = ""
    own_settings: tuple[str, ...] = ()
    origin: ModelOrigin | Literal[""] = ""
    revision: str = ""
    weights_fingerprint: str = ""
