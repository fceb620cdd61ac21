"""A client that is not ours, the standard library's ``ServerProxy``, takes a spectrum from a served bench over HTTP.

It knows the documented calls and nothing else (docs/eis.md).
"""

from __future__ import annotations

import asyncio
import math
import threading
import xmlrpc.client
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import pytest
from labctl_simulators.bench import Bench, open_bench
from labctl_simulators.pace import Mode, Pace
from labctl_simulators.server import serve

SPEED = 4000.0
TOKEN = "the-token-of-the-lab"
ENTRY = {
    "name": "ps",
    "kind": "versastat",
    "model": "parstat3000a",
    "dummy": "D1",
    "profile": "ideal",
    "token": TOKEN,
}


@contextmanager
def served(mode: Mode = Mode.FREE) -> Iterator[tuple[Bench, str, Callable[[Callable[[], object]], object]]]:
    """Serve a bench in a thread of its own; give it, the address of the bridge, and how to call in that thread."""
    bench = open_bench({"labctl": "bench/1", "instruments": [], "potentiostats": [ENTRY]})
    known: dict[str, Any] = {}
    ready = threading.Event()

    async def main() -> None:
        serving = await serve(bench, Pace(bench, mode, SPEED if mode is Mode.FREE else None), {})
        known.update(port=serving.ports["ps"], loop=asyncio.get_running_loop(), ended=asyncio.Event())
        ready.set()
        await known["ended"].wait()
        await serving.close()

    thread = threading.Thread(target=asyncio.run, args=(main(),))
    thread.start()
    assert ready.wait(10.0)
    try:
        address = f"http://127.0.0.1:{known['port']}/VersaStatServer.rem"
        yield bench, address, known["loop"].call_soon_threadsafe
    finally:
        known["loop"].call_soon_threadsafe(known["ended"].set)
        thread.join(10.0)


def client(address: str, name: str, token: str = TOKEN) -> Any:
    headers = [("Authorization", f"Bearer {token}"), ("X-Labctl-Client", name)]
    return xmlrpc.client.ServerProxy(address, headers=headers)


def spectrum(vdk: Any) -> dict[str, list[float]]:
    """Take the paper's spectrum by the documented steps, and leave the cell off."""
    assert vdk.Connect(vdk.FindNext(0)) and "FRA" in vdk.GetOptions()
    vdk.Clear()
    assert vdk.AddMeasureOpenCircuit()
    assert vdk.AddEISPotentiostatic(
        "1000000,0.1,0.01,LOGARITHMIC,10,1,0,0,VS OC,AUTO,AUTO,NO,EXTERNAL,AUTO,AUTO"
    )
    columns: dict[str, list[float]] = {
        name: [] for name in ("Frequency", "ImpedanceReal", "ImpedanceImaginary", "ElapsedTime")
    }
    try:
        vdk.Start()
        while not vdk.IsSequenceRunning() and vdk.GetNumPointsAvailable() == -1:
            pass
        while (available := vdk.GetNumPointsAvailable()) != -1:
            got = len(columns["Frequency"])
            for name, values in columns.items():
                values += getattr(vdk, f"GetData{name}")(got, available - got) if available > got else []
            assert vdk.BridgeLease(15)
            vdk.UpdateStatus()
            assert vdk.GetOverload() == 0
    finally:
        vdk.Stop()
        vdk.Clear()
        vdk.SetCellOff()
        vdk.Close()
        vdk.BridgeLease(0)
    return columns


def test_server_proxy_takes_the_papers_spectrum_over_http_by_the_documented_calls() -> None:
    with served() as (bench, address, _):
        with (
            client(address, "other", "wrong") as stranger,
            pytest.raises(xmlrpc.client.ProtocolError) as refused,
        ):
            stranger.GetModel()
        assert refused.value.errcode == 401
        with client(address, "a") as vdk:
            assert vdk.BridgeInfo()["has_experiment"] and vdk.BridgeLease(15)
            with client(address, "b") as second, pytest.raises(xmlrpc.client.Fault) as held:
                second.BridgeLease(15)
            assert held.value.faultCode == 1002
            columns = spectrum(vdk)
    f_Hz, real, imaginary, elapsed_s = (np.array(column) for column in columns.values())
    assert len(f_Hz) == 71 and f_Hz[0] == 1e6 and f_Hz[-1] == 0.1
    z_ohm = 10.0 + 1.0 / (1.0 / 100.0 + 2j * math.pi * f_Hz * 100e-6)
    assert np.abs((real + 1j * imaginary) / z_ohm - 1.0).max() < 1e-9
    assert elapsed_s[-1] == pytest.approx(380.0, rel=0.1)
    told = bench.admin({"do": "truth", "slot": "ps"})
    assert not told["cell_on"] and told["lease"] is None and told["lapses"] == 0 and bench.violations == []


def test_in_lockstep_the_lease_runs_by_plant_time_and_a_late_answer_by_the_walls() -> None:
    with served(Mode.LOCKSTEP) as (bench, address, soon), client(address, "a") as vdk:
        assert vdk.BridgeLease(15) and vdk.Connect(vdk.FindNext(0))
        bench.admin(
            {"do": "fault", "instrument": "ps", "kind": "late", "command": "GetModel", "delay_s": 0.05}
        )
        assert vdk.GetModel() == "PARSTAT 3000A" and bench.now_s == 0.0  # plant time stands still meanwhile
        vdk.SetCellOn()
        soon(partial(bench.advance_to, 14.0))
        vdk.UpdateStatus()
        assert vdk.GetCellEnabled() is True
        soon(partial(bench.advance_to, 20.0))
        with pytest.raises(xmlrpc.client.Fault) as lapsed:
            vdk.GetCellEnabled()
        assert lapsed.value.faultCode == 1001
    assert not bench.admin({"do": "truth", "slot": "ps"})["cell_on"] and bench.violations == []
