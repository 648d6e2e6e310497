"""Downloads from a hub on loopback: progress, cuts, resuming, cancelling, and what is asked for."""

from __future__ import annotations

import json
import re
import shutil
import threading
import time

import pytest

from core.models.hub import download as hub_module
from core.models.hub.download import DownloadCancelled, download, find_cached
from core.records.errors import PlaygroundError
from tests.core.models.hub.conftest import model_files, safetensors
from tests.core.models.hub.server import COMMIT, Hub, until

WEIGHTS = "model.safetensors"


def fetch(name="owner/tiny", is_cancelled=lambda: False):
    reports = []
    folder = download(name, reports.append, is_cancelled)
    return folder, reports


@pytest.fixture
def big(hub):
    """A repository with 6 MB of weights that are nothing special."""
    files = model_files(shapes={"wte": (1500, 1024)})
    hub.add("owner/tiny", files)
    return files


def incomplete(cache):
    return list(cache.glob("models--owner--tiny/blobs/*.incomplete"))


def test_a_download_is_loaded_by_transformers(hub, cache, tiny_model):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    rubbish = ("pytorch_model.bin", "tf_model.h5", "modeling.py", "model.fp16.safetensors")
    hub.add("owner/tiny", {**tiny_model, **dict.fromkeys(rubbish, b"no"), "onnx/model.onnx": b"no"})
    hub.behaviour.bytes_per_second = 12e6
    total = sum(map(len, tiny_model.values()))

    folder, reports = fetch()
    model = AutoModelForCausalLM.from_pretrained(folder, local_files_only=True)
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)

    assert sum(parameter.numel() for parameter in model.parameters()) > 1_000_000
    assert tokenizer("w3 w5").input_ids == [3, 5]
    assert find_cached("owner/tiny") == folder
    done = [report.bytes_done for report in reports]
    assert done == sorted(done)
    assert len(set(done)) >= 3
    assert done[-1] == reports[-1].bytes_total == total
    assert max(report.bytes_per_second for report in reports) > 1e5
    assert any(report.seconds_left for report in reports)
    assert {report.file for report in reports} >= {WEIGHTS}
    asked = {seen.path.rsplit("/", 1)[-1] for seen in hub.seen if "/resolve/" in seen.path}
    assert asked == set(tiny_model)


def test_the_library_finds_what_was_downloaded(hub, cache, big):
    from huggingface_hub import scan_cache_dir, try_to_load_from_cache

    folder, _ = fetch()

    assert try_to_load_from_cache("owner/tiny", WEIGHTS, cache_dir=cache) == str(folder / WEIGHTS)
    report = scan_cache_dir(cache)
    assert not report.warnings
    (repository,) = report.repos
    assert (repository.repo_id, repository.nb_files) == ("owner/tiny", 3)
    (revision,) = repository.revisions
    assert (revision.commit_hash, revision.refs) == (COMMIT, {"main"})


def test_a_second_download_fetches_nothing(hub, big):
    folder, _ = fetch()
    hub.seen.clear()

    assert fetch()[0] == folder
    assert not hub.requested(WEIGHTS)


def test_a_short_name_means_its_owner_too(hub):
    hub.add("openai-community/gpt2", model_files())

    folder, reports = fetch("gpt2")

    assert folder.parts[-3] == "models--openai-community--gpt2"
    assert find_cached("gpt2") == find_cached("openai-community/gpt2") == folder
    assert reports[-1].name == "gpt2"


def test_a_cut_is_mended_at_once(hub, big):
    hub.behaviour.cut_after = [2_000_000, 1_000_000]

    fetch()

    starts = [seen.start for seen in hub.requested(WEIGHTS)]
    assert starts[0] is None
    assert 0 < starts[1] < starts[2]
    assert hub.bytes_sent < 1.2 * sum(map(len, big.values()))


def test_a_broken_link_keeps_what_came_and_the_next_download_goes_on(hub, cache, big, impatient):
    hub.behaviour.cut_after = [3_000_000, *[0] * 10]

    with pytest.raises(PlaygroundError, match=r"the connection .* broke .* MB that have come are"):
        fetch()

    (partial,) = incomplete(cache)
    kept = partial.stat().st_size
    assert 0 < kept <= 3_000_000
    assert find_cached("owner/tiny") is None
    hub.behaviour.cut_after = []
    hub.seen.clear()

    _, reports = fetch()

    assert [seen.start for seen in hub.requested(WEIGHTS)] == [kept]
    assert reports[0].bytes_done >= kept
    assert hub.bytes_sent < 2 * sum(map(len, big.values()))
    assert not incomplete(cache)


