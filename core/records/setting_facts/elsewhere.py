"""Settings that llama.cpp and other programs know and this one does not; what comes nearest.

Must never name a setting of transformers' ``GenerationConfig``: those are ``foreign``.
"""

from __future__ import annotations

_NEAREST: dict[str, str] = {
    "adaptive_target adaptive_decay": "typical_p comes nearest, which keeps to the usual surprisal",
    "allowed_token_ids": "suppress_tokens comes nearest, which takes those that are to be left",
    "ban_eos_token ignore_eos": (
        "min_new_tokens comes nearest, or suppress_tokens with the end of text"
    ),
    "banned_strings banned_tokens bad_words bad_words_token_ids": (
        "bad_words_ids comes nearest, or suppress_tokens"
    ),
    "beam_size beam_width beams n_beams": "num_beams is its name here",
    "best_of use_beam_search": "num_beams comes nearest, which keeps several texts and their best",
    "cfg cfg_scale classifier_free_guidance": "guidance_scale comes nearest",
    "custom_token_bans": "suppress_tokens comes nearest",
    "dry dry_multiplier dry_base dry_allowed_length dry_penalty_last_n dry_sequence_breakers": (
        "no_repeat_ngram_size comes nearest, which forbids what DRY makes less likely"
    ),
    "dynatemp dynatemp_range dynatemp_exponent dynatemp_low dynatemp_high dynamic_temperature": (
        "temperature comes nearest, which is the same at every step"
    ),
    "echo": "the document shows the prompt; remove it",
    "frequency_penalty presence_penalty repeat_penalty rep_pen penalty_repeat penalty_freq"
    " penalty_present repetition_decay penalty_decay": (
        "repetition_penalty comes nearest, which counts a token once however often it came"
    ),
    "grammar grammar_string json_schema guided_json guided_regex guided_choice response_format": (
        "nothing comes near; remove it"
    ),
    "greedy": "do_sample: false is its name here",
    "logit_bias logit_bias_exp": "sequence_bias comes nearest, and does the same for single tokens",
    "logprobs n_probs top_logprobs prompt_logprobs post_sampling_probs": (
        "every step shows five candidates, F9 200; remove it"
    ),
    "max_gen_len max_gen_toks max_output_tokens max_completion_tokens max_tokens"
    " max_tokens_to_sample n_predict num_predict predict": "max_new_tokens is its name here",
    "min_keep": "a setting keeps one token by itself, and beams enough to go on; remove it",
    "min_p_base": "min_p is its name here",
    "min_tokens": "min_new_tokens is its name here",
    "mirostat mirostat_mode mirostat_tau mirostat_eta mirostat_ent mirostat_lr": (
        "top_h comes nearest, which follows the entropy of each step, or typical_p"
    ),
    "n": "a run writes one text: run it again with another seed",
    "n_ctx num_ctx ctx_size context_length max_context_length max_seq_len truncation_length": (
        "the model's context is used whole; max_length comes nearest"
    ),
    "n_keep num_keep": "no text is cut to make room; remove it",
    "negative_prompt": "negative_prompt_ids is its name here, and takes a text too",
    "no_repeat_ngrams no_repeat_ngram no_repeat_n_gram_size": (
        "no_repeat_ngram_size is its name here"
    ),
    "penalize_nl penalize_newline penalty_prompt": (
        "repetition_penalty comes nearest, which counts every token of the text"
    ),
    "random_seed sampler_seed": "seed is its name here",
    "repeat_last_n rep_pen_range rep_pen_slope repetition_penalty_range penalty_last_n": (
        "repetition_penalty comes nearest, which always looks at the whole text"
    ),
    "sampler sampler_order sampler_priority samplers sampler_seq sampling_seq temperature_last": (
        "settings always act in the order of transformers; remove it"
    ),
    "skew": "temperature comes nearest",
    "smoothing_factor smoothing_curve": "temperature comes nearest",
    "stop stop_sequence stop_sequences stop_words stopping_strings custom_stopping_strings"
    " antiprompt reverse_prompt": "stop_strings is its name here",
    "stop_token_ids eos_token eos_token_ids": "eos_token_id is its name here",
    "stream": "every step is shown as it comes; remove it",
    "system system_prompt template prompt_template chat_template": (
        "the chat: block of a preset comes nearest"
    ),
    "temp": "temperature is its name here",
    "tfs tfs_z tail_free_sampling": (
        "top_p comes nearest, which cuts where a share is held, not where chances level"
    ),
    "top_a": "min_p comes nearest, whose threshold is a share of the best, not of its square",
    "top_n_sigma top_nsigma nsigma": (
        "min_p comes nearest, whose threshold hangs on the likeliest token as well"
    ),
    "typical typ_p": "typical_p is its name here",
    "xtc xtc_probability xtc_threshold": (
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
