"""What is known of the settings that look at what is written before they change a chance.

Must never name a setting that ends a text: those are ``lengths``.
"""

from __future__ import annotations

from core.records.setting_facts.facts import SettingFacts

PENALTIES: tuple[SettingFacts, ...] = (
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
)
