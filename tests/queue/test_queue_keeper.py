"""The queue at work: order, lanes, dependencies, people's acts, and what each waiting job says."""

from __future__ import annotations

from itertools import pairwise

import pytest

from labctl.config.station import DeviceEntry
from labctl.engine.machines.findings import Outcome
from labctl.engine.machines.life import Phase
from labctl.errors import ConflictError, ProgramError, StoreError, UserInputError
from labctl.model.bench import LinkState
from labctl.model.ids import CellId, ChannelId
from labctl.model.job import After, AfterWhen, JobState, RetryPolicy
from labctl.station.queueing import QueueKeeper
from labctl.testing.queuebench import CHEN, SHORT, SHORT_S, FakeEngine, QueueBench, symmetric, wish

ONE, TWO = ChannelId("neware:1-1"), ChannelId("neware:1-2")


def test_jobs_of_two_cells_run_side_by_side_and_those_of_one_cell_in_their_order() -> None:
    bench = QueueBench()

    async def story(keeper: QueueKeeper, engine: FakeEngine) -> None:
        planned, calendar = await keeper.submit(
            CHEN, [wish(1, label="first"), wish(2), wish(1, after=(After("first"),))], key="a"
        )
        assert [plan.job_id for plan in planned] == ["j-1", "j-2", "j-3"]
        assert len(calendar) == 3
        await bench.clock.plant.sleep(60.0)
        states = {job.job_id: job.state for job in keeper.jobs()}
        assert states == {"j-1": JobState.RUNNING, "j-2": JobState.RUNNING, "j-3": JobState.WAITING}
        (waiting,) = [job for job in keeper.jobs() if job.job_id == "j-3"]
        assert "j-1 (Short of C0001) to end well until about 02:10 UTC" in waiting.waits_for
        jobs = await bench.over(keeper)
        assert {job.state for job in jobs.values()} == {JobState.ENDED}

    bench.live(story)
    assert bench.world.energised == ["j-1", "j-2", "j-3"]


def test_every_waiting_job_says_what_it_waits_for() -> None:
    oven = DeviceEntry("oven", "fake", "mem://", channels=(ONE, TWO))
    bench = QueueBench(channels=3, cells=5, chambers=[oven])
    third = ChannelId("neware:1-3")
    bench.shelf.places.pop(third)
    bench.shelf.unready.add(TWO)

    async def story(keeper: QueueKeeper, engine: FakeEngine) -> None:
        await keeper.submit(CHEN, [wish(1)])
        await keeper.submit(
            CHEN, [wish(1, variables={"cycles": "3"}), wish(2), wish(3), wish(4, channel=TWO)]
        )
        await keeper.submit(CHEN, [wish(2, channel=TWO, variables={"chamber": "60 degC"})])
        await keeper.submit(CHEN, [wish(5, channel=third, not_before_utc="2026-01-02T00:00:00Z")])
        await bench.clock.plant.sleep(60.0)
        said = {job.job_id: job.waits_for for job in keeper.jobs() if job.state is JobState.WAITING}
        assert said["j-2"].startswith("cell C0001 is in use by j-1 (Short of C0001) until about 02:")
        assert said["j-3"] == "cell C0002 in neware:1-2 is not marked ready"
        assert said["j-4"] == "cell C0003 sits in no channel: load it (free and fitting: neware:1-3)"
        assert said["j-5"] == "neware:1-2 holds cell C0002: load C0004 there"
        assert said["j-6"] == "behind j-3 (Short of C0002) of the same cell"
        assert said["j-7"] == "not before 2026-01-02T00:00:00+00:00"
        await keeper.remove(CHEN, "j-3")
        (job,) = [job for job in keeper.jobs() if job.job_id == "j-6"]
        assert job.waits_for.startswith("oven is at 25 degC for C0001 until about 02:")

    bench.live(story)
    assert bench.world.energised == ["j-1"]


