"""How much memory keys and values take, from the configuration alone.

Must never guess: where an architecture keeps something else than keys and values of one shape, it
says so instead of giving a figure.
"""

from __future__ import annotations

from typing import Any

from transformers import DynamicCache, PreTrainedConfig
from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer

from core.models.files.config import field_of
from core.records.model_report import CacheFacts, Facts


def facts_of(config: PreTrainedConfig) -> Facts:
    """Return the shape of ``config`` in a few numbers."""
    text: Any = config.get_text_config()
    heads = _number(text, "num_attention_heads")
    return Facts(
        layers=_number(text, "num_hidden_layers"),
        heads=heads,
        key_value_heads=_key_value_heads(text, heads),
        hidden_size=_number(text, "hidden_size"),
        context_size=context_size_of(text),
        vocabulary_size=_number(text, "vocab_size"),
    )


def context_size_of(text: PreTrainedConfig) -> int | None:
    """Return the most tokens that ``text`` says its model reads; ``None`` where it names no limit.

    Args:
        text: The configuration of the text model.
    """
    # transformers gives most other names of it the first one, but not MPT's.
    return _number(text, "max_position_embeddings") or _number(text, "max_seq_len")


def numbers_per_token(config: PreTrainedConfig) -> int:
    """Return about how many numbers a cache keeps of a token, for a decision about memory.

    It is 0 where no heads are named: a recurrent model's state is small beside its weights.
    """
    facts = facts_of(config)
    head_dim = _head_dim(config.get_text_config(), facts)
    return 2 * (facts.layers or 0) * (facts.key_value_heads or 0) * (head_dim or 0)


def cache_facts(
    config: PreTrainedConfig, dtype: str, itemsize: int
) -> tuple[CacheFacts | None, str]:
    """Return what one sequence's keys and values take, or ``None`` and why it is not known.

    Args:
        config: The model's.
        dtype: Of keys and values, by name.
        itemsize: Its bytes per number.
    """
    text: Any = config.get_text_config()
    facts = facts_of(config)
    head_dim = _head_dim(text, facts)
    if facts.key_value_heads is None or head_dim is None:
        return None, f"{config.model_type} names no heads of one size"
    if field_of(text, "kv_lora_rank") or isinstance(field_of(text, "v_head_dim"), int):
        return None, f"{config.model_type} has keys and values of different sizes"
    try:
        layers = list(DynamicCache(config=config).layers)
    except Exception:  # as for ``field_of``
        return None, f"transformers has no cache of keys and values for {config.model_type}"
    if not layers:
        return None, f"{config.model_type} has no layers with a cache"
    windows = {
        layer.sliding_window for layer in layers if isinstance(layer, DynamicSlidingWindowLayer)
    }
    if len(windows) > 1 or not all(_is_plain(layer) for layer in layers):
        return None, f"not all layers of {config.model_type} keep keys and values alike"
    sliding = sum(isinstance(layer, DynamicSlidingWindowLayer) for layer in layers)
    window = windows.pop() if windows else None
    per_layer = 2 * facts.key_value_heads * head_dim * itemsize
    facts_of_cache = CacheFacts(
        layers=len(layers),
        key_value_heads=facts.key_value_heads,
        head_dim=head_dim,
        dtype=dtype,
        bytes_per_token=len(layers) * per_layer,
        formula=(
            f"2 (keys, values) × {len(layers)} layers × {facts.key_value_heads} heads"
            f" × {head_dim} numbers × {itemsize} bytes"
        ),
        context_size=facts.context_size,
        bytes_at_full_context=_at_full_context(
            len(layers) - sliding, sliding, window, per_layer, facts.context_size
        ),
        sliding_layers=sliding,
        window=window,
    )
    return facts_of_cache, ""


def _at_full_context(
    full: int, sliding: int, window: int | None, per_layer: int, context_size: int | None
) -> int | None:
    if context_size is None:
        return None
    kept = min(window, context_size) if window is not None else context_size
    return per_layer * (full * context_size + sliding * kept)


def _is_plain(layer: object) -> bool:
    return type(layer) in (DynamicLayer, DynamicSlidingWindowLayer)


def _number(config: object, name: str) -> int | None:
    """Return a field that is one whole number; some architectures have a list in its place."""
    value = field_of(config, name)
    return value if isinstance(value, int) and not isinstance(value, bool) and value > 0 else None


def _key_value_heads(text: object, heads: int | None) -> int | None:
    """Return the heads of keys and values: fewer than ``heads`` where several share one."""
    if field_of(text, "multi_query") and not field_of(text, "new_decoder_architecture"):
        return 1
    for name in ("num_key_value_heads", "num_kv_heads"):
        if field_of(text, name) is not None:
            return _number(text, name)
    return heads


def _head_dim(text: object, facts: Facts) -> int | None:
    if field_of(text, "head_dim") is not None:
        return _number(text, "head_dim")
    if facts.hidden_size is None or facts.heads is None:
        return None
    return facts.hidden_size // facts.heads
