"""A module of transformers called as its architecture wants it, with a cache where that serves it.

Must never hold a row or choose a token: token ids and a cache go in, logits come out.
"""

from __future__ import annotations

import inspect
from typing import Any, cast

import torch
from transformers import DynamicCache, GenerationMixin, PreTrainedModel
from transformers.cache_utils import LinearAttentionCacheLayerMixin

from core.models.any.exact_head import make_head_exact
from core.models.device.memory_errors import is_out_of_memory
from core.records.errors import PlaygroundError

_TRIED = (3, 4, 5)
"""Tokens to try a module with; the first ones are often padding, which some leave out."""

_ROUNDING = 0.05
"""By how much logits may differ that are the same but for 16 bit."""

_CACHE_NAMES = ("cache_params", "past_key_values", "cache")
"""What architectures call their cache; those that know the first mean it.

``cache`` is the name of all of them in newer transformers, where the others are deprecated.
"""


class ModuleForward:
    """Calls one module, in evaluation mode, with what its architecture takes.

    ``has_cache`` is whether it keeps all that it has read in a cache; the whole text has to be
    read for each token where it keeps none, one of its own, or one inside the module.
    ``turning_point`` is the length beyond which it reads a text by other positions, so that a cache
    of a shorter text serves a longer one no more, nor the other way; ``None`` where there is none.

    Raises:
        PlaygroundError: It cannot continue a text token after token.
    """

    def __init__(self, module: PreTrainedModel) -> None:
        make_head_exact(module)
        self._module: Any = module
        accepted = inspect.signature(module.forward).parameters
        self._cache_name = next((name for name in _CACHE_NAMES if name in accepted), "")
        self._takes_positions = "position_ids" in accepted
        size = module.config.get_text_config().vocab_size
        self._tried = [token_id % size for token_id in _TRIED]
        self._takes_logits_to_keep = "logits_to_keep" in accepted
        self.has_cache = bool(self._cache_name) and self._fills_its_cache()
        self.turning_point = _turning_point(module)
        if not self.has_cache:
            self._takes_positions = False  # from the beginning on, each counts them itself
            self._check_that_it_goes_on()

    def new_cache(self) -> DynamicCache | None:
        """Return an empty cache; ``None`` where the module does without."""
        return DynamicCache(config=self._module.config) if self.has_cache else None

    @torch.inference_mode()
    def __call__(
        self,
        token_ids: list[list[int]],
        cache: DynamicCache | None = None,
        start: int = 0,
        *,
        only_last: bool = False,
    ) -> torch.Tensor:
        """Read rows of equal length, behind the ``start`` tokens that ``cache`` holds of each.

        Returns:
            The logits after each token, shape (rows, n, vocabulary); with ``only_last`` at least
            those after the last one. Of a 16-bit module they are float32, of others in its dtype.
        """
        inputs = torch.tensor(token_ids, device=self._module.device)
        arguments: dict[str, Any] = {"use_cache": cache is not None, "return_dict": True}
        if cache is not None:
            arguments[self._cache_name] = cache
        if self._takes_positions:
            # Not all architectures count on from what the cache holds.
            positions = torch.arange(start, start + inputs.shape[1], device=inputs.device)
            arguments["position_ids"] = positions.expand_as(inputs)
        if only_last and self._takes_logits_to_keep:
            arguments["logits_to_keep"] = 1
        return cast("torch.Tensor", self._module(input_ids=inputs, **arguments).logits)

    def _fills_its_cache(self) -> bool:
        """Try whether two tokens, one after the other, are in every layer of the cache.

        One that reads a mask where the next token is to be has no use for them.
        """
        first, second, _ = self._tried
        try:
            if self._read_of(first, second) != 2:
                return False
            cache = DynamicCache(config=self._module.config)
            self([[first]], cache)
            self([[second]], cache, start=1)
        except Exception as error:
            # What an architecture raises at a cache of no use to it can be anything.
            if is_out_of_memory(error):
                raise
            return False
        return all(_holds(layer, 2) for layer in cache.layers)

    def _read_of(self, *token_ids: int) -> int:
        """Return how many tokens ``generate()`` has it read of a text of ``token_ids``."""
        text = torch.tensor([token_ids], device=self._module.device)
        return int(self._module.prepare_inputs_for_generation(text)["input_ids"].shape[1])

    def _check_that_it_goes_on(self) -> None:
        """Refuse a module whose logits after a token are not what it expects to follow there."""
        first, second, third = self._tried
        kind = self._module.config.model_type
        try:
            read = self._read_of(first, second)
            one, other = (self([[first, token_id]])[:, 0].float() for token_id in (second, third))
        except Exception as error:  # as above
            if is_out_of_memory(error):
                raise
            reason = (str(error).strip().splitlines() or [""])[0][:300]
            raise PlaygroundError(
                f"transformers cannot run this {kind} model ({type(error).__name__}: {reason});"
                " choose another one"
            ) from error
        # Some put a mask where the next token is to be, others look at what comes behind it.
        if read != 2 or (one - other).norm() > _ROUNDING * one.norm():
            raise PlaygroundError(
                f"this {kind} model does not read a text from its beginning to its end, one token"
                " after the other; the playground runs causal language models, which do"
            )


def _turning_point(module: PreTrainedModel) -> int | None:
    """Return where ``generate()`` begins a new cache, as it does for models such as Phi-3 alone."""
    config = module.config.get_text_config()
    rope = getattr(config, "rope_parameters", None)
    is_long = isinstance(rope, dict) and rope.get("rope_type") == "longrope"
    own: Any = getattr(type(module), "prepare_inputs_for_generation", None)
    if not is_long or own is GenerationMixin.prepare_inputs_for_generation:
        return None
    return getattr(config, "original_max_position_embeddings", None)


def _holds(layer: Any, length: int) -> bool:  # noqa: ANN401
    """Whether a layer of the cache has taken ``length`` tokens, or a state of them."""
    if type(layer).__name__ == "DummyLayer":  # not in the oldest transformers that is supported
        return True
    if isinstance(layer, LinearAttentionCacheLayerMixin):
        states = (layer.is_conv_states_initialized, layer.is_recurrent_states_initialized)
        return any(any(one.values()) for one in states)
    return bool(layer.get_seq_length() == length)