def test_failed_job_stops_its_lane_only_and_says_why() -> None:
    bench = QueueBench()
    bench.world.outcomes["C0001"] = Outcome.TRIPPED

    async def story(keeper: QueueKeeper, engine: FakeEngine) -> None:
        await keeper.submit(CHEN, [wish(1), wish(2), wish(1, variables={"cycles": "3"})])
        await keeper.submit(CHEN, [wish(2, variables={"cycles": "3"})])
        await bench.clock.plant.sleep(20 * 3600.0)
        jobs = {job.job_id: job for job in keeper.jobs()}
        assert jobs["j-1"].state is JobState.FAILED and jobs["j-1"].reason.startswith("tripped")
        assert keeper.lane(ONE).startswith("j-1 (Short of C0001) failed: tripped")
        assert jobs["j-3"].state is JobState.HELD
        assert bench.alarms.active["job.failed", ONE].startswith("j-1 (Short of C0001) failed: tripped")
        assert "lane neware:1-1 stands still: j-1 (Short of C0001) failed" in jobs["j-3"].waits_for
        assert jobs["j-2"].state is jobs["j-4"].state is JobState.ENDED and keeper.lane(TWO) == ""
        with pytest.raises(ConflictError, match="release the lane"):
            await keeper.release(CHEN, "j-3")
        bench.world.outcomes.clear()
        await keeper.release_lane(CHEN, ONE, "contact mended")
        jobs = await bench.over(keeper)
        assert jobs["j-3"].state is JobState.ENDED

    bench.live(story)
    assert bench.alarms.active == {}
    assert bench.world.energised == ["j-1", "j-2", "j-4", "j-3"]
    assert ("chen", "lane.release", ONE, "contact mended") in bench.acts.rows


def test_dependency_on_a_good_end_is_not_met_by_a_stop_but_one_on_any_end_is() -> None:
    bench = QueueBench(channels=3, cells=3)

    async def story(keeper: QueueKeeper, engine: FakeEngine) -> None:
        well, anyhow = wish(2, after=(After("first"),)), wish(3, after=(After("first", AfterWhen.ANY),))
        await keeper.submit(CHEN, [wish(1, label="first"), well, anyhow])
        await bench.clock.plant.sleep(60.0)
        (run,) = bench.world.runs.values()
        engine.end(run, Outcome.STOPPED, "enough")
        await bench.clock.plant.sleep(60.0)
        jobs = {job.job_id: job for job in keeper.jobs()}
        assert jobs["j-1"].state is JobState.ENDED and jobs["j-1"].reason == "stopped: enough"
        assert jobs["j-3"].state is JobState.RUNNING
        assert jobs["j-2"].waits_for.startswith(
            "must follow a good end of j-1 (Short of C0001), which ended otherwise"
        )
        assert keeper.lane(ONE) == ""

    bench.live(story)


def test_stopped_run_keeps_the_next_job_of_its_lane_from_starting_by_itself() -> None:
    bench = QueueBench()

    async def story(keeper: QueueKeeper, engine: FakeEngine) -> None:
        await keeper.submit(CHEN, [wish(1), wish(1, variables={"cycles": "3"})])
        await bench.clock.plant.sleep(60.0)
        (run,) = bench.world.runs.values()
        engine.end(run, Outcome.STOPPED, "smoke")
        await bench.clock.plant.sleep(3600.0)
        assert keeper.lane(ONE) == "j-1 (Short of C0001) was stopped: smoke"
        assert bench.world.energised == ["j-1"]

    bench.live(story)


def test_refused_start_is_tried_again_as_often_as_its_policy_says_then_the_lane_stops() -> None:
    bench = QueueBench()
    bench.world.refuse["C0001"] = [UserInputError("Channel says no."), UserInputError("Still no.")]
    bench.world.refuse["C0002"] = [UserInputError("Never.")] * 2

    async def story(keeper: QueueKeeper, engine: FakeEngine) -> None:
        await keeper.submit(
            CHEN, [wish(1, retry=RetryPolicy(2, 300.0)), wish(2, retry=RetryPolicy(1, 300.0))]
        )
        await bench.clock.plant.sleep(10.0)
        (first, _) = keeper.jobs()
        assert first.waits_for == "try 1 of 3: Channel says no.; tried again at 01 Jan 00:05:00 UTC"
        jobs = await bench.over(keeper)
        assert jobs["j-1"].state is JobState.ENDED
        assert jobs["j-2"].state is JobState.FAILED and jobs["j-2"].reason == "Never."
        assert keeper.lane(TWO) == "j-2 (Short of C0002) failed: Never."
        await keeper.retry(CHEN, "j-2")
        await keeper.release_lane(CHEN, TWO, "looked")
        jobs = await bench.over(keeper)
        assert jobs["j-2"].state is JobState.ENDED

    bench.live(story)
    assert bench.world.energised == ["j-1", "j-2"]


