"""The published schema of a session's file: all that is written follows it, and nothing beyond."""

from __future__ import annotations

import hashlib
import json

from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from core.records.settings import SETTING_NAMES
from core.sessions.appending import LineFile
from core.sessions.from_json import entry_of, object_of
from core.sessions.journal import Journal
from core.sessions.summary import Summary
from core.sessions.to_json import FORMAT_VERSION, entry_record, line_of
from tests.core.document.json_lines_schema import Schema
from tests.core.sessions.test_json import ENTRIES
from tests.core.sessions.test_restoring import afternoon

SESSION = Schema("session.schema.json", untyped="header")


def test_it_is_a_schema_of_the_format_that_is_written():
    Draft202012Validator.check_schema(SESSION.schema)
    assert SESSION.schema["$id"].rpartition(":")[2] == str(FORMAT_VERSION[0])
    assert set(SESSION.schema["$defs"]["settings"]["properties"]) == set(SETTING_NAMES)


def test_the_version_is_raised_where_a_line_gets_a_name():
    """Then write the new digest here: an older program takes a line that it cannot read as damaged,
    and cuts it off, unless the version says that it is newer."""
    parts = SESSION.schema["$defs"]
    names = [(part, sorted(parts[part].get("properties", ()))) for part in sorted(parts)]
    digest = hashlib.sha256(json.dumps(names).encode()).hexdigest()[:16]
    assert (FORMAT_VERSION, digest) == ((1, 4), "5c630396d29d9ef8")


def written(entry):
    """The object that stands in a file for an entry."""
    return object_of(line_of(entry_record(entry)))


@settings(max_examples=100, deadline=None)
@given(ENTRIES)
def test_every_line_that_can_be_written_follows_it(entry):
    assert SESSION.faults(written(entry)) == []


def test_a_file_of_every_kind_of_line_follows_it(tmp_path):
    work = afternoon()
    work.look_at(1)
    work.remove(6)
    work.name(2, "")
    path = tmp_path / "a.jsonl"
    journal = Journal(LineFile(path.open("ab", buffering=0), 2**20), Summary())
    for entry in work.entries:
        journal.write(entry)
    assert journal.close(10)

    lines = [json.loads(line) for line in path.read_bytes().splitlines()]
    assert [fault for one in lines for fault in SESSION.faults(one)] == []
    missing = set(SESSION.kinds) - {one.get("type", "header") for one in lines}
    assert missing == {
        "column",
        "columns_kept",
        "model",
        "prompt",
        "waits",
        "preset",
        "session",
    }  # what the app alone records


@settings(max_examples=100, deadline=None)
@given(ENTRIES, st.data())
def test_a_line_without_a_field_that_it_asks_for_is_refused(entry, data):
    record = written(entry)
    del record[data.draw(st.sampled_from(SESSION.strict["$defs"][record["type"]]["required"]))]

    assert SESSION.faults(record)


WRONG = st.sampled_from([None, True, -1, 1.5, "x", [], {}, [None], ["a"], [{}]])


@settings(max_examples=100, deadline=None)
@given(ENTRIES, st.data())
def test_what_it_allows_can_be_read(entry, data):
    """A line with any one field changed is refused by the schema, or read by the program."""
    record = written(entry)
    record[data.draw(st.sampled_from(sorted(record)))] = data.draw(WRONG)
    if SESSION.allows(record):
        entry_of(record)
