"""What is known of the settings that say how long a text becomes, and what ends it.

Must never name a setting that changes a chance otherwise.
"""

from __future__ import annotations

from core.records.setting_facts.facts import SettingFacts

LENGTHS: tuple[SettingFacts, ...] = (
    SettingFacts(
        name="max_length",
        kind="whole",
        values="at least 1",
        least=1,
        meaning="how long the whole text may become",
        does="Ends the run where the whole text, prompt included, has so many tokens.",
        formula="ends where prompt + written = max_length",
        source="transformers, MaxLengthCriteria",
    ),
    SettingFacts(
        name="max_new_tokens",
        kind="whole",
        values="at least 1",
        least=1,
        meaning="how many tokens are written at most",
        does=(
            "Ends the run after so many tokens, prompt not counted; it wins over max_length."
            " Without either, 20 are written."
        ),
        formula="ends where written = max_new_tokens",
        source="transformers, MaxLengthCriteria",
    ),
    SettingFacts(
        name="min_new_tokens",
        kind="whole",
        values="at least 0",
        least=0,
        meaning="how many tokens come before an end",
        does="Removes the tokens that end a text until so many are written, prompt not counted.",
        formula="removed: ends of text while written < min_new_tokens",
        source="transformers, MinNewTokensLengthLogitsProcessor",
    ),
    SettingFacts(
        name="stop_strings",
        kind="texts",
        values="a text or a list of texts",
        meaning="texts that end the run",
        does=(
            "Ends the run with the token in which one of these texts is whole, wherever its tokens"
            " part it; to the letter, spaces too."
        ),
        formula="ends where the text has one of stop_strings",
        source="transformers, StopStringCriteria",
    ),
)
