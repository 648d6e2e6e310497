"""What is known of the settings that look at what is written before they change a chance.

Must never name a setting that ends a text: those are ``lengths``.
"""

from __future__ import annotations

from core.records.setting_facts.facts import SettingFacts

PENALTIES: tuple[SettingFacts, ...] = (
    SettingFacts(
        name="guidance_scale",
        kind="number",
        values="from 0 to 100",
        least=0,
        most=100,
        meaning="above 1, the prompt counts for more",
        does=(
            "Asks the model at every step what it would say behind negative_prompt_ids alone, and"
            " moves away from that: above 1 the prompt counts for more, below 1 for less. Every"
            " token takes a second pass. In a 16-bit model generate() rounds log p₋ to 16 bits;"
            " here it stays in 32."
        ),
        formula="log p′ = scale · (log p − log p₋) + log p₋",
        source="Sanchez et al. 2023, arXiv 2306.17806",
    ),
    SettingFacts(
        name="negative_prompt_ids",
        kind="word",
        values="a text or a list of token ids",
        meaning="what guidance moves away from",
        does=(
            "Stands in the place of the prompt where guidance_scale asks what the model would say"
            " otherwise; without it, the prompt's last token does."
        ),
        formula="p₋ = p(· | negative_prompt_ids, written)",
        source="Sanchez et al. 2023, arXiv 2306.17806",
    ),
    SettingFacts(
        name="sequence_bias",
        kind="biases",
        values="texts, or lists of token ids, each with a number",
        meaning="makes words more or less likely",
        does=(
            "Adds a number to the logit of each word's last token, wherever the tokens before it"
            " are written: 2 makes a word about seven times as likely. A text counts as it stands,"
            " and behind a space."
        ),
        formula="z′ = z + bias, for t where the text ends in the word without t",
        source="transformers, SequenceBiasLogitsProcessor",
    ),
    SettingFacts(
        name="repetition_penalty",
        kind="number",
        values="more than 0",
        least=0,
        above=True,
        below=True,
        meaning="above 1, used tokens are less likely",
        does=(
            "Changes the logit of every token that stands in the text already, prompt included,"
            " once however often it stands there. Below 1 they become likelier."
        ),
        formula="z′ = z / penalty where z > 0, else z · penalty",
        source="Keskar et al. 2019 (CTRL), arXiv 1909.05858",
    ),
    SettingFacts(
        name="no_repeat_ngram_size",
        kind="whole",
        values="at least 0",
        least=0,
        meaning="no row of so many tokens twice",
        does=(
            "Removes every token that would complete a row of n tokens that the text has already,"
            " prompt included; 0 removes none."
        ),
        formula="removed: t where (…, t) of n tokens stands in the text",
        source="Paulus, Xiong, Socher 2017, arXiv 1705.04304",
    ),
    SettingFacts(
        name="bad_words_ids",
        kind="words",
        values="a text, or a list of texts and lists of token ids",
        meaning="words that are not written",
        does=(
            "Removes each word's last token wherever the tokens before it are written. A text"
            " counts as it stands, and behind a space; other tokens may still spell it."
        ),
        formula="removed: t where the text ends in the word without t",
        source="transformers, NoBadWordsLogitsProcessor",
    ),
    SettingFacts(
        name="suppress_tokens",
        kind="tokens",
        values="a token's id or text, or a list of them",
        meaning="tokens that are never chosen",
        does="Removes these tokens from every step; each text must be one token.",
        formula="removed: t in suppress_tokens",
        source="Radford et al. 2022 (Whisper), arXiv 2212.04356",
    ),
    SettingFacts(
        name="begin_suppress_tokens",
        kind="tokens",
        values="a token's id or text, or a list of them",
        meaning="tokens that are not chosen first",
        does="Removes these tokens from the first step alone; each text must be one token.",
        formula="removed: t in begin_suppress_tokens, while written = 0",
        source="Radford et al. 2022 (Whisper), arXiv 2212.04356",
    ),
)
