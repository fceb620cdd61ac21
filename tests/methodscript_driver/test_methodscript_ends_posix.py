"""Ends that only a real port and a real process can show: a terminal that is gone, a process that is told to end."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from labctl_drivers.methodscript import create

from labctl.clock import Clock, ClockSpec, run_with_clock
from labctl.errors import InstrumentError, UnknownStateError
from labctl.interfaces.potentiostat import MeasurementState
from labctl.model.technique import FrequencySweep, Peis
from labctl.testing.byteserver import PtyPeer
from labctl.testing.sim import running_bench
from labctl.transport import open_transport

SLOW = Peis(FrequencySweep(1.0, 0.1), 0.01, e_dc_vs="ref", settle_s=0.0)

PROGRAM = """
import asyncio, signal, sys
from labctl.clock import ClockSpec, run_with_clock
from labctl.model.technique import FrequencySweep, Peis
from labctl.transport import open_transport
from labctl_drivers.methodscript import create

async def main(clock):
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, asyncio.current_task().cancel)
    driver = create("pico", sys.argv[1], {}, clock, lambda resource: open_transport(resource, clock))
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

BENCH = """
labctl: bench/1
instruments:
  - {name: neware, units: [{unit: 1, model: 5V10mA}]}
potentiostats:
  - {name: pico, model: espico, dummy: D1, profile: ideal}
"""


def answering(code: Callable[[float], str]) -> Callable[[bytes], bytes]:
    """Return a Pico that has an open circuit of 0.1 V and measures one point of a spectrum, then takes its time."""
    heard = bytearray()

    def answer(data: bytes) -> bytes:
        heard.extend(data)
        said, script = b"", b""
        while heard:
            if heard.startswith(b"e\n"):
                script, complete, rest = bytes(heard).partition(b"\n\n")
                if not complete:
                    return said
                said += b"e\n"
                if b"meas_loop_eis" in script:
                    point = f"dc{code(1.0)};cc{code(110.0)};cd{code(-6.0)}"
                    said += f"M000D\nPeb{code(1.0)};{point}\n".encode()
                else:
                    said += f"M000B\nPab{code(0.1)}\n*\n\n".encode() if b"ocp" in script else b"\n"
            else:
                line, complete, rest = bytes(heard).partition(b"\n")
                if not complete:
                    return said
                said += {b"Z": b"Z!0006\n", b"t": b"tespico1603#now\nR*\n", b"i": b"iX1\n"}.get(
                    line, line[:1] + b"!0003\n"
                )
            heard[:] = rest
        return said

    return answer


@pytest.mark.slow
def test_ms_14_a_port_that_is_gone_in_mid_run_is_told_within_2_s(code: Callable[[float], str]) -> None:
    async def main(clock: Clock) -> None:
        driver = create(
            "pico", f"serial://{peer.path}", {}, clock, lambda where: open_transport(where, clock)
        )
        await driver.open()
        measurement = await driver.measure(SLOW)
        blocks = measurement.blocks()
        first = await anext(blocks)
        assert len(first.flags) == 1
        await asyncio.to_thread(peer.hang_up)
        begun_s = clock.link.now_s()
        with pytest.raises(UnknownStateError, match="nobody knows whether the cell is off"):
            await anext(blocks)
        assert clock.link.now_s() - begun_s < 2.0
        assert measurement.state is MeasurementState.FAILED
        with pytest.raises(InstrumentError):
            await driver.open()
        await driver.close()

    with PtyPeer(answering(code)) as peer:
        run_with_clock(ClockSpec(), main)


@pytest.mark.slow
def test_ei_7_a_process_that_is_told_to_end_switches_the_cell_off(tmp_path: Path) -> None:
    bench_file = tmp_path / "bench.yaml"
    bench_file.write_text(BENCH, encoding="utf-8")
    with running_bench("--mode", "free", "--speed", "1", "--bench", str(bench_file)) as bench:
        resource = f"tcp://127.0.0.1:{bench.instrument('pico')['port']}"
        with subprocess.Popen(
            [sys.executable, "-c", PROGRAM, resource], stdout=subprocess.PIPE, text=True
        ) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == "measuring\n"
            assert bench.admin("truth", slot="pico")["cell_on"]
            child.send_signal(signal.SIGTERM)
            child.wait(timeout=60)
        told = bench.admin("truth", slot="pico")
        assert not told["cell_on"]
        assert not told["running"]
