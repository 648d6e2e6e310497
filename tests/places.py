"""Where things lie, for tests that read the repository or what stands beside it."""

from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
GPT2_TOKENIZER = REPOSITORY.parent / "shared" / "gpt2-tokenizer"
