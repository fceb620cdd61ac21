"""The calendar: when jobs are expected to start and end, and how near that is to what then happens."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from labctl.config.station import DeviceEntry
from labctl.engine.machines.life import Phase
from labctl.model.ids import CellId, ChannelId
from labctl.model.job import After, Forecast
from labctl.station.queueing import QueueKeeper
from labctl.testing.queuebench import CHEN, SHORT_S, FakeEngine, QueueBench, wish

EPOCH = datetime.fromisoformat("2026-01-01T00:00:00+00:00")
ONE = ChannelId("neware:1-1")


def at_s(forecast: Forecast | None) -> float:
    """Return an expected moment in plant seconds."""
    assert forecast is not None
    return (datetime.fromisoformat(forecast.end_utc) - EPOCH).total_seconds()


def test_foreseen_starts_are_those_that_happen() -> None:
    """Goal: lanes, dependencies, stagger, earliest start and a chamber together. Method: compare with the truth."""
    oven = DeviceEntry("oven", "fake", "mem://", channels=(ChannelId("neware:1-3"), ChannelId("neware:1-4")))
    bench = QueueBench(channels=4, cells=4, chambers=[oven])

    async def story(keeper: QueueKeeper, engine: FakeEngine) -> dict[str, float]:
        hot = {"variables": {"chamber": "60 degC"}}
        specs = [
            wish(1, label="first", stagger_s=600.0), wish(2, stagger_s=600.0),
            wish(1, variables={"cycles": "1"}, after=(After("first"),)),
            wish(2, variables={"cycles": "5"}, not_before_utc="2026-01-01T12:00:00Z"),
            wish(3), wish(4, **hot), wish(3, variables={"cycles": "1"}),
        ]  # fmt: skip
        planned, _ = await keeper.submit(CHEN, specs)
        foreseen = {str(plan.job_id): at_s(plan.starts) for plan in planned}
        await bench.over(keeper)
        return foreseen

    foreseen = bench.live(story)
    began = {run.job_id: run.energised_s for run in bench.world.runs.values()}
    assert set(began) == set(foreseen)
    soak_s = 1800.0 * 2  # the fake chamber needs no soak; the calendar allows one for each run before
    for job_id, foreseen_s in foreseen.items():
        assert began[job_id] == pytest.approx(foreseen_s, abs=soak_s + 60.0), job_id
    assert began["j-4"] == pytest.approx(12 * 3600.0, abs=60.0)


def test_dry_run_shows_held_jobs_and_cells_that_nobody_has_loaded_yet() -> None:
    bench = QueueBench(channels=1, cells=3)
    bench.shelf.places.clear()

    async def story(keeper: QueueKeeper, engine: FakeEngine) -> None:
        planned, calendar = await keeper.submit(CHEN, [wish(n, hold=True) for n in (1, 2, 3)], dry_run=True)
        assert [round(at_s(plan.starts) / SHORT_S) for plan in planned] == [0, 1, 2]
        assert [bar.channel for bar in calendar] == [ONE] * 3
        assert [bar.cell_id for bar in calendar] == [CellId("C0001"), CellId("C0002"), CellId("C0003")]
        assert all(
            bar.begin_utc < bar.end_utc <= bar.high_utc and bar.low_utc <= bar.end_utc for bar in calendar
        )

    bench.live(story)
    assert bench.world.energised == []


def test_bounds_of_a_job_carry_over_to_the_one_behind_it() -> None:
    bench = QueueBench(channels=1, cells=1)

    async def story(keeper: QueueKeeper, engine: FakeEngine) -> None:
        await keeper.submit(CHEN, [wish(1), wish(1, variables={"cycles": "3"})])
        await bench.clock.plant.sleep(60.0)
        engine.say(next(iter(bench.world.runs.values())), Phase.RUNNING)
        await bench.clock.plant.sleep(700.0)
        first, second = keeper.job("j-1"), keeper.job("j-2")
        assert first.ends is not None and second.starts is not None
        assert second.starts.end_utc == first.ends.end_utc
        assert second.starts.low_utc <= second.starts.end_utc <= second.starts.high_utc
        spread = datetime.fromisoformat(first.ends.high_utc) - datetime.fromisoformat(first.ends.low_utc)
        assert spread == timedelta(seconds=120)
        assert datetime.fromisoformat(second.starts.high_utc) == datetime.fromisoformat(first.ends.high_utc)

    bench.live(story)


def test_calendar_shows_what_has_ended_what_goes_on_and_what_is_expected() -> None:
    bench = QueueBench(channels=2, cells=2)

    async def story(keeper: QueueKeeper, engine: FakeEngine) -> None:
        await keeper.submit(
            CHEN,
            [wish(1, label="one"), wish(1, variables={"cycles": "3"}), wish(1, variables={"cycles": "4"})],
        )
        await bench.clock.plant.sleep(SHORT_S + 600.0)
        bars = keeper.calendar()
        assert [(bar.state, bar.title) for bar in bars] == [
            ("ended", "one: Short"), ("running", "j-2: Short (cycles=3)"), ("waiting", "j-3: Short (cycles=4)"),
        ]  # fmt: skip
        assert (
            bars[0].end_utc[:19] <= bars[1].begin_utc[:19] and bars[1].end_utc[:19] <= bars[2].begin_utc[:19]
        )
        assert bars[0].run_id is not None and bars[2].run_id is None

    bench.live(story)


def test_run_that_is_not_of_the_queue_keeps_its_channel_until_it_is_over() -> None:
    bench = QueueBench(channels=1, cells=1)

    async def first(keeper: QueueKeeper, engine: FakeEngine) -> None:
        await keeper.submit(CHEN, [wish(1)])
        await bench.clock.plant.sleep(60.0)

    async def later(keeper: QueueKeeper, engine: FakeEngine) -> None:
        await keeper.submit(CHEN, [wish(1, variables={"cycles": "1"})])
        job = keeper.job("j-1")
        assert job.waits_for.startswith(
            "neware:1-1 is in use by run 20260101T000000-C0001, which is not of the queue"
        )
        assert at_s(job.starts) == pytest.approx(SHORT_S, abs=60.0)
        assert [bar.job_id for bar in keeper.calendar()] == [None, "j-1"]
        await bench.clock.plant.sleep(SHORT_S)
        keeper.bench_changed()
        await bench.over(keeper)

    bench.live(first)
    bench.disk.unlink(next(path for path in bench.disk._names if path.name == "queue.jsonl"))
    bench.live(later)
    assert bench.world.energised == ["j-1", "j-1"]


@pytest.mark.slow
def test_calendar_of_a_thousand_jobs_leaves_the_event_loop_to_others() -> None:
    bench = QueueBench(channels=64, cells=64)

    async def story(keeper: QueueKeeper, engine: FakeEngine) -> None:
        specs = [wish(n % 64 + 1, variables={"cycles": str(1 + n // 64)}) for n in range(1024)]
        planned, calendar = await keeper.submit(CHEN, specs, dry_run=True)
        assert len(calendar) == 1024 and all(plan.ends is not None for plan in planned)

    bench.live(story)
