"""The examiner of chamber drivers on the Modbus driver and the simulated chamber, and on drivers with mistakes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from labctl.clock import Clock
from labctl.config.station import DeviceEntry
from labctl.engine.station import build_chamber
from labctl.interfaces.chamber import TemperatureChamber
from labctl.testing.benchrun import VirtualBench, open_virtual_bench, small_bench
from labctl.testing.chamberconformance import CASES, ChamberSetup, check_chamber
from labctl.transport.memory import MemoryTransport


class Silenced:
    """An endpoint that can be made to hang, and counts what changes something: Modbus functions 5, 6, 15, 16."""

    def __init__(self, bench: VirtualBench) -> None:
        self._inner = bench.connect("oven")
        self.hung = False
        self.writes = 0

    def receive(self, data: bytes) -> bytes:
        if self.hung:
            return b""
        self.writes += data[7] in (5, 6, 15, 16)
        return self._inner.receive(data)


class OvenRig:
    """The Modbus driver on a simulated chamber; the bench's admin requests are the eyes from outside."""

    def __init__(self, bench: VirtualBench, clock: Clock) -> None:
        self._bench = bench
        self._line = Silenced(bench)
        entry = DeviceEntry("oven", "modbus-chamber", "mem://oven", driver_options={"framing": "tcp"})
        connect = MemoryTransport(self._line, clock, "oven")
        self.chamber: TemperatureChamber = build_chamber(entry, clock, lambda resource: connect)

    def setpoint_degC(self) -> float:
        return float(self._bench.admin({"do": "chamber.set", "name": "oven"})["setpoint_degC"])

    def is_on(self) -> bool:
        return bool(self._bench.admin({"do": "chamber.set", "name": "oven"})["on"])

    def changes(self) -> int:
        return self._line.writes

    def hang(self, hung: bool) -> None:
        self._line.hung = hung


def setups(spoil: Callable[[OvenRig], None] | None = None) -> Callable[[], ChamberSetup]:
    """Return a maker of fresh ovens with a fresh driver each; ``spoil`` plants a mistake in the driver."""

    def make() -> ChamberSetup:
        bench = open_virtual_bench(small_bench(chambers=[{"name": "oven"}]))

        def rig(clock: Clock) -> OvenRig:
            made = OvenRig(bench, clock)
            if spoil is not None:
                spoil(made)
            return made

        return ChamberSetup(rig, bench)

    return make


def test_the_modbus_driver_keeps_every_case_on_the_simulated_oven() -> None:
    report = check_chamber(setups())
    assert not report.problems, report
    assert len(report.kept) == len(CASES)


def _believes_anything(rig: OvenRig) -> None:
    async def set_without_looking(*_: Any, **__: Any) -> None:
        return

    rig.chamber.set = set_without_looking  # type: ignore[method-assign]  # the planted mistake


def _always_settled(rig: OvenRig) -> None:
    rig.chamber.at_setpoint = lambda *_, **__: True  # type: ignore[method-assign]  # the planted mistake


def _closes_by_switching_off(rig: OvenRig) -> None:
    inner = rig.chamber.close

    async def close() -> None:
        await rig.chamber.off()
        await inner()

    rig.chamber.close = close  # type: ignore[method-assign]  # the planted mistake


@pytest.mark.parametrize("spoil", [_believes_anything, _always_settled, _closes_by_switching_off])
def test_a_driver_with_a_planted_mistake_is_found(spoil: Callable[[OvenRig], None]) -> None:
    assert check_chamber(setups(spoil)).problems
