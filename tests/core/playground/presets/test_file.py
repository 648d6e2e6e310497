"""The presets file saved while the playground is open: what is picked stays, and runs go on."""

from __future__ import annotations

from dataclasses import replace

from core.presets.book import PresetBook, PresetsError
from core.records.settings import Settings
from tests.core.playground.played import BOOK, GREEDY, PRESETS, SAMPLE, gated


class Told:
    """A watch that says what the test tells it to."""

    def __init__(self):
        self.news = None

    @property
    def has_news(self):
        return self.news is not None

    def drain(self):
        news, self.news = self.news, None
        return news

    def start(self, told):
        pass

    stop = start


LONGER = replace(SAMPLE, settings=SAMPLE.settings.replace(max_new_tokens=9))


def saved(*presets):
    return PresetBook(BOOK.path, presets)


def test_the_picked_preset_is_the_files_from_then_on_and_its_run_is_not_disturbed(play):
    backend, gate = gated()
    watch = Told()
    one = play(backend, watch=watch)
    one.playground.next_run.pick(SAMPLE)
    one.playground.prompts.send("a")
    gate.release()
    one.until(lambda: one.document.step_count() == 1)

    watch.news = saved(GREEDY, LONGER, replace(GREEDY, name="mine", key=""))
    assert one.playground.is_busy
    assert one.drain().keys
    assert one.playground.next_run.preset is LONGER
    assert one.notice == "presets.yaml: changed: sample; new: mine; gone: beam, chat, seeded"
    assert one.document.is_running
    assert one.document.turns[-1].settings == SAMPLE.settings
    for _ in range(20):
        gate.release()
    one.settle()
    assert one.document.step_count() == 3
    assert one.playground.next_run.settings.max_new_tokens == 9


def test_a_broken_file_leaves_the_presets_and_its_sentence_stands_until_it_is_mended(play):
    watch = Told()
    one = play(watch=watch)
    fault = "presets.yaml:3: preset 'greedy': top_p must be from 0 to 1, not 2"
    watch.news = PresetsError(fault)
    one.drain()
    assert one.playground.next_run.book is BOOK
    assert one.playground.presets_file.fault == fault
    one.run("a")
    assert one.playground.presets_file.fault == fault

    watch.news = saved(*PRESETS)
    one.drain()
    assert one.playground.presets_file.fault == ""
    assert one.notice == "presets.yaml can be used again"


def test_a_picked_preset_that_is_gone_stays_as_it_was_until_it_is_back(play):
    watch = Told()
    one = play(watch=watch)
    one.playground.next_run.pick(SAMPLE)
    watch.news = saved(GREEDY)
    one.drain()
    assert one.notice.endswith("and 1 more; sample stays as it was until you pick another")
    one.run("a")
    assert one.document.turns[-1].settings == SAMPLE.settings
    watch.news = saved(GREEDY, LONGER)
    one.drain()
    assert one.playground.next_run.preset is LONGER


def test_by_hand_what_was_weighed_under_other_settings_is_weighed_again(play):
    watch = Told()
    one = play(watch=watch)
    one.playground.next_run.pick(SAMPLE)
    one.run("a")
    one.playground.by_hand.toggle()
    one.settle()
    assert one.document.weighed_for[0] == SAMPLE.settings
    watch.news = saved(GREEDY, replace(SAMPLE, settings=Settings(do_sample=True, top_k=3)))
    one.settle()
    assert one.document.weighed_for[0].top_k == 3
