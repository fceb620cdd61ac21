"""Every state has a glyph, a word, a token and a sentence; none is left out, whatever the engine learns to say."""

from __future__ import annotations

import pytest

from labctl.engine.machines.life import Phase
from labctl.gui.viewmodels import words
from labctl.gui.viewmodels.words import StateWord
from labctl.interfaces.cycler import ChannelState
from labctl.model.alarm import AlarmPriority, AlarmState
from labctl.model.bench import LinkState
from labctl.model.job import JobState
from labctl.model.person import Role
from labctl.model.program import STEP_KINDS, StepMode
from labctl.model.record import STEP_TYPE_NAMES


@pytest.mark.parametrize("state", [*Phase, *ChannelState, *LinkState], ids=str)
def test_u18_every_phase_and_device_word_has_its_own_words(state: str) -> None:
    found = words.CHANNEL_WORDS[state]
    assert found.glyph and found.word and found.token and found.sentence


@pytest.mark.parametrize("state", list(JobState))
def test_u18_every_job_state_is_mapped(state: JobState) -> None:
    assert words.JOB_WORDS[state].word and words.JOB_WORDS[state].sentence


def test_every_priority_link_role_step_and_alarm_state_is_mapped() -> None:
    assert set(words.PRIORITY_MARKS) == set(AlarmPriority) and set(words.LINK_WORDS) == set(LinkState)
    assert set(words.ROLE_WORDS) == set(Role) and set(words.ALARM_STATE_WORDS) == set(AlarmState)
    assert {*STEP_TYPE_NAMES, *StepMode} <= set(words.STEP_WORDS)


def test_alarm_badges_are_told_apart_by_number_and_by_shape() -> None:
    marks = words.PRIORITY_MARKS.values()
    assert sorted(mark.number for mark in marks) == [1, 2, 3, 4]
    assert len({mark.shape for mark in marks}) == 4


def test_a_word_that_nobody_knows_is_shown_as_unknown() -> None:
    assert words.channel_word("calibrating") is words.UNKNOWN


def test_tile_words_fit_a_tile() -> None:
    found = [value for value in vars(words).values() if isinstance(value, StateWord)]
    assert found and all(len(value.word) <= 7 for value in found)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("CC-CHG", words.CHARGING),
        ("CCCV-CHG", words.CHARGING),
        ("CC-DIS", words.DISCHARGING),
        ("REST", words.RESTING),
        ("PAUSE", words.PAUSED),
        ("", words.RUNNING),
    ],
)
def test_a_running_channel_says_what_it_does(kind: str, expected: StateWord) -> None:
    assert words.step_word(kind) is expected


def test_steps_have_the_same_words_here_and_at_the_station() -> None:
    assert {mode: words.step_name(mode) for mode in StepMode} == STEP_KINDS


def test_u17_words_follow_the_window_language_and_technical_words_stay(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        words, "translate", lambda context, text: {"free": "空闲", "charging": "充电"}.get(text, text)
    )
    assert words.FREE.short == "空闲"
    assert words.CHARGING.short == "CHG" and words.CHARGING.told == "充电"
    assert words.step_name("CC_DCHG") == "CC-DIS" and words.step_name("cp_charge") == "CP-CHARGE"
