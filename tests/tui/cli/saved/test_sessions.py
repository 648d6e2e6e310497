"""``gpt2-playground sessions``: listed, shown, named, deleted; hostile ones harm nobody."""

from __future__ import annotations

import json
import time
from functools import partial

import pytest

from core.sessions.folder import SessionsFolder
from core.sessions.opening import open_session
from tests.core.sessions.recorded import SAMPLE, Recorded
from tests.tui.screen_app import HOSTILE
from tui.cli.commands import run

LATER = '{"format":"gpt2-playground session","format_version":"9.0"}\n'


@pytest.fixture
def folder(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    folder = SessionsFolder()
    folder.folder.mkdir(parents=True)
    return folder


@pytest.fixture
def cli(cli):
    return partial(cli, "sessions")


def kept(folder, prompt="A long long time ago,", settings=SAMPLE, file=""):
    session = open_session(folder.folder / file if file else folder.new_path())
    work = Recorded(session.record)
    work.send(prompt, settings)
    work.name(1, "the first")
    work.fork(1, " dragon")
    assert session.close()
    folder.remember(session.path)
    return session.path


def test_none_yet(cli, folder):
    code, out, err = cli()

    assert (code, err) == (0, "")
    assert out.startswith("there is no session yet")
    assert str(folder.folder) in out


def test_a_list(cli, folder):
    first = kept(folder)
    kept(folder, "Another " + "very " * 30 + "long one")
    folder.name(first, "the lesson of Monday")
    folder.remember(first)
    code, out, err = cli()
    heads, *rows = out.splitlines()[:3]

    assert (code, err) == (0, "")
    assert heads.split() == ["NAME", "FIRST", "WORDS", "RUNS", "SIZE", "CHANGED", "MODEL", "FILE"]
    assert [row for row in rows if row.startswith("*")] == [row for row in rows if "Monday" in row]
    assert "A long long time ago," in out
    assert "Another very very" in out
    assert "…" in out
    assert first.name in out


def test_a_list_for_programs(cli, folder):
    path = kept(folder, HOSTILE.replace("\ud800", ""))
    (one,) = json.loads(cli("--format", "json")[1])

    assert one["path"] == str(path)
    assert (one["number"], one["runs"], one["is_last"], one["fault"]) == (1, 2, True, "")
    assert one["bytes"] == path.stat().st_size
    assert one["first_words"].startswith("[/b][@click=app.quit]\x1b]0;owned")
    assert one["changed"].startswith("20")


@pytest.mark.parametrize("arguments", [(), ("show", "1"), ("--format", "json")])
def test_hostile_texts_move_no_cursor(cli, folder, arguments):
    path = kept(folder, HOSTILE)
    with path.open("a") as file:
        file.write(json.dumps({"type": "session", "name": HOSTILE}) + "\n")
    foreign = folder.folder / "\x1b[2J\u202e.jsonl"
    foreign.write_text(HOSTILE.replace("\ud800", ""))
    _, out, err = cli(*arguments)

    assert not any((ord(one) < 32 and one != "\n") or one in "\x7f\x9b\u202e" for one in out + err)


def test_what_is_in_it(cli, folder):
    path = kept(folder)
    code, out, err = cli("show", "1")

    assert (code, err) == (0, "")
    assert f"file: {path}" in out
    assert [line.split()[:2] for line in out.splitlines()[-2:]] == [["1", "-"], ["2", "1"]]
    assert "the first" in out
    assert " dragon" in out
    assert "a preset" in out


def test_what_is_damaged_is_shown_as_far_as_it_is_whole(cli, folder):
    path = kept(folder)
    whole = path.read_bytes()
    path.write_bytes(whole + b'{"type":"run","no')
    code, out, err = cli("show", path.stem)

    assert code == 0
    assert " dragon" in out
    assert err == "its last line is not whole; this is what comes before\n"
    assert path.read_bytes() == whole + b'{"type":"run","no'


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (LATER, "it has format 9.0, a later one"),
        ("my shopping list\n", "it is no session of this program"),
        ('{"format":"other"}\n', "it is no session of this program"),
    ],
)
@pytest.mark.parametrize("command", [("show", "1"), ("rename", "1", "a name")])
def test_what_cannot_be_read_is_told_and_left_alone(cli, folder, text, why, command):
    path = folder.folder / "one.jsonl"
    path.write_text(text)
    assert why in cli()[1]
    code, out, err = cli(*command)

    assert (code, out) == (2, "")
    assert why in err
    assert err.count("\n") == 1
    assert [one.name for one in folder.folder.iterdir()] == ["one.jsonl"]
    assert path.read_text() == text


def test_a_name(cli, folder):
    path = kept(folder)
    assert cli("rename", "1", " a lesson ") == (0, "", "")
    assert folder.listed()[0].summary.name == "a lesson"
    assert cli("rename", "a lesson", "\x1b[2J")[0] == 2
    assert cli("rename", "A Lesson", "") == (0, "", "")
    assert folder.listed()[0].summary.name == ""
    assert folder.listed()[0].path == path


def test_deleting_asks(cli, folder, monkeypatch):
    path, answers = kept(folder), iter([False, True])
    code, _, err = cli("delete", "1")
    assert (code, err.count("\n")) == (2, 1)
    assert "--yes" in err

    monkeypatch.setattr("tui.cli.saved.sessions.sys.stdin.isatty", lambda: True)
    monkeypatch.setattr("tui.cli.saved.sessions.typer.confirm", lambda *_, **__: next(answers))
    assert cli("delete", "1") == (1, "", "nothing was deleted\n")
    assert path.exists()
    assert cli("delete", "1") == (0, "", "")
    assert not path.exists()


def test_what_is_open_is_not_deleted(cli, folder):
    session = open_session(kept(folder))
    code, _, err = cli("delete", "1", "--yes")
    session.close()

    assert code == 2
    assert "another program" in err
    assert session.path.exists()


def test_without_a_question(cli, folder):
    path = kept(folder)
    assert cli("delete", path.name, "--yes") == (0, "", "")
    assert not path.exists()


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("show", "nobody"), "there is no session 'nobody'; gpt2-playground sessions lists"),
        (("delet", "1"), "did you mean 'delete'?"),
        (("--format", "json", "show", "1"), "--format has no effect on show"),
    ],
)
def test_bad_input_gets_a_sentence(cli, folder, arguments, why):
    code, out, err = cli(*arguments)

    assert (code, out, err.count("\n")) == (2, "", 1)
    assert why in err


def test_an_option_of_the_app_is_refused(capfd):
    assert run(["--preset", "greedy", "sessions"]) == 2
    assert "--preset has no effect on sessions" in capfd.readouterr().err


def test_two_hundred_are_listed_at_once(cli, folder):
    data = kept(folder).read_bytes()
    for number in range(199):
        (folder.folder / f"{number}.jsonl").write_bytes(data)
    begun = time.perf_counter()
    code, out, _ = cli()

    assert code == 0
    assert out.count("A long long time ago,") == 200
    assert time.perf_counter() - begun < 2
