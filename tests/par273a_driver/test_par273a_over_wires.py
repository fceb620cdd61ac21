"""The driver and the simulated 273A with its analysers over real sockets and terminals, and through VISA."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from labctl_drivers.par273a import create

from labctl.clock import Clock, ClockMode, ClockSpec, run_with_clock
from labctl.config.station import load_station
from labctl.engine.station import open_station
from labctl.model.technique import FrequencySweep, Peis
from labctl.testing.potentiostatconformance import CASES, check_potentiostat
from labctl.testing.potentiostatrig import PotentiostatSetup
from labctl.testing.sim import RunningBench, running_bench
from labctl.testing.tappedpipe import TappedPipe
from labctl.transport import open_transport

BENCH = """
labctl: bench/1
instruments:
  - {name: neware, units: [{unit: 1, model: 5V10mA}]}
potentiostats:
  - {name: box, kind: par273a, model: 273A, dummy: D1, profile: ideal, lockin: "7265"}
  - {name: fra, kind: par273a, model: 273A, dummy: D1, profile: ideal, fra: "1260"}
  - {name: line, kind: par273a, model: 273A, dummy: D1, profile: ideal, lockin: "7270", link: LINK}
"""
LONG: dict[str, object] = {"step_max_s": 1e6, "step_max_by": "A. Tester", "reply_timeout_s": 1.5}
POSIX = sys.platform != "win32"
LINKS = ["tcp", "visa-socket", "tcp-fra"] + (["serial", "visa-serial"] if POSIX else [])
FEW = (
    "it says what it is and can do, and opening energises nothing",
    "potential steps: anodic current is positive and obeys Ohm",
)
SOME = (
    *FEW,
    "a lost link is told, and the cell is off once it is back",
    "the first byte of an abort leaves at once, although nothing answers",
)
"""Through VISA each exchange takes its time, so there only what its pipe could change is played."""


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBench]:
    path: Path = tmp_path_factory.mktemp("bench") / "bench.yaml"
    path.write_text(BENCH.replace("LINK", "pty" if POSIX else "tcp"), encoding="utf-8")
    with running_bench("--mode", "lockstep", "--bench", str(path)) as running:
        yield running


def where(bench: RunningBench, link: str) -> tuple[str, str, dict[str, object]]:
    """Return the name of the instrument that a kind of link leads to, the resource, and options."""
    if link in ("tcp", "visa-socket"):
        port = bench.instrument("box")["port"]
        resource = f"tcp://127.0.0.1:{port}" if link == "tcp" else f"visa://TCPIP0::127.0.0.1::{port}::SOCKET"
        return "box", resource, {"analyser": "lockin72xx"}
    if link == "tcp-fra":
        return "fra", f"tcp://127.0.0.1:{bench.instrument('fra')['port']}", {"analyser": "solartron1260"}
    path = bench.instrument("line")["path"]
    resource = f"serial://{path}" if link == "serial" else f"visa://ASRL{path}::INSTR"
    gpib = f"tcp://127.0.0.1:{bench.instrument('line:gpib')['port']}"
    return "line", resource, {"analyser": "lockin72xx", "analyser_resource": gpib}


class WireRig:
    """The driver on real links to simulated instruments; the admin link is the eyes from outside."""

    def __init__(self, bench: RunningBench, link: str, clock: Clock) -> None:
        self._bench = bench
        self._name, resource, options = where(bench, link)
        self.pipes: list[TappedPipe] = []

        def connect(asked: str) -> TappedPipe:
            self.pipes.append(TappedPipe(open_transport(asked, clock), clock))
            return self.pipes[-1]

        self.potentiostat = create("par", resource, {**LONG, **options}, clock, connect)
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
        return sum(pipe.sent for pipe in self.pipes)

    def cut(self) -> None:
        for pipe in self.pipes:
            pipe.cut()

    def hang(self, hung: bool) -> None:
        for pipe in self.pipes:
            pipe.hung = hung


@pytest.mark.slow
@pytest.mark.parametrize("link", LINKS)
def test_the_suite_is_kept_over_every_kind_of_link(bench: RunningBench, link: str) -> None:
    clock = ClockSpec(mode=ClockMode.LOCKSTEP, admin=bench.first["admin"])
    cases = tuple(CASES) if link == "tcp" else FEW if link.startswith("visa") else SOME
    report = check_potentiostat(
        lambda: PotentiostatSetup(lambda on: WireRig(bench, link, on), clock=clock, tolerance=1e-3),
        only=cases,
    )
    assert not report.problems, report
    assert len(report.kept) == len(cases)


@pytest.mark.slow
def test_the_station_file_of_a_simulation_leads_to_each_of_them(bench: RunningBench) -> None:
    async def main(clock: Clock) -> None:
        async with open_station(load_station(bench.station_file), clock) as station:
            for place in station.potentiostats.values():
                identity = await place.potentiostat.open()
                assert identity.model == "PAR 273A"
                assert not place.potentiostat.refusals(Peis(FrequencySweep(1e3, 100.0, 3), 0.01))
                assert (await place.potentiostat.read()).cell_on is False
            assert sorted(station.potentiostats) == ["box", "fra", "line"]

    run_with_clock(ClockSpec(mode=ClockMode.LOCKSTEP, admin=bench.first["admin"]), main)
