"""The examiner of potentiostat drivers on the VDK driver, through labctl's bridge, on a stand-in for the kit."""

from __future__ import annotations

from typing import Any

import pytest
from labctl_drivers.versastat_vdk import create

from labctl.clock import Clock
from labctl.interfaces.potentiostat import Potentiostat
from labctl.testing.potentiostatconformance import CASES, check_potentiostat
from labctl.testing.potentiostatrig import PotentiostatSetup
from labctl.testing.tappedpipe import TappedPipe
from labctl.transport.base import Transport
from labctl.transport.memory import MemoryTransport


class BridgedRig:
    """Driver, bridge and stand-in; the stand-in's own state is the eyes from outside."""

    def __init__(self, kit: Any, clock: Clock, bridge: Any) -> None:
        self._kit = kit
        self._clock = clock
        self._bridge = bridge
        self.pipes: list[TappedPipe] = []
        self.potentiostat: Potentiostat = create("vdk", "mem://bridge", {}, clock, self._connect)

    def _connect(self, resource: str) -> Transport:
        plain = MemoryTransport(lambda: self._bridge.end_for("127.0.0.1"), self._clock, "bridge")
        self.pipes.append(TappedPipe(plain, self._clock))
        return self.pipes[-1]

    def cell_on(self) -> bool:
        return bool(self._kit.cell_on())

    def energisings(self) -> int:
        return int(self._kit.energised)

    def sent(self) -> int:
        return sum(pipe.sent for pipe in self.pipes)

    def cut(self) -> None:
        for pipe in self.pipes:
            pipe.cut()

    def hang(self, hung: bool) -> None:
        for pipe in self.pipes:
            pipe.hung = hung


@pytest.mark.parametrize("case", CASES)
def test_the_vdk_driver_keeps_each_case_through_the_bridge(
    case: str, tiny_kit: Any, running_bridge: Any
) -> None:
    def make() -> PotentiostatSetup:
        kit = tiny_kit()
        return PotentiostatSetup(
            lambda clock: BridgedRig(kit, clock, running_bridge(kit, clock)),
            ocv_V=kit.ocv_V,
            ocv_tolerance_V=1e-6,
        )

    report = check_potentiostat(make, only=[case])
    assert not report.problems, report
    assert report.kept == (case,)
