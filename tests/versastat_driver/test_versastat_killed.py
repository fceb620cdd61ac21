"""VD-6 as it happens: the station's process is killed in mid-measurement, and the bridge alone is left."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from typing import Any

import pytest
from labctl_drivers.versastat_vdk.bridge.connection import Door
from labctl_drivers.versastat_vdk.bridge.library import Library
from labctl_drivers.versastat_vdk.bridge.server import listening
from labctl_drivers.versastat_vdk.bridge.service import Service
from labctl_drivers.versastat_vdk.codec import Call, Fault

from labctl.clock import Clock, ClockSpec, run_with_clock

PROGRAM = """
import sys
from labctl.clock import ClockSpec, run_with_clock
from labctl.model.technique import FrequencySweep, Peis
from labctl.transport import open_transport
from labctl_drivers.versastat_vdk import create

async def main(clock):
    options = {"lease_s": 7.0, "reply_timeout_s": 3.0}
    driver = create("vdk", sys.argv[1], options, clock, lambda resource: open_transport(resource, clock))
    await driver.open()
    measurement = await driver.measure(Peis(FrequencySweep(1.0, 0.1), 0.01, settle_s=0.0))
    print("measuring", flush=True)
    async for block in measurement.blocks():
        pass

run_with_clock(ClockSpec(), main)
"""


@pytest.mark.slow
def test_vd_6_a_station_that_is_killed_leaves_a_cell_that_the_bridge_switches_off(tiny_kit: Any) -> None:
    kit = tiny_kit()

    async def main(clock: Clock) -> None:
        kit.now_s = clock.plant.now_s
        service, ended = Service(Library(kit), clock), asyncio.Event()
        async with asyncio.TaskGroup() as group, listening(service, Door(), "127.0.0.1", 0) as port:
            group.create_task(service.serve(ended))
            await asyncio.to_thread(killed_in_mid_run, f"http://127.0.0.1:{port}")
            assert kit.cell_on()
            del kit.heard[:]
            while kit.cell_on():
                await clock.link.sleep(0.1)
            await clock.link.sleep(0.5)
            assert kit.heard == ["Stop", "SetCellOff"]
            ended.set()

    run_with_clock(ClockSpec(), main)


def killed_in_mid_run(resource: str) -> None:
    """Start a station that measures, and kill it."""
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, resource], stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "measuring\n"
        child.kill()
        child.wait(timeout=60)


@pytest.mark.slow
def test_a_call_that_comes_back_after_its_lease_is_made_safe_once_more(tiny_kit: Any) -> None:
    hanging = threading.Event()
    kit = tiny_kit(starts_hanging=hanging, starts_late_s=0.0)

    async def main(clock: Clock) -> None:
        kit.now_s = clock.plant.now_s
        service, ended = Service(Library(kit), clock), asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(service.serve(ended))
            for method, parameters in (
                ("BridgeLease", (1.0,)), ("Connect", (1234567,)),
                ("AddEISPotentiostatic", ("1,0.1,0.01,LOGARITHMIC,5,1,0,0,VS REF,AUTO,AUTO,NO,EXTERNAL,AUTO,AUTO",)),
            ):  # fmt: skip
                assert not isinstance(await service.answer("a", Call(method, parameters)), Fault)
            starting = group.create_task(service.answer("a", Call("Start", ())))
            await clock.link.sleep(1.3)
            assert kit.heard.count("SetCellOff") == 1
            kit.Experiment.on_until_s = 1e9  # what hung has energised the cell after all
            hanging.set()
            await starting
            assert kit.heard.count("SetCellOff") == 2
            assert not kit.cell_on()
            ended.set()

    run_with_clock(ClockSpec(), main)
