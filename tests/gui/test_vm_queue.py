"""The queue: each item says why it waits and when it ends; order, hold, repeat; the calendar is in time (U14)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from labctl.api.messages import Submitted
from labctl.gui.viewmodels.acts import Acts, Trouble, TroubleKind
from labctl.gui.viewmodels.batches import Batch, LinkNews, LinkPhase
from labctl.gui.viewmodels.edits import Edit, EditStack
from labctl.gui.viewmodels.lab import Lab
from labctl.gui.viewmodels.queue import Listing, QueueModel, ticks
from labctl.gui.viewmodels.queueacts import Release, Way
from labctl.gui.viewmodels.queuecalendar import interval_of
from labctl.gui.viewmodels.queueinsert import InsertJobs, ProtocolShelf
from labctl.model.alarm import AlarmPriority
from labctl.model.bench import Delta
from labctl.model.ids import CellId, ChannelId, RunId
from labctl.model.job import CalendarEntry, Forecast, JobId, JobSpec, JobState, PlannedJob
from labctl.testing.guilab import FakeAsks, TurnedClock, a_lab, cell, job, running, tell

NOW = datetime(2026, 4, 21, 1, 42, tzinfo=UTC)


def at_(text: str) -> Forecast:
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
            starts=at_("04-21T15:40:00"), ends=at_("04-24T05:00:00")),
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


def done(edit: Edit | None) -> EditStack:
    stack = EditStack()
    stack.do(edit)
    return stack


def test_hold_repeat_retry_send_only_what_can_be_done() -> None:
    _, asks, queue = a_queue()
    done(queue.acts.hold(["j-1", "j-2", "j-3"]))
    assert [(question.verb, question.args) for question in asks.asked] == [("queue.hold", ("j-2",))]
    assert asks.asked[0].words == {"version": 1}
    done(queue.acts.repeat(["j-5"]))
    queue.acts.retry(["j-5", "j-2"])
    assert [(question.verb, question.args[0]) for question in asks.asked[1:]] == [
        ("queue.clone", "j-5"), ("queue.retry", "j-5"),
    ]  # fmt: skip
    assert queue.acts.hold(["j-1"]) is None and queue.acts.remove(["j-1"]) is None
    assert queue.why_not("queue.hold", ["j-3"]) != ""
    assert queue.why_not("queue.hold", []) == "Nothing is selected."


def test_u19_a_hold_is_undone_and_a_repeat_takes_the_new_items_out() -> None:
    _, asks, queue = a_queue()
    asks.answers["queue.clone"] = lambda job_id, **words: job("j-20")
    stack = done(queue.acts.hold(["j-2"]))
    assert stack.undo() == "hold j-2" and asks.verbs[-1] == "queue.release"
    stack.do(queue.acts.repeat(["j-2", "j-4"]))
    assert stack.undo() == "repeat 2 items"
    assert [(question.verb, question.args[0]) for question in asks.asked[-2:]] == [
        ("queue.remove", "j-20")
    ] * 2


def test_u19_a_removed_item_comes_back_at_its_place_held_as_it_was() -> None:
    lab, asks, queue = a_queue()
    tell(lab, job("j-3", JobState.HELD, "C0157", position=2))
    planned = PlannedJob("", CellId("C0157"), None, "LFP-0.5C", job_id=JobId("j-30"))
    asks.answers["queue.submit"] = Submitted((planned,), (), False)
    stack = done(queue.acts.remove(["j-3"]))
    assert asks.asked[-1].verb == "queue.remove"
    assert stack.undo() == "remove j-3"
    submit, move = asks.asked[-2:]
    assert submit.args[0][0].hold and submit.args[0][0].cell_id == "C0157"
    assert (move.verb, move.args, move.words) == ("queue.move", ("j-30",), {"before": "j-4"})
    assert stack.redo() == "remove j-3" and asks.asked[-1].args == ("j-30",)


def test_what_undo_could_not_bring_back_held_is_told_before_it_is_removed() -> None:
    lab, asks, queue = a_queue()
    tell(lab, job("j-8", JobState.HELD, spec=JobSpec(CellId("C1"))))
    assert queue.acts.lost_by_removing(["j-8", "j-2"]) == ("j-8",)
    assert queue.acts.remove(["j-8"]) is None and "queue.remove" not in asks.verbs
    queue.acts.remove_for_good(["j-8"], "never")
    assert asks.asked[-1].words == {"version": 1, "reason": "never"}


def test_a_change_is_one_edit_and_undo_puts_back_what_each_item_had() -> None:
    lab, asks, queue = a_queue()
    tell(
        lab, job("j-2", spec=JobSpec(CellId("C0063"), protocol="LFP-0.5C", variables={"n": "3"}, priority=2))
    )
    stack = done(queue.acts.change(["j-2", "j-4"], {"priority": 5, "variables": {"n": "9"}}))
    assert [question.words for question in asks.of("queue.edit")] == [
        {"version": 1, "priority": 5, "variables": {"n": "9"}}, {"version": 7, "priority": 5, "variables": {"n": "9"}},
    ]  # fmt: skip
    stack.undo()
    assert [question.words for question in asks.of("queue.edit")[2:]] == [
        {"version": 1, "priority": 2, "variables": {"n": "3"}}, {"version": 7, "priority": 0, "variables": {}},
    ]  # fmt: skip
    assert queue.acts.change(["j-2"], {"priority": 2}) is None
    with pytest.raises(ValueError, match="cell_id"):
        queue.acts.change(["j-2"], {"cell_id": "C9"})


def test_a_held_item_says_what_must_be_released_and_never_by_undo() -> None:
    lab, asks, queue = a_queue()
    assert queue.acts.way_out("j-2") is None
    assert queue.acts.ways_out(["j-3"]) == (Release(Way.JOB, "j-3", "OCV 2.41 V, wanted 2.89 V"),)
    tell(
        lab,
        job("j-7", JobState.HELD, channel=ChannelId("neware:1-1")),
        a_standing(lanes={"neware:1-1": "tripped"}),
    )
    assert queue.acts.way_out("j-7") == Release(Way.CHANNEL, "neware:1-1", "tripped")
    tell(lab, a_standing(holds=[{"target": "neware", "by": "li", "since_utc": "", "reason": "cables"}]))
    way = queue.acts.way_out("j-7")
    assert way == Release(Way.PART, "neware", "neware is held by li: cables")
    queue.acts.release(way)
    assert (asks.asked[-1].verb, asks.asked[-1].args) == ("queue.release_queue", ("neware",))
    tell(lab, a_standing(stopped="held by li"))
    assert queue.acts.way_out("j-7") == Release(Way.ALL, "", "held by li")
    assert queue.acts.part_why_not("", hold=True) == "It is held: held by li"
    assert queue.acts.part_why_not("neware", hold=False) == "It is not held."


def a_standing(**words: object) -> Delta:
    return Delta(1, "station", "queue", {"stopped": "", "holds": [], "lanes": {}, "trouble": "", **words})


def test_campaigns_say_how_far_they_are_and_narrow_the_list() -> None:
    lab, _, queue = a_queue()
    states = (JobState.ENDED, JobState.RUNNING, JobState.HELD, JobState.FAILED, JobState.REMOVED)
    for at, state in enumerate(states):
        spec = JobSpec(CellId("C1"), protocol="X", campaign="aging")
        tell(lab, job(f"k-{at}", state, spec=spec, ends=at_(f"05-0{at + 1}T00:00:00")))
    (campaign,) = queue.campaigns()
    assert campaign.told == "1 of 4 done, 1 running, 1 held, 1 failed, ends about 05-03 00:00"
    assert campaign.short == "1 of 4, 1 held, 1 failed"
    queue.campaign = "aging"
    assert [row.job_id for row in queue.rows()] == ["k-1", "k-2"]
    queue.campaign, queue.search = "", "EIS"
    assert [row.job_id for row in queue.rows()] == ["j-4"]
    queue.search = "nothing like it"
    assert queue.rows() == () and queue.empty_words()[0] == "Nothing matches"


def test_u14_what_is_held_is_drawn_behind_its_lane_with_an_open_end_or_the_length_it_had() -> None:
    lab, asks, queue = a_queue()
    asks.answers["queue.calendar"] = (
        entry("neware:1-1", "running", "04-20T00:00:00", "04-29T08:24:00", run_id=RunId("r1")),
        entry("neware:1-2", "waiting", "04-21T15:40:00", "04-24T05:00:00", job_id=JobId("j-2")),
    )
    queue.want_calendar()
    tell(lab, job("j-6", JobState.HELD, channel=ChannelId("neware:1-1"), reason="j-1 failed"))
    lanes = {lane.label: lane for lane in queue.lanes()}
    assert list(lanes) == ["1-1", "1-2", "1", "any"]
    running, held = lanes["1-1"].bars
    assert (
        held.look == "held" and held.open_end and held.begin_s == running.end_s and "j-1 failed" in held.hover
    )
    tell(lab, job("j-2", JobState.HELD, "C0063", version=2, channel=ChannelId("neware:1-2")))
    asks.answers["queue.calendar"] = ()
    queue._take(())
    (was_foreseen,) = {lane.label: lane for lane in queue.lanes()}["1-2"].bars
    assert not was_foreseen.open_end and was_foreseen.end_s - was_foreseen.begin_s == (61 * 60 + 20) * 60


def test_the_end_of_a_bar_tells_its_doubt_shortly() -> None:
    assert interval_of(0.0, 6 * 3600.0, 12 * 3600.0) == "±6\u2009h"
    assert interval_of(0.0, 86_400.0, 86_400.0 * 4) == "\u221224\u2009h +3\u2009d"
    assert interval_of(5.0, 5.0, 5.0) == ""


def test_hours_are_marked_where_days_are_wide() -> None:
    begin_s = datetime(2026, 4, 20, 3, tzinfo=UTC).timestamp()
    day = ticks(begin_s, begin_s + 86_400, day_px=1200.0)
    assert [tick.day for tick in day if not tick.whole_day][:3] == ["01:00", "02:00", "03:00"]
    assert all(tick.whole_day for tick in ticks(begin_s, begin_s + 20 * 86_400, day_px=40.0))


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
        ("1-1", "C0045", "71 %"), ("1-9", "", ""), ("1-10", "", ""), ("1", "", ""), ("any", "next free", ""),
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


def test_u19_undo_does_not_bring_back_what_the_station_refused_to_remove() -> None:
    _, asks, queue = a_queue()
    refused = Trouble("Not done", "chen has changed it", kind=TroubleKind.CONFLICT)
    asks.answers["queue.remove"] = refused
    stack = done(queue.acts.remove(["j-2"]))
    before = len(asks.asked)
    stack.undo()
    assert asks.verbs[before:] == [], "it still waits: a second one would start it twice"
    asks.answers["queue.hold"] = refused
    stack = done(queue.acts.hold(["j-2"]))
    before = len(asks.asked)
    stack.undo()
    assert asks.verbs[before:] == [], "a hold that is somebody else's is not released"


def test_r15_a_change_is_sent_with_the_version_that_the_person_saw() -> None:
    lab, asks, queue = a_queue()
    seen = {"j-2": lab.jobs["j-2"].version}
    tell(lab, replace(lab.jobs["j-2"], version=9))  # chen was faster, while the dialog was open
    asks.answers["queue.edit"] = Trouble("Not done", "chen has changed j-2", kind=TroubleKind.CONFLICT)
    stack = done(queue.acts.change(["j-2"], {"priority": 5}, seen))
    assert asks.asked[-1].words == {"version": 1, "priority": 5}
    before = len(asks.asked)
    stack.undo()
    assert len(asks.asked) == before, "what was refused is not put back over what chen did"


def test_what_stood_against_a_wish_is_asked_again_and_not_while_an_answer_is_awaited() -> None:
    lab, asks, queue = a_queue()
    wish = InsertJobs(lab, queue.acts._acts, asks, ProtocolShelf(asks), ["C0063"])
    wish.set_protocol("LFP-0.5C")
    lab.apply(Batch(link=LinkNews(LinkPhase.LOST)))
    wish.check()
    assert not asks.of("queue.submit"), "there is nobody to ask"
    lab.apply(Batch(link=LinkNews(LinkPhase.LIVE, 0.0)))
    wish.look_again()
    wish.look_again()
    (first,) = asks.of("queue.submit")
    first.failed(Trouble("No answer yet", "the station does not answer", kind=TroubleKind.DEADLINE))
    wish.look_again()
    (_, second) = asks.of("queue.submit")
    second.then(Submitted((PlannedJob("", CellId("C0063"), None, "LFP-0.5C"),), (), True))
    assert wish.submit_why_not() == ""
    wish.look_again()
    assert len(asks.of("queue.submit")) == 2


def test_a_second_press_on_queue_queues_nothing_twice() -> None:
    lab, asks, queue = a_queue()
    wish = InsertJobs(lab, queue.acts._acts, asks, ProtocolShelf(asks), ["C0063"])
    wish.set_protocol("LFP-0.5C")
    wish.check()
    asks.asked[-1].then(Submitted((PlannedJob("", CellId("C0063"), None, "LFP-0.5C"),), (), True))
    told: list[str] = []
    wish.submit(told.append)
    wish.submit(told.append)
    sent = [one for one in asks.of("queue.submit") if not one.words.get("dry_run")]
    assert len(sent) == 1 and wish.submit_why_not() == "sending"
    sent[0].failed(Trouble("Not done", "refused"))
    assert wish.submit_why_not() != "sending"
