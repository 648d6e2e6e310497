"""The fields of transformers' ``GenerationConfig`` that this program does not have.

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
