"""The VDK driver in the troubles that the simulated bridge knows: whatever happens, the cell ends off."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from labctl_drivers.versastat_vdk import create

from labctl.clock import Clock, ClockMode, ClockSpec, run_with_clock
from labctl.errors import InstrumentError, RefusedError
from labctl.interfaces.potentiostat import MeasurementState
from labctl.model.spectrum import PointFlag
from labctl.model.technique import FrequencySweep, Ocv, Peis
from labctl.testing.benchrun import VirtualBench, open_virtual_bench, small_bench
from labctl.transport.memory import MemoryTransport

SLOW = Peis(FrequencySweep(10.0, 0.1, 4), 0.01, settle_s=1.0)
Story = Callable[[Any, Clock, "Simulated"], Coroutine[Any, Any, None]]


class Simulated:
    """A simulated PARSTAT on D1 and the driver on it, in jump time."""

    def __init__(self, **entry: Any) -> None:
        usual = {
            "name": "vdk",
            "kind": "versastat",
            "model": "parstat4000a",
            "dummy": "D1",
            "profile": "ideal",
        }
        self.bench: VirtualBench = open_virtual_bench(
            {**small_bench(), "potentiostats": [{**usual, **entry}]}
        )

    def fault(self, kind: str, **fields: Any) -> None:
        reply = self.bench.admin({"do": "fault", "instrument": "vdk", "kind": kind, **fields})
        assert reply["ok"], reply

    def truth(self) -> dict[str, Any]:
        return dict(self.bench.admin({"do": "truth", "slot": "vdk"}))

    def play(self, story: Story, **options: Any) -> None:
        async def main(clock: Clock) -> None:
            driver = create(
                "vdk", "mem://vdk", options, clock,
                lambda resource: MemoryTransport(lambda: self.bench.connect("vdk"), clock, "vdk"),
            )  # fmt: skip
            await driver.open()
            try:
                await story(driver, clock, self)
            finally:
                await driver.close()

        run_with_clock(ClockSpec(mode=ClockMode.JUMP), main, bench=self.bench)


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("bridge_restart", {}),
        ("power_cut", {}),
        ("unplugged", {}),
        ("lease_lapse", {}),
        ("stuck", {"command": "GetDataFrequency", "delay_s": 30.0}),
        ("stuck", {"command": "UpdateStatus", "delay_s": 30.0}),
        ("library_error", {"command": "IsSequenceRunning", "count": 1}),
        ("library_error", {"command": "GetDataImpedanceReal", "count": 1}),
        ("drop", {"count": 1}),
        ("garble", {"count": 1}),
    ],
)
def test_a_trouble_in_mid_sweep_is_told_and_a_new_link_finds_the_cell_off(
    kind: str, fields: dict[str, Any]
) -> None:
    async def story(driver: Any, clock: Clock, simulated: Simulated) -> None:
        measurement = await driver.measure(SLOW)
        blocks = measurement.blocks()
        await anext(blocks)
        simulated.fault(kind, **fields)
        with pytest.raises(InstrumentError):
            async for _ in blocks:
                pass
        assert measurement.state is MeasurementState.FAILED
        assert measurement.points_got >= 1
        energised = len(simulated.truth()["switched"])
        if kind == "unplugged":
            simulated.fault(kind, on=False)
        simulated.fault("clear")
        await clock.plant.sleep(60.0)
        await driver.close()
        await driver.open()
        assert not simulated.truth()["cell_on"]
        assert all(act["what"] != "cell_on" for act in simulated.truth()["switched"][energised:])
        async for _ in (await driver.measure(Ocv(1.0, 0.5))).blocks():
            pass

    Simulated().play(story)


def test_a_start_that_takes_its_time_loses_no_point() -> None:
    async def story(driver: Any, clock: Clock, simulated: Simulated) -> None:
        simulated.fault("slow_start", delay_s=3.0)
        measurement = await driver.measure(SLOW)
        got = [block async for block in measurement.blocks()]
        assert np.concatenate([block.frequency_Hz for block in got]) == pytest.approx(
            SLOW.sweep.frequencies_Hz()
        )

    Simulated().play(story)


@pytest.mark.parametrize(("value", "flag"), [(1, PointFlag.OVERLOAD_I), (2, PointFlag.OVERLOAD_E)])
def test_vd_5_simulated_overloads_are_flagged_by_their_kind(value: int, flag: PointFlag) -> None:
    async def story(driver: Any, clock: Clock, simulated: Simulated) -> None:
        measurement = await driver.measure(replace(SLOW, settle_s=0.0))
        simulated.fault("overload", count=3, value=value)
        flags = np.concatenate([block.flags async for block in measurement.blocks()])
        assert np.count_nonzero(flags & flag) >= 3

    Simulated().play(story)


def test_points_without_an_impedance_come_as_nan_and_end_nothing() -> None:
    async def story(driver: Any, clock: Clock, simulated: Simulated) -> None:
        measurement = await driver.measure(SLOW)
        simulated.fault("not_a_number", count=2)
        z_ohm = np.concatenate([block.z_ohm async for block in measurement.blocks()])
        assert len(z_ohm) == 9
        assert np.count_nonzero(np.isnan(z_ohm)) == 2

    Simulated().play(story)


@pytest.mark.parametrize("kind", ["wrong_token", "wrong_peer", "foreign_lease"])
def test_who_is_turned_away_is_told_why(kind: str) -> None:
    async def story(driver: Any, clock: Clock, simulated: Simulated) -> None:
        await driver.close()
        simulated.fault(kind)
        with pytest.raises(RefusedError, match=r"token|not on the list|another program holds"):
            await driver.open()

    Simulated().play(story)


def test_vd_3_the_simulated_public_bridge_is_read_and_never_asked_for_its_dangerous_call() -> None:
    async def story(driver: Any, clock: Clock, simulated: Simulated) -> None:
        assert driver.capabilities().techniques == frozenset()
        assert (await driver.read()).cell_on is False
        assert all(act["what"] == "cell_off" for act in simulated.truth()["switched"])

    Simulated(bridge="public").play(story)
