"""The fields of transformers' ``GenerationConfig`` that this program has not; what comes nearest.

Must never be read from transformers: a wrong setting is told before that is loaded.
"""

from __future__ import annotations

FOREIGN_SETTINGS: frozenset[str] = frozenset(
    (
        "assistant_confidence_threshold",
        "assistant_early_exit",
        "assistant_ensemble_weight",
        "assistant_lookbehind",
        "bos_token_id",
        "cache_config",
        "cache_implementation",
        "compile_config",
        "constraints",
        "continuous_batching_config",
        "decoder_start_token_id",
        "disable_compile",
        "diversity_penalty",
        "dola_layers",
        "encoder_no_repeat_ngram_size",
        "encoder_repetition_penalty",
        "force_words_ids",
        "forced_bos_token_id",
        "is_assistant",
        "low_memory",
        "max_cache_len",
        "max_matching_ngram_size",
        "max_time",
        "num_assistant_tokens",
        "num_assistant_tokens_schedule",
        "num_beam_groups",
        "num_return_sequences",
        "output_attentions",
        "output_hidden_states",
        "output_logits",
        "output_scores",
        "pad_token_id",
        "penalty_alpha",
        "prefill_chunk_size",
        "prompt_lookup_num_tokens",
        "return_dict_in_generate",
        "speculation_type",
        "target_lookbehind",
        "token_healing",
        "use_cache",
        "use_mtp",
        "watermarking_config",
    )
)
"""Their names: whoever writes one has not misspelt another."""


_NEAREST: dict[str, str] = {
    "constraints force_words_ids": "sequence_bias comes nearest, which makes words likelier",
    "diversity_penalty num_beam_groups": "num_beams comes nearest, without groups",
    "dola_layers": "guidance_scale comes nearest, which contrasts texts, not layers",
    "encoder_no_repeat_ngram_size": "no_repeat_ngram_size comes nearest, prompt included",
    "encoder_repetition_penalty": "repetition_penalty comes nearest, prompt included",
    "forced_bos_token_id": "end the prompt with that token instead",
    "max_time": "max_new_tokens comes nearest",
    "num_return_sequences": "a run writes one text: run it again with another seed",
    "penalty_alpha": "repetition_penalty comes nearest, or no_repeat_ngram_size",
    "token_healing": "end the prompt without its last space instead",
    "watermarking_config": "sequence_bias comes nearest, which favours the tokens that it names",
}
"""What to say of several names each; all others change no token that is chosen."""

_OF_NAME = {name: told for names, told in _NEAREST.items() for name in names.split()}


def instead_of(name: str) -> str:
    """Return what to do without a field that this program does not have, as a clause."""
    return _OF_NAME.get(name, "remove it")
