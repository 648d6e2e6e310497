"""A repository's files on the disk, without a hub: what is there, what grows, what goes."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import pytest

from core.models.hub.errors import Abandoned, UntrustedAnswer
from core.models.hub.files import RemoteFile, RepositoryFiles
from core.records.errors import PlaygroundError

COMMIT = "c" * 40
DATA = b"some weights " * 1000


def remote(data=DATA, name="model.safetensors"):
    return RemoteFile(name, len(data), hashlib.sha256(data).hexdigest())


def small(data=b"{}", name="config.json"):
    made = hashlib.sha1(b"blob %d\0" % len(data) + data, usedforsecurity=False)
    return RemoteFile(name, len(data), made.hexdigest())


@pytest.fixture
def files(tmp_path):
    return RepositoryFiles(tmp_path / "models--a--b", COMMIT)


def blob(files, file, more=""):
    return files.snapshot.parent.parent / "blobs" / (file.digest + more)


def put(path, data):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


def written(files, file, data):
    with files.writing(file) as partial:
        partial.write(data)
        partial.finish()


class TestChecks:
    @pytest.mark.parametrize("length", [40, 64])
    def test_a_checksum_is_one_that_a_hub_has(self, length):
        assert RemoteFile("a", 1, "0f" * (length // 2)).size == 1
        for wrong in ("0" * (length - 1), "0" * (length + 1), "0" * (length - 1) + "G", ""):
            with pytest.raises(UntrustedAnswer, match="the checksum of a makes no sense"):
                RemoteFile("a", 1, wrong)

    @pytest.mark.parametrize("commit", ["main", "c" * 39, "c" * 41, "c" * 39 + "/", ""])
    def test_a_commit_is_one(self, tmp_path, commit):
        with pytest.raises(UntrustedAnswer, match="it names no commit"):
            RepositoryFiles(tmp_path, commit)


class TestPresent:
    def test_nothing_is(self, files):
        assert files.bytes_present(remote()) == 0
        assert not files.is_there(remote())

    @pytest.mark.parametrize("where", ["snapshot", "blob"])
    def test_a_file_of_the_right_size_is_in_either_place(self, files, where):
        file = remote()
        path = files.snapshot / file.name if where == "snapshot" else blob(files, file)
        put(path, DATA)
        assert files.bytes_present(file) == len(DATA)
        assert files.is_there(file)
        assert (files.snapshot / file.name).read_bytes() == DATA
        assert (files.snapshot / file.name).is_symlink() == (where == "blob")

    @pytest.mark.parametrize("where", ["snapshot", "blob"])
    @pytest.mark.parametrize("change", [-1, 1])
    def test_one_of_another_size_is_none(self, files, where, change):
        file = remote()
        path = files.snapshot / file.name if where == "snapshot" else blob(files, file)
        put(path, DATA[:-1] if change < 0 else DATA + b"x")
        assert files.bytes_present(file) == 0
        assert not files.is_there(file)
        assert not blob(files, file).exists(), "what nobody can use is removed"

    @pytest.mark.parametrize(
        ("size", "present"), [(0, 0), (5, 5), (len(DATA), len(DATA)), (len(DATA) + 1, 0)]
    )
    def test_of_one_that_has_begun_to_come_there_is_what_it_may_have(self, files, size, present):
        file = remote()
        put(blob(files, file, ".incomplete"), (DATA + b"x")[:size])
        assert files.bytes_present(file) == present
        assert not files.is_there(file), "whole is only what was checked"

    def test_room_is_that_of_the_disk_even_where_no_folder_is_yet(self, files, monkeypatch):
        import shutil

        usage = shutil.disk_usage("/")._replace(free=77)
        asked = []
        monkeypatch.setattr(shutil, "disk_usage", lambda path: asked.append(path) or usage)
        assert files.free_space() == 77
        files.snapshot.mkdir(parents=True)
        assert files.free_space() == 77
        folder = files.snapshot.parent.parent
        assert asked == [folder.parent, folder]


class TestWriting:
    @pytest.mark.parametrize("make", [remote, small])
    def test_a_file_gets_its_name_when_it_is_whole(self, files, make):
        data = b"x" * 5000
        file = make(data)
        with files.writing(file) as partial:
            for start in range(0, 5000, 1000):
                assert partial.size == start
                partial.write(data[start : start + 1000])
                assert not blob(files, file).exists()
            partial.finish()
        link = files.snapshot / file.name
        assert link.is_symlink()
        assert link.resolve() == blob(files, file)
        assert not Path(link.readlink()).is_absolute()
        assert link.read_bytes() == data
        assert not blob(files, file, ".incomplete").exists()
        assert sorted(path.name for path in files.snapshot.iterdir()) == [file.name]

    def test_what_came_before_is_gone_on_with_and_checked(self, files):
        file = remote()
        put(blob(files, file, ".incomplete"), DATA[:700])
        with files.writing(file) as partial:
            assert partial.size == 700
            partial.write(DATA[700:])
            partial.finish()
        assert (files.snapshot / file.name).read_bytes() == DATA

    def test_what_came_before_may_be_all_of_it(self, files):
        file = remote()
        put(blob(files, file, ".incomplete"), DATA)
        with files.writing(file) as partial:
            assert partial.size == file.size
            partial.finish()
        assert (files.snapshot / file.name).read_bytes() == DATA

    def test_more_than_it_has_is_begun_anew(self, files):
        file = remote()
        put(blob(files, file, ".incomplete"), DATA + b"x")
        with files.writing(file) as partial:
            assert partial.size == 0
            partial.write(DATA)
            partial.finish()
        assert (files.snapshot / file.name).read_bytes() == DATA

    def test_more_than_was_announced_is_refused_before_it_is_written(self, files):
        file = remote()
        with files.writing(file) as partial:
            partial.write(DATA)
            with pytest.raises(UntrustedAnswer, match="longer than announced"):
                partial.write(b"x")
            assert blob(files, file, ".incomplete").read_bytes() == DATA

    @pytest.mark.parametrize("data", [DATA[:-1], DATA[:-1] + b"x"])
    @pytest.mark.parametrize("make", [remote, small])
    def test_a_wrong_one_is_thrown_away(self, files, make, data):
        file = make(DATA)
        with files.writing(file) as partial:
            partial.write(data)
            with pytest.raises(PlaygroundError, match=f"{file.name} arrived damaged"):
                partial.finish()
            assert partial.size == 0
            assert blob(files, file, ".incomplete").read_bytes() == b""
            partial.write(DATA)
            partial.finish()
        assert (files.snapshot / file.name).read_bytes() == DATA

    def test_a_disk_that_takes_a_part_at_a_time_gets_all(self, files):
        class Slow(io.BytesIO):
            def write(self, data):
                return super().write(bytes(data[:7]))

        handle = Slow()
        files.append(handle, DATA)
        assert handle.getvalue() == DATA

    def test_an_older_link_is_replaced(self, files):
        old, new = remote(b"old"), remote(b"new weights")
        written(files, old, b"old")
        put(files.snapshot / f".{new.name}.new", b"left behind")
        written(files, new, b"new weights")
        assert (files.snapshot / new.name).read_bytes() == b"new weights"
        assert blob(files, old).read_bytes() == b"old"

    def test_where_links_are_not_allowed_the_file_itself_stands_there(self, files, monkeypatch):
        def refuse(_path, _target):
            raise OSError("not here")

        monkeypatch.setattr(Path, "symlink_to", refuse)
        file = remote()
        written(files, file, DATA)
        assert (files.snapshot / file.name).read_bytes() == DATA
        assert not (files.snapshot / file.name).is_symlink()
        assert not blob(files, file).exists()
        assert files.is_there(file)

    def test_nobody_else_writes_meanwhile_but_afterwards(self, files):
        file = remote()
        other = RepositoryFiles(files.snapshot.parent.parent, COMMIT)
        with files.writing(file) as partial:
            partial.write(DATA[:10])
            with (
                pytest.raises(PlaygroundError, match="another program"),
                other.writing(file),
            ):
                pass
        with other.writing(file) as partial:
            assert partial.size == 10


class TestShut:
    def test_nothing_is_written_any_more(self, files):
        file = remote()
        with files.writing(file) as partial:
            partial.write(DATA[:10])
            assert not files.is_shut
            files.shut()
            assert files.is_shut
            with pytest.raises(Abandoned):
                partial.write(b"x")
        assert blob(files, file, ".incomplete").read_bytes() == DATA[:10]
        with pytest.raises(Abandoned), files.writing(file):
            pass
        with pytest.raises(Abandoned):
            files.point("main")
        put(blob(files, file), DATA)
        with pytest.raises(Abandoned):
            files.is_there(file)
        assert not files.snapshot.exists()

    def test_what_was_there_before_can_be_read(self, files):
        file = remote()
        written(files, file, DATA)
        files.shut()
        assert files.is_there(file)


class TestPointing:
    def test_a_revision_means_the_commit(self, files):
        files.point("main")
        files.point("refs/pr/1")
        references = files.snapshot.parent.parent / "refs"
        assert (references / "main").read_text() == COMMIT
        assert (references / "refs/pr/1").read_text() == COMMIT

    def test_a_commit_is_no_revision(self, files):
        files.point(COMMIT)
        assert not (files.snapshot.parent.parent / "refs").exists()
