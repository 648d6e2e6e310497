"""What a model's own generation_config.json recommends, as settings for a preset.

Must never be taken without being asked for: a preset means the same for every model.
"""

from __future__ import annotations

import json

from core.records.model_info import ModelInfo
from core.records.settings import SETTING_NAMES, Settings, settings_from_mapping

_KEPT = ("max_length", "max_new_tokens", "min_new_tokens", "stop_strings", "seed")
"""What is left to the preset where a file says nothing of it: length, ends and dice."""


def recommended(info: ModelInfo | None, preset: Settings) -> Settings | None:
    """Return what the model recommends in the place of ``preset``; ``None`` where it says nothing.

    What this program does not have, and what is too long to be told, is left out.

    Raises:
        SettingsError: What it says contradicts itself.
    """
    told = dict(one.split("=", 1) for one in info.own_settings if "=" in one) if info else {}
    values = {name: json.loads(text) for name, text in told.items() if name in SETTING_NAMES}
    if not values:
        return None
    kept = {name: value for name, value in preset.to_mapping().items() if name in _KEPT}
    return settings_from_mapping({**kept, **values})
