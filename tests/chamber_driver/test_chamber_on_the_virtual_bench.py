"""The driver against the simulated chamber, which was written apart from it, over real sockets in
lockstep."""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from labctl_drivers.chamber import create

from labctl.clock import Clock, ClockMode, ClockSpec, run_with_clock
from labctl.errors import LinkError, UsageError
from labctl.interfaces.chamber import ChamberReading, ChamberState, Quality, TemperatureChamber
from labctl.testing.proxy import TcpProxy
from labctl.testing.sim import RunningBench, running_bench
from labctl.transport import open_transport
from labctl.transport.faults import Fault, FaultKind, FaultPlan

Story = Callable[[TemperatureChamber, Clock], Coroutine[Any, Any, None]]


LINKS = ["tcp"] if sys.platform == "win32" else ["tcp", pytest.param("rtu", marks=pytest.mark.slow)]

BENCH = """
labctl: bench/1
instruments:
  - {{name: neware, units: [{{unit: 1, model: 5V10mA}}]}}
chambers:
  - {{name: oven-60, link: {link}, profile: ideal, air_degC: 23.0, setpoint_degC: 25.0, on: false}}
"""


def on(bench: RunningBench, story: Story, *, port: int | None = None, speed: float | None = None) -> None:
    """Run a story with an open driver for the oven of a bench."""

    async def main(clock: Clock) -> None:
        entry = bench.instrument("oven-60")
        resource = (
            f"serial://{entry['path']}" if "path" in entry else f"tcp://127.0.0.1:{port or entry['port']}"
        )
        options = {"reply_timeout_s": 1.0 if port else 5.0}
        oven = create("oven-60", resource, options, clock, lambda where: open_transport(where, clock))
        await oven.open()
        await story(oven, clock)
        await oven.close()

    run_with_clock(ClockSpec(mode=ClockMode.LOCKSTEP, admin=bench.first["admin"], speed=speed), main)


@pytest.mark.parametrize("link", LINKS)
def test_tc_04_an_oven_at_room_temperature_is_at_60_degC_when_the_spec_says(
    tmp_path: Path, link: str
) -> None:
    """Goal: the whole walk of a set, from 23 to 60 degC: settled after 3232 s +- 15 s and not before (TC-04,
    TC-12)."""

    async def story(oven: TemperatureChamber, clock: Clock) -> None:
        begin = await oven.read()
        assert (begin.state, begin.setpoint_degC) == (ChamberState.OFF, 25.0)
        assert begin.temperature_degC == pytest.approx(23.0)
        with pytest.raises(UsageError):
            await oven.set(151.0)
        await oven.set(60.0)
        set_at_s = clock.plant.now_s()
        while not oven.at_setpoint():
            await clock.plant.sleep(10.0)
            assert (await oven.read()).quality is Quality.GOOD
        assert clock.plant.now_s() - set_at_s == pytest.approx(3232.0, abs=15.0)
        await oven.off()
        reading = await oven.read()
        assert (reading.state, reading.setpoint_degC) == (ChamberState.OFF, 60.0)

    path = tmp_path / "bench.yaml"
    path.write_text(BENCH.format(link=link), encoding="utf-8")
    with running_bench("--mode", "lockstep", "--bench", str(path)) as bench:
        on(bench, story)


def test_the_same_polls_read_the_same_values_at_any_speed() -> None:
    def polled(speed: float | None) -> list[ChamberReading]:
        readings: list[ChamberReading] = []

        async def story(oven: TemperatureChamber, clock: Clock) -> None:
            await oven.set(40.0, ramp_K_per_min=5.0)
            for _ in range(60):
                await clock.plant.sleep(10.0)
                readings.append(await oven.read())

        with running_bench("--mode", "lockstep", "--seed", "3") as bench:
            on(bench, story, speed=speed)
        return readings

    assert polled(None) == polled(20_000.0)


def test_byte_faults_between_driver_and_chamber_are_stated_and_survived() -> None:
    faults = (
        Fault(FaultKind.DROP, exchange=4, byte=3),
        Fault(FaultKind.SPLIT, exchange=8, byte=5, size=2),
        Fault(FaultKind.HANG, exchange=12, byte=8),
        Fault(FaultKind.DUPLICATE, exchange=17),
    )
    heard: list[str] = []

    async def story(oven: TemperatureChamber, clock: Clock) -> None:
        for _ in range(12):
            try:
                reading = await oven.read()
            except LinkError as error:
                heard.append(type(error).__name__)
                await oven.open()
            else:
                assert 59.0 < reading.temperature_degC < 61.0
                assert reading.setpoint_degC == 60.0
            await clock.plant.sleep(10.0)

    with (
        running_bench("--mode", "lockstep") as bench,
        TcpProxy("127.0.0.1", bench.instrument("oven-60")["port"], FaultPlan(faults)) as proxy,
    ):
        on(bench, story, port=proxy.port)
        assert len(proxy.fired) == 4
    assert heard == ["LinkClosed", "LinkTimeout"]
