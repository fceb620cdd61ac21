"""The driver and the simulated instrument, each written apart from the other, over real sockets and terminals."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from labctl_drivers.methodscript import create

from labctl.clock import Clock, ClockMode, ClockSpec, run_with_clock
from labctl.interfaces.potentiostat import MeasurementState
from labctl.model.spectrum import Spectrum
from labctl.model.technique import FrequencySweep, Peis
from labctl.testing.potentiostatconformance import CASES, check_potentiostat
from labctl.testing.potentiostatrig import PotentiostatSetup, d1_ohm
from labctl.testing.sim import RunningBench, running_bench
from labctl.testing.tappedpipe import TappedPipe
from labctl.transport import open_transport

BENCH = """
labctl: bench/1
instruments:
  - {name: neware, units: [{unit: 1, model: 5V10mA}]}
potentiostats:
  - {name: pico, model: espico, dummy: D1, profile: ideal}
  - {name: line, model: espico, dummy: D1, profile: ideal, link: LINK}
"""

POSIX = sys.platform != "win32"
LINKS = ["tcp", "visa-socket"] + (["serial", "visa-serial"] if POSIX else [])
SOME = [
    "it says what it is and can do, and opening energises nothing",
    "a spectrum of the dummy cell is its formula, Z'' signed, amplitude rms, points exact",
    "an abort switches the cell off at once and keeps the points",
    "a lost link is told, and the cell is off once it is back",
]


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBench]:
    path: Path = tmp_path_factory.mktemp("bench") / "bench.yaml"
    path.write_text(BENCH.replace("LINK", "pty" if POSIX else "tcp"), encoding="utf-8")
    with running_bench("--mode", "lockstep", "--bench", str(path)) as running:
        yield running


def where(bench: RunningBench, link: str) -> tuple[str, str]:
    """Return the name of the instrument that a kind of link leads to, and the resource."""
    pico = bench.instrument("pico")
    if link == "tcp":
        return "pico", f"tcp://127.0.0.1:{pico['port']}"
    if link == "visa-socket":
        return "pico", f"visa://TCPIP0::127.0.0.1::{pico['port']}::SOCKET"
    path = bench.instrument("line")["path"]
    return "line", f"serial://{path}" if link == "serial" else f"visa://ASRL{path}::INSTR"


class WireRig:
    """The driver on a real link to the simulated instrument; the admin link is the eyes from outside."""

    def __init__(self, bench: RunningBench, link: str, clock: Clock) -> None:
        self._bench = bench
        self._name, resource = where(bench, link)

        def connect(asked: str) -> TappedPipe:
            self.pipe = TappedPipe(open_transport(asked, clock), clock)
            return self.pipe

        self.potentiostat = create("pico", resource, {}, clock, connect)
        self._before = self._energisings()

    def _truth(self) -> dict[str, Any]:
        return self._bench.admin("truth", slot=self._name)

    def _energisings(self) -> int:
        return sum(act["what"] == "cell_on" for act in self._truth()["switched"])

    def cell_on(self) -> bool:
        return bool(self._truth()["cell_on"])

    def energisings(self) -> int:
        return self._energisings() - self._before

    def sent(self) -> int:
        return self.pipe.sent

    def cut(self) -> None:
        self.pipe.cut()

    def hang(self, hung: bool) -> None:
        self.pipe.hung = hung


@pytest.mark.slow
@pytest.mark.parametrize("link", LINKS)
def test_the_suite_is_kept_over_every_kind_of_link(bench: RunningBench, link: str) -> None:
    clock = ClockSpec(mode=ClockMode.LOCKSTEP, admin=bench.first["admin"])
    cases = tuple(CASES) if link == "tcp" else SOME
    report = check_potentiostat(
        lambda: PotentiostatSetup(lambda on: WireRig(bench, link, on), clock=clock), only=cases
    )
    assert not report.problems, report
    assert len(report.kept) == len(cases)


def spectrum_over(bench: RunningBench, link: str) -> Spectrum:
    """Take the sweep of MS-5 over a link."""
    found: list[Spectrum] = []

    async def main(clock: Clock) -> None:
        rig = WireRig(bench, link, clock)
        await rig.potentiostat.open()
        try:
            measurement = await rig.potentiostat.measure(Peis(FrequencySweep(200e3, 0.1), 0.01, settle_s=1.0))
            async for block in measurement.blocks():
                assert isinstance(block, Spectrum)
                found.append(block)
            assert measurement.state is MeasurementState.DONE
        finally:
            await rig.potentiostat.close()

    run_with_clock(ClockSpec(mode=ClockMode.LOCKSTEP, admin=bench.first["admin"]), main)
    whole = found[0]
    for block in found[1:]:
        whole = whole.then(block)
    return whole


@pytest.mark.slow
@pytest.mark.skipif(not POSIX, reason="Windows has no pseudo-terminals")
def test_ms_5_and_ms_6_the_sweep_is_the_formula_and_the_same_points_over_tcp_and_pty(
    bench: RunningBench,
) -> None:
    over_tcp, over_pty = spectrum_over(bench, "tcp"), spectrum_over(bench, "serial")
    assert len(over_tcp) == 64
    truth_ohm = d1_ohm(over_tcp.frequency_Hz)
    assert (abs(over_tcp.z_ohm - truth_ohm) <= 1e-6 * abs(truth_ohm)).all()
    for name in ("frequency_Hz", "z_ohm", "t_start_s", "t_end_s", "range_A", "flags"):
        assert (getattr(over_tcp, name) == getattr(over_pty, name)).all(), name
