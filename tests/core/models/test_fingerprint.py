"""What identifies weights: alike for a copy, another for whatever training would change."""

from __future__ import annotations

import shutil

import pytest
import torch
from safetensors.torch import save_file

from core.models import fingerprint
from core.models.fingerprint import weights_fingerprint

LARGE, SMALL = (64, 512), (8,)  # 128 KiB and 32 bytes


@pytest.fixture(params=["whole", "sampled"])
def folder(request, tmp_path, monkeypatch):
    if request.param == "sampled":
        monkeypatch.setattr(fingerprint, "_WHOLE", 0)
    weights = {"large": torch.ones(LARGE), "small": torch.ones(SMALL), "none": torch.ones(0)}
    save_file(weights, tmp_path / "model.safetensors")
    return tmp_path


def changed(folder, name, at, value=2.0):
    """Write the same weights with one number changed."""
    weights = {"large": torch.ones(LARGE), "small": torch.ones(SMALL), "none": torch.ones(0)}
    weights[name].view(-1)[at] = value
    save_file(weights, folder / "model.safetensors")


def test_a_copy_elsewhere_has_the_same(folder, tmp_path_factory):
    copy = tmp_path_factory.mktemp("moved") / "other"
    shutil.copytree(folder, copy)
    found = weights_fingerprint(folder)
    assert len(found) == 64
    assert weights_fingerprint(copy) == found


@pytest.mark.parametrize(
    ("name", "at"), [("large", 0), ("large", -1), ("large", 16_384), ("small", 3)]
)
def test_other_numbers_have_another(folder, name, at):
    before = weights_fingerprint(folder)
    changed(folder, name, at)
    assert weights_fingerprint(folder) != before


def test_the_same_bytes_as_other_tensors_have_another(folder):
    before = weights_fingerprint(folder)
    save_file(
        {
            "large": torch.ones(LARGE).T.contiguous(),
            "small": torch.ones(SMALL),
            "none": torch.ones(0),
        },
        folder / "model.safetensors",
    )
    assert weights_fingerprint(folder) != before


def test_shards_count_each(folder):
    (folder / "model.safetensors").rename(folder / "a.safetensors")
    shutil.copy(folder / "a.safetensors", folder / "b.safetensors")
    index = folder / "model.safetensors.index.json"
    index.write_text('{"weight_map": {"x": "a.safetensors", "y": "b.safetensors"}}')
    both = weights_fingerprint(folder)
    index.write_text('{"weight_map": {"x": "a.safetensors"}}')
    assert len({both, weights_fingerprint(folder), ""}) == 3


def test_what_is_not_there_or_damaged_has_none(folder):
    file = folder / "model.safetensors"
    file.write_bytes(file.read_bytes()[:-1])
    assert weights_fingerprint(folder) == ""
    file.unlink()
    assert weights_fingerprint(folder) == ""
