"""A part of the queue is held and released as a whole; a job that has not started is changed."""

from __future__ import annotations

import pytest

from labctl.errors import ConflictError, ProgramError, UserInputError
from labctl.model.ids import CellId, ChannelId
from labctl.model.job import JobEdit, JobSpec, JobState
from labctl.model.person import Actor, Role
from labctl.station.queueing import QueueKeeper
from labctl.testing.queuebench import CHEN, SHORT, SHORT_S, FakeEngine, QueueBench, wish

ONE, TWO = ChannelId("neware:1-1"), ChannelId("neware:1-2")
ANNA = Actor("anna", Role.OPERATE, "test")


def test_a_held_channel_starts_nothing_while_its_neighbour_goes_on_and_says_who_holds_it() -> None:
    bench = QueueBench()

    async def story(keeper: QueueKeeper, engine: FakeEngine) -> None:
        standing = await keeper.hold_queue(CHEN, "wire is loose", target=ONE)
        assert [(hold.target, hold.by) for hold in standing.holds] == [(ONE, "chen")]
        await keeper.submit(CHEN, [wish(1), wish(2)])
        await bench.clock.plant.sleep(60.0)
        assert bench.world.energised == ["j-2"]
        held = keeper.job("j-1")
        assert held.state is JobState.HELD
        assert held.waits_for == f"{ONE} is held by chen: wire is loose; release {ONE} in the queue"
        assert bench.feed.value("station", "queue") is not None
        await keeper.release_queue(ANNA, "mended", target=ONE)
        await bench.over(keeper)

    bench.live(story)
    assert bench.world.energised == ["j-2", "j-1"]
    assert ("anna", "queue.release", ONE, "mended") in bench.acts.rows


def test_a_held_instrument_holds_all_its_channels_over_a_restart() -> None:
    bench = QueueBench()

    async def begin(keeper: QueueKeeper, engine: FakeEngine) -> None:
        await keeper.hold_queue(CHEN, target="neware")
        await keeper.submit(CHEN, [wish(1), wish(2)])
        await bench.clock.plant.sleep(60.0)

    async def go_on(keeper: QueueKeeper, engine: FakeEngine) -> None:
        await bench.clock.plant.sleep(60.0)
        assert bench.world.energised == []
        assert {job.state for job in keeper.jobs()} == {JobState.HELD}
        with pytest.raises(ConflictError, match="neware is held by chen"):
            await keeper.hold_queue(ANNA, target="neware")
        with pytest.raises(ConflictError, match="held are neware"):
            await keeper.release_queue(ANNA, target=ONE)
        with pytest.raises(UserInputError, match="no channel or instrument 'oven'"):
            await keeper.hold_queue(ANNA, target="oven")
        standing = await keeper.release_queue(ANNA, target="neware")
        assert standing.holds == ()
        await bench.over(keeper)

    bench.live(begin)
    bench.live(go_on)
    assert bench.world.energised == ["j-1", "j-2"]


def test_holding_all_twice_names_who_holds_it_and_shows_every_job_as_held() -> None:
    bench = QueueBench()

    async def story(keeper: QueueKeeper, engine: FakeEngine) -> None:
        await keeper.hold_queue(CHEN, "coffee")
        await keeper.submit(CHEN, [wish(1)])
        assert keeper.job("j-1").state is JobState.HELD
        with pytest.raises(ConflictError, match="held by chen: coffee"):
            await keeper.hold_queue(ANNA)
        with pytest.raises(ConflictError, match="stands still"):
            await keeper.release(ANNA, "j-1")
        assert (await keeper.release_queue(ANNA)).stopped == ""
        await bench.over(keeper)

    bench.live(story)
    assert bench.world.energised == ["j-1"]