def test_start_that_the_disk_refuses_waits_and_is_no_failure_of_the_job() -> None:
    bench = QueueBench()
    bench.world.refuse["C0001"] = [StoreError("disk full")]

    async def story(keeper: QueueKeeper, engine: FakeEngine) -> None:
        await keeper.submit(CHEN, [wish(1)])
        await bench.clock.plant.sleep(10.0)
        assert keeper.job("j-1").waits_for == "disk full; tried again at 01 Jan 00:01:00 UTC"
        assert keeper.lane(ONE) == ""
        assert (await bench.over(keeper))["j-1"].state is JobState.ENDED

    bench.live(story)


def test_starts_of_a_submission_keep_their_distance() -> None:
    bench = QueueBench(channels=4, cells=4)

    async def story(keeper: QueueKeeper, engine: FakeEngine) -> None:
        await keeper.submit(CHEN, [wish(number, stagger_s=120.0) for number in range(1, 5)])
        await bench.over(keeper)

    bench.live(story)
    starts_s = [run.energised_s for run in bench.world.runs.values() if run.energised_s is not None]
    gaps_s = [later_s - earlier_s for earlier_s, later_s in pairwise(starts_s)]
    assert len(gaps_s) == 3 and all(119.0 < gap_s < 125.0 for gap_s in gaps_s)


def test_larger_priority_and_moved_jobs_go_first() -> None:
    bench = QueueBench(channels=1, cells=4)
    bench.shelf.places.clear()

    async def story(keeper: QueueKeeper, engine: FakeEngine) -> None:
        await keeper.hold_queue(CHEN, "coffee")
        await keeper.submit(CHEN, [wish(number, channel=ONE) for number in range(1, 5)])
        await keeper.prioritise(CHEN, "j-3", 5)
        await keeper.move(CHEN, "j-4", before="j-2")
        assert [job.job_id for job in keeper.jobs()] == ["j-3", "j-1", "j-4", "j-2"]
        assert [job.position for job in keeper.jobs()] == [1, 2, 3, 4]
        assert "all queues are held: held by chen: coffee" in keeper.job("j-1").waits_for
        await bench.clock.plant.sleep(60.0)
        assert bench.world.energised == []
        await keeper.release_queue(CHEN)
        for _ in range(4):
            await bench.clock.plant.sleep(SHORT_S + 120.0)
            bench.shelf.places.clear()
            keeper.bench_changed()
        await bench.over(keeper)

    bench.live(story)
    assert bench.world.energised == ["j-3", "j-1", "j-4", "j-2"]


def test_acts_fit_the_state_and_the_version_on_which_they_were_decided() -> None:
    bench = QueueBench()

    async def story(keeper: QueueKeeper, engine: FakeEngine) -> None:
        await keeper.submit(CHEN, [wish(1), wish(2, hold=True)])
        await bench.clock.plant.sleep(60.0)
        with pytest.raises(ConflictError, match="only a waiting job can be held; a running one is paused"):
            await keeper.hold(CHEN, "j-1")
        job = await keeper.release(CHEN, "j-2", version=1)
        assert job.version == 2
        with pytest.raises(ConflictError, match="version 2, you saw 1"):
            await keeper.hold(CHEN, "j-2", version=1)
        with pytest.raises(UserInputError, match="no job 'j-99'"):
            await keeper.hold(CHEN, "j-99")
        await bench.over(keeper)
        with pytest.raises(ConflictError, match="only a job that has not started"):
            await keeper.remove(CHEN, "j-1")
        twin = await keeper.clone(CHEN, "j-1")
        assert twin.job_id == "j-3" and keeper.protocol_text("j-3") == SHORT
        assert (await bench.over(keeper))["j-3"].state is JobState.ENDED

    bench.live(story)
    acts = [what for _, what, _, _ in bench.acts.rows]
    assert acts == ["job.submit", "job.release", "job.submit"]


