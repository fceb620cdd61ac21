"""The PowerSuite driver on what a simulated person and PowerSuite do wrong with an export."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from labctl_drivers.powersuite_files import create

from labctl.clock import Clock, ClockMode, ClockSpec, run_with_clock
from labctl.errors import UnknownStateError
from labctl.interfaces.potentiostat import MeasurementState, PersonAct
from labctl.model.spectrum import Spectrum
from labctl.model.technique import FrequencySweep, Peis
from labctl.testing.benchrun import open_virtual_bench, small_bench
from labctl.testing.potentiostatrig import d1_ohm

PLAN = Peis(FrequencySweep(1000.0, 1.0, 3), 0.01, settle_s=1.0)


class Table:
    """A bench with PowerSuite, its person, and the driver on the folder between them."""

    def __init__(self, folder: Path, layout: str) -> None:
        entry = {
            "name": "ps", "kind": "powersuite", "model": "parstat2273", "dummy": "D2", "profile": "ideal",
            "folder": str(folder),
        }  # fmt: skip
        self.bench = open_virtual_bench({**small_bench(), "potentiostats": [entry]})
        self.folder = folder
        self.layout = layout
        self.ends_after_s = 30.0

    def admin(self, do: str, **fields: Any) -> None:
        reply = self.bench.admin({"do": do, "instrument": "ps", **fields})
        assert reply["ok"], reply

    def take(self, **options: object) -> tuple[Any, list[Any], Exception | None]:
        """Take one spectrum with a person who confirms; return measurement, blocks and error."""

        async def main(clock: Clock) -> tuple[Any, list[Any], Exception | None]:
            driver = create("ps", self.folder.as_uri(), options, clock, lambda resource: None)  # type: ignore[arg-type, return-value]
            await driver.open()
            measurement: Any = await driver.measure(PLAN)
            blocks: list[Any] = []
            failure: Exception | None = None
            async with asyncio.TaskGroup() as group:
                person = group.create_task(self._person(measurement, clock))
                try:
                    async for block in measurement.blocks():
                        blocks.append(block)
                except UnknownStateError as error:
                    failure = error
                person.cancel()
            await driver.close()
            return measurement, blocks, failure

        return run_with_clock(ClockSpec(mode=ClockMode.JUMP), main, bench=self.bench)

    async def _person(self, measurement: Any, clock: Clock) -> None:
        asked = None
        while True:
            asked = await measurement.next_asked(asked)
            if asked.act is PersonAct.BEGIN:
                self.admin("powersuite.run", sheet=asked.sheet, format=self.layout)
            else:
                await clock.plant.sleep(self.ends_after_s)
            if asked.act is PersonAct.STOP:
                return
            measurement.confirm("Ann")


def d2_ohm(spectrum: Spectrum) -> Any:
    """Return D2: D1 with 1 uH (potentiostat.md 3.1)."""
    return d1_ohm(spectrum.frequency_Hz) + 2j * np.pi * spectrum.frequency_Hz * 1e-6


@pytest.mark.parametrize("layout", ["powersuite", "parstat"])
@pytest.mark.parametrize("kind", ["", "late", "partial", "comma", "replaced"])
def test_the_right_export_is_taken_whole_whatever_came_before_it(
    kind: str, layout: str, tmp_path: Path
) -> None:
    table = Table(tmp_path, layout)
    if kind:
        table.admin("fault", kind=kind, delay_s=20.0)
    measurement, blocks, failure = table.take()
    assert failure is None
    assert measurement.state is MeasurementState.DONE
    (spectrum,) = blocks
    assert spectrum.frequency_Hz == pytest.approx(PLAN.sweep.frequencies_Hz(), rel=1e-5)
    assert np.max(np.abs(spectrum.z_ohm - d2_ohm(spectrum)) / np.abs(spectrum.z_ohm)) < 1e-5
    assert len(list((tmp_path / "labctl-taken").iterdir())) == 1


def test_a_sweep_that_a_person_ended_early_is_taken_with_its_difference_told(tmp_path: Path) -> None:
    table = Table(tmp_path, "parstat")
    table.admin("fault", kind="other_settings")
    measurement, blocks, failure = table.take()
    assert failure is None
    assert len(blocks[0]) == 7
    assert "the lowest frequency is 10 Hz, 1 Hz was asked for" in " | ".join(measurement.head.notes)


@pytest.mark.parametrize("kind", ["wrong_columns", "never_whole", "power_cut"])
def test_without_an_export_of_a_spectrum_the_cell_is_unknown(kind: str, tmp_path: Path) -> None:
    table = Table(tmp_path, "parstat")
    if kind != "power_cut":
        table.admin("fault", kind=kind)
    else:
        inner = table.admin

        def then_cut(do: str, **fields: Any) -> None:
            inner(do, **fields)
            inner("fault", kind="power_cut")

        table.admin = then_cut  # type: ignore[method-assign]
    measurement, blocks, failure = table.take(wait_max_s=300.0)
    assert isinstance(failure, UnknownStateError)
    assert blocks == []
    assert measurement.state is MeasurementState.FAILED