def test_bytes_of_an_earlier_download_are_no_speed(hub, cache, big, impatient):
    hub.behaviour.cut_after = [4_000_000, *[0] * 10]
    with pytest.raises(PlaygroundError):
        fetch()
    hub.behaviour.cut_after = []
    hub.behaviour.bytes_per_second = 2e6

    _, reports = fetch()

    assert max(report.bytes_per_second for report in reports) < 8e6


def test_cancelling_keeps_what_came(hub, cache, big):
    hub.behaviour.bytes_per_second = 4e6

    def is_cancelled():
        return any(path.stat().st_size > 500_000 for path in incomplete(cache))

    with pytest.raises(
        DownloadCancelled, match=r"cancelled; .* of 6\.1 MB that have come are kept"
    ):
        fetch(is_cancelled=is_cancelled)
    (partial,) = incomplete(cache)
    kept = partial.stat().st_size
    time.sleep(0.3)  # a thread that still wrote would be seen
    assert partial.stat().st_size == kept
    hub.behaviour.bytes_per_second = None

    fetch()

    assert hub.requested(WEIGHTS)[-1].start == kept


@pytest.mark.parametrize("stage", ["listing", "weights"])
def test_cancelling_a_stalled_connection_is_prompt(hub, cache, big, stage):
    hub.behaviour.is_silent = stage == "listing"
    hub.behaviour.stall_after = 1_000_000
    cancelled = threading.Event()
    ended = []

    def run():
        with pytest.raises(DownloadCancelled):
            fetch(is_cancelled=cancelled.is_set)
        ended.append(time.monotonic())

    thread = threading.Thread(target=run)
    thread.start()
    until(lambda: hub.seen if stage == "listing" else bool(incomplete(cache)))
    time.sleep(0.2)
    began = time.monotonic()
    cancelled.set()
    thread.join(10)

    assert ended
    assert ended[0] - began < 1
    hub.behaviour.is_silent, hub.behaviour.stall_after = False, None
    fetch()  # at once, though the thread of the stalled one still waits


@pytest.mark.parametrize("way", ["ignores_ranges", "refuses_ranges"])
def test_a_server_that_cannot_continue_starts_again(hub, cache, big, impatient, way):
    hub.behaviour.cut_after = [2_000_000, *[0] * 10]
    with pytest.raises(PlaygroundError):
        fetch()
    hub.behaviour.cut_after = []
    setattr(hub.behaviour, way, True)

    folder, reports = fetch()

    assert (folder / WEIGHTS).read_bytes() == big[WEIGHTS]
    assert reports[-1].bytes_done == reports[-1].bytes_total


@pytest.mark.parametrize("name", [WEIGHTS, "config.json", "tokenizer.json"])
def test_a_damaged_file_is_thrown_away(hub, cache, big, name):
    """A large file has a SHA-256, a small one git's SHA-1 of its size and content."""
    hub.behaviour.corrupts = name

    with pytest.raises(PlaygroundError, match=rf"{re.escape(name)} arrived damaged"):
        fetch()

    assert find_cached("owner/tiny") is None
    hub.behaviour.corrupts = ""
    folder, _ = fetch()
    assert (folder / name).read_bytes() == big[name]


@pytest.mark.parametrize("more", [1, 100_000])
def test_more_than_a_file_has_is_not_what_came_of_it_before(hub, cache, big, impatient, more):
    hub.behaviour.cut_after = [3_000_000, *[0] * 10]
    with pytest.raises(PlaygroundError):
        fetch()
    (partial,) = incomplete(cache)
    partial.write_bytes(big[WEIGHTS] + b"x" * more)
    hub.behaviour.cut_after = []
    hub.seen.clear()

    folder, reports = fetch()

    assert [seen.start for seen in hub.requested(WEIGHTS)] == [None]
    assert (folder / WEIGHTS).read_bytes() == big[WEIGHTS]
    assert all(
        report.bytes_total is None or report.bytes_done <= report.bytes_total for report in reports
    )
    assert not incomplete(cache)


def test_a_truncated_blob_is_no_whole_one(hub, cache, big):
    folder, _ = fetch()
    blob = (folder / WEIGHTS).resolve()
    blob.write_bytes(blob.read_bytes()[:-100])

    assert find_cached("owner/tiny") is None
    assert fetch()[0] == find_cached("owner/tiny") == folder
    assert (folder / WEIGHTS).read_bytes() == big[WEIGHTS]


def test_two_downloads_at_once_do_not_mix(hub, cache, big):
    hub.behaviour.bytes_per_second = 3e6
    first = threading.Thread(target=fetch)
    first.start()
    until(lambda: bool(incomplete(cache)))

    with pytest.raises(PlaygroundError, match="another program is downloading"):
        fetch()

    hub.behaviour.bytes_per_second = None
    first.join(10)
    assert find_cached("owner/tiny") is not None


