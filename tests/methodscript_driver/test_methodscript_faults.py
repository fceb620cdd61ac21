"""The driver on a bad link: cut, hanging, garbled, late and doubled bytes never leave a cell on that counts as off."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import pytest

from labctl.clock import Clock
from labctl.errors import InstrumentError
from labctl.interfaces.potentiostat import MeasurementState, Potentiostat
from labctl.model.technique import FrequencySweep, Peis
from labctl.testing.faultplan import seeded_plan
from labctl.transport.faults import Fault, FaultKind, FaultPlan
from labctl.transport.faulty import FaultyTransport

SHORT = Peis(FrequencySweep(1e3, 100.0, 5), 0.01, e_dc_vs="ref", settle_s=1.0)
TRIES = 12
SEEDS = range(24)


async def measured(driver: Potentiostat) -> MeasurementState:
    """Open, take a spectrum, and return how it ended. Raises InstrumentError."""
    await driver.open()
    measurement = await driver.measure(SHORT)
    async for _ in measurement.blocks():
        pass
    return measurement.state


@pytest.mark.parametrize("seed", SEEDS)
def test_after_any_faults_the_driver_comes_back_and_the_cell_is_off(stand_of: Any, seed: int) -> None:
    stand = stand_of()
    plan = seeded_plan(seed, faults=4, exchanges=24, reply_bytes=80)

    async def story(driver: Potentiostat, clock: Clock, device: Any) -> None:
        done = 0
        for _ in range(TRIES):
            try:
                done += await measured(driver) is MeasurementState.DONE
            except InstrumentError:
                continue
            assert not device.cell_on, "an end that raised nothing left the cell on"
        assert done >= 1
        await driver.open()
        await driver.cell_off()
        assert not device.cell_on

    stand.play(story, through=lambda pipe, clock: FaultyTransport(pipe, clock, plan), opened=False)
    assert not stand.device.cell_on


def test_ms_11_pieces_cr_and_flow_control_change_nothing(stand_of: Any) -> None:
    async def story(driver: Potentiostat, clock: Clock, device: Any) -> None:
        plain = device.say
        device.say = lambda text: device._say(f"\x11{text}\r\n\x13".encode())
        assert await measured(driver) is MeasurementState.DONE
        device.say = plain

    plan = FaultPlan((Fault(FaultKind.SPLIT, exchange=1, from_then_on=True, size=3),))
    stand_of().play(story, through=lambda pipe, clock: FaultyTransport(pipe, clock, plan))


@pytest.mark.parametrize("seed", range(8))
def test_ei_7_a_task_that_is_cancelled_at_any_moment_leaves_the_cell_off_and_the_driver_usable(
    stand_of: Any, seed: int
) -> None:
    dice = random.Random(seed)

    async def story(driver: Potentiostat, clock: Clock, device: Any) -> None:
        for _ in range(6):
            task = asyncio.ensure_future(measured(driver))
            moment_s = dice.uniform(0.0, 12.0)
            await clock.plant.sleep(moment_s)
            task.cancel()
            await asyncio.wait([task])
            assert not device.cell_on, f"cancelled after {moment_s:.2f} s"
            await driver.open()
            await driver.cell_off()
        assert await measured(driver) is MeasurementState.DONE

    slow = FaultPlan(
        (Fault(FaultKind.LATE, exchange=1, from_then_on=True, delay_s=dice.choice([0.02, 0.3])),)
    )
    stand_of().play(story, through=lambda pipe, clock: FaultyTransport(pipe, clock, slow), opened=False)


def test_ei_7_a_task_that_is_cancelled_before_the_script_was_accepted_leaves_nothing_behind(
    stand_of: Any,
) -> None:
    async def story(driver: Potentiostat, clock: Clock, device: Any) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(3.0):  # 2 s of open circuit, then the script
                await driver.measure(SHORT)
        assert device.energised == 1
        assert not device.cell_on
        assert await measured(driver) is MeasurementState.DONE

    late = FaultPlan((Fault(FaultKind.LATE, exchange=10, delay_s=2.5),))
    stand_of().play(story, through=lambda pipe, clock: FaultyTransport(pipe, clock, late))