def test_a_waiting_job_takes_new_variables_priority_moment_and_note_and_keeps_them_over_a_restart() -> None:
    bench = QueueBench(channels=1, cells=1)

    async def begin(keeper: QueueKeeper, engine: FakeEngine) -> None:
        await keeper.submit(CHEN, [wish(1, hold=True, protocol_source="short.yaml")])
        was = keeper.job("j-1")
        edit = JobEdit(
            variables={"cycles": "1"},
            priority=4,
            not_before_utc="2026-01-01T01:00:00Z",
            notes="one is enough",
        )
        job = await keeper.edit(ANNA, "j-1", edit, version=was.version, reason="short of time")
        assert job.version == was.version + 1
        assert job.spec.priority == 4 and job.spec.notes == "one is enough"
        with pytest.raises(ConflictError, match="changed meanwhile"):
            await keeper.edit(CHEN, "j-1", JobEdit(priority=1), version=was.version)

    async def go_on(keeper: QueueKeeper, engine: FakeEngine) -> None:
        job = keeper.job("j-1")
        assert job.spec.variables == {"cycles": "1"} and job.spec.protocol_source == "short.yaml"
        await keeper.release(CHEN, "j-1")
        await bench.over(keeper)

    bench.live(begin)
    bench.live(go_on)
    (run,) = bench.world.runs.values()
    assert run.length_s < SHORT_S and run.energised_s is not None and run.energised_s >= 3600.0
    assert ("anna", "job.edit", "j-1", "short of time") in bench.acts.rows


def test_an_edit_that_cannot_run_or_comes_too_late_changes_nothing() -> None:
    bench = QueueBench(channels=1, cells=1)

    async def story(keeper: QueueKeeper, engine: FakeEngine) -> None:
        await keeper.submit(CHEN, [wish(1, hold=True)])
        was = keeper.job("j-1")
        with pytest.raises(ProgramError, match=r"typo\.yaml:\d+:\d+: unknown step 'chrage'"):
            broken = SHORT.replace("charge: 1", "chrage: 1", 1)
            await keeper.edit(CHEN, "j-1", JobEdit(protocol_text=broken, protocol_source="typo.yaml"))
        with pytest.raises(ProgramError, match="no variable 'passes'"):
            await keeper.edit(CHEN, "j-1", JobEdit(variables={"passes": "3"}))
        with pytest.raises(UserInputError, match="Nothing of j-1 is different"):
            await keeper.edit(CHEN, "j-1", JobEdit(priority=0))
        with pytest.raises(UserInputError, match="Say what is to be changed"):
            await keeper.edit(CHEN, "j-1", JobEdit())
        assert keeper.job("j-1") == was
        await keeper.release(CHEN, "j-1")
        await bench.clock.plant.sleep(60.0)
        with pytest.raises(ConflictError, match="running"):
            await keeper.edit(CHEN, "j-1", JobEdit(priority=3))

    bench.live(story)


def test_another_protocol_for_a_waiting_job_is_frozen_with_its_own_defaults() -> None:
    bench = QueueBench(channels=1, cells=1)

    async def story(keeper: QueueKeeper, engine: FakeEngine) -> None:
        await keeper.submit(CHEN, [wish(1, hold=True, variables={"cycles": "5"})])
        other = SHORT.replace("name: Short", "name: Other")
        job = await keeper.edit(CHEN, "j-1", JobEdit(protocol_text=other))
        assert job.protocol_name == "Other" and job.spec.variables == {}
        assert keeper.protocol_text("j-1") == other
        clone = await keeper.clone(CHEN, "j-1")
        assert clone.protocol_name == "Other"

    bench.live(story)


def test_a_refused_row_names_the_file_that_its_protocol_came_from() -> None:
    bench = QueueBench(channels=1, cells=1)

    async def story(keeper: QueueKeeper, engine: FakeEngine) -> None:
        broken = SHORT.replace("rest: 10 min", "rest: 10 mni")
        spec = JobSpec(CellId("C0001"), protocol_text=broken, protocol_source="typo.yaml")
        with pytest.raises(ProgramError, match=r"typo\.yaml:\d+:\d+: 'mni' is not a unit"):
            await keeper.submit(CHEN, [spec])

    bench.live(story)
