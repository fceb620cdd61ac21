"""VD-6 as it happens: the station's process is killed in mid-measurement, and the bridge alone is left."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from typing import Any

import pytest
from labctl_drivers.versastat_vdk.bridge.connection import Door
from labctl_drivers.versastat_vdk.bridge.library import Library
from labctl_drivers.versastat_vdk.bridge.server import listening
from labctl_drivers.versastat_vdk.bridge.service import Service

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
