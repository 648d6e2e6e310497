"""The table of facts: every setting once, and no phrase too long for where it is shown."""

from __future__ import annotations

from core.records.setting_facts.table import FACTS
from core.records.settings import SETTING_NAMES


def test_every_setting_has_its_facts():
    assert set(FACTS) == set(SETTING_NAMES)


def test_phrases_fit_where_they_are_shown():
    for name, facts in FACTS.items():
        assert facts.does.endswith("."), name
        assert len(facts.meaning) <= 36, name
        assert max(map(len, facts.formula.splitlines())) <= 62, name
