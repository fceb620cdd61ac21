"""Examines any ``CellSwitch`` driver against any box of relays, simulated or real, by what a caller can see.

A driver's author hands over a function that makes a fresh ``SwitchSetup``; each case gets one of its own::

    report = check_switch(make)
    assert not report.problems, report

What it asks for is written in ``labctl.interfaces.switch`` and in potentiostat.md 2.7. The same suite examines a
simulator: play it with a driver that is known to be right. On hardware no cell hangs on the box.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from labctl.clock import Clock, ClockSpec, SupportsAdvance, run_with_clock
from labctl.clock import ClockMode as Mode
from labctl.errors import InstrumentError, UnknownStateError, UsageError
from labctl.interfaces.cycler import ChannelState
from labctl.interfaces.switch import BREAK_S, STILL, AtRest, CellSwitch, Path, Source
from labctl.testing.conformance import Nonconformity, Report

HANDOVERS = 100
"""There and back so many times (MX-2)."""

CUT_AFTER_S = BREAK_S / 2
"""In the middle of a break."""

REST = AtRest(ChannelState.FINISHED, 0.0, cell_on=False)
CYCLER, POTENTIOSTAT = Path(1, Source.CYCLER), Path(1, Source.POTENTIOSTAT)
OTHER = Path(2, Source.CYCLER)


@dataclass(frozen=True, slots=True)
class RelayAct:
    """One relay that has moved, seen from outside, at a plant time."""

    at_s: float
    path: Path
    closed: bool


class SwitchRig(Protocol):
    """A driver, closed, on a box with at least two places and all paths open, and eyes that do not go through it."""

    @property
    def switch(self) -> CellSwitch: ...
    def acts(self) -> Sequence[RelayAct]:
        """Return every movement of a relay so far, in order."""

    def sent(self) -> int:
        """Count the bytes that the driver has sent."""

    def weld(self, path: Path) -> None:
        """Let a relay stay as it is from now on."""

    def power_up(self) -> None:
        """Switch the box off and on: links are lost, relays that are not welded open."""

    def cut(self) -> None:
        """Let the link be lost now; a later ``open`` finds it again."""

    def hang(self, hung: bool) -> None:
        """Let the link carry nothing, or carry again what is sent from then on."""


@dataclass(frozen=True, slots=True)
class SwitchSetup:
    """How to make a rig on a clock."""

    rig: Callable[[Clock], SwitchRig]
    bench: SupportsAdvance | None = None
    clock: ClockSpec = field(default_factory=lambda: ClockSpec(mode=Mode.JUMP))


def check_switch(make: Callable[[], SwitchSetup], *, only: Sequence[str] = ()) -> Report:
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
    rig: SwitchRig
    clock: Clock

    @property
    def switch(self) -> CellSwitch:
        return self.rig.switch

    def closed(self) -> set[Path]:
        """Return what is closed, seen from outside."""
        return {path for path, closed in {act.path: act.closed for act in self.rig.acts()}.items() if closed}

    async def insist_closed(self, *paths: Path) -> None:
        """Insist that these are closed and no other, in truth and as the driver reads it."""
        _insist(self.closed() == set(paths), f"closed are {self.closed()}, not {set(paths)}")
        _insist(
            set(await self.switch.closed()) == set(paths), "the driver reads something else than there is"
        )

    async def insist_refused(self, act: Awaitable[object]) -> None:
        """Insist that an act is refused with nothing sent."""
        before = self.rig.sent()
        try:
            await act
        except UsageError:
            _insist(self.rig.sent() == before, "something was sent before the refusal")
            return
        raise Nonconformity("a forbidden move is made")


_Case = Callable[[_Scene], Awaitable[None]]


def _opened(case: _Case, setup: SwitchSetup) -> Callable[[Clock], Coroutine[Any, Any, None]]:
    async def main(clock: Clock) -> None:
        scene = _Scene(setup.rig(clock), clock)
        await scene.switch.open()
        try:
            await case(scene)
        finally:
            scene.rig.hang(False)
            await scene.switch.close()
        _insist_never_both(scene.rig.acts())

    return main


def _insist(condition: bool, text: str) -> None:
    if not condition:
        raise Nonconformity(text)


def _insist_never_both(acts: Sequence[RelayAct]) -> None:
    """Insist that no place was ever joined to both sources, and to nothing for long enough in between."""
    closed: set[Path] = set()
    opened_s: dict[int, float] = {}
    for act in acts:
        if not act.closed:
            closed.discard(act.path)
            opened_s[act.path.place] = act.at_s
            continue
        others = [path for path in closed if path.place == act.path.place and path != act.path]
        _insist(not others, f"place {act.path.place} was joined to both sources")
        pause_s = act.at_s - opened_s.get(act.path.place, -math.inf)
        _insist(
            pause_s >= BREAK_S,
            f"place {act.path.place} was joined to nothing for {pause_s * 1e3:.0f} ms only",
        )
        closed.add(act.path)


# -- the cases ---------------------------------------------------------------------------------------------------------


async def _identity(scene: _Scene) -> None:
    identity = await scene.switch.open()
    _insist(bool(scene.switch.name and identity.model), "name or model is empty")
    _insist(scene.switch.places >= 2, "a box of fewer than two places cannot be examined")
    _insist(not scene.rig.acts(), "opening the link moves a relay")
    await scene.insist_closed()


async def _joins(scene: _Scene) -> None:
    await scene.switch.join(1, Source.CYCLER, REST)
    await scene.insist_closed(CYCLER)
    await scene.switch.join(2, Source.CYCLER, REST)
    await scene.insist_closed(CYCLER, OTHER)
    await scene.switch.join(1, Source.POTENTIOSTAT, REST)
    await scene.insist_closed(POTENTIOSTAT, OTHER)
    last = scene.switch.places
    await scene.switch.join(last, Source.POTENTIOSTAT, REST)
    _insist(Path(last, Source.POTENTIOSTAT) in scene.closed(), "the last place is not joined")


async def _again(scene: _Scene) -> None:
    await scene.switch.join(1, Source.CYCLER, REST)
    before = len(scene.rig.acts())
    await scene.switch.join(1, Source.CYCLER, REST)
    _insist(len(scene.rig.acts()) == before, "joining what is joined moves a relay")


async def _parts(scene: _Scene) -> None:
    await scene.switch.join(1, Source.POTENTIOSTAT, REST)
    await scene.switch.join(2, Source.CYCLER, REST)
    await scene.switch.part(1, REST)
    await scene.insist_closed(OTHER)
    await scene.switch.open_all()
    await scene.insist_closed()


async def _handovers(scene: _Scene) -> None:
    for _ in range(HANDOVERS):
        await scene.switch.join(1, Source.CYCLER, REST)
        await scene.switch.join(1, Source.POTENTIOSTAT, REST)
    await scene.insist_closed(POTENTIOSTAT)
    moved = sum(act.path.place == 1 for act in scene.rig.acts())
    _insist(moved == 4 * HANDOVERS - 1, f"relays moved {moved} times, not {4 * HANDOVERS - 1}")


async def _refused(scene: _Scene) -> None:
    await scene.switch.join(1, Source.CYCLER, REST)
    states = set(ChannelState) - STILL
    for rest in (
        *(replace(REST, channel=state) for state in states),
        *(replace(REST, current_A=current_A) for current_A in (1e-6, -1e-6, math.nan)),
        replace(REST, cell_on=True),
        replace(REST, cell_on=None),
    ):
        await scene.insist_refused(scene.switch.join(1, Source.POTENTIOSTAT, rest))
        await scene.insist_refused(scene.switch.part(1, rest))
    for place in (0, -1, scene.switch.places + 1):
        await scene.insist_refused(scene.switch.join(place, Source.CYCLER, REST))
    await scene.insist_closed(CYCLER)


async def _stays(scene: _Scene) -> None:
    await scene.switch.join(1, Source.CYCLER, REST)
    await scene.switch.close()
    await scene.switch.close()
    _insist(scene.closed() == {CYCLER}, "closing the link moves a relay")
    await scene.switch.open()
    await scene.insist_closed(CYCLER)


async def _unknown(act: Awaitable[object]) -> None:
    try:
        await act
    except UnknownStateError:
        return
    raise Nonconformity("a read-back that differs is believed")


async def _welded_closed(scene: _Scene) -> None:
    await scene.switch.join(1, Source.CYCLER, REST)
    await scene.switch.join(2, Source.CYCLER, REST)
    scene.rig.weld(CYCLER)
    await _unknown(scene.switch.join(1, Source.POTENTIOSTAT, REST))
    _insist(scene.closed() == {CYCLER}, f"closed are {scene.closed()}: all but the welded one should be open")
    await _unknown(scene.switch.open())
    await _unknown(scene.switch.open_all())
    _insist(scene.closed() == {CYCLER}, "something was closed after a doubt")


async def _welded_open(scene: _Scene) -> None:
    await scene.switch.join(2, Source.CYCLER, REST)
    scene.rig.weld(POTENTIOSTAT)
    await _unknown(scene.switch.join(1, Source.POTENTIOSTAT, REST))
    _insist(not scene.closed(), "paths are closed after a read-back that differs")
    await scene.switch.open()
    await scene.switch.join(1, Source.CYCLER, REST)
    await scene.insist_closed(CYCLER)


async def _broken_off(
    scene: _Scene, break_off: Callable[[asyncio.Task[InstrumentError | None]], object]
) -> None:
    """Break a move off in the middle of its break, and insist that all paths are open once the link is back."""
    await scene.switch.join(1, Source.CYCLER, REST)
    await scene.switch.join(2, Source.CYCLER, REST)
    async with asyncio.TaskGroup() as group:
        moving = group.create_task(_error_of(scene.switch.join(1, Source.POTENTIOSTAT, REST)))
        before = len(scene.rig.acts())
        while len(scene.rig.acts()) == before:
            await scene.clock.plant.sleep(CUT_AFTER_S / 2)
        break_off(moving)
    _insist(moving.cancelled() or moving.result() is not None, "a move that was broken off is no error")
    await scene.switch.open()
    await scene.insist_closed()
    await scene.switch.join(1, Source.POTENTIOSTAT, REST)


async def _error_of(act: Awaitable[object]) -> InstrumentError | None:
    try:
        await act
    except InstrumentError as error:
        return error
    return None


async def _lost(scene: _Scene) -> None:
    await _broken_off(scene, lambda moving: scene.rig.cut())


async def _left(scene: _Scene) -> None:
    await _broken_off(scene, lambda moving: moving.cancel())


async def _silent(scene: _Scene) -> None:
    await scene.switch.join(1, Source.CYCLER, REST)
    scene.rig.hang(True)
    error = await _error_of(scene.switch.join(1, Source.POTENTIOSTAT, REST))
    _insist(error is not None, "a box that answers nothing is believed")
    scene.rig.hang(False)
    await scene.switch.open()
    await scene.insist_closed()


async def _powered_up(scene: _Scene) -> None:
    await scene.switch.join(1, Source.CYCLER, REST)
    scene.rig.power_up()
    await _error_of(scene.switch.open_all())
    await scene.switch.close()
    await scene.switch.open()
    await scene.insist_closed()


CASES: dict[str, _Case] = {
    "it says what it is, and opening the link moves nothing": _identity,
    "a place is joined to one source, and others stay as they are": _joins,
    "joining what is joined moves nothing": _again,
    "a place can be parted from both, and all from everything": _parts,
    "a hundred handovers never join both, and break long enough before each make": _handovers,
    "a move is refused unless both instruments are at rest, and nothing is sent": _refused,
    "closing the link moves nothing": _stays,
    "a relay that does not open: all others are opened, and nothing is closed any more": _welded_closed,
    "a relay that does not close: all are opened, and the box can be used again": _welded_open,
    "a link lost in the middle of a move: all are open once it is back": _lost,
    "a move that nobody waits for any more: all are open once the link is back": _left,
    "silence is an error, and all are open once the link is back": _silent,
    "a box that was switched off and on reads as open": _powered_up,
}
