"""Ends by signals: a bridge and a station's process that are told to end leave a cell that is off."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from labctl.testing.sim import running_bench

DRIVER = """
import asyncio, signal, sys
from labctl.clock import ClockSpec, run_with_clock
from labctl.model.technique import FrequencySweep, Peis
from labctl.transport import open_transport
from labctl_drivers.versastat_vdk import create

async def main(clock):
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, asyncio.current_task().cancel)
    driver = create("vdk", sys.argv[1], {}, clock, lambda resource: open_transport(resource, clock))
    await driver.open()
    try:
        measurement = await driver.measure(Peis(FrequencySweep(1.0, 0.1), 0.01, settle_s=0.0))
        print("measuring", flush=True)
        async for block in measurement.blocks():
            pass
    finally:
        await driver.close()

run_with_clock(ClockSpec(), main)
"""

BRIDGE = """
import logging, sys
from labctl.clock import ClockSpec, run_with_clock
from labctl_drivers.versastat_vdk.bridge.__main__ import serve
from labctl_drivers.versastat_vdk.bridge.connection import Door

class Library:
    def call(self, name, call, parameters):
        print(name, flush=True)
        return True if call.answers is bool else 0 if call.answers is int else ""

logging.basicConfig(level=logging.INFO, stream=sys.stdout, format="%(message)s")
run_with_clock(ClockSpec(), lambda clock: serve(clock, Library(), Door(), "127.0.0.1", 0))
"""

BENCH = """
labctl: bench/1
instruments:
  - {name: neware, units: [{unit: 1, model: 5V10mA}]}
potentiostats:
  - {name: vdk, kind: versastat, model: versastat4, dummy: D1, profile: ideal}
"""


@pytest.mark.slow
def test_ei_7_a_process_that_is_told_to_end_switches_the_cell_off_through_the_bridge(tmp_path: Path) -> None:
    bench_file = tmp_path / "bench.yaml"
    bench_file.write_text(BENCH, encoding="utf-8")
    with running_bench("--mode", "free", "--speed", "1", "--bench", str(bench_file)) as bench:
        resource = f"http://127.0.0.1:{bench.instrument('vdk')['port']}"
        with subprocess.Popen(
            [sys.executable, "-c", DRIVER, resource], stdout=subprocess.PIPE, text=True
        ) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == "measuring\n"
            assert bench.admin("truth", slot="vdk")["cell_on"]
            child.send_signal(signal.SIGTERM)
            child.wait(timeout=20)
        told = bench.admin("truth", slot="vdk")
        assert not told["cell_on"]
        assert not told["running"]


@pytest.mark.slow
def test_a_bridge_that_is_told_to_end_stops_switches_off_and_closes_the_kit() -> None:
    with subprocess.Popen([sys.executable, "-c", BRIDGE], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        port = int(child.stdout.readline().split()[-1])
        calls = (
            "import xmlrpc.client\n"
            f"with xmlrpc.client.ServerProxy('http://127.0.0.1:{port}/VersaStatServer.rem') as proxy:\n"
            "    proxy.BridgeLease(30); proxy.Connect(1)\n"
        )
        subprocess.run([sys.executable, "-c", calls], check=True, timeout=20)
        assert child.stdout.readline() == "Connect\n"
        child.send_signal(signal.SIGTERM)
        rest = child.stdout.read().split("\n")
        assert child.wait(timeout=20) == 0
    assert [line for line in rest if line in ("Stop", "SetCellOff", "Close")] == [
        "Stop",
        "SetCellOff",
        "Close",
    ]
