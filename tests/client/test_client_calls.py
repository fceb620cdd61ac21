"""Each namespace of the client against a station's real application: what people and scripts do all day."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from labctl.api.client import Station, connect, connect_async
from labctl.api.client.frames import Rows
from labctl.api.server.stream import NAMED_MAX
from labctl.clock import Clock, ClockSpec, run_with_clock
from labctl.errors import ConflictError, LinkClosed, ProgramError, UserInputError
from labctl.model.bench import Delta
from labctl.model.cell import Batch, Cell, CellKind, Electrode, ImportAction
from labctl.model.ids import CellId, ChannelId
from labctl.model.job import JobSpec, JobState
from labctl.model.limitsnow import Layer
from labctl.model.person import Role
from labctl.model.prediction import PredictionState
from labctl.model.rawframe import FrameKind
from labctl.testing.fakestation import ServedFake, served_fake

RUN = "20260101T000000-C1"
CHANNEL = ChannelId("neware:1-2")
TABLE = b"cell_id,name,kind,diameter_mm\nT1,t one,symmetric,10\nT2,t two,symmetric,10\n"


@pytest.fixture(scope="module")
def fake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedFake]:
    with served_fake(tmp_path_factory.mktemp("calls") / "Mess daten 电池") as served:
        yield served


@pytest.fixture
def station(fake: ServedFake) -> Iterator[Station]:
    with connect(data=fake.data, start=False, person="Anna") as found:
        yield found


@pytest.fixture(scope="module", autouse=True)
def cells(fake: ServedFake) -> None:
    with connect(data=fake.data, start=False) as station:
        for name in ("C1", "C2"):
            station.cells.add(Cell(CellId(name), f"cell {name}", CellKind.SYMMETRIC, diameter_mm=10.0))


def test_a_station_says_who_it_is_and_who_you_are(station: Station, fake: ServedFake) -> None:
    hello = station.hello()
    assert (hello.person, hello.role, hello.epoch) == ("Anna", Role.ADMIN, fake.endpoint.epoch)
    info = station.info()
    assert info.ready and Path(info.data) == fake.data
    assert station.address is not None and station.address.url == fake.endpoint.url


def test_cells_are_corrected_by_revisions_that_name_who_and_why(station: Station) -> None:
    cell = station.cells.get("C1")
    number = station.cells.change(replace(cell, diameter_mm=12.0), reason="measured again")
    assert station.cells.get("C1").diameter_mm == 12.0
    last = station.cells.revisions("C1")[-1]
    assert (last.revision, last.by, last.reason) == (number, "Anna", "measured again")
    assert last.changed == ("diameter_mm 10 -> 12",)
    assert station.cells.history("C1")


def test_electrodes_and_batches_are_registered_too(station: Station) -> None:
    station.batches.add(Batch("B1", "first"))
    station.electrodes.add(Electrode("E1", "LFP", diameter_mm=10.0, batch="B1"))
    assert (
        station.electrodes.change(replace(station.electrodes.get("E1"), mass_mg=9.1), reason="weighed") == 2
    )
    assert station.batches.change(replace(station.batches.get("B1"), name="1st"), reason="name") == 2
    assert [entry.electrode_id for entry in station.electrodes.list()] == ["E1"]
    assert [entry.batch_id for entry in station.batches.list()] == ["B1"]
    assert len(station.electrodes.revisions("E1")) == len(station.batches.revisions("B1")) == 2


def test_a_table_is_tried_before_it_is_imported(station: Station) -> None:
    tried = station.cells.import_table("cells.csv", TABLE, dry_run=True)
    assert [row.action for row in tried.rows] == [ImportAction.NEW] * 2
    assert "T1" not in [cell.cell_id for cell in station.cells.list()]
    assert station.cells.import_table("cells.csv", TABLE).count(ImportAction.NEW) == 2
    assert "T1" in [cell.cell_id for cell in station.cells.list()]


def test_a_cell_is_loaded_made_ready_and_ejected(station: Station) -> None:
    assert station.channels.load(CHANNEL, "C2").cell_id == "C2"
    assert station.channels.set_ready(CHANNEL).ready
    assert station.channels.get(CHANNEL).cell_id == "C2"
    assert station.channels.eject(CHANNEL).cell_id == ""
    assert len(station.channels.list()) == 4
    with pytest.raises(UserInputError, match=r"typed|name|reason"):
        station.channels.reset(CHANNEL, reason="looked")
    assert station.channels.reset(CHANNEL, reason="looked", confirm=CHANNEL).channel == CHANNEL


def test_instruments_answer_and_chambers_are_set(station: Station) -> None:
    (instrument,) = station.instruments.list()
    assert station.instruments.ping(instrument.name) == "fake 1"
    assert "30 degC, at 2 K/min" in station.chambers.set("oven", 30.0, ramp_K_per_min=2.0)
    assert station.chambers.list()[0].setpoint_degC == 30.0
    assert "off" in station.chambers.off("oven")
    with pytest.raises(UserInputError, match="no chamber"):
        station.chambers.set("kiln", 30.0)


def test_jobs_are_tried_queued_ordered_and_taken_out(station: Station) -> None:
    wishes = [JobSpec(CellId(name), protocol="rest", channel=CHANNEL, label=name) for name in ("C1", "C2")]
    assert all(job.job_id is None for job in station.queue.submit(wishes, dry_run=True).jobs)
    first, second = [job.job_id for job in station.queue.submit(wishes).jobs]
    assert first is not None and second is not None
    job = station.queue.hold(first, reason="not yet")
    assert job.state is JobState.HELD
    with pytest.raises(ConflictError):
        station.queue.release(first, version=job.version - 1)
    assert station.queue.release(first, version=job.version).state is JobState.WAITING
    assert station.queue.prioritise(second, 5).spec.priority == 5
    station.queue.move(second, before=first)
    ids = [job.job_id for job in station.queue.list()]
    assert ids.index(second) < ids.index(first)
    assert station.queue.clone(second).job_id not in ids
    assert station.queue.calendar()
    station.queue.remove(first)
    station.queue.submit_campaign("C1\nC2\n", dry_run=True)
    station.queue.submit_table("jobs.csv", b"C1\n", dry_run=True)


def test_a_job_is_a_mapping_too_and_a_slip_in_it_is_told(station: Station) -> None:
    done = station.queue.submit(
        {"cell_id": "C1", "protocol": "rest", "after": [{"job": "j-1", "when": "any"}]}
    )
    assert len(done.jobs) == 1
    with pytest.raises(UserInputError, match="Did you mean 'protocol'"):
        station.queue.submit({"cell_id": "C1", "protocoll": "rest"})
    with pytest.raises(UserInputError, match="priority"):
        station.queue.submit([{"cell_id": "C1", "protocol": "rest", "priority": "high"}])


def test_the_same_key_queues_once(station: Station) -> None:
    wish = [JobSpec(CellId("C1"), protocol="rest")]
    one = station.queue.submit(wish, key="night shift 7")
    two = station.queue.submit(wish, key="night shift 7")
    assert one.jobs[0].job_id == two.jobs[0].job_id


def test_waiting_ends_when_the_jobs_are_over_or_the_time_is(station: Station) -> None:
    (job,) = station.queue.submit([JobSpec(CellId("C1"), protocol="rest")]).jobs
    assert job.job_id is not None
    (left,) = station.queue.wait([job.job_id], timeout_s=0.0)
    assert left.state is JobState.WAITING
    station.queue.remove(job.job_id)
    assert [job.state for job in station.queue.wait([job.job_id])] == [JobState.REMOVED]
    with pytest.raises(UserInputError, match="j-999"):
        station.queue.wait(["j-999"])


def test_rows_come_as_tables_and_frames_in_pages(station: Station) -> None:
    whole = station.runs.frame(RUN)
    assert list(whole["sequence"]) == list(range(1, len(whole) + 1))
    page = station.runs.records(RUN, after=10, limit=5)
    assert page.column("sequence").to_pylist() == [11, 12, 13, 14, 15]
    chosen = station.runs.frame(RUN, ["voltage_volt", "current_ampere"])
    assert list(chosen.columns) == ["voltage_volt", "current_ampere"] and len(chosen) == len(whole)
    assert station.runs.table(RUN, after=len(whole) - 2).num_rows == 2
    assert station.runs.series(RUN, ["voltage_volt"], width=10).num_rows > 0
    assert len(station.runs.cycles(RUN)) > 0


def test_runs_are_listed_shown_and_acted_on(station: Station) -> None:
    assert {run.run_id for run in station.runs.list()} >= {RUN}
    assert [run.cell_id for run in station.runs.list(cell="C2")] == ["C2"]
    assert station.runs.get(RUN).summary.run_id == RUN
    for act in (station.runs.pause, station.runs.resume, station.runs.pause_at_step_end, station.runs.skip):
        assert act(RUN, reason="try")
    assert station.runs.note(RUN, "smells of nothing")
    assert station.runs.revise(RUN, "labctl: protocol/1", reason="longer") >= 1
    assert station.runs.add_cycles(RUN, 10, reason="longer") >= 1
    assert station.runs.take_up(RUN) == ()
    assert station.runs.stop(RUN, reason="done").confirmed
    with pytest.raises(UserInputError, match="not started"):
        station.runs.frame(None)
    assert isinstance(station.runs.events(RUN), tuple) and isinstance(station.runs.revisions(RUN), tuple)
    with pytest.raises(UserInputError):
        station.runs.get("nothing")


def test_an_ended_run_is_followed_to_its_end_at_once(station: Station) -> None:
    (last,) = station.runs.follow("20260101T000000-C2")
    assert (last.state, last.outcome) == ("ended", "finished")
    assert station.runs.wait("20260101T000000-C2") == last


def test_people_get_tokens_and_lose_them(station: Station, fake: ServedFake) -> None:
    made = station.people.add("Berta", "view")
    with connect(url=fake.endpoint.url, token=made.token) as hers:
        assert hers.hello().person == "Berta"
        with pytest.raises(UserInputError, match="role"):
            hers.stop_all("no")
        station.people.revoke("Berta", reason="left")
        with pytest.raises(UserInputError, match="token"):
            hers.hello()
    assert {person.name for person in station.people.list()} >= {"owner", "view", "Berta"}


def test_the_journal_shows_who_did_what_and_verifies(station: Station) -> None:
    station.runs.stop(RUN, reason="for the journal")
    page = station.audit.page(limit=5, newest=True)
    assert page.entries[-1].who == "Anna"
    assert station.audit.verify().ok and station.audit.verify().head == page.head


def test_stop_all_is_latched_until_it_is_released(station: Station) -> None:
    assert station.stop_all("smoke").active
    with pytest.raises(UserInputError, match="release"):
        station.release_stop_all(reason="aired", confirm="")
    assert not station.release_stop_all(reason="aired", confirm="release").active


def test_alarms_and_notification_are_reached(station: Station) -> None:
    assert station.alarms.list() == ()
    assert any(entry.priority.value == "critical" for entry in station.alarms.definitions())
    assert isinstance(station.alarms.figures(), dict)
    assert isinstance(station.notify.status(), dict) and station.notify.test()


def test_protocols_are_listed_shown_and_checked(station: Station) -> None:
    names = [entry.name for entry in station.protocols.list()]
    shown = station.protocols.get(names[0])
    assert station.protocols.check(shown.text).ok
    assert not station.protocols.check("labctl: protocol/1\nname: x\nsteps:\n  - rest: 3\n").ok


def test_a_protocol_is_saved_revision_by_revision_and_a_clash_names_who_saved(station: Station) -> None:
    text = "labctl: protocol/1\nname: Mine\nsteps:\n  - rest: 1 h\n"
    first = station.protocols.save("mine", text)
    second = station.protocols.save(
        "mine", text.replace("1 h", "2 h"), based_on=first.revision, note="longer"
    )
    with pytest.raises(ConflictError, match=r"revision 2 by .*\(longer\); yours was made from revision 1"):
        station.protocols.save("mine", text.replace("1 h", "3 h"), based_on=first.revision)
    assert [one.note for one in station.protocols.revisions("mine")] == ["", "longer"]
    assert station.protocols.get("mine", 1).text == text
    job_id = station.queue.submit({"cell_id": "C1", "protocol_text": text, "hold": True}).jobs[0].job_id
    assert [(use.job_id, use.revision) for use in station.protocols.uses("mine")] == [(job_id, 1)]
    newest = station.protocols.get("mine")
    assert (newest.revision, newest.digest, newest.read_only) == (2, second.digest, False)
    with pytest.raises((UserInputError, ProgramError), match="broken:4:11: 'mni' is not a unit"):
        station.protocols.save("broken", text.replace("1 h", "1 mni"))


def test_a_check_tells_problems_by_field_and_steps_with_their_currents(station: Station) -> None:
    text = "labctl: protocol/1\nname: x\nsteps:\n  - charge: 1 mA/cm^2\n    until: {time: 1 h}\n  - rest: 3\n"
    said = station.protocols.check(text, name="x.yaml")
    (problem,) = said.problems
    assert (problem.path, problem.line, problem.is_error) == ("steps[1].rest", 6, True)
    assert problem.fix and said.errors[0].startswith("x.yaml:6:11: ")
    good = station.protocols.check(text.replace("rest: 3", "rest: 3 h"))
    assert good.ok and [step.kind for step in good.steps] == ["charge", "rest"]
    assert math.isnan(good.steps[0].current_A) and good.duration_s is None
    assert station.protocols.sketch(text, "C1").columns["voltage_V"] == (0.0, 0.1)


def test_parts_of_the_queue_are_held_and_waiting_jobs_are_changed(station: Station) -> None:
    held = station.queue.hold_queue("neware", reason="fan")
    assert [(hold.target, hold.reason) for hold in held.holds] == [("neware", "fan")]
    with pytest.raises(ConflictError, match="neware is held by"):
        station.queue.hold_queue("neware")
    assert station.queue.standing() == held
    assert station.queue.release_queue("neware").holds == ()
    job_id = station.queue.submit({"cell_id": "C1", "protocol": "rest", "hold": True}).jobs[0].job_id
    assert job_id is not None
    job = station.queue.edit(job_id, priority=3, notes="soon", variables={"rest": "2 h"})
    assert (job.spec.priority, job.spec.notes, job.spec.variables) == (3, "soon", {"rest": "2 h"})
    with pytest.raises(ConflictError):
        station.queue.edit(job_id, priority=1, version=job.version - 1)
    assert station.queue.protocol(job_id).sentences
    station.queue.remove(job_id)


def test_newest_cycles_predictions_and_revisions_are_asked_in_one_call_each(station: Station) -> None:
    assert {latest.cycle for latest in station.runs.latest_cycles()} == {2}
    (one,) = station.runs.latest_cycles([RUN])
    assert one.run_id == RUN and math.isnan(one.retention)
    with pytest.raises(UserInputError, match="no run"):
        station.runs.latest_cycles(["x"])
    assert station.runs.predicted(RUN).state is PredictionState.PENDING
    assert "C1" in {item.entry_id for item in station.cells.newest() if item.revision >= 1 and item.by}


def test_the_limits_of_a_channel_name_their_layers(station: Station) -> None:
    channel = station.channels.list()[0].channel
    (high,) = station.channels.limits(channel).limits
    assert (high.quantity, high.limit, high.layer) == ("voltage_max_V", 4.0, Layer.CHANNEL)
    assert high.layers[1].loosened_by == "li" and high.warn != high.warn


def test_raw_frames_come_a_page_at_a_time(station: Station) -> None:
    channel = station.channels.list()[0].channel
    page = station.instruments.frames("neware", limit=1)
    assert [frame.text for frame in page.frames] == ["stop 1-1"] and page.kept_in == "wire/neware.log"
    assert station.instruments.frames("neware", before=page.earlier).earlier == page.earlier
    assert station.channels.frames(channel, until="2026-01-01").frames[0].kind is FrameKind.OUT
    assert station.chambers.frames("oven").instrument == "oven"
    with pytest.raises(UserInputError, match="no instrument"):
        station.instruments.frames("nobody")


def test_a_virtual_bench_takes_another_speed(station: Station) -> None:
    assert station.info().speed == 60.0
    assert station.set_pace(600.0).speed == 600.0
    assert station.set_pace(None).speed is None
    with pytest.raises(UserInputError, match="above 0"):
        station.set_pace(-1.0)
    newest = station.audit.page(newest=True).entries[-1]
    assert (newest.act, newest.old, newest.new) == ("bench.pace", 600.0, None)


def test_a_mirror_keeps_the_state_and_tells_what_is_gone(station: Station, fake: ServedFake) -> None:
    mirror = station.mirror(("chamber",))
    mirror.update()

    async def publish(data: dict[str, object] | None) -> None:
        fake.core.feed.publish("chamber", "oven", data)

    fake.call(publish({"setpoint_degC": 31.0}))
    assert [delta.key for delta in mirror.update()] == ["oven"]
    assert mirror.state["chamber", "oven"] == {"setpoint_degC": 31.0}
    mirror.epoch = "another life"
    fake.call(publish(None))
    assert [delta.data for delta in mirror.update()] == [None]
    assert mirror.state == {}
    assert station.deltas(0, fake.endpoint.epoch).number == station.snapshot().number


def test_a_stream_gives_changes_and_rows_without_a_gap(station: Station, fake: ServedFake) -> None:
    rows = fake.core.runs.rows
    stream = iter(station.stream(("chamber",), [RUN]))

    async def show(first: int, last: int) -> None:
        fake.core.runs.hub.publish(RUN, rows.rows(first - 1, last))

    async def publish() -> None:
        fake.core.feed.publish("chamber", "stove", {"setpoint_degC": 1.0})

    fake.call(publish())
    delta = next(item for item in stream if isinstance(item, Delta) and item.key == "stove")
    assert delta.data == {"setpoint_degC": 1.0}
    fake.call(show(11, 20))
    item = next(stream)
    assert isinstance(item, Rows) and (item.first, item.last, item.table.num_rows) == (11, 20, 10)
    fake.call(show(15, 22))  # a doubled part is cut off
    fake.call(show(31, 40))  # rows 23 to 30 were lost on the way: they come from the store, with their marks
    found = [next(stream) for _ in range(5)]
    assert [(item.first, item.last, item.backfilled) for item in found if isinstance(item, Rows)] == [
        (21, 22, False),
        (23, 24, False),
        (25, 27, True),
        (28, 30, False),
        (31, 40, False),
    ]
    assert all(isinstance(item, Rows) and "backfilled" not in item.table.column_names for item in found)


def test_a_stream_that_asks_for_too_much_is_refused_in_words_and_not_tried_for_ever(station: Station) -> None:
    stream = station.stream((), [f"run-{number}" for number in range(NAMED_MAX + 1)])
    with pytest.raises(UserInputError, match=f"at most {NAMED_MAX} runs"):
        next(iter(stream))


def test_the_same_station_serves_a_program_with_an_event_loop(fake: ServedFake) -> None:
    async def main(clock: Clock) -> None:
        async with await connect_async(data=fake.data, start=False) as station:
            frame = await station.runs.frame(RUN)
            assert len(frame) == len(await station.runs.frame(RUN, ["voltage_volt"]))
            async for item in station.stream(("station",)):
                assert isinstance(item, Delta) and item.topic == "station"
                break

    run_with_clock(ClockSpec(), main)


def test_where_no_station_serves_the_way_to_start_one_is_told(tmp_path: Path) -> None:
    with pytest.raises(LinkClosed, match="labctl serve --data"):
        connect(data=tmp_path / "none", start=False)


def test_a_station_elsewhere_needs_a_token_and_a_plain_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LABCTL_TOKEN", raising=False)
    with pytest.raises(UserInputError, match="LABCTL_TOKEN"):
        connect(url="https://bench-pc:7421")
    with pytest.raises(UserInputError, match="token goes into"):
        connect(url="https://me:secret@bench-pc:7421", token="x")
    with pytest.raises(UserInputError, match="HOST:PORT"):
        connect(url="ftp://bench-pc", token="x")
