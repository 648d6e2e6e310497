"""Where a model goes, decided from sizes alone."""

from __future__ import annotations

import pytest
import torch

from core.models.device.found import Device
from core.models.device.placement import SMALL_PARAMETERS, ModelSize, place
from core.records.errors import PlaygroundError

GB = 10**9
XL = ModelSize("gpt2-xl", 1_557_611_200, 2 * 48 * 1600 * 1024)
CPU = Device("cpu", 24 * GB, "float32")
SMALL_GPU = Device("cuda:0", 4 * GB, "bfloat16")
LARGE_GPU = Device("cuda:1", 20 * GB, "bfloat16")
OLD_GPU = Device("cuda:2", 10 * GB, "float16")


def test_processor_where_there_is_no_gpu():
    placement = place(XL, devices=[CPU])
    assert placement.device == torch.device("cpu")
    assert placement.dtype is torch.float32
    assert placement.reason == "the processor, since there is no GPU; float32 suits it"


def test_gpu_with_the_most_free_memory_in_its_native_dtype():
    placement = place(XL, devices=[SMALL_GPU, LARGE_GPU, OLD_GPU, CPU])
    assert (str(placement.device), placement.dtype) == ("cuda:1", torch.bfloat16)
    assert place(XL, devices=[OLD_GPU, CPU]).dtype is torch.float16


def test_processor_where_no_gpu_has_room():
    tiny = Device("cuda:0", 1 * GB, "bfloat16")
    placement = place(XL, devices=[tiny, CPU])
    assert placement.device.type == "cpu"
    assert "cuda:0 has 1.0 GB free of the 4.2 GB needed" in placement.reason


def test_a_small_model_stays_on_the_processor_unless_a_gpu_is_asked_for():
    for parameters, expected in ((SMALL_PARAMETERS - 1, "cpu"), (SMALL_PARAMETERS, "cuda:1")):
        size = ModelSize("tiny", parameters, 0)
        for devices in ([LARGE_GPU, CPU], [SMALL_GPU, LARGE_GPU, CPU]):
            assert str(place(size, devices=devices).device) == expected
            assert str(place(size, "cuda", devices=devices).device) == "cuda:1"
            assert str(place(size, "cpu", devices=devices).device) == "cpu"
    demo = ModelSize("demo", 1_600_000, 0)
    assert place(demo, devices=[LARGE_GPU, CPU]).reason == (
        "the processor, since the model is small; float32 suits it"
    )
    full = Device("cpu", 0, "float32")
    assert str(place(demo, devices=[LARGE_GPU, full]).device) == "cuda:1"


def test_int8_is_for_the_processor_and_only_where_asked_for():
    for devices in ([CPU], [LARGE_GPU, CPU]):
        for device in ("auto", "cpu"):
            placement = place(XL, device, "int8", devices=devices)
            assert (placement.device.type, placement.dtype) == ("cpu", torch.int8)
    assert place(XL, "auto", "int8", devices=[LARGE_GPU, CPU]).reason == (
        "the processor, where alone int8 runs; int8 as asked for"
    )
    with pytest.raises(
        PlaygroundError, match=r"not on cuda; use --device cpu, or --dtype bfloat16"
    ):
        place(XL, "cuda", "int8", devices=[LARGE_GPU, CPU])
    # A byte for each parameter, two for each element of the cache.
    assert XL.needed_bytes("int8", "cpu") == int((1_557_611_200 + 2 * XL.cache_elements) * 1.05)


def test_a_named_device_is_kept_to():
    assert (
        str(
            place(
                XL, "cuda:0", devices=[Device("cuda:0", 9 * GB, "bfloat16"), LARGE_GPU, CPU]
            ).device
        )
        == "cuda:0"
    )
    assert str(place(XL, "cuda", devices=[SMALL_GPU, LARGE_GPU, CPU]).device) == "cuda:1"
    assert place(XL, "cpu", "bfloat16", devices=[LARGE_GPU, CPU]).dtype is torch.bfloat16


@pytest.mark.parametrize(
    ("free", "dtype", "advice"),
    [
        (5 * GB, "float32", "--dtype bfloat16 would fit"),
        (3 * GB, "auto", "--model gpt2-large would fit"),
        (5 * GB // 2, "float32", "--model gpt2-medium would fit"),
        (1 * GB // 2, "auto", "use --model demo"),
    ],
)
def test_too_little_memory_names_what_would_fit(free, dtype, advice):
    gpu = Device("cuda:0", free, "bfloat16")
    with pytest.raises(PlaygroundError, match=advice):
        place(XL, "cuda:0", dtype, devices=[gpu, CPU])


@pytest.mark.parametrize(
    ("device", "dtype", "sentence"),
    [
        ("gpu", "auto", "unknown device 'gpu'"),
        ("cuda:x", "auto", "unknown device 'cuda:x'"),
        ("cpu:0", "auto", "unknown device"),
        ("cuda:7", "auto", "no device 'cuda:7' on this machine; it has cpu"),
        ("mps", "auto", "no device 'mps'"),
        ("cpu", "int4", "unknown dtype 'int4'"),
    ],
)
def test_wrong_names(device, dtype, sentence):
    with pytest.raises(PlaygroundError, match=sentence):
        place(XL, device, dtype, devices=[CPU])
