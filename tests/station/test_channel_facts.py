"""What the station says of a channel besides its values: the step, the time left, who has paused it."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from labctl.errors import UserInputError
from labctl.model.bench import HeldHow
from labctl.model.ids import CellId, ChannelId
from labctl.model.job import JobSpec
from labctl.model.plain import to_plain
from labctl.station.core import StationCore
from labctl.testing.benchrun import small_bench
from labctl.testing.corebench import ANNA, CoreBench, submitted

PLACE = ChannelId("neware:1-1")


def lab(folder: Path) -> CoreBench:
    """Return a bench with one Li|Li cell in 1-1."""
    return CoreBench(small_bench({"variant": "LIQ-P"}), folder)


async def running(core: StationCore, bench: CoreBench) -> str:
    """Run a short P1 for three hours of the bench; returns the run."""
    await bench.load_cells(core)
    await submitted(core, JobSpec(CellId("C101"), protocol="p1-li-li-1mA", variables={"cycles": "20"}))
    await core.clock.plant.sleep(3 * 3600.0)
    return core.channel(PLACE).run_id


def test_a_channel_says_step_time_left_and_who_has_paused_it(tmp_path: Path) -> None:
    bench = lab(tmp_path)

    async def story(core: StationCore) -> None:
        idle = core.channel(PLACE)
        assert (idle.step_number, idle.steps, idle.step_kind, idle.held_how) == (0, 0, "", HeldHow.NONE)
        assert math.isnan(idle.step_time_s) and idle.owner == ""
        run_id = await running(core, bench)
        status = core.channel(PLACE)
        assert 1 <= status.step_number <= status.steps and status.step_kind in ("REST", "CC-CHG", "CC-DIS")
        assert status.step_time_s > 0 and status.step_left_s > 0
        await core.runs.pause(ANNA, run_id, reason="look")
        paused = core.channel(PLACE)
        assert (paused.state, paused.held_how, paused.held_by) == ("paused", HeldHow.PERSON, "anna")
        assert core.feed.value("channel", PLACE) == to_plain(paused)
        await core.runs.resume(ANNA, run_id)
        assert core.channel(PLACE).held_by == ""

    bench.live(story)


def test_the_next_life_of_the_station_says_the_same(tmp_path: Path) -> None:
    bench = lab(tmp_path)

    async def first(core: StationCore) -> None:
        run_id = await running(core, bench)
        await core.runs.pause(ANNA, run_id)

    async def second(core: StationCore) -> None:
        await core.clock.plant.sleep(3600.0)
        paused = core.channel(PLACE)
        assert (paused.state, paused.held_how, paused.held_by) == ("paused", HeldHow.PERSON, "anna")
        assert paused.step_number and paused.step_kind and paused.held_utc < paused.seen_utc

    bench.live(first)
    bench.live(second)


def test_live_rows_say_which_of_them_were_fetched_after_an_outage(tmp_path: Path) -> None:
    bench = lab(tmp_path)
    bench.cable_out("neware", 2 * 3600.0, 4 * 3600.0)

    async def story(core: StationCore) -> None:
        watcher = core.runs.hub.watch(None)
        await bench.load_cells(core)
        await submitted(core, JobSpec(CellId("C101"), protocol="p1-li-li-1mA", variables={"cycles": "20"}))
        await core.clock.plant.sleep(8 * 3600.0)
        blocks, lost = await watcher.take()
        assert not lost
        (run,) = core.runs.list()
        live = np.concatenate([np.full(len(block), late) for _, block, late in blocks])
        stored = await core.runs.backfilled(run.run_id, 1, len(live))
        np.testing.assert_array_equal(live, stored)
        assert live.any() and not live.all() and not live[0] and not live[-1]

    bench.live(story)


def test_time_speed_and_room_are_told_without_being_asked(tmp_path: Path) -> None:
    bench = lab(tmp_path)

    async def story(core: StationCore) -> None:
        await core.clock.plant.sleep(60.0)
        before = core.feed.value("station", "vitals")
        await core.clock.plant.sleep(1200.0)
        after = core.feed.value("station", "vitals")
        assert before is not None and after is not None
        assert set(after) == {"plant_utc", "free_bytes", "days_left", "speed"}
        assert after["plant_utc"] > before["plant_utc"] and after["speed"] is None
        assert "free_bytes" not in (core.feed.value("station", "info") or {})
        info = core.info()
        assert info.virtual and "Jump" in info.speed_fixed
        with pytest.raises(UserInputError, match="Jump"):
            await core.set_pace(ANNA, 10.0)

    bench.live(story)


def test_a_channel_in_a_chamber_says_its_temperature_and_another_none(tmp_path: Path) -> None:
    spec = small_bench({"chamber": "oven"}, {}, chambers=[{"name": "oven"}])
    bench = CoreBench(spec, tmp_path)

    async def story(core: StationCore) -> None:
        await core.clock.plant.sleep(1800.0)
        (oven,) = core.chambers()
        assert core.channel("neware:1-1").temperature_degC == pytest.approx(oven.temperature_degC, abs=0.5)
        assert math.isnan(core.channel("neware:1-2").temperature_degC)

    bench.live(story)
