"""What the station learns of a run from its rows: its end, also of a changed program, and early warnings told once."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest

from labctl.engine.machines.findings import Finding, Priority
from labctl.model.ids import CellId
from labctl.model.job import JobSpec
from labctl.model.program import Program
from labctl.model.record import RecordBlock
from labctl.station import forecasts
from labctl.station.core import StationCore
from labctl.testing.benchrun import small_bench
from labctl.testing.corebench import ANNA, CoreBench, submitted

KEY = "early.contact:neware:1-1"


def lab(folder: Path) -> CoreBench:
    """Return a bench with one Li|Li cell."""
    return CoreBench(small_bench({"variant": "LIQ-P"}), folder)


async def begun(bench: CoreBench, core: StationCore, cycles: int) -> str:
    """Start a P1 and let it go on for some hours; returns its run."""
    await bench.load_cells(core)
    await submitted(core, JobSpec(CellId("C101"), protocol="p1-li-li-1mA", variables={"cycles": str(cycles)}))
    await core.clock.plant.sleep(9 * 3600.0)
    (summary,) = core.runs.list()
    return summary.run_id


def left_s(core: StationCore, run_id: str) -> float:
    """Return how long a run is shown to go on."""
    ends = core.runs.get(run_id).ends
    assert ends is not None
    return (datetime.fromisoformat(ends.end_utc) - core.clock.plant.utc()).total_seconds()


def test_the_shown_end_moves_with_the_program_and_progress_says_the_same(tmp_path: Path) -> None:
    bench = lab(tmp_path)

    async def story(core: StationCore) -> None:
        run_id = await begun(bench, core, 10)
        before_s = left_s(core, run_id)
        cycle_s = before_s / (10 - core.runs.get(run_id).cycle)
        await core.runs.add_cycles(ANNA, run_id, count=10, reason="it is still good")
        await core.clock.plant.sleep(1200.0)
        assert left_s(core, run_id) + 1200.0 - before_s == pytest.approx(10 * cycle_s, rel=0.1)
        progress = core.listener.progress_of(run_id)
        assert progress is not None and progress.eta_s == pytest.approx(left_s(core, run_id), abs=60.0)

    bench.live(story)


class Warner:
    """Warns at row 50, once, if it may."""

    speaks = True

    def __init__(self, program: Program) -> None:
        self._told = False

    def feed(self, block: RecordBlock) -> list[Finding]:
        """Return the warning when row 50 is among the rows."""
        if not self.speaks or self._told or int(block["sequence"][-1]) < 50:
            return []
        self._told = True
        return [Finding("early.contact", Priority.LOW, "it jumps", 50, "Look at the contacts.")]


def seen(core: StationCore) -> bool:
    """Tell whether the warning is open."""
    return KEY in {alarm.key for alarm in core.alarms.alarms()}


def test_an_early_warning_is_told_once_though_each_life_finds_it_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forecasts, "EarlyWarner", Warner)
    bench = lab(tmp_path)

    async def first(core: StationCore) -> None:
        await begun(bench, core, 50)
        assert seen(core)
        core.alarms.clear("early.contact", "neware:1-1")
        await core.alarms.acknowledge(ANNA, KEY)
        assert not seen(core)

    async def second(core: StationCore) -> None:
        await core.clock.plant.sleep(3600.0)
        assert core.runs.list()[0].rows > 50
        assert not seen(core)

    bench.live(first)
    bench.live(second)


def test_an_early_warning_that_nobody_was_told_is_told_after_the_restart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forecasts, "EarlyWarner", Warner)
    monkeypatch.setattr(Warner, "speaks", False)
    bench = lab(tmp_path)

    async def first(core: StationCore) -> None:
        await begun(bench, core, 50)
        assert not seen(core)

    async def second(core: StationCore) -> None:
        assert seen(core)

    bench.live(first)
    monkeypatch.setattr(Warner, "speaks", True)
    bench.live(second)
