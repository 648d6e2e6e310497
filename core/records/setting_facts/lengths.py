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
        name="min_length",
        kind="whole",
        values="at least 0",
        least=0,
        meaning="how long the text is before an end",
        does=(
            "Removes the tokens that end a text until the whole text, prompt included, has so many."
            " min_new_tokens wins over it."
        ),
        formula="removed: ends of text while prompt + written < min_length",
        source="transformers, MinLengthLogitsProcessor",
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
        name="forced_eos_token_id",
        kind="tokens",
        values="a token's id or text, or a list of them",
        meaning="what the longest text ends with",
        does=(
            "Removes every other token from the last step that the length allows, so that a text"
            " ends even where it is cut."
        ),
        formula="z′ = 0 for these, −∞ for all others, where one token is left",
        source="transformers, ForcedEOSTokenLogitsProcessor",
    ),
    SettingFacts(
        name="exponential_decay_length_penalty",
        kind="decay",
        values="a token count and a factor, more than 0 and at most 10: [100, 1.05]",
        meaning="ends grow likelier with every token",
        does=(
            "Raises the logits of the tokens that end a text with every token behind the start-th"
            " written one, faster and faster; a factor below 1 lowers them."
        ),
        formula="z′ = z + |z| · (factor^(written − start) − 1)",
        source="transformers, ExponentialDecayLengthPenalty",
    ),
    SettingFacts(
        name="eos_token_id",
        kind="tokens",
        values="a token's id or text, or a list of them",
        meaning="tokens that end the run",
        does=(
            "Ends the run with one of these tokens, in the place of those that the model's"
            " configuration names; each text must be one token."
        ),
        formula="ends where the last token is one of eos_token_id",
        source="transformers, EosTokenCriteria",
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
