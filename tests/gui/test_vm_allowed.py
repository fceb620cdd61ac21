"""A control that is off says why; only what can harm is asked about once more."""

from __future__ import annotations

import pytest

from labctl.gui.viewmodels.allowed import (
    alarm_why_not,
    channel_why_not,
    general,
    job_why_not,
    selection_why_not,
)
from labctl.gui.viewmodels.batches import Batch, LinkNews, LinkPhase
from labctl.gui.viewmodels.confirming import confirmation
from labctl.model.alarm import AlarmPriority, AlarmState
from labctl.model.bench import Delta, LinkState
from labctl.model.job import JobState
from labctl.model.person import Role
from labctl.testing.guilab import a_lab, alarm, box, empty, job, running, tell


def test_r5_a_running_cell_may_be_paused_and_stopped_and_not_started() -> None:
    lab = a_lab()
    tell(lab, running("neware:1-1"))
    for verb in ("runs.stop", "runs.pause", "runs.pause_at_step_end", "runs.skip", "runs.note"):
        assert channel_why_not(lab, verb, "neware:1-1") == ""
    assert channel_why_not(lab, "runs.resume", "neware:1-1") == "1-1 is RUN, not PAUSE."
    assert channel_why_not(lab, "queue.submit", "neware:1-1") == "1-1 is running."
    assert channel_why_not(lab, "channels.eject", "neware:1-1") == "1-1 is running."


def test_r5_a_free_channel_takes_a_cell_and_nothing_else() -> None:
    lab = a_lab()
    tell(lab, empty("neware:1-1"))
    assert channel_why_not(lab, "channels.load", "neware:1-1") == ""
    assert channel_why_not(lab, "runs.stop", "neware:1-1") == "Nothing runs on 1-1."
    assert channel_why_not(lab, "queue.submit", "neware:1-1") == "No cell is in 1-1."
    assert "no channel" in channel_why_not(lab, "channels.load", "neware:9-9")


def test_r5_the_action_bar_counts_what_stands_against_a_selection() -> None:
    lab = a_lab()
    tell(lab, *(running(f"neware:2-{place}") for place in range(1, 5)), empty("neware:2-5"))
    four = [f"neware:2-{place}" for place in range(1, 5)]
    assert selection_why_not(lab, "queue.submit", four, "Start") == "Start is off: 4 of 4 are running"
    assert selection_why_not(lab, "runs.stop", four, "Stop") == ""
    assert selection_why_not(lab, "runs.stop", [*four, "neware:2-5"], "Stop").startswith(
        "Stop is off for 1 of 5"
    )
    assert selection_why_not(lab, "runs.stop", [], "Stop") == "Nothing is selected."


def test_r13_without_the_station_every_act_is_off_but_stop_all() -> None:
    lab = a_lab()
    tell(lab, running("neware:1-1"))
    lab.apply(Batch(link=LinkNews(LinkPhase.LOST)))
    assert "does not answer" in channel_why_not(lab, "runs.stop", "neware:1-1")
    assert general(lab, "station.stop_all") == ""


def test_rights_are_told_with_both_roles() -> None:
    lab = a_lab(role=Role.VIEW)
    assert general(lab, "runs.stop") == "This needs the role operator; chen has view only."
    assert general(lab, "runs.list") == ""
    assert "configurer" in general(a_lab(), "channels.reset")
    assert general(a_lab(role=Role.CONFIGURE), "channels.reset") == ""


def test_after_stop_all_nothing_energises_until_it_is_released() -> None:
    lab = a_lab()
    tell(
        lab,
        running("neware:1-1", state="paused"),
        Delta(9, "station", "stop_all", {"active": True, "by": "li"}),
    )
    assert channel_why_not(lab, "runs.resume", "neware:1-1") == "Stop all is active, by li: release it first."
    assert channel_why_not(lab, "runs.stop", "neware:1-1") == ""


def test_an_instrument_that_does_not_answer_takes_no_pause_but_a_stop_may_be_tried() -> None:
    lab = a_lab()
    tell(lab, running("neware:1-1"), box("neware", 8, LinkState.STALE))
    assert channel_why_not(lab, "runs.pause", "neware:1-1") == "neware does not answer now."
    assert channel_why_not(lab, "runs.stop", "neware:1-1") == ""


def test_a_trip_is_reset_after_it_was_acknowledged() -> None:
    lab = a_lab(role=Role.CONFIGURE)
    trip = alarm("trip:neware:1-1", AlarmPriority.CRITICAL, channel="neware:1-1")
    tell(lab, empty("neware:1-1", tripped="V 5.02 above 5.00"), trip)
    assert alarm_why_not(lab, "channels.reset", trip) == "Reset: acknowledge first."
    tell(lab, alarm("trip:neware:1-1", AlarmPriority.CRITICAL, AlarmState.ACKED, channel="neware:1-1"))
    assert alarm_why_not(lab, "channels.reset", trip) == ""
    tell(lab, empty("neware:1-1"))
    assert "neither tripped nor held" in channel_why_not(lab, "channels.reset", "neware:1-1")