def test_second_call_with_the_same_key_queues_nothing() -> None:
    bench = QueueBench()

    async def story(keeper: QueueKeeper, engine: FakeEngine) -> None:
        first, _ = await keeper.submit(CHEN, [wish(1), wish(2)], key="click")
        again, _ = await keeper.submit(CHEN, [wish(1), wish(2)], key="click")
        assert [plan.job_id for plan in first] == [plan.job_id for plan in again] == ["j-1", "j-2"]
        assert len(keeper.jobs()) == 2

    bench.live(story)
    bench.live(story)  # also after a restart


def test_submission_is_all_or_none_and_names_row_and_cell() -> None:
    bench = QueueBench()

    async def story(keeper: QueueKeeper, engine: FakeEngine) -> None:
        with pytest.raises(ProgramError) as caught:
            await keeper.submit(CHEN, [wish(1), wish(7), wish(2, label="bad", after=(After("frist"),))])
        assert caught.value.findings == (
            "row 2 (C0007): There is no cell 'C0007'.",
            "bad (C0002): waits for 'frist', which does not exist. Name a label of this submission, or a job's id.",
        )
        assert keeper.jobs() == ()

    bench.live(story)
    assert bench.acts.rows == []


def test_stop_all_keeps_everything_from_starting_until_it_is_released() -> None:
    bench = QueueBench()

    async def story(keeper: QueueKeeper, engine: FakeEngine) -> None:
        keeper.hold_all("smoke")
        await keeper.submit(CHEN, [wish(1)])
        await bench.clock.plant.sleep(3600.0)
        assert keeper.job("j-1").waits_for == "smoke" and bench.world.energised == []
        keeper.release_all()
        await bench.over(keeper)

    bench.live(story)
    assert bench.world.energised == ["j-1"]


def test_lost_instrument_and_latched_channel_hold_back_starts_and_say_so() -> None:
    bench = QueueBench()
    bench.world.links["neware"] = LinkState.STALE
    bench.world.trips[TWO] = "voltage above 5 V"

    async def story(keeper: QueueKeeper, engine: FakeEngine) -> None:
        await keeper.submit(CHEN, [wish(1), wish(2)])
        assert keeper.job("j-1").waits_for == "instrument neware is stale"
        assert "latched by a trip (voltage above 5 V): a person must reset it" in keeper.job("j-2").waits_for
        bench.world.links["neware"] = LinkState.LIVE
        bench.feed.publish("instrument", "neware", {"link": "live"})
        await bench.clock.plant.sleep(60.0)
        assert bench.world.energised == ["j-1"]

    bench.live(story)


def test_run_that_nobody_follows_any_more_stops_its_lane_and_comes_back() -> None:
    bench = QueueBench()

    async def story(keeper: QueueKeeper, engine: FakeEngine) -> None:
        await keeper.submit(CHEN, [wish(1)])
        await bench.clock.plant.sleep(60.0)
        (run,) = bench.world.runs.values()
        engine.leave(run, "held: another test runs there")
        await bench.clock.plant.sleep(1.0)
        assert keeper.job("j-1").state is JobState.RUNNING
        assert keeper.job("j-1").reason == "held: another test runs there"
        assert "is not followed" in keeper.lane(ONE)
        engine.say(run, Phase.PAUSED)
        await bench.clock.plant.sleep(1.0)
        assert keeper.job("j-1").state is JobState.PAUSED and keeper.job("j-1").reason == ""
        engine.say(run, Phase.RUNNING)
        jobs = await bench.over(keeper)
        assert jobs["j-1"].state is JobState.ENDED

    bench.live(story)


