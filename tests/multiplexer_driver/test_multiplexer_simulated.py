"""The driver and the simulated multiplexer, each written apart: the suite in one process, and over every wire."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from labctl_drivers.multiplexer import create

from labctl.clock import Clock, ClockMode, ClockSpec
from labctl.interfaces.switch import CellSwitch, Source
from labctl.interfaces.switch import Path as Way
from labctl.testing.benchrun import VirtualBench, open_virtual_bench, small_bench
from labctl.testing.sim import RunningBench, running_bench
from labctl.testing.switchconformance import CASES, RelayAct, SwitchSetup, check_switch
from labctl.testing.tappedpipe import TappedPipe
from labctl.transport import open_transport
from labctl.transport.memory import MemoryTransport

HUNDREDS = {1: Source.CYCLER, 2: Source.POTENTIOSTAT}
PLACES: dict[str, object] = {"places": 3}
MUX = {
    "name": "mux",
    "potentiostat": "pico",
    "places": [{"place": 1, "slot": "neware:1-1"}, {"place": 2, "slot": "neware:1-2"}, {"place": 3}],
}
PICO = {"name": "pico", "model": "espico", "profile": "ideal"}
SOME = (
    "a place is joined to one source, and others stay as they are",
    "a move is refused unless both instruments are at rest, and nothing is sent",
    "a relay that does not open: all others are opened, and nothing is closed any more",
    "a link lost in the middle of a move: all are open once it is back",
)


class BoxRig:
    """The driver on a simulated box; the bench's admin requests are the eyes and hands from outside."""

    def __init__(
        self, admin: Callable[[dict[str, Any]], dict[str, Any]], pipe: TappedPipe, clock: Clock
    ) -> None:
        self._admin = admin
        self.pipe = pipe
        self.switch: CellSwitch = create("mux", pipe.resource, PLACES, clock, lambda resource: pipe)
        self._before = len(self._switched())

    def _switched(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._admin({"do": "truth", "slot": "mux"})["switched"]
        return found

    def acts(self) -> Sequence[RelayAct]:
        return [
            RelayAct(act["plant_s"], Way(act["path"] % 100, HUNDREDS[act["path"] // 100]), act["closed"])
            for act in self._switched()[self._before :]
        ]

    def sent(self) -> int:
        return self.pipe.sent

    def weld(self, path: Way) -> None:
        hundreds = next(number for number, source in HUNDREDS.items() if source is path.source)
        number = 100 * hundreds + path.place
        self._admin({"do": "fault", "instrument": "mux", "kind": "stuck", "path": number})

    def power_up(self) -> None:
        self._admin({"do": "fault", "instrument": "mux", "kind": "power_cut"})

    def cut(self) -> None:
        self.pipe.cut()

    def hang(self, hung: bool) -> None:
        self.pipe.hung = hung


def violations(bench: VirtualBench) -> list[Any]:
    return list(bench.admin({"do": "violations"})["violations"])


@pytest.mark.parametrize("case", CASES)
def test_the_driver_keeps_each_case_on_the_simulated_box_and_violates_nothing(case: str) -> None:
    bench = open_virtual_bench({**small_bench(), "potentiostats": [PICO], "multiplexers": [MUX], "cells": []})

    def rig(clock: Clock) -> BoxRig:
        pipe = TappedPipe(MemoryTransport(lambda: bench.connect("mux"), clock, "mux"), clock)
        return BoxRig(bench.admin, pipe, clock)

    report = check_switch(lambda: SwitchSetup(rig, bench), only=[case])
    assert not report.problems, report
    assert report.kept == (case,)
    assert not violations(bench)


POSIX = sys.platform != "win32"
LINKS = ["tcp", "visa-socket"] + (["serial", "visa-serial"] if POSIX else [])
BENCH = """
labctl: bench/1
instruments:
  - {name: neware, units: [{unit: 1, model: 5V10mA}]}
potentiostats:
  - {name: pico, model: espico, profile: ideal}
multiplexers:
  - {name: mux, link: LINK, potentiostat: pico, places: [{place: 1}, {place: 2}, {place: 3}]}
"""


@pytest.fixture(scope="module", params=["tcp", "pty"] if POSIX else ["tcp"])
def bench(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningBench]:
    path: Path = tmp_path_factory.mktemp("bench") / "bench.yaml"
    path.write_text(BENCH.replace("LINK", request.param), encoding="utf-8")
    with running_bench("--mode", "lockstep", "--bench", str(path)) as running:
        yield running


def resources(bench: RunningBench) -> list[str]:
    """Return the resources that lead to the box: by the system's own sockets and ports, and by VISA."""
    told = bench.instrument("mux")
    if told.get("port"):
        return [f"tcp://127.0.0.1:{told['port']}", f"visa://TCPIP0::127.0.0.1::{told['port']}::SOCKET"]
    return [f"serial://{told['path']}", f"visa://ASRL{told['path']}::INSTR"]


@pytest.mark.slow
def test_the_suite_is_kept_over_every_kind_of_link(bench: RunningBench) -> None:
    clock = ClockSpec(mode=ClockMode.LOCKSTEP, admin=bench.first["admin"])

    def admin(request: dict[str, Any]) -> dict[str, Any]:
        return bench.admin(str(request.pop("do")), **request)

    for resource in resources(bench):

        def rig(on: Clock, resource: str = resource) -> BoxRig:
            for path in (101, 201, 102, 202, 103, 203):
                admin({"do": "fault", "instrument": "mux", "kind": "stuck", "path": path, "on": False})
            admin({"do": "fault", "instrument": "mux", "kind": "power_cut"})
            return BoxRig(admin, TappedPipe(open_transport(resource, on), on), on)

        report = check_switch(lambda make=rig: SwitchSetup(make, clock=clock), only=SOME)
        assert not report.problems, (resource, report)
        assert len(report.kept) == len(SOME)
