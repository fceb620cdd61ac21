"""The examiner of potentiostat drivers on the VDK driver and the simulated bridge."""

from __future__ import annotations

from typing import Any

import pytest
from labctl_drivers.versastat_vdk import create

from labctl.clock import Clock
from labctl.interfaces.potentiostat import Potentiostat
from labctl.testing.benchrun import VirtualBench, open_virtual_bench, small_bench
from labctl.testing.potentiostatconformance import CASES, check_potentiostat
from labctl.testing.potentiostatrig import PotentiostatSetup
from labctl.testing.tappedpipe import TappedPipe
from labctl.transport.base import Transport
from labctl.transport.memory import MemoryTransport


class VdkRig:
    """The driver on a simulated instrument; the bench's admin requests are the eyes from outside."""

    def __init__(self, bench: VirtualBench, clock: Clock) -> None:
        self._bench = bench
        self._clock = clock
        self._pipes: list[TappedPipe] = []
        self.potentiostat: Potentiostat = create("vdk", "mem://vdk", {}, clock, self._connect)

    def _connect(self, resource: str) -> Transport:
        plain = MemoryTransport(lambda: self._bench.connect("vdk"), self._clock, "vdk")
        self._pipes.append(TappedPipe(plain, self._clock))
        return self._pipes[-1]

    def _truth(self) -> dict[str, Any]:
        return self._bench.admin({"do": "truth", "slot": "vdk"})

    def cell_on(self) -> bool:
        return bool(self._truth()["cell_on"])

    def energisings(self) -> int:
        return sum(act["what"] == "cell_on" for act in self._truth()["switched"])

    def sent(self) -> int:
        return sum(pipe.sent for pipe in self._pipes)

    def cut(self) -> None:
        for pipe in self._pipes:
            pipe.cut()

    def hang(self, hung: bool) -> None:
        for pipe in self._pipes:
            pipe.hung = hung


@pytest.mark.parametrize("case", CASES)
def test_the_vdk_driver_keeps_each_case_on_the_simulated_versastat(case: str) -> None:
    def make() -> PotentiostatSetup:
        entry = {
            "name": "vdk",
            "kind": "versastat",
            "model": "parstat4000a",
            "dummy": "D1",
            "profile": "ideal",
        }
        bench = open_virtual_bench({**small_bench(), "potentiostats": [entry]})
        return PotentiostatSetup(lambda clock: VdkRig(bench, clock), bench)

    report = check_potentiostat(make, only=[case])
    assert not report.problems, report
    assert report.kept == (case,)
