"""The driver on the simulated instrument, which was written apart from it, with each of that one's faults."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from labctl_drivers.methodscript import create

from labctl.clock import Clock, ClockMode, ClockSpec, run_with_clock
from labctl.errors import InstrumentError, RefusedError
from labctl.interfaces.potentiostat import MeasurementState, Potentiostat
from labctl.model.spectrum import PointFlag, Spectrum
from labctl.model.technique import FrequencySweep, Geis, Peis
from labctl.testing.benchrun import open_virtual_bench, small_bench
from labctl.transport.memory import MemoryTransport

SHORT = Peis(FrequencySweep(1e3, 10.0, 5), 0.01, e_dc_vs="ref", settle_s=1.0)
LINK_FAULTS = ["drop", "silent", "late", "garble", "split", "merge", "duplicate", "flow"]

Story = Callable[[Potentiostat, "Bench"], Awaitable[None]]


class Bench:
    """A bench in this process with one potentiostat on a dummy cell, and its admin link."""

    def __init__(self, model: str = "espico", dummy: str = "D1") -> None:
        entry = {"name": "pico", "kind": "methodscript", "model": model, "dummy": dummy, "profile": "ideal"}
        self.virtual = open_virtual_bench({**small_bench(), "potentiostats": [entry]})

    @property
    def cell_on(self) -> bool:
        return bool(self.virtual.admin({"do": "truth", "slot": "pico"})["cell_on"])

    def fault(self, kind: str, **fields: Any) -> None:
        self.virtual.admin({"do": "fault", "instrument": "pico", "kind": kind, **fields})

    def play(self, story: Story, *, opened: bool = True) -> None:
        async def main(clock: Clock) -> None:
            pipe = MemoryTransport(lambda: self.virtual.connect("pico"), clock, "pico")
            driver = create("pico", "mem://pico", {}, clock, lambda resource: pipe)
            if opened:
                await driver.open()
            try:
                await story(driver, self)
            finally:
                await driver.close()

        run_with_clock(ClockSpec(mode=ClockMode.JUMP), main, bench=self.virtual)


async def spectrum(
    driver: Potentiostat, technique: Peis | Geis = SHORT
) -> tuple[MeasurementState, list[Spectrum]]:
    """Measure, and return how it ended and the blocks. Raises InstrumentError."""
    measurement = await driver.measure(technique)
    blocks = [block async for block in measurement.blocks() if isinstance(block, Spectrum)]
    return measurement.state, blocks


@pytest.mark.parametrize(
    ("kind", "words"), [("critical_overload", "critical overload"), ("oscillating", "oscillates")]
)
def test_ms_9_an_instrument_that_gives_up_in_mid_sweep_is_made_safe(kind: str, words: str) -> None:
    async def story(driver: Potentiostat, bench: Bench) -> None:
        measurement = await driver.measure(SHORT)
        bench.fault(kind)
        with pytest.raises(RefusedError, match=words):
            async for _ in measurement.blocks():
                pass
        assert measurement.state is MeasurementState.FAILED
        assert not bench.cell_on
        assert (await spectrum(driver))[0] is MeasurementState.DONE

    Bench().play(story)


def test_a_bootloader_is_refused() -> None:
    async def story(driver: Potentiostat, bench: Bench) -> None:
        bench.fault("bootloader")
        with pytest.raises(RefusedError, match="bootloader"):
            await driver.open()

    Bench().play(story, opened=False)


def test_points_whose_timing_was_not_met_say_so() -> None:
    async def story(driver: Potentiostat, bench: Bench) -> None:
        measurement = await driver.measure(replace(SHORT, settle_s=0.0))
        bench.fault("timing", count=2)
        blocks = [block async for block in measurement.blocks()]
        flags = np.concatenate([block.flags for block in blocks])
        assert np.count_nonzero(flags & PointFlag.TIMING) == 2

    Bench().play(story)


def test_an_instrument_that_restarts_in_mid_sweep_is_noticed_and_usable_again() -> None:
    async def story(driver: Potentiostat, bench: Bench) -> None:
        measurement = await driver.measure(SHORT)
        bench.fault("power_cut")
        with pytest.raises(InstrumentError):
            async for _ in measurement.blocks():
                pass
        assert measurement.state is MeasurementState.FAILED
        await driver.open()
        assert not bench.cell_on
        assert (await spectrum(driver))[0] is MeasurementState.DONE

    Bench().play(story)


@pytest.mark.parametrize("kind", LINK_FAULTS)
@pytest.mark.parametrize("after", [0, 3, 9])
def test_whatever_happens_to_a_line_the_cell_is_off_and_the_next_spectrum_is_right(
    kind: str, after: int
) -> None:
    async def story(driver: Potentiostat, bench: Bench) -> None:
        bench.fault(kind, after=after)
        try:
            await spectrum(driver)
        except InstrumentError:
            await driver.open()
        bench.fault("clear")
        assert not bench.cell_on
        state, blocks = await spectrum(driver)
        assert state is MeasurementState.DONE
        assert sum(len(block) for block in blocks) == 11

    Bench().play(story)


def test_a_galvanostatic_spectrum_on_a_coin_cell_dummy_agrees_with_the_potentiostatic_one() -> None:
    async def story(driver: Potentiostat, bench: Bench) -> None:
        sweep = FrequencySweep(1e4, 1.0, 3)
        _, by_potential = await spectrum(driver, Peis(sweep, 0.01, settle_s=1.0))
        _, by_current = await spectrum(driver, Geis(sweep, 1e-4, settle_s=1.0))
        one, other = (
            np.concatenate([block.z_ohm for block in blocks]) for blocks in (by_potential, by_current)
        )
        assert np.allclose(one, other, rtol=1e-4)

    Bench("es4_hr", "D3").play(story)
