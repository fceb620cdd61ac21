"""The queue: each item says why it waits and when it ends; order, hold, repeat; the calendar is in time (U14)."""

from __future__ import annotations

from datetime import UTC, datetime

from labctl.gui.viewmodels.acts import Acts
from labctl.gui.viewmodels.edits import EditStack
from labctl.gui.viewmodels.lab import Lab
from labctl.gui.viewmodels.queue import Listing, QueueModel, ticks
from labctl.model.alarm import AlarmPriority
from labctl.model.ids import CellId, ChannelId, RunId
from labctl.model.job import CalendarEntry, Forecast, JobId, JobSpec, JobState
from labctl.testing.guilab import FakeAsks, TurnedClock, a_lab, cell, job, running, tell

NOW = datetime(2026, 4, 21, 1, 42, tzinfo=UTC)


def at(text: str) -> Forecast:
    return Forecast(f"2026-{text}+00:00", "", "")


def a_queue() -> tuple[Lab, FakeAsks, QueueModel]:
    lab = a_lab()
    lab._utc = lambda: NOW
    lab.take_cells([cell("C0063", name="C0063 coated")])
    tell(
        lab,
        running("neware:1-1"),
        job("j-1", JobState.RUNNING, "C0001", channel=ChannelId("neware:1-1")),
        job("j-2", JobState.WAITING, "C0063", position=1, waits_for="step end, CH 1-1", channel=ChannelId("neware:1-2"),
            starts=at("04-21T15:40:00"), ends=at("04-24T05:00:00")),
        job("j-3", JobState.HELD, "C0157", position=2, runs=(RunId("r"),), reason="OCV 2.41 V, wanted 2.89 V"),
        job("j-4", JobState.WAITING, "C0158", position=3, waits_for="j-3", version=7,
            spec=JobSpec(CellId("C0158"), protocol="X", channel=ChannelId("box:1"), label="EIS after cycle 5")),
        job("j-5", JobState.FAILED, "C0009"),
    )  # fmt: skip
    asks = FakeAsks()
    return lab, asks, QueueModel(lab, Acts(asks, TurnedClock()), asks)


def test_u14_each_item_says_why_it_waits_when_it_starts_and_how_long_it_takes() -> None:
    _, _, queue = a_queue()
    one, two, three, four = queue.rows()
    assert [row.job_id for row in (one, two, three, four)] == ["j-1", "j-2", "j-3", "j-4"]
    assert (two.target, two.waits_for, two.length) == (
        "C0063 coated · 1-2",
        "step end, CH 1-1",
        "61\u2009h 20\u2009min",
    )
    assert (three.state, three.reason, three.priority) == (
        "held",
        "OCV 2.41 V, wanted 2.89 V",
        AlarmPriority.HIGH,
    )
    assert four.item == "EIS after cycle 5" and four.starts == "-" and four.priority is None


def test_segments_list_and_group() -> None:
    _, _, queue = a_queue()
    assert queue.counts()[Listing.ALL] == 4 and queue.counts()[Listing.HELD] == 1
    queue.listing = Listing.HELD
    assert [row.job_id for row in queue.rows()] == ["j-3"]
    queue.listing = Listing.DONE
    assert [row.job_id for row in queue.rows()] == ["j-5"]
    queue.listing = Listing.INSTRUMENT
    assert [(row.group, row.job_id) for row in queue.rows()] == [
        ("any that fits", "j-3"), ("box", "j-4"), ("neware", "j-1"), ("neware", "j-2"),
    ]  # fmt: skip


def test_u14_moving_is_an_edit_that_undoes_with_the_present_version() -> None:
    _, asks, queue = a_queue()
    stack = EditStack()
    stack.do(queue.move("j-4", -1))
    assert asks.asked[-1].verb == "queue.move" and asks.asked[-1].words == {"before": "j-3", "version": 7}
    assert stack.undo() == "move j-4"
    assert asks.asked[-1].words["before"] is None
    stack.do(queue.move("j-2", 5))
    assert asks.asked[-1].words["before"] is None
    assert queue.move("j-2", -1) is None and queue.move("j-1", 1) is None and queue.place("j-4", None) is None
    stack.do(queue.place("j-2", "j-4"))
    assert asks.asked[-1].words["before"] == "j-4"