def test_shards_come_as_their_index_says(hub, cache):
    index = {
        "weight_map": {
            "a": "model-00001-of-00002.safetensors",
            "b": "model-00002-of-00002.safetensors",
        }
    }
    files = model_files()
    del files[WEIGHTS]
    files |= {
        "model.safetensors.index.json": json.dumps(index).encode(),
        "model-00001-of-00002.safetensors": safetensors({"a": (4, 4)}),
        "model-00002-of-00002.safetensors": safetensors({"b": (2, 2)}),
        "model-00001-of-00003.safetensors": safetensors({"c": (2, 2)}),
    }
    hub.add("owner/tiny", files)

    folder, reports = fetch()

    assert not hub.requested("of-00003.safetensors")
    assert find_cached("owner/tiny") == folder
    assert reports[-1].bytes_done == reports[-1].bytes_total


def test_weights_in_one_file_win_over_shards(hub, big):
    big["model.safetensors.index.json"] = b'{"weight_map": {"a": "model-1.safetensors"}}'
    big["model-1.safetensors"] = b"no"

    fetch()

    assert not hub.requested("index.json")
    assert not hub.requested("model-1.safetensors")


def test_a_list_without_sizes_is_completed(hub, big):
    hub.behaviour.leaves_out_sizes = True

    folder, reports = fetch()

    assert reports[-1].bytes_total == sum(map(len, big.values()))
    assert (folder / WEIGHTS).read_bytes() == big[WEIGHTS]


def test_a_full_disk_is_noticed_before_anything_is_fetched(hub, cache, big, monkeypatch):
    usage = shutil.disk_usage(cache.parent.parent)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=1_000_000))

    with pytest.raises(PlaygroundError, match=r"needs 6\.1 MB more, but only 1\.0 MB are free"):
        fetch()

    assert not any("/resolve/" in seen.path for seen in hub.seen)


@pytest.mark.parametrize("lacking", [0, 1])
def test_some_room_is_left_on_the_disk(hub, cache, big, monkeypatch, lacking):
    """128 MiB; and where nothing is missing, none is asked for."""
    usage = shutil.disk_usage(cache.parent.parent)
    free = sum(map(len, big.values())) + 128 * 2**20 - lacking
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=free))
    if lacking:
        with pytest.raises(PlaygroundError, match="are free"):
            fetch()
        return
    folder, _ = fetch()
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage._replace(free=0))
    assert fetch()[0] == folder


def test_a_disk_that_fills_up_keeps_what_came(hub, cache, big, monkeypatch):
    from core.models.hub.files import RepositoryFiles

    append = RepositoryFiles.append

    def limited(self, handle, data):
        if handle.tell() > 1_000_000:
            raise OSError(28, "No space left on device")
        append(self, handle, data)

    monkeypatch.setattr(RepositoryFiles, "append", limited)
    with pytest.raises(PlaygroundError, match=r"is full; .*that have come are kept"):
        fetch()
    monkeypatch.undo()

    assert incomplete(cache)[0].stat().st_size > 1_000_000


def test_a_token_is_sent_to_the_hub(hub, big, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_secret")

    fetch()

    assert {seen.authorization for seen in hub.seen} == {"Bearer hf_secret"}


def test_a_token_stays_with_the_hub(hub, big, monkeypatch, impatient):
    storage = Hub()
    storage.add("owner/tiny", big)
    storage.behaviour.cut_after = [2_000_000]
    hub.behaviour.storage = storage.address
    monkeypatch.setenv("HF_TOKEN", "hf_secret")

    folder, _ = fetch()
    storage.close()

    assert (folder / WEIGHTS).read_bytes() == big[WEIGHTS]
    assert {seen.authorization for seen in storage.seen} == {None}
    assert storage.seen[1].start > 0


def test_offline_nothing_is_asked(hub, big, monkeypatch):
    from huggingface_hub import constants

    folder, _ = fetch()
    hub.seen.clear()
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)

    assert fetch()[0] == folder
    with pytest.raises(PlaygroundError, match="HF_HUB_OFFLINE is set; unset it"):
        fetch("owner/other")
    assert not hub.seen


def test_the_meter_says_so_when_nothing_comes_any_more():
    class Transfer:
        bytes_total, bytes_done, bytes_fetched, file = 100, 0, 0, "a"

    transfer = Transfer()
    meter = hub_module.Meter("m", transfer)
    meter.read(0.0)
    transfer.bytes_done = transfer.bytes_fetched = 50

    assert meter.read(1.0).bytes_per_second == 50
    assert meter.read(1.0 + 0.1) is None
    readings = [meter.read(float(second)) for second in range(2, 12)]
    assert readings[-1].bytes_per_second == 0
    assert readings[-1].seconds_left is None
