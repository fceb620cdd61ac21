"""What several windows share: newest cycles of all runs, the registry's changes, protocols saved at the station."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest

from labctl.errors import ConflictError, UserInputError
from labctl.model.cell import Batch
from labctl.model.ids import CellId
from labctl.model.job import JobSpec, JobState
from labctl.model.person import Actor, Role
from labctl.model.prediction import PredictionState
from labctl.station.core import StationCore
from labctl.testing.benchrun import small_bench
from labctl.testing.corebench import ANNA, CoreBench, submitted, until_over

P1 = "p1-li-li-1mA"
BEN = Actor("ben", Role.OPERATE, "test")


def lab(folder: Path, cells: int = 1) -> CoreBench:
    """Return a bench of Li|Li cells."""
    return CoreBench(small_bench(*({"variant": "LIQ-P"} for _ in range(cells))), folder)


def test_newest_cycles_are_asked_once_and_then_told_as_cycles_close(tmp_path: Path) -> None:
    bench = lab(tmp_path, 2)

    async def story(core: StationCore) -> None:
        await bench.load_cells(core)
        wishes = [JobSpec(CellId(f"C10{n}"), protocol=P1, variables={"cycles": "3"}) for n in (1, 2)]
        await submitted(core, *wishes)
        await core.clock.plant.sleep(7 * 3600.0)
        early = await core.latest.latest(state="running")
        assert [(item.cycle, item.cell_id) for item in early] == [(0, "C101"), (0, "C102")]
        assert math.isnan(early[0].discharging_capacity_Ah)
        await core.clock.plant.sleep(3 * 3600.0)
        told = core.feed.value("cycle", early[0].run_id)
        assert told is not None and told["cycle"] == 1
        assert told["discharging_capacity_Ah"] == pytest.approx(0.785e-3, rel=0.01)
        assert told["first_discharging_capacity_Ah"] == told["discharging_capacity_Ah"]
        assert told["coulombic_efficiency"] == pytest.approx(1.0, abs=0.01)
        assert told["overpotential_V"] > 0.0 and told["area_resistance_ohm_cm2"] > 0.0
        await until_over(core)
        await core.clock.plant.sleep(60.0)
        last = core.feed.value("cycle", early[0].run_id)
        assert last is not None and last["cycle"] == 3
        (again,) = await core.latest.latest(runs=[early[1].run_id])
        assert again.cycle == 3
        with pytest.raises(UserInputError, match="There is no run"):
            await core.latest.latest(runs=["x"])

    bench.live(story)


def test_newest_cycles_follow_a_correction_of_the_cell(tmp_path: Path) -> None:
    bench = lab(tmp_path)

    async def story(core: StationCore) -> None:
        await bench.load_cells(core)
        await submitted(core, JobSpec(CellId("C101"), protocol=P1, variables={"cycles": "1"}))
        await until_over(core)
        (before,) = await core.latest.latest()
        cell = core.registry.registered("C101")
        area_cm2 = cell.effective_area_cm2
        assert area_cm2 is not None
        corrected = replace(cell, diameter_mm=None, area_cm2=2.0 * area_cm2)
        await core.registry.update_cell(BEN, corrected, "measured again")
        (after,) = await core.latest.latest()
        assert after.area_resistance_ohm_cm2 == pytest.approx(2.0 * before.area_resistance_ohm_cm2)

    bench.live(story)


def test_a_changed_cell_is_told_with_its_revision_and_a_clash_names_the_other_person(tmp_path: Path) -> None:
    bench = lab(tmp_path)

    async def story(core: StationCore) -> None:
        await bench.load_cells(core)
        cell = core.registry.registered("C101")
        newest = {item.entry_id: item for item in core.registry.newest()}
        assert (newest["C101"].revision, newest["C101"].by) == (1, "anna")
        await core.registry.update_cell(BEN, replace(cell, notes="dented"), "seen", revision=1)
        told = core.feed.value("cell", "C101")
        assert told is not None
        assert (told["notes"], told["revision"], told["revised_by"]) == ("dented", 2, "ben")
        with pytest.raises(ConflictError, match="revision 2 by ben"):
            await core.registry.update_cell(ANNA, replace(cell, notes="fine"), "seen", revision=1)
        await core.registry.add_batch(BEN, Batch("B1", "first"))
        await core.registry.update_cell(BEN, replace(cell, batch="B1"), "sorted")
        number = core.feed.number
        await core.registry.update_batch(ANNA, Batch("B1", "first of all"), "clearer")
        topics = {(delta.topic, delta.key) for delta in core.feed.since(number) or ()}
        assert ("batch", "B1") in topics

    bench.live(story)


def test_a_job_takes_the_newest_saved_protocol_and_keeps_it_when_another_revision_comes(
    tmp_path: Path,
) -> None:
    bench = lab(tmp_path)

    async def story(core: StationCore) -> None:
        await bench.load_cells(core)
        text = (await core.protocols.text(P1)).text
        await core.protocols.save(ANNA, "mine", text.replace("name: ", "name: Mine, ", 1), source=P1)
        (job,) = await submitted(
            core, JobSpec(CellId("C101"), protocol="mine", variables={"cycles": "1"}, hold=True)
        )
        assert job.protocol_name.startswith("Mine, ")
        await core.protocols.save(BEN, "mine", text.replace("name: ", "name: Other, ", 1), based_on=1)
        assert core.queue.protocol_text(job.job_id).count("name: Mine, ") == 1
        (use,) = await core.protocols.uses("mine", core.queue.frozen())
        assert (use.revision, use.job_id, use.cell_id) == (1, job.job_id, "C101")
        await core.queue.release(ANNA, job.job_id)
        (ended,) = await until_over(core)
        assert ended.state is JobState.ENDED and ended.run_id is not None
        detail = await core.runs.detail(ended.run_id)
        assert detail.summary.protocol.startswith("Mine, ")

    bench.live(story)


@pytest.mark.slow
def test_the_rehearsal_of_a_run_on_the_virtual_bench_comes_close_to_what_it_measured(tmp_path: Path) -> None:
    bench = lab(tmp_path)

    async def story(core: StationCore) -> None:
        await bench.load_cells(core)
        await submitted(core, JobSpec(CellId("C101"), protocol=P1, variables={"cycles": "2"}))
        (ended,) = await until_over(core)
        run_id = str(ended.run_id)
        assert (await core.predictions.predicted(run_id)).state is PredictionState.PENDING
        for _ in range(300):
            await core.clock.link.sleep(1.0)
            found = await core.predictions.predicted(run_id)
            if found.state is not PredictionState.PENDING:
                break
        assert found.state is PredictionState.READY, found.reason
        measured = await core.runs.cycles(run_id)
        assert list(found.cycles["cycle"]) == list(measured["cycle"])
        assert found.cycles["discharging_capacity_ah"] == pytest.approx(
            measured["discharging_capacity_ah"].tolist(), rel=0.01
        )

    bench.live(story)