def test_cell_corrected_while_its_job_waits_is_bound_anew_at_the_start() -> None:
    bench = QueueBench(channels=1, cells=1)

    async def story(keeper: QueueKeeper, engine: FakeEngine) -> None:
        await keeper.submit(CHEN, [wish(1, hold=True)])
        bench.shelf.known[CellId("C0001")] = symmetric(1, diameter_mm=200.0)
        await keeper.release(CHEN, "j-1")
        await bench.clock.plant.sleep(60.0)
        assert "neware:1-1 does not fit: " in keeper.job("j-1").waits_for
        assert "10 mA" in keeper.job("j-1").waits_for
        bench.shelf.known[CellId("C0001")] = symmetric(1)
        keeper.bench_changed()
        assert (await bench.over(keeper))["j-1"].state is JobState.ENDED

    bench.live(story)


def test_feed_carries_every_job_as_it_stands() -> None:
    bench = QueueBench()

    async def story(keeper: QueueKeeper, engine: FakeEngine) -> None:
        await keeper.submit(CHEN, [wish(1)])
        await bench.over(keeper)
        seen = [
            delta.data["state"] for delta in bench.feed.since(0) or () if delta.topic == "job" and delta.data
        ]
        assert list(dict.fromkeys(seen)) == ["waiting", "starting", "running", "ended"]

    bench.live(story)


def test_job_that_cannot_start_in_time_is_alarmed_until_it_starts() -> None:
    bench = QueueBench()
    bench.world.links["neware"] = LinkState.STALE

    async def story(keeper: QueueKeeper, engine: FakeEngine) -> None:
        await keeper.submit(CHEN, [wish(1, not_before_utc="2026-01-01T01:00:00Z")])
        await bench.clock.plant.sleep(3 * 3600.0)
        assert list(bench.alarms.active) == [("job.late", "j-1")]
        bench.world.links["neware"] = LinkState.LIVE
        keeper.bench_changed()
        await bench.over(keeper)

    bench.live(story)
    assert bench.alarms.active == {}


def test_bug_in_one_start_stops_its_lane_and_leaves_the_others_alone() -> None:
    bench = QueueBench()
    bench.world.refuse["C0001"] = [ZeroDivisionError("planted")]

    async def story(keeper: QueueKeeper, engine: FakeEngine) -> None:
        await keeper.submit(CHEN, [wish(1), wish(2)])
        jobs = await bench.over(keeper)
        assert jobs["j-1"].reason == "a fault in labctl: ZeroDivisionError: planted"
        assert jobs["j-2"].state is JobState.ENDED

    bench.live(story)


def test_link_that_is_lost_between_decision_and_start_is_no_failure_of_the_job() -> None:
    bench = QueueBench()

    bench.world.refuse["C0001"] = [UserInputError("neware does not answer now")]

    async def story(keeper: QueueKeeper, engine: FakeEngine) -> None:
        await keeper.submit(CHEN, [wish(1)])
        await bench.clock.plant.sleep(0.005)  # the start is under way
        bench.world.links["neware"] = LinkState.STALE
        await bench.clock.plant.sleep(600.0)
        assert keeper.lane(ONE) == "" and keeper.job("j-1").waits_for == "instrument neware is stale"
        bench.world.links["neware"] = LinkState.LIVE
        keeper.bench_changed()
        assert (await bench.over(keeper))["j-1"].state is JobState.ENDED

    bench.live(story)
    assert bench.world.energised == ["j-1"]


def test_channel_that_nobody_has_read_yet_is_left_to_the_engine_which_reads_it() -> None:
    bench = QueueBench()
    bench.world.unread = {ONE, TWO}
    bench.world.refuse["C0002"] = [UserInputError("Channel neware:1-2 is running, so it cannot be started.")]

    async def story(keeper: QueueKeeper, engine: FakeEngine) -> None:
        await keeper.submit(CHEN, [wish(1), wish(2)])
        await bench.clock.plant.sleep(10.0)
        assert bench.world.energised == ["j-1"] and keeper.lane(TWO) == ""
        assert keeper.job("j-2").waits_for.startswith(
            "Channel neware:1-2 is running, so it cannot be started.; tried"
        )
        await bench.over(keeper)

    bench.live(story)
    assert bench.world.energised == ["j-1", "j-2"]
