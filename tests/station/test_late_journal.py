"""What a device has done already is answered as done, though the disk refuses the line about it."""

from __future__ import annotations

from pathlib import Path

import pytest

from labctl.errors import StoreError
from labctl.model.ids import CellId
from labctl.model.job import JobSpec
from labctl.station.core import StationCore
from labctl.station.listening import ENDED_KEPT
from labctl.testing.benchrun import small_bench
from labctl.testing.corebench import ANNA, CoreBench, submitted


@pytest.fixture
def lab(tmp_path: Path) -> CoreBench:
    return CoreBench(small_bench({"variant": "LIQ-P"}), tmp_path)


def test_a_confirmed_stop_is_confirmed_though_the_journal_cannot_be_written(lab: CoreBench) -> None:
    async def story(core: StationCore) -> None:
        await lab.load_cells(core)
        await submitted(core, JobSpec(CellId("C101"), protocol="p1-li-li-1mA", variables={"cycles": "50"}))
        await core.clock.plant.sleep(3600.0)
        (run,) = core.listener.active()

        async def refused(*words: object, **fields: object) -> None:
            raise StoreError("the disk is full")

        core.audit.write = refused  # type: ignore[method-assign]  # one journal refuses, the others write
        assert await core.runs.stop(ANNA, run.run_id, reason="enough")
        assert "store.failed:audit" in {alarm.key for alarm in core.alarms.alarms()}

    lab.live(story)


def test_the_state_of_ended_runs_is_bounded(lab: CoreBench) -> None:
    async def story(core: StationCore) -> None:
        for number in range(ENDED_KEPT + 3):
            run_id = f"20260101T000000-{number}"
            core.feed.publish("run", run_id, {"phase": "ended"})
            core.listener._forget_old(run_id)
        kept = [delta.key for delta in core.feed.snapshot().state if delta.topic == "run"]
        assert len(kept) == ENDED_KEPT
        assert kept[0] == "20260101T000000-3"

    lab.live(story)
