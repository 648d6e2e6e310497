"""The weights that llama.cpp is given in the benchmark are the model's own."""

from __future__ import annotations

import pytest
import torch
from safetensors.torch import load_file

from benchmarks.models import make_model

pytest.importorskip("gguf", reason="the extra bench is not installed")


@pytest.fixture(scope="module", params=["float32", "bfloat16"])
def converted(request, tmp_path_factory):
    from benchmarks.gguf_file import write_gguf

    folder = make_model("demo", "float32", tmp_path_factory.mktemp("models"))
    if request.param == "bfloat16":
        from safetensors.torch import save_file

        weights = load_file(folder / "model.safetensors")
        halved = {name: one.bfloat16() for name, one in weights.items()}
        save_file(halved, folder / "model.safetensors")
    write_gguf(folder, folder / "model.gguf")
    return folder


def test_every_weight_is_there_as_it_was(converted):
    import gguf

    from benchmarks.gguf_file import gguf_name

    weights = load_file(converted / "model.safetensors")
    found = {one.name: one for one in gguf.GGUFReader(converted / "model.gguf").tensors}
    names = [name.removeprefix("transformer.") for name in weights if name != "lm_head.weight"]
    assert sorted(found) == sorted(gguf_name(name) for name in names)
    for name, tensor in zip(weights, weights.values(), strict=True):
        if name == "lm_head.weight":
            continue
        one = found[gguf_name(name.removeprefix("transformer."))]
        is_turned = "weight" in name and tensor.ndim == 2 and ".h." in f".{name}"
        wanted = tensor.T if is_turned else tensor
        data = torch.from_numpy(one.data.copy())
        if one.tensor_type == gguf.GGMLQuantizationType.BF16:
            data = data.view(torch.bfloat16)
        assert data.shape == wanted.shape
        assert torch.equal(data.float(), wanted.float())
        is_wide = tensor.dtype == torch.float32 or tensor.ndim == 1 or "wpe" in name
        assert one.tensor_type.name == ("F32" if is_wide else "BF16")


def test_llama_cpp_runs_the_same_model(tmp_path):
    pytest.importorskip("llama_cpp", reason="the extra bench is not installed")
    from benchmarks.contenders import Playground
    from benchmarks.llama_cpp import logits

    folder = make_model("demo", "float32", tmp_path)
    token_ids = [(7 * at) % 1900 for at in range(200)]
    theirs = logits(folder, token_ids)
    ours = torch.cat(list(Playground(folder, "float32", "cpu").loaded.model.all_logits(token_ids)))
    # Its gelu is a table in 16 bit, as its keys and values are.
    torch.testing.assert_close(theirs, ours, rtol=0, atol=0.05)
    assert torch.equal(theirs.argmax(-1), ours.argmax(-1))


def test_a_tensor_of_another_model_is_refused():
    from benchmarks.gguf_file import gguf_name

    with pytest.raises(ValueError, match="no part of a GPT-2"):
        gguf_name("h.0.attn.q_proj.weight")


def test_q8_0_rounds_matrices_to_eight_bits_and_nothing_else(tmp_path):
    import gguf

    from benchmarks.gguf_file import write_gguf

    folder = make_model("demo", "float32", tmp_path)
    write_gguf(folder, folder / "exact.gguf")
    write_gguf(folder, folder / "rounded.gguf", is_quantised=True)
    exact, rounded = (
        {one.name: one for one in gguf.GGUFReader(folder / name).tensors}
        for name in ("exact.gguf", "rounded.gguf")
    )
    assert exact.keys() == rounded.keys()
    for name, one in rounded.items():
        wanted = torch.from_numpy(exact[name].data.copy())
        if one.tensor_type != gguf.GGMLQuantizationType.Q8_0:
            assert wanted.ndim == 1 or name == "position_embd.weight"
            assert torch.equal(torch.from_numpy(one.data.copy()), wanted)
            continue
        found = torch.from_numpy(gguf.quants.dequantize(one.data, one.tensor_type))
        errors, sizes = (one.abs().reshape(-1, 32).amax(1) for one in (wanted - found, wanted))
        # Half a step, and what the scale loses as a number of 16 bits.
        assert bool((errors <= 0.6 * sizes / 127 + 1e-7).all())
        assert float(errors.max()) > 0
