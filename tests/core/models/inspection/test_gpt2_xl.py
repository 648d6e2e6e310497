"""The notebook's facts of gpt2-xl, from its config.json alone."""

from __future__ import annotations

import pytest
from transformers import AutoTokenizer

from core.models.inspection.report import inspect_model
from core.models.inspection.report_text import module_lines, report_lines
from core.records.model_report import Facts, SpecialToken, TiedWeight


def find(node, path):
    for name in path.split("."):
        node = next(child for child in node.children if child.name == name)
    return node


def test_shape(gpt2_xl_report):
    assert gpt2_xl_report.facts == Facts(48, 25, 25, 1600, 1024, 50257)
    assert gpt2_xl_report.architecture == "GPT2LMHeadModel"


def test_parameters_with_and_without_ties(gpt2_xl_report):
    totals = gpt2_xl_report.totals
    assert totals.parameters == 1_557_611_200
    assert totals.parameters_untied == 1_557_611_200 + 50257 * 1600
    assert totals.tied == (TiedWeight("lm_head.weight", "transformer.wte.weight", 50257 * 1600),)
    assert totals.bytes == 4 * 1_557_611_200
    assert totals.bytes_if == (("float32", 6_230_444_800), ("bfloat16", 3_115_222_400))
    assert (totals.buffers, totals.buffer_bytes) == (0, 0)


def test_output_layer(gpt2_xl_report):
    lm_head = find(gpt2_xl_report.modules, "lm_head")
    assert lm_head.description == "in_features=1600, out_features=50257, bias=False"
    assert lm_head.tied_to == "transformer.wte.weight"


def test_blocks_are_folded(gpt2_xl_report):
    blocks = find(gpt2_xl_report.modules, "transformer.h")
    (block,) = blocks.children
    assert (block.name, block.kind, block.count) == ("0-47", "GPT2Block", 48)
    assert blocks.parameters == 48 * block.parameters == 1_475_558_400
    # Two norms, attention and the perceptron, each with its biases.
    width = 1600
    assert block.parameters == 12 * width * width + 13 * width


def test_cache(gpt2_xl_report):
    cache = gpt2_xl_report.cache
    assert cache.bytes_per_token == 2 * 48 * 1600 * 4
    assert cache.bytes_at_full_context == 1024 * cache.bytes_per_token
    assert cache.formula == "2 (keys, values) × 48 layers × 25 heads × 64 numbers × 4 bytes"


def test_lines_hold_the_facts(gpt2_xl_report):
    text = "\n".join(report_lines(gpt2_xl_report))
    for fact in ("50,257", "1,024", "1,600", "1,557,611,200", "1,638,022,400", "none"):
        assert fact in text
    lines = module_lines(gpt2_xl_report.modules)
    (fold,) = [line for line in lines if "(0-47): 48 x GPT2Block(" in line]
    figures = " ".join(fold.split("GPT2Block(")[1].split())
    assert figures == "48 × 30,740,800 float32 48 × 123 MB"
    (head,) = [line for line in lines if "(lm_head)" in line]
    assert head.endswith("80,411,200  float32       322 MB  tied to transformer.wte.weight")


def test_no_tokenizer_is_made_up(gpt2_xl_report):
    """transformers answers a folder without vocabulary with an empty GPT-2 tokenizer."""
    assert gpt2_xl_report.tokenizer is None
    assert gpt2_xl_report.tokenizer_note == "there are no tokenizer files in the folder"


def test_tokenizer(gpt2_xl_with_tokenizer):
    tokenizer = inspect_model(gpt2_xl_with_tokenizer, "gpt2-xl").tokenizer
    assert tokenizer.kind == "GPT2Tokenizer"
    assert (tokenizer.vocabulary_size, tokenizer.added_tokens) == (50257, 0)
    assert (tokenizer.padding_side, tokenizer.truncation_side) == ("right", "right")
    assert tokenizer.special_tokens == tuple(
        SpecialToken(name, "<|endoftext|>", 50256)
        for name in ("bos_token", "eos_token", "unk_token")
    )
    read = AutoTokenizer.from_pretrained(gpt2_xl_with_tokenizer)
    assert read("A long long time ago, ")["input_ids"] == [32, 890, 890, 640, 2084, 11, 220]


@pytest.mark.parametrize(("limit", "shown"), [(1024, 1024), (None, None)])
def test_maximum_length(gpt2_xl_with_tokenizer, tmp_path, limit, shown):
    for file in gpt2_xl_with_tokenizer.iterdir():
        (tmp_path / file.name).write_bytes(file.read_bytes())
    if limit is not None:
        (tmp_path / "tokenizer_config.json").write_text(f'{{"model_max_length": {limit}}}')
    assert inspect_model(tmp_path, "gpt2-xl").tokenizer.maximum_length == shown
