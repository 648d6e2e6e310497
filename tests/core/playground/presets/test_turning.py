"""Settings turned before a run: what runs, what is saved, what is taken back, what a step shows."""

from __future__ import annotations

import dataclasses

import pytest

from core.backends.local import LocalBackend
from core.backends.scripted import ScriptedBackend
from core.looking_back.explain import explain
from core.looking_back.other_settings.dial_table import RUN_DIALS
from core.looking_back.other_settings.look import Looker
from core.presets.book import CHANGED, Preset, PresetBook
from core.presets.finding import load_presets
from core.records.chat import ChatFormat
from core.records.errors import PlaygroundError
from core.records.settings import Settings
from core.sessions.opening import open_session
from tests.core.playground.played import BOOK, CHAT, GREEDY, MODEL, SAMPLE, SEEDED
from tui.actions.conditions import has_recommended

NAMES = [one.name for one in RUN_DIALS]


def turn(one, name, *offsets):
    one.playground.turning.pick(NAMES.index(name))
    for offset in offsets:
        one.playground.turning.move(offset)


def test_what_is_turned_is_run_under_a_marked_name_and_taken_back(play):
    one = play()
    next_run = one.playground.next_run
    turn(one, "temperature", 1)
    turn(one, "max_new_tokens", 1)
    assert next_run.is_changed(GREEDY)
    one.run("a")
    turn_ = one.document.turns[-1]
    assert turn_.preset_name == "greedy" + CHANGED
    assert turn_.settings == Settings(do_sample=True, temperature=1.05, max_new_tokens=4)

    next_run.take_back()
    assert next_run.settings == GREEDY.settings
    assert one.notice == "greedy is as it was; again brings the change back"
    next_run.take_back()
    assert next_run.settings == turn_.settings
    next_run.pick(GREEDY)  # its own key is the same
    assert not next_run.is_changed(GREEDY)
    one.run()
    assert one.document.turns[-1].preset_name == "greedy"


def test_each_preset_keeps_its_change_while_another_is_picked(play):
    one = play()
    next_run = one.playground.next_run
    turn(one, "no_repeat_ngram_size", 1, 1)
    next_run.pick(SAMPLE)
    assert one.playground.turning.dials.settings == SAMPLE.settings
    next_run.pick(GREEDY)
    assert one.playground.turning.dials.value("no_repeat_ngram_size") == 2
    one.playground.turning.reset()
    assert not next_run.is_changed(GREEDY)


def test_a_seed_that_is_turned_wins_over_the_one_for_all_runs(play):
    one = play(seed=9, preset_name="seeded")
    turn(one, "seed", 1)
    assert one.playground.next_run.settings.seed == 10
    one.playground.turning.reset()
    assert one.playground.next_run.settings.seed == 9
    assert not one.playground.next_run.is_changed(SEEDED)


FILE = """# mine
presets:

  talk:   # a conversation
    key: f2
    settings: {do_sample: true,   top_p: 0.9}
    chat:
      opening: "A\\tB\\n"
      stop_strings: ["\\nYou"]
  other: {}
# the end
"""


def test_what_is_turned_is_saved_as_a_new_preset_and_the_file_keeps_its_bytes(play, tmp_path):
    path = tmp_path / "presets.yaml"
    path.write_text(FILE)
    one = play(book=load_presets(path), seed=4)
    next_run = one.playground.next_run
    talk = next_run.preset
    turn(one, "top_p", -1)
    with pytest.raises(PlaygroundError, match="'other'"):
        next_run.save_turned("other")
    assert next_run.is_changed(talk)
    told = next_run.save_turned("warm talk")
    assert told.endswith("it is on F1 now")
    saved = load_presets(path).named("warm talk")
    assert next_run.preset == saved
    assert saved == Preset(
        "warm talk",
        "f1",
        "talk with top_p 0.85",
        Settings(do_sample=True, top_p=0.85),
        ChatFormat("A\tB\n", stop_strings=("\nYou",)),
    )
    before, after = FILE.split("# the end")
    now = path.read_text()
    assert now.startswith(before)
    assert now.endswith("# the end" + after)
    next_run.pick(next_run.book.named("talk"))
    assert next_run.settings == talk.settings.replace(seed=4)


def test_a_key_that_the_front_end_uses_is_none_for_a_saved_preset(play, tmp_path):
    path = tmp_path / "presets.yaml"
    path.write_text(FILE)
    one = play(book=load_presets(path), taken_keys=frozenset(("f1", "f3")))
    turn(one, "top_p", -1)
    assert one.playground.next_run.save_turned("mine").endswith("it is on F4 now")


def test_a_session_goes_on_with_what_was_turned(play, tmp_path):
    path = tmp_path / "one.jsonl"
    one = play(session=open_session(path), preset_name="chat")
    one.run("a")
    turn(one, "num_beams", 1, 1)
    one.playground.close()
    again = play(session=open_session(path))
    again.settle()
    assert again.notice == "chat* has the settings that this session left it with"
    assert again.playground.next_run.preset is CHAT
    assert again.playground.next_run.settings.num_beams == 3
    again.playground.next_run.take_back()
    assert again.playground.next_run.settings == CHAT.settings
    again.playground.close()


