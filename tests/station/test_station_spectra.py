"""A spectrum in the middle of a run, with the whole station: asked, confirmed, stored, listed, fitted, journalled."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from labctl.config.station import PotentiostatEntry
from labctl.errors import UserInputError
from labctl.model.handover import HandoverStatus, Stage
from labctl.model.ids import CellId, ChannelId
from labctl.model.job import JobSpec
from labctl.station.core import StationCore
from labctl.station.spectra import SpectraIndex
from labctl.testing.benchrun import small_bench
from labctl.testing.corebench import ANNA, CoreBench, submitted, until_over

CHANNEL = ChannelId("neware:1-1")
PROTOCOL = """\
labctl: protocol/1
name: spectrum on the way
safety: {voltage: [-5 V, 5 V]}
steps:
  - charge: 0.2 mA
    until: {time: 1 min, capacity: 1 mAh}
  - rest: 1 min
  - eis: {from: 10 kHz, to: 10 Hz, points_per_decade: 4, amplitude: 10 mV rms, settle: 1 s}
  - discharge: 0.2 mA
    until: {time: 1 min, capacity: 1 mAh}
"""


class Lab(CoreBench):
    """A cell on a cycler, a potentiostat beside it, and a person who moves the leads as asked."""

    def __init__(self, folder: Path) -> None:
        pico = {"name": "pstat", "model": "es4_hr", "profile": "ideal"}
        super().__init__({**small_bench({"variant": "LIQ-P"}), "potentiostats": [pico]}, folder)
        entry = PotentiostatEntry("pstat", "methodscript", "mem://pstat")
        self.station = replace(self.station, potentiostats=(entry,))
        self.asked: list[HandoverStatus] = []

    async def run(self, core: StationCore) -> str:
        """Run the protocol to its end, leads moved as asked; return the run's id."""
        await self.load_cells(core)
        await submitted(core, JobSpec(CellId("C101"), protocol_text=PROTOCOL, channel=CHANNEL))
        async with asyncio.TaskGroup() as group:
            person = group.create_task(self.person(core))
            (job,) = await until_over(core)
            person.cancel()
        assert job.run_id is not None, job.reason
        return str(job.run_id)

    async def person(self, core: StationCore) -> None:
        """Look every minute; move leads and confirm; for ever."""
        while True:
            await core.clock.plant.sleep(60.0)
            for status in core.potentiostats.handovers():
                if not status.asked:
                    continue
                self.asked.append(status)
                assert "handover.asked" in [alarm.definition for alarm in core.alarms.alarms()]
                there = status.stage is Stage.TO_POTENTIOSTAT
                self.admin("cell.place", cell="C101", to="pstat" if there else str(CHANNEL))
                await core.potentiostats.confirm(ANNA, status.run_id)


def test_a_spectrum_of_a_run_is_listed_by_run_and_by_cell_and_fitted(tmp_path: Path) -> None:
    lab = Lab(tmp_path)

    async def story(core: StationCore) -> None:
        run_id = await lab.run(core)
        assert [status.stage for status in lab.asked] == [Stage.TO_POTENTIOSTAT, Stage.TO_CYCLER]
        assert core.potentiostats.handovers() == () and core.alarms.alarms() == ()
        (entry,) = await core.spectra.list(run_id=run_id)
        assert (entry.cell_id, entry.run_id, entry.part, entry.outcome) == ("C101", run_id, 1, "whole")
        assert entry.points == 13 and entry.test_time_s == pytest.approx(120.0, abs=1.0)
        assert await core.spectra.list(cell_id="C101") == (entry,) == await core.spectra.list()
        assert await core.spectra.list(cell_id="other") == () == await core.spectra.list(run_id="other")
        assert core.feed.value("spectrum", entry.spectrum_id) is not None
        table = await core.spectra.get(entry.spectrum_id)
        assert table.entry == entry and len(table.spectrum()) == 13
        judged = await core.spectra.fit(entry.spectrum_id, "R-(RQ)")
        assert judged.kk is not None and judged.kk.passed and judged.circuit == "R1-(R2,Q1)"
        assert await core.spectra.fit(entry.spectrum_id, "R-(RQ)") is judged
        acts = [row.act for row in await core.audit.newest()]
        assert acts.count("handover.confirm") == 2

    lab.live(story)
    assert SpectraIndex(lab.root()).list("C101")[0].outcome == "whole"  # the folders alone tell as much


def test_a_run_that_is_at_no_potentiostat_has_nothing_to_confirm(tmp_path: Path) -> None:
    lab = Lab(tmp_path)

    async def story(core: StationCore) -> None:
        with pytest.raises(UserInputError, match="on no way"):
            await core.potentiostats.confirm(ANNA, "none")
        with pytest.raises(UserInputError, match="There are: pstat"):
            await core.potentiostats.cell_off(ANNA, "other")
        with pytest.raises(UserInputError, match="no spectrum 'C101-e1'"):
            await core.spectra.get("C101-e1")

    lab.live(story)
