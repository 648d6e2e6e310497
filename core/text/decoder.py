"""Token ids to their text, or a sentence on why they have none.

Must never let a tokenizer's panic out: it is no ``Exception``, and would end the thread it meets.
"""

from __future__ import annotations

from collections.abc import Sequence

from tokenizers import Tokenizer

from core.records.errors import PlaygroundError
from core.text.visible import unexpected


def decoded(tokenizer: Tokenizer, token_ids: Sequence[int]) -> str:
    """Return the text of ``token_ids``, with special tokens spelled out.

    Raises:
        PlaygroundError: The tokenizer's rules of decoding fail at them.
    """
    try:
        text: str = tokenizer.decode(list(token_ids), skip_special_tokens=False)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        said = unexpected("this model's tokenizer cannot write its tokens as text", error)
        raise PlaygroundError(f"{said}; choose another model") from error
    return text