def test_a_saved_edit_changes_what_is_not_turned_alone(play):
    one = play()
    next_run = one.playground.next_run
    turn(one, "max_new_tokens", 1)
    assert next_run.settings.max_new_tokens == 4
    for length in (8, 4):
        changed = Preset("greedy", "f1", "", Settings(max_new_tokens=length))
        next_run.use(PresetBook(BOOK.path, (changed, SAMPLE)))
        assert next_run.settings.max_new_tokens == 4
    assert not next_run.is_changed(next_run.preset)


def test_by_hand_the_next_token_is_weighed_again(play):
    one = play(preset_name="sample")
    one.run("a")
    one.playground.by_hand.toggle()
    one.settle()
    turn(one, "top_k", -1)
    one.settle()
    assert one.document.weighed_for[0].top_k == 45


@pytest.fixture
def weighed(play):
    """The bundled model, which has drawn some tokens, with the dials shown."""
    book = PresetBook(
        BOOK.path, (Preset("drawn", "", "", Settings(do_sample=True, max_new_tokens=6, seed=1)),)
    )
    one = play(LocalBackend("demo", device="cpu"), book=book)
    one.run("A long time ago")
    one.playground.turning.is_open = True
    return one


def seen(one):
    one.playground.turning.effect()
    one.settle()
    return one.playground.turning.effect()


def test_the_step_that_is_looked_at_is_weighed_again_as_a_dial_turns(weighed):
    one = weighed
    one.playground.cursor.move(-2)
    turn(one, "top_k", *[-1] * 20)
    effect = seen(one)
    run, index = one.playground.lookup.recorded()
    assert (effect.index, effect.count) == (index, 6) == (3, 6)
    settings = one.playground.next_run.settings
    assert settings.top_k == 6
    expected = explain(run, 3, settings, rows=40).rows
    assert [row.scrubbed for row in effect.look.rows[:40]] == list(expected)
    assert effect.look.step.token_id == run.token_ids[3]

    turn(one, "do_sample", -1)
    effect = seen(one)
    assert effect.look.step.pick == expected[0].token_id
    # The same dice under the preset's own settings give what was drawn; other dice need not.
    one.playground.next_run.take_back()
    picks = {seen(one).look.step.pick}
    assert picks == {run.token_ids[3]}
    for _ in range(12):
        turn(one, "seed", 1)
        picks.add(seen(one).look.step.pick)
    assert len(picks) > 1


def test_the_pick_under_another_seed_is_what_a_run_with_it_draws(weighed):
    one = weighed
    one.playground.cursor.look_at(0)
    turn(one, "seed", *[1] * 4)
    pick = seen(one).look.step.pick
    one.playground.moves.clear()
    one.run("A long time ago")
    assert one.document.turns[-1].steps[0].token.token_id == pick


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (MemoryError(), "the step could not be weighed again"),
        (PlaygroundError("nothing is kept"), "nothing is kept"),
    ],
)
def test_a_step_that_cannot_be_weighed_again_says_why_and_the_next_one_is_weighed(
    weighed, monkeypatch, error, told
):
    def broken(*_):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(Looker, "look_at_step", broken)
        assert seen(weighed).look.fault.startswith(told)
    turn(weighed, "top_k", -1)
    assert seen(weighed).look.fault == ""


def test_where_there_is_nothing_to_weigh_again_nothing_is_shown(play):
    one = play(ScriptedBackend())
    one.playground.turning.is_open = True
    assert one.playground.turning.effect() is None
    one.run("a")
    assert one.playground.turning.effect() is None  # a script records nothing


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        (
            ("do_sample=true", "temperature=0.6", "top_p=0.9", "dola_layers=1", "sequence_bias"),
            Settings(do_sample=True, temperature=0.6, top_p=0.9, max_new_tokens=3, seed=4),
        ),
        (
            ("do_sample=true", "max_new_tokens=9"),
            Settings(do_sample=True, max_new_tokens=9, seed=4),
        ),
        (
            (
                f"suppress_tokens={list(range(90))}",
                "bad_words_ids=[[1, 2]]",
                "top_h=0.5",
                "do_sample=true",
            ),
            Settings(
                do_sample=True,
                top_h=0.5,
                max_new_tokens=3,
                seed=4,
                suppress_tokens=tuple(range(90)),
                bad_words_ids=((1, 2),),
            ),
        ),
        (("dola_layers=1",), None),
        ((), None),
    ],
)
def test_what_the_model_recommends_is_one_turn_away_and_taken_back(play, own, expected):
    info = dataclasses.replace(MODEL, own_settings=own)
    one = play(ScriptedBackend(info=info), preset_name="seeded")
    assert one.playground.turning.recommended == expected
    one.playground.turning.recommend()
    assert one.playground.next_run.settings == (expected or SEEDED.settings)
    one.playground.next_run.take_back()
    assert one.playground.next_run.settings == SEEDED.settings


def test_a_recommendation_that_contradicts_itself_is_told(play):
    info = dataclasses.replace(MODEL, own_settings=("temperature=0.6",))
    one = play(ScriptedBackend(info=info))
    told = has_recommended(one.playground)
    assert told.startswith("the model's generation_config.json cannot be followed: temperature")
