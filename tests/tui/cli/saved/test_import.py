"""``gpt2-playground import``: what was saved is in a session again, and no file does any harm."""

from __future__ import annotations

import pytest

from core.document.export.several import text_of
from core.sessions.folder import SessionsFolder
from core.sessions.header import header_line, new_header
from core.sessions.reading import read_contents
from core.sessions.runs import runs_of
from tests.core.sessions.test_restoring import afternoon

KINDS = {
    "greedy": ("--preset", "greedy"),
    "nucleus": ("--preset", "nucleus", "--seed", "3"),
    "beam": ("--preset", "beam", "--set", "num_beams=3"),
}


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.setattr("core.sessions.folder.sessions_folder", lambda: tmp_path / "data")


def lines(text):
    """All but the line that is of the file alone."""
    return text.split("\n")[1:]


def test_runs_of_every_kind_go_there_and_back(cli, tmp_path):
    texts = []
    for kind in KINDS.values():
        _, out, _ = cli(
            "generate", "Größe: once", "--model", "demo", "--device", "cpu", "--steps", "5", *kind,
            "--format", "jsonl",
        )  # fmt: skip
        texts.append(out)
    file = tmp_path / "three.jsonl"
    file.write_text("".join(texts))

    code, out, err = cli("import", str(file))
    path = SessionsFolder().last()
    assert (code, out) == (0, "")
    assert err == f"3 runs taken into a new session, {path}; gpt2-playground opens it\n"
    for number, text in enumerate(texts, 1):
        assert cli("export", str(path), "--run", f"run {number}", "--format", "jsonl")[1] == text
    (listed,) = SessionsFolder().listed()
    assert (listed.summary.name, listed.summary.runs) == ("three", 3)
    state = read_contents(path.read_bytes()).state
    assert state.model.tokenizer_fingerprint
    assert state.model.name == "demo"


def test_a_session_goes_there_and_back(cli, tmp_path):
    file, into = tmp_path / "session.jsonl", tmp_path / "into.jsonl"
    file.write_bytes(afternoon().bytes())
    exported = cli("export", str(file), "--format", "jsonl")[1]

    assert cli("import", str(file), "--session", str(into))[0] == 0
    assert lines(cli("export", str(into), "--format", "jsonl")[1]) == lines(exported)
    code, _, err = cli("import", str(file), "--session", str(into))
    assert (code, err) == (0, f"10 runs taken into {into}\n")
    assert len(read_contents(into.read_bytes()).state.tree.nodes) == 20


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"Once upon a time", "is no run saved as JSON Lines, and no session"),
        (b"", "is no run saved"),
        (b"\xff\xfe", "is not UTF-8 text"),
        (b'{"type": "started", "format_version": "2.0"}\n', "none later than"),
        (b'{"type": "started", "format": "other"}\n', "this is no file of gpt2-playground"),
        (b'{"type": "started"}\n', "there is no whole one in it"),
        (b'{"format": "gpt2-playground session", "format_version": "9.0"}\n', "9.0, a later one"),
        pytest.param(header_line(new_header()), "is a session without a run", id="no run"),
        pytest.param(b"[" * 100_000, "is no run saved", id="deep lists"),
        pytest.param(b'{"type": "started", ' * 100_000, "is no run saved", id="deep objects"),
    ],
)
def test_what_cannot_be_taken_in_is_told_and_begins_nothing(cli, tmp_path, content, sentence):
    file = tmp_path / "other.jsonl"
    file.write_bytes(content)
    code, out, err = cli("import", str(file))

    assert (code, out) == (2, "")
    assert sentence in err
    assert err.count("\n") == 1
    assert SessionsFolder().listed() == []


def test_a_session_is_added_to_by_its_name_and_no_other_file_is_touched(cli, tmp_path):
    file, mine = tmp_path / "session.jsonl", tmp_path / "notes.txt"
    file.write_bytes(afternoon().bytes())
    mine.write_text("my notes\n")
    assert cli("import", str(file))[0] == 0
    assert cli("import", str(file), "--session", "session")[0] == 0
    (listed,) = SessionsFolder().listed()
    assert listed.summary.runs == 20
    for called, sentence in (
        (str(mine), "cannot be opened: it is no session of this program"),
        ("nobody", "there is no session 'nobody'"),
    ):
        code, _, err = cli("import", str(file), "--session", called)
        assert (code, sentence in err) == (2, True)
    assert mine.read_text() == "my notes\n"
    assert sorted(one.name for one in tmp_path.glob("*.*")) == ["notes.txt", "session.jsonl"]


def test_texts_of_a_hostile_file_are_texts(cli, tmp_path):
    (run_, *_) = runs_of(afternoon().restored())
    hostile = "\x1b]52;c;aGk=\x07\x1b[2J‮<script>alert(1)</script>"
    text = text_of([run_], "jsonl").replace("Once upon", "\\u001b]52;c;aGk=\\u0007\\u001b[2J")
    file = tmp_path / "a\x1b[2Jb.jsonl"
    file.write_text(text.replace("a preset", hostile.replace("\x1b", "\\u001b")[:30]))
    _, out, err = cli("import", str(file))

    assert "\x1b" not in out + err


def test_one_that_is_open_elsewhere_is_told(cli, tmp_path):
    from core.sessions.opening import open_session

    file, into = tmp_path / "session.jsonl", tmp_path / "into.jsonl"
    file.write_bytes(afternoon().bytes())
    session = open_session(into)
    code, _, err = cli("import", str(file), "--session", str(into))
    session.close()
    assert (code, "another program has it open" in err) == (2, True)
