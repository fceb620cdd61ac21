"""Examines any ``TemperatureChamber`` driver against any chamber, simulated or real, by what a caller can see.

A driver's author hands over a function that makes a fresh ``ChamberSetup``; each case gets one of its own::

    report = check_chamber(make)
    assert not report.problems, report

The same suite examines a simulator: play it with a driver that is known to be right. What it asks for is written in
``labctl.interfaces.chamber`` and in the rules of the temperature-chamber specification.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from labctl.clock import Clock, ClockMode, ClockSpec, SupportsAdvance, run_with_clock
from labctl.errors import InstrumentError, LinkError, RefusedError, UsageError
from labctl.interfaces.chamber import ChamberReading, ChamberState, Quality, TemperatureChamber
from labctl.testing.conformance import Nonconformity, Report

POLL_S = 10.0
SETTLES_WITHIN_S = 8 * 3600.0
HOLD_S = 600.0
SET_TOLERANCE_K = 0.06
"""Half a step of a controller that counts in tenths of a kelvin."""


class ChamberRig(Protocol):
    """A driver, closed, on a chamber that stands idle, and eyes that do not go through the driver."""

    @property
    def chamber(self) -> TemperatureChamber: ...
    def setpoint_degC(self) -> float:
        """Return the set point that the chamber holds, seen from outside."""

    def is_on(self) -> bool:
        """Tell whether the chamber regulates, seen from outside."""

    def changes(self) -> int:
        """Count the commands that the chamber has taken and that change anything."""

    def hang(self, hung: bool) -> None:
        """Let the link answer nothing, or answer again."""


@dataclass(frozen=True, slots=True)
class ChamberSetup:
    """How to make a rig on a clock. ``near_degC`` is reached soon, ``beyond_degC`` must be refused."""

    rig: Callable[[Clock], ChamberRig]
    bench: SupportsAdvance | None = None
    clock: ClockSpec = field(default_factory=lambda: ClockSpec(mode=ClockMode.JUMP))
    near_degC: float = 27.0
    other_degC: float = 35.0
    beyond_degC: float = 1000.0


def check_chamber(make: Callable[[], ChamberSetup], *, only: Sequence[str] = ()) -> Report:
    """Play every case, or those named, each on a fresh setup. Raises nothing that a driver did wrong."""
    kept: list[str] = []
    problems: dict[str, str] = {}
    for name, case in CASES.items():
        if only and name not in only:
            continue
        setup = make()
        try:
            run_with_clock(setup.clock, _opened(case, setup), bench=setup.bench)
        except (Nonconformity, InstrumentError, TimeoutError) as error:
            problems[name] = f"{type(error).__name__}: {error}"
        else:
            kept.append(name)
    return Report(tuple(kept), problems)


@dataclass(frozen=True, slots=True)
class _Scene:
    rig: ChamberRig
    clock: Clock
    setup: ChamberSetup

    @property
    def chamber(self) -> TemperatureChamber:
        return self.rig.chamber

    async def read(self) -> ChamberReading:
        await self.clock.plant.sleep(POLL_S)
        return await self.chamber.read()

    async def until_settled(self) -> None:
        """Poll until the driver says that the chamber has been at its set point for a while."""
        begin_s = self.clock.plant.now_s()
        while self.clock.plant.now_s() - begin_s < SETTLES_WITHIN_S:
            await self.read()
            if self.chamber.at_setpoint(1.0, HOLD_S):
                return
        raise Nonconformity(f"never at {self.setup.near_degC:g} degC within {SETTLES_WITHIN_S / 3600:g} h")


_Case = Callable[[_Scene], Awaitable[None]]


def _opened(case: _Case, setup: ChamberSetup) -> Callable[[Clock], Coroutine[Any, Any, None]]:
    async def main(clock: Clock) -> None:
        scene = _Scene(setup.rig(clock), clock, setup)
        await scene.chamber.open()
        try:
            await case(scene)
        finally:
            await scene.chamber.close()

    return main


def _insist(condition: bool, text: str) -> None:
    if not condition:
        raise Nonconformity(text)


# -- the cases ---------------------------------------------------------------------------------------------------------


async def _reading(scene: _Scene) -> None:
    changes = scene.rig.changes()
    reading = await scene.read()
    bad = reading.quality is Quality.BAD
    _insist(math.isnan(reading.temperature_degC) == bad, "a reading is NaN exactly when it is BAD")
    _insist(
        bad or -100.0 < reading.temperature_degC < 400.0, f"{reading.temperature_degC:g} is no air in degC"
    )
    _insist(bool(scene.chamber.name), "the driver has no name")
    _insist(scene.rig.changes() == changes, "reading changes something in the chamber")


async def _set(scene: _Scene) -> None:
    wanted_degC = scene.setup.near_degC
    await scene.chamber.set(wanted_degC)
    _insist(
        abs(scene.rig.setpoint_degC() - wanted_degC) <= SET_TOLERANCE_K, "the chamber holds another set point"
    )
    _insist(scene.rig.is_on(), "set does not switch the chamber on")
    reading = await scene.read()
    _insist(
        abs(reading.setpoint_degC - wanted_degC) <= SET_TOLERANCE_K, "the reading names another set point"
    )
    _insist(reading.state is ChamberState.ON, f"the reading says {reading.state.value} after set")


async def _beyond(scene: _Scene) -> None:
    changes = scene.rig.changes()
    try:
        await scene.chamber.set(scene.setup.beyond_degC)
    except (UsageError, RefusedError):
        _insist(scene.rig.changes() == changes, "a refused set point has changed something")
        return
    raise Nonconformity(f"{scene.setup.beyond_degC:g} degC is not refused")


async def _off(scene: _Scene) -> None:
    await scene.chamber.set(scene.setup.near_degC)
    await scene.chamber.off()
    _insist(not scene.rig.is_on(), "off leaves the chamber on")
    _insist((await scene.read()).state is ChamberState.OFF, "the reading does not say off")


async def _settles(scene: _Scene) -> None:
    await scene.chamber.set(scene.setup.near_degC)
    await scene.read()
    _insist(not scene.chamber.at_setpoint(1.0, HOLD_S), "at_setpoint is believed before it was held so long")
    await scene.until_settled()
    await scene.chamber.set(scene.setup.other_degC)
    await scene.read()
    _insist(
        not scene.chamber.at_setpoint(1.0, HOLD_S), "at_setpoint holds on after another set point was written"
    )


async def _gap(scene: _Scene) -> None:
    await scene.chamber.set(scene.setup.near_degC)
    await scene.until_settled()
    await scene.clock.plant.sleep(100 * HOLD_S)
    await scene.read()
    _insist(not scene.chamber.at_setpoint(1.0, HOLD_S), "at_setpoint is judged over a gap without readings")


async def _close(scene: _Scene) -> None:
    await scene.chamber.set(scene.setup.near_degC)
    await scene.chamber.close()
    await scene.clock.plant.sleep(POLL_S)
    _insist(scene.rig.is_on(), "closing the driver switches the chamber off")
    _insist(
        abs(scene.rig.setpoint_degC() - scene.setup.near_degC) <= SET_TOLERANCE_K,
        "closing changes the set point",
    )
    await scene.chamber.open()
    _insist((await scene.read()).state is ChamberState.ON, "after reopening the reading differs")


async def _silence(scene: _Scene) -> None:
    scene.rig.hang(True)
    try:
        await scene.read()
    except LinkError:
        pass
    else:
        raise Nonconformity("a chamber that answers nothing is read all the same")
    scene.rig.hang(False)
    await scene.chamber.open()
    await scene.read()


async def _unknown(scene: _Scene) -> None:
    scene.rig.hang(True)
    try:
        await scene.chamber.set(scene.setup.near_degC)
    except InstrumentError:
        return
    raise Nonconformity("a set point whose answer was lost is taken for set")


CASES: dict[str, _Case] = {
    "a reading is plausible, NaN exactly when BAD, and changes nothing": _reading,
    "set writes the set point, switches on and reads both back": _set,
    "a set point beyond the chamber's range is refused and changes nothing": _beyond,
    "off switches off and reads it back": _off,
    "at the set point means held for so long, and begins anew after a set": _settles,
    "a gap in the readings begins the holding time anew": _gap,
    "closing the driver leaves the chamber as it is": _close,
    "silence is a LinkError, and a reopened link works": _silence,
    "a set whose answer is lost is not believed": _unknown,
}
