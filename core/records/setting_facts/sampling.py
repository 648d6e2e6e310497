"""What is known of the settings that only sampling has.

Must never name a setting that works without ``do_sample``.
"""

from __future__ import annotations

from core.records.setting_facts.facts import SettingFacts

SAMPLING: tuple[SettingFacts, ...] = (
    SettingFacts(
        name="temperature",
        kind="number",
        values="more than 0",
        least=0,
        above=True,
        below=True,
        meaning="left sharpens, right levels chances",
        does=(
            "Divides every logit. Below 1 the likely tokens become likelier, above 1 all come"
            " nearer to each other. It removes none and changes no order."
        ),
        formula="p′ = softmax(z / temperature)",
        source="Ackley, Hinton, Sejnowski 1985, doi 10.1207/s15516709cog0901_7",
    ),
    SettingFacts(
        name="top_h",
        kind="number",
        values="more than 0 and at most 1",
        least=0,
        most=1,
        above=True,
        meaning="keeps a share of the entropy",
        does=(
            "Keeps the likeliest tokens, as many as make up a share of the entropy of the 100"
            " likeliest: few where the model is sure. The likeliest one stays."
        ),
        formula="kept: p₁ ≥ p₂ ≥ … while Σ −p log p ≤ top_h · H",
        source="Baghaei Potraghloo et al. 2025, arXiv 2509.02510",
    ),
    SettingFacts(
        name="top_k",
        kind="whole",
        values="at least 0",
        least=0,
        meaning="keeps the k likeliest tokens",
        does=(
            "Keeps the k likeliest tokens, whatever they have together; 0 keeps all. Sampling"
            " keeps 50 where nothing is said."
        ),
        formula="kept: the top_k greatest z, and what equals the last of them",
        source="Fan, Lewis, Dauphin 2018, arXiv 1805.04833",
    ),
    SettingFacts(
        name="top_p",
        kind="number",
        values="from 0 to 1",
        least=0,
        most=1,
        meaning="keeps the likeliest that hold top_p",
        does=(
            "Keeps the nucleus: the likeliest tokens, as few as hold top_p together. Many where"
            " the model is undecided, one where it is sure. 1 keeps all."
        ),
        formula="kept: p₁ ≥ p₂ ≥ … while p₁ + … + pᵢ₋₁ < top_p",
        source="Holtzman et al. 2020, arXiv 1904.09751",
    ),
    SettingFacts(
        name="min_p",
        kind="number",
        values="from 0 to 1",
        least=0,
        most=1,
        meaning="cuts below this share of the best",
        does=(
            "Removes what is less likely than a share of the likeliest token: more where that one"
            " is sure, little where nothing is."
        ),
        formula="kept: p ≥ min_p · max p",
        source="Nguyen et al. 2024, arXiv 2407.01082",
    ),
    SettingFacts(
        name="typical_p",
        kind="number",
        values="more than 0 and at most 1",
        least=0,
        most=1,
        above=True,
        meaning="keeps tokens of typical surprise",
        does=(
            "Keeps tokens whose surprisal is nearest to the entropy, as few as hold typical_p"
            " together: it can remove the likeliest token. 1 keeps all."
        ),
        formula="kept: rising |−log p − H| until Σ p ≥ typical_p",
        source="Meister et al. 2022, arXiv 2202.00666",
    ),
    SettingFacts(
        name="epsilon_cutoff",
        kind="number",
        values="from 0 to below 1",
        least=0,
        most=1,
        below=True,
        meaning="cuts below this probability",
        does=(
            "Removes every token below a probability; the likeliest one stays. 3e-4 to 9e-4 are"
            " usual, 0 removes none."
        ),
        formula="kept: p ≥ epsilon_cutoff",
        source="Hewitt, Manning, Liang 2022, arXiv 2210.15191",
    ),
    SettingFacts(
        name="eta_cutoff",
        kind="number",
        values="from 0 to below 1",
        least=0,
        most=1,
        below=True,
        meaning="the same, lower where undecided",
        does=(
            "Removes every token below a probability that sinks where the model is undecided; the"
            " likeliest one stays. 3e-4 to 4e-3 are usual, 0 removes none."
        ),
        formula="kept: p ≥ min(η, √η · e^−H), H the entropy in nats",
        source="Hewitt, Manning, Liang 2022, arXiv 2210.15191",
    ),
)
