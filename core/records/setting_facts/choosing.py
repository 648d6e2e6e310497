"""What is known of the settings that say how a token or a text is chosen.

Must never name a setting that changes what there is to choose from.
"""

from __future__ import annotations

from core.records.setting_facts.facts import SettingFacts

LARGEST_SEED = 2**63 - 1

CHOOSING: tuple[SettingFacts, ...] = (
    SettingFacts(
        name="do_sample",
        kind="truth",
        values="true or false",
        meaning="false always takes the likeliest",
        does=(
            "Draws a token by its chance. Without it the likeliest is taken, so that the same"
            " prompt gives the same text."
        ),
        formula="true: t ~ p′    false: t = argmax p′",
        source="torch.multinomial; a race of exponential waiting times",
    ),
    SettingFacts(
        name="num_beams",
        kind="whole",
        values="from 1 to 256",
        least=1,
        most=256,
        meaning="how many texts grow side by side",
        does=(
            "Keeps so many beginnings instead of one, those with the greatest sum of log-chances,"
            " and returns the best text of all; 1 is no search."
        ),
        formula="kept: the num_beams greatest Σ log p",
        source="Lowerre 1976 (HARPY); Sutskever et al. 2014, arXiv 1409.3215",
    ),
    SettingFacts(
        name="length_penalty",
        kind="number",
        values="from -10 to 10",
        least=-10,
        most=10,
        meaning="above 0, long texts are preferred",
        does=(
            "Divides a beam's sum by a power of its length, so that texts of different length can"
            " be compared: above 0 prefers long ones, below 0 short ones."
        ),
        formula="score = Σ log p / length^length_penalty",
        source="after Wu et al. 2016, arXiv 1609.08144",
    ),
    SettingFacts(
        name="early_stopping",
        kind="choice",
        values="true, false or never",
        meaning="when a search is over",
        does=(
            "true ends a search with the num_beams-th ended text, false where no live beam is"
            " likely to beat them, never only where none can."
        ),
        formula="true: ended = num_beams\nfalse, never: best live ≤ worst ended",
        source="transformers, GenerationConfig",
    ),
    SettingFacts(
        name="remove_invalid_values",
        kind="truth",
        values="true or false",
        meaning="goes on where logits are no numbers",
        does=(
            "Takes 0 for a logit that is no number, and the greatest or least number for one that"
            " is infinite, so that a run goes on where it would end."
        ),
        formula="z′ = 0 where z is no number, ± 3.4e38 where infinite",
        source="transformers, InfNanRemoveLogitsProcessor",
    ),
    SettingFacts(
        name="renormalize_logits",
        kind="truth",
        values="true or false",
        meaning="chances sum to 1 again at the end",
        does=(
            "Makes chances of the scores again when all settings have acted. It matters to beams,"
            " whose sums else lack what was removed; single tokens are the same."
        ),
        formula="z′ = log softmax(z)",
        source="transformers, LogitNormalization",
    ),
    SettingFacts(
        name="seed",
        kind="whole",
        values=f"from 0 to {LARGEST_SEED}",
        least=0,
        most=LARGEST_SEED,
        meaning="the same dice again",
        does=(
            "Sets the dice, so that the same draws come again. Without it each run draws a seed of"
            " its own, which its record names."
        ),
        formula="torch.manual_seed(seed)",
        source="torch.Generator",
    ),
)
