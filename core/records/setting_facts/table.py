"""The table of all settings' facts, by name: what refusals, dials, help and README read.

Must never say anything twice: a fact of a setting stands here and nowhere else.
"""

from __future__ import annotations

from core.records.setting_facts.choosing import CHOOSING
from core.records.setting_facts.facts import SettingFacts
from core.records.setting_facts.lengths import LENGTHS
from core.records.setting_facts.penalties import PENALTIES
from core.records.setting_facts.sampling import SAMPLING

FACTS: dict[str, SettingFacts] = {
    one.name: one for one in (*LENGTHS, *CHOOSING, *PENALTIES, *SAMPLING)
}
"""What is known of each setting: lengths first, then choosing, and what acts on chances in order.
"""
