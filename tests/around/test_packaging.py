"""The wheel: everything that the program needs at run time is inside."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
import zipfile

import pytest

from tests.places import REPOSITORY


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The names in a wheel, built from a copy of what the repository holds, without a network."""
    if importlib.util.find_spec("hatchling") is None:
        pytest.skip("hatchling is not installed, and fetching it would need a network")
    source, out = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in ("core", "tui"):
        shutil.copytree(
            REPOSITORY / name, source / name, ignore=shutil.ignore_patterns("__pycache__")
        )
    for name in ("pyproject.toml", "README.md", "LICENSE", "presets.yaml"):
        shutil.copy(REPOSITORY / name, source)
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)],
        cwd=source,
        check=True,
        capture_output=True,
        timeout=60,
    )
    return next(out.glob("*.whl"))


def test_the_wheel_holds_what_the_program_reads(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())

    expected = {
        path.relative_to(REPOSITORY).as_posix()
        for pattern in (
            "core/models/demo/*",
            "core/models/gpt2/kernel/source/*",
            "core/document/export/*.json",
            "core/document/export/page/page.*",
            "tui/**/*.tcss",
            "*/py.typed",
            "core/**/*.py",
            "tui/**/*.py",
        )
        for path in REPOSITORY.glob(pattern)
        if path.is_file()
    }
    assert "core/models/demo/model.safetensors" in expected
    assert expected >= {"core/py.typed", "tui/py.typed"}
    assert expected - names == set()
    assert "core/presets.yaml" in names


def test_the_wheel_holds_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        folders = {name.partition("/")[0] for name in archive.namelist()}

    assert {re.sub(r"-.*\.", ".", folder) for folder in folders} == {
        "core",
        "tui",
        "gpt2_playground.dist-info",
    }


def test_an_installed_wheel_finds_its_presets(wheel, tmp_path):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    (tmp_path / "empty").mkdir()
    program = (
        f"import sys; sys.path.insert(0, {str(tmp_path / 'site')!r})\n"
        "from core.presets.finding import find_presets_file, load_presets\n"
        "path = find_presets_file(None)\n"
        "print(path, len(load_presets(path).presets))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=tmp_path / "empty",
        env={"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )

    assert done.stdout.split() == [str(tmp_path / "site/core/presets.yaml"), "8"]