def test_hold_release_repeat_retry_send_only_what_can_be_done() -> None:
    _, asks, queue = a_queue()
    queue.hold(["j-1", "j-2", "j-3"], "shift end")
    assert [(question.verb, question.args) for question in asks.asked] == [("queue.hold", ("j-2",))]
    assert asks.asked[0].words == {"reason": "shift end", "version": 1}
    queue.hold_all()
    queue.release_all()
    queue.repeat(["j-5"])
    queue.retry(["j-5", "j-2"])
    queue.remove(["j-1", "j-4"])
    assert [(question.verb, question.args[0]) for question in asks.asked[1:]] == [
        ("queue.hold", "j-2"), ("queue.hold", "j-4"), ("queue.release", "j-3"), ("queue.clone", "j-5"),
        ("queue.retry", "j-5"), ("queue.remove", "j-4"),
    ]  # fmt: skip
    assert (
        queue.why_not("queue.hold", ["j-3"]) != ""
        and queue.why_not("queue.hold", []) == "Nothing is selected."
    )


def entry(channel: str, state: str, begin: str, end: str, **words: object) -> CalendarEntry:
    return CalendarEntry(ChannelId(channel), CellId("C1"), "SYM-1mA", state, f"2026-{begin}+00:00", f"2026-{end}+00:00",
                         **words)  # type: ignore[arg-type]  # fmt: skip


def test_u14_the_calendar_has_a_line_for_each_channel_and_bars_in_time() -> None:
    lab, asks, queue = a_queue()
    tell(lab, running("neware:1-1", "C0045", cycle=355, cycles=500))
    asks.answers["queue.calendar"] = (
        entry("neware:1-1", "running", "04-20T00:00:00", "04-29T08:24:00", run_id=RunId("r1"),
              low_utc="2026-04-28T00:00:00+00:00", high_utc="2026-05-01T00:00:00+00:00"),
        entry("neware:1-1", "waiting", "04-29T08:24:00", "05-04T09:36:00", job_id=JobId("j-2")),
        entry("neware:1-10", "held", "04-21T10:00:00", "05-12T00:00:00"),
        entry("neware:1-9", "finished", "04-10T00:00:00", "04-19T00:00:00"),
    )  # fmt: skip
    queue.want_calendar()
    lanes = queue.lanes()
    assert [(lane.label, lane.cell, lane.note) for lane in lanes] == [
        ("1-1", "C0045", "71 %"), ("1-9", "", ""), ("1-10", "", ""),
    ]  # fmt: skip
    run, planned = lanes[0].bars
    assert (run.look, planned.look, lanes[2].bars[0].look, lanes[1].bars[0].look) == (
        "running",
        "planned",
        "held",
        "done",
    )
    assert run.begin_s < run.done_s == NOW.timestamp() < run.low_s < run.end_s < run.high_s
    assert run.end_s == planned.begin_s and planned.done_s == planned.begin_s
    assert planned.end_text.startswith("~ 05-04")
    begin_s, end_s = queue.span()
    assert begin_s == NOW.timestamp() - 86_400 and end_s == lanes[2].bars[0].end_s


def test_the_calendar_is_asked_for_again_when_jobs_change_and_not_too_often() -> None:
    clock = TurnedClock()
    lab = a_lab(clock)
    asks = FakeAsks()
    queue = QueueModel(lab, Acts(asks, clock), asks)
    queue.want_calendar()
    tell(lab, job("j-9"))
    assert len(asks.of("queue.calendar")) == 1
    clock.s += 2.0
    tell(lab, job("j-9", version=2))
    assert len(asks.of("queue.calendar")) == 2


def test_days_weeks_and_months_stand_above_the_calendar_and_are_thinned() -> None:
    begin_s = datetime(2026, 4, 20, 3, tzinfo=UTC).timestamp()
    month = ticks(begin_s, begin_s + 27 * 86_400)
    assert [tick.month for tick in month if tick.month] == ["2026-04", "2026-05"]
    assert [tick.week for tick in month if tick.week] == ["week 17", "week 18", "week 19", "week 20"]
    assert [tick.day for tick in month if tick.weekend][:2] == ["25", "26"]
    assert len(ticks(begin_s, begin_s + 300 * 86_400)) < 60