def test_critical_is_never_shelved_nor_taken_out_of_service() -> None:
    lab = a_lab(role=Role.CONFIGURE)
    assert (
        alarm_why_not(lab, "alarms.shelve", alarm("a:b", AlarmPriority.CRITICAL))
        == "Shelve: not for critical."
    )
    assert alarm_why_not(lab, "alarms.disable", alarm("a:b", AlarmPriority.CRITICAL)) != ""
    assert alarm_why_not(lab, "alarms.shelve", alarm("a:b")) == ""
    assert alarm_why_not(lab, "alarms.unshelve", alarm("a:b")) == "It is not shelved."
    done = alarm("a:b", state=AlarmState.ACKED, acknowledged_by="li")
    assert alarm_why_not(lab, "alarms.acknowledge", done) == "li has acknowledged it."


@pytest.mark.parametrize(
    ("verb", "state", "off"),
    [
        ("queue.hold", JobState.WAITING, False),
        ("queue.hold", JobState.RUNNING, True),
        ("queue.release", JobState.HELD, False),
        ("queue.release", JobState.WAITING, True),
        ("queue.move", JobState.HELD, False),
        ("queue.remove", JobState.ENDED, True),
        ("queue.retry", JobState.FAILED, False),
        ("queue.retry", JobState.ENDED, True),
        ("queue.clone", JobState.ENDED, False),
        ("runs.stop", JobState.RUNNING, False),
        ("runs.stop", JobState.WAITING, True),
    ],
)
def test_r5_what_may_be_done_with_a_job(verb: str, state: JobState, off: bool) -> None:
    assert bool(job_why_not(a_lab(), verb, job("j-1", state))) is off


def test_r2_one_running_cell_is_asked_about_once_with_its_name() -> None:
    lab = a_lab()
    tell(lab, running("neware:1-1", "C0041"), empty("neware:1-2"))
    asked = confirmation(lab, "runs.stop", ["neware:1-1"])
    assert asked is not None and asked.title == "Stop 1-1 C0041?" and asked.typed == ""
    assert asked.ready("", "") == ""
    assert confirmation(lab, "runs.stop", ["neware:1-2"]) is None


def test_r2_stopping_more_than_four_cells_needs_their_number_typed() -> None:
    lab = a_lab()
    names = [f"neware:{unit}-{place}" for unit in (1, 2) for place in range(1, 9)]
    tell(lab, *(running(name) for name in names))
    asked = confirmation(lab, "runs.stop", names)
    assert asked is not None and asked.typed == "16" and asked.objects[-1] == "and 4 more"
    assert asked.ready("15", "") == "Type 16 to stop 16 cells." and asked.ready(" 16 ", "") == ""
    four = confirmation(lab, "runs.stop", names[:4])
    assert four is not None and four.typed == ""


def test_r2_a_trip_reset_needs_the_channels_name_and_a_reason() -> None:
    lab = a_lab(role=Role.CONFIGURE)
    tell(lab, empty("neware:1-1", tripped="V 5.02 above 5.00"))
    asked = confirmation(lab, "channels.reset", ["neware:1-1"])
    assert asked is not None and asked.typed == "neware:1-1" and "5.02" in asked.effect
    assert asked.ready("neware:1-1", "") == "Say why; it goes into the journal."
    assert asked.ready("neware:1-1", "leads checked") == ""


@pytest.mark.parametrize("verb", ["queue.hold", "queue.move", "runs.pause", "channels.load", "alarms.acknowledge",
                                  "station.stop_all"])  # fmt: skip
def test_r2_what_can_be_taken_back_or_must_be_fast_is_not_asked_about(verb: str) -> None:
    lab = a_lab()
    tell(lab, running("neware:1-1"))
    assert confirmation(lab, verb, ["neware:1-1"]) is None


@pytest.mark.parametrize("verb", ["runs.skip", "station.release_stop_all", "queue.remove", "alarms.disable",
                                  "people.revoke"])  # fmt: skip
def test_r2_what_harms_or_loses_names_object_effect_and_a_safe_way_out(verb: str) -> None:
    lab = a_lab()
    tell(lab, running("neware:1-1"), job("j-1"))
    asked = confirmation(lab, verb, ["j-1"])
    assert asked is not None and asked.title and asked.objects and asked.effect and asked.safe_label
