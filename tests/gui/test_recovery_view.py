"""After a power cut the page lists what was and what is proposed; accepting reads, it starts nothing (U11)."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication

from labctl.gui.parts.why import why
from labctl.gui.viewmodels.acts import Trouble
from labctl.model.bench import ChannelStatus, InstrumentStatus, LinkState
from labctl.model.run import RunSummary
from labctl.testing.guilab import box, tell
from labctl.testing.guiviews import ViewBench, press, tab_to, type_text

pytestmark = pytest.mark.usefixtures("look")

STARTS = ("queue.submit", "runs.resume", "runs.skip", "channels.set_ready", "channels.load")
"""Verbs that could energise something."""


def run(number: int, phase: str = "stale", channel: str = "") -> RunSummary:
    place = channel or f"neware:{1 + (number - 1) // 8}-{1 + (number - 1) % 8}"
    return RunSummary(f"r{number}", f"C{number:04}", f"C{number:04}", place, "p1", "running", phase=phase, cycle=7,
                      started_utc="2026-04-20T08:00:00+00:00")  # type: ignore[arg-type]  # ids are words  # fmt: skip


def status(number: int, state: str, channel: str = "") -> ChannelStatus:
    place = channel or f"neware:{1 + (number - 1) // 8}-{1 + (number - 1) % 8}"
    return ChannelStatus(place, state, f"C{number:04}", f"C{number:04}", True, voltage_V=3.4)  # type: ignore[arg-type]


@pytest.fixture
def bench(session: Any) -> ViewBench:
    """128 channels: 100 agree, 20 are over, 4 must be looked at, 4 wait for a second tester."""
    made = ViewBench(session)
    states = ["running"] * 100 + ["finished"] * 20 + ["unknown"] * 4
    runs = [run(number) for number in range(1, 125)]
    tell(made.lab, box("neware", 124), *(status(n, state) for n, state in enumerate(states, 1)))
    away = InstrumentStatus("second", "neware-bts", "tcp://second:502", LinkState.OPENING)
    tell(made.lab, away, *(status(n, "unknown", f"second:90-{n - 124}") for n in range(125, 129)))
    runs += [run(n, channel=f"second:90-{n - 124}") for n in range(125, 129)]
    made.asks.answers.update({"runs.list": runs})
    return made


@pytest.fixture
def view(bench: ViewBench, qtbot: Any) -> Any:
    made = bench.open("recovery", qtbot)
    settle(made, qtbot)
    return made


def settle(view: Any, qtbot: Any) -> None:
    qtbot.waitUntil(lambda: not view._soon._timer.isActive(), timeout=30_000)


def test_u11_each_channel_says_what_was_what_the_device_says_and_what_is_proposed(view: Any) -> None:
    assert len(view._rows) == 124 and view.groups.key == "person"
    shown = [view.model.index(0, at).data() for at in range(6)]
    assert shown[0] == "1-1" and shown[1] == "C0001" and "cycle 7" in shown[2] and "3.400 V" in shown[3]
    assert shown[4] == "follow it again, fetch what was missed"
    assert "120 to accept, 4 to look at, 4 wait" in view.told.text()
    assert "Nothing is energised by accepting" in view.told.text()


def test_u11_one_key_accepts_all_that_agree_and_nothing_is_energised(
    view: Any, bench: ViewBench, qtbot: Any
) -> None:
    tab_to(view.table)
    press("Ctrl+Return")
    assert len(bench.asks.of("runs.take_up")) == 120
    assert not set(bench.asks.verbs) & set(STARTS), "accepting reads and fetches, it starts nothing"
    asked = {one.args[0] for one in bench.asks.of("runs.take_up")}
    assert "r121" not in asked and "r125" not in asked, (
        "what must be looked at, or waits, is never taken in one go"
    )
    for one in bench.asks.of("runs.take_up"):
        one.then(())
    settle(view, qtbot)
    assert any(field[5].text == "followed again" for field in view.model.rows)


def test_nothing_is_asked_of_a_device_before_a_person_accepts(view: Any, bench: ViewBench) -> None:
    assert set(bench.asks.verbs) == {"runs.list"}


def test_one_run_is_accepted_with_enter_and_a_group_by_its_filter(
    view: Any, bench: ViewBench, qtbot: Any
) -> None:
    tab_to(view.table)
    press("Down")
    press("Up")
    press("Return")
    assert [one.args[0] for one in bench.asks.of("runs.take_up")] == ["r1"]
    tab_to(view.filter)
    type_text("fetch the last")
    settle(view, qtbot)
    assert len(view._rows) == 20
    tab_to(view.table)
    press("Ctrl+A")
    tab_to(view.accept)
    press("Space")
    assert len(bench.asks.of("runs.take_up")) == 21


def test_what_waits_or_must_be_looked_at_says_so(view: Any, qtbot: Any) -> None:
    view.groups.part("wait").setFocus()
    press("Space")
    settle(view, qtbot)
    assert {row.why_not for row in view._rows} == {"Its instrument does not answer yet."}
    view.table.selectAll()
    assert why(view.accept) == "Its instrument does not answer yet."
    view.groups.part("look").setFocus()
    press("Space")
    settle(view, qtbot)
    assert len(view._rows) == 4 and all(row.proposed.startswith("look") for row in view._rows)


def test_a_refusal_stands_in_its_row(view: Any, bench: ViewBench, qtbot: Any) -> None:
    bench.asks.answers["runs.take_up"] = Trouble("Not done", "another test is on that channel", "Look at it.")
    tab_to(view.table)
    press("Down")
    press("Up")
    press("Return")
    settle(view, qtbot)
    view.refresh()
    assert "another test is on that channel" in view.model.rows[0][5].text


def test_the_channel_of_a_run_is_one_key_away(view: Any, bench: ViewBench) -> None:
    tab_to(view.table)
    press("Down")
    tab_to(view.open)
    press("Space")
    assert bench.gone[0][0] == "channel" and bench.gone[0][1].startswith("neware:")


def test_with_nothing_to_recover_the_page_says_so(session: Any, qtbot: Any) -> None:
    calm = ViewBench(session)
    calm.asks.answers["runs.list"] = []
    view = calm.open("recovery", qtbot)
    assert view.empty.isVisible() and why(view.all) and why(view.accept)


def test_runs_that_are_followed_are_shown_as_such_when_nobody_is_needed(session: Any, qtbot: Any) -> None:
    calm = ViewBench(session)
    tell(calm.lab, box("neware", 2), status(1, "running"))
    calm.asks.answers["runs.list"] = [run(1, "running")]
    view = calm.open("recovery", qtbot)
    assert view.groups.key == "all" and view._rows[0].proposed == "nothing: it is followed"


def test_a_station_that_does_not_answer_is_told(session: Any, qtbot: Any) -> None:
    cut = ViewBench(session)
    cut.asks.answers["runs.list"] = Trouble("No answer yet: runs.list", "late")
    view = cut.open("recovery", qtbot)
    settle(view, qtbot)
    assert "No answer yet" in view.bar.note or why(view.all)


def test_the_slash_goes_to_the_filter(view: Any) -> None:
    view.search()
    assert QApplication.focusWidget() is view.filter


def test_u11_a_run_that_the_power_cut_has_ended_is_listed_until_its_channel_is_reset(
    session: Any, qtbot: Any
) -> None:
    cut = ViewBench(session)
    told = "the test was stopped from outside, or the instrument was restarted"
    over = replace(run(1), state="ended", outcome="held", reason=told)
    latched = replace(status(1, "unknown"), tripped=f"run r1: {told}")
    tell(cut.lab, box("neware", 2), latched, status(2, "idle"))
    cut.asks.answers["runs.list"] = [over, replace(run(2), state="ended", outcome="held", reason="long ago")]
    view = cut.open("recovery", qtbot)
    settle(view, qtbot)
    assert [row.run_id for row in view._rows] == ["r1"], "the other one's channel has been reset since"
    row = view._rows[0]
    assert "reset the channel" in row.proposed and row.result == told and view.groups.key == "person"
    view.table.selectAll()
    assert "It has ended" in why(view.accept) and why(view.all)
    tell(cut.lab, status(1, "idle"))
    settle(view, qtbot)
    assert view.empty.isVisible()


def test_a_listed_run_that_ends_unseen_is_asked_for_once_more_when_its_channel_tells_it(
    session: Any, qtbot: Any
) -> None:
    cut = ViewBench(session)
    tell(cut.lab, box("neware", 2), status(1, "running"))
    cut.asks.answers["runs.list"] = [run(1)]
    view = cut.open("recovery", qtbot)
    settle(view, qtbot)
    cut.asks.answers["runs.list"] = [
        replace(run(1), state="ended", outcome="held", reason="stopped from outside")
    ]
    before = len(cut.asks.of("runs.list"))
    for _ in range(3):
        tell(cut.lab, replace(status(1, "unknown"), tripped="run r1: stopped from outside"))
    settle(view, qtbot)
    assert len(cut.asks.of("runs.list")) == before + 1, "once, not at each news"
    assert "reset the channel" in view._rows[0].proposed
