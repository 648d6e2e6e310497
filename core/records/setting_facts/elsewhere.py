"""Settings that llama.cpp and its front ends know and this program does not; what comes nearest.

Must never name a setting of transformers' ``GenerationConfig``: those are ``foreign``.
"""

from __future__ import annotations

_NEAREST: dict[str, str] = {
    "adaptive_target adaptive_decay": "typical_p comes nearest, which keeps to the usual surprisal",
    "allowed_token_ids": "suppress_tokens comes nearest, which takes those that are to be left",
    "banned_strings banned_tokens bad_words": "bad_words_ids comes nearest, or suppress_tokens",
    "cfg_scale": "guidance_scale comes nearest",
    "custom_token_bans": "suppress_tokens comes nearest",
    "dry_multiplier dry_base dry_allowed_length dry_penalty_last_n dry_sequence_breakers": (
        "no_repeat_ngram_size comes nearest, which forbids what DRY makes less likely"
    ),
    "dynatemp_range dynatemp_exponent dynatemp_low dynatemp_high dynamic_temperature": (
        "temperature comes nearest, which is the same at every step"
    ),
    "frequency_penalty presence_penalty repeat_penalty rep_pen penalty_repeat": (
        "repetition_penalty comes nearest, which counts a token once however often it came"
    ),
    "grammar json_schema guided_json guided_regex": "nothing comes near; remove it",
    "ignore_eos": "min_new_tokens comes nearest, or suppress_tokens with the end of text",
    "logit_bias": "sequence_bias comes nearest, and does the same for single tokens",
    "min_tokens": "min_new_tokens is its name here",
    "mirostat mirostat_mode mirostat_tau mirostat_eta mirostat_ent mirostat_lr": (
        "top_h comes nearest, which follows the entropy of each step, or typical_p"
    ),
    "n_predict num_predict max_tokens max_completion_tokens": "max_new_tokens is its name here",
    "negative_prompt": "negative_prompt_ids is its name here, and takes a text too",
    "repeat_last_n rep_pen_range rep_pen_slope repetition_penalty_range penalty_last_n": (
        "repetition_penalty comes nearest, which always looks at the whole text"
    ),
    "sampler_order sampler_priority samplers sampler_seq": (
        "settings always act in the order of transformers; remove it"
    ),
    "skew": "temperature comes nearest",
    "smoothing_factor smoothing_curve": "temperature comes nearest",
    "stop stop_sequence stop_sequences": "stop_strings is its name here",
    "stop_token_ids": "eos_token_id is its name here",
    "temp": "temperature is its name here",
    "tfs tfs_z": "top_p comes nearest, which cuts where a share is held, not where chances level",
    "top_a": "min_p comes nearest, whose threshold is a share of the best, not of its square",
    "top_n_sigma top_nsigma nsigma": (
        "min_p comes nearest, whose threshold hangs on the likeliest token as well"
    ),
    "typical typ_p": "typical_p is its name here",
    "xtc_probability xtc_threshold": (
        "typical_p comes nearest, which can remove the likeliest tokens too"
    ),
}
"""What to say of several names each."""

_OF_NAME = {name: told for names, told in _NEAREST.items() for name in names.split()}
_FAMILIES = ("adaptive_", "dry_", "dynatemp_", "mirostat_", "xtc_")


def nearest(name: str) -> str:
    """Return what comes nearest to a setting of other programs; empty where it is none of theirs.

    It is a clause that goes on behind a semicolon. Dashes and capitals make no other name.
    """
    plain = name.strip("-").replace("-", "_").lower()
    if plain in _OF_NAME:
        return _OF_NAME[plain]
    family = next((one for one in _FAMILIES if plain.startswith(one)), None)
    return next((told for one, told in _OF_NAME.items() if family and one.startswith(family)), "")
