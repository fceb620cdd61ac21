"""The only source of time: plant time and link time in four modes.

**Plant time** is what cells, chambers and protocols live in; **link time** is what sockets, disks and people
live in.

======== =========================== ============= ==============================================
mode     plant time                  link time     use
======== =========================== ============= ==============================================
real     wall                        wall          hardware
free     wall x speed                wall          simulator alone, other people's clients
lockstep stands between grants       wall          station and bench over sockets, deterministic
jump     leaps to the next deadline  the same      all in one process, deterministic
======== =========================== ============= ==============================================

How plant time moves in lockstep and jump: the event loop asks its selector to wait. A selector that finds no
event and sees that nobody holds ``busy()`` knows that nothing more can happen at this moment; then jump
leaps, lockstep asks the bench for a ``grant`` up to the earliest sleeper. Source: shared spec virtual-time,
sections 1 to 3.
"""

from __future__ import annotations

import asyncio
import math
import selectors
import sys
import time
from collections.abc import Callable, Coroutine
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Literal, Protocol, TypeVar

from labctl.adminlink import AdminLink, Pace, slower
from labctl.errors import LinkClosed, UserInputError, WireError
from labctl.sleepers import Busy, Sleepers, computer_asleep_s

T = TypeVar("T")

VIRTUAL_EPOCH_UNIX_S = 1_767_225_600.0
"""2026-01-01T00:00:00Z, plant second 0 of a virtual bench unless it says otherwise."""

TIMER_RESOLUTION_S = 1e-6
"""Timers this close are due together. A float near one year of seconds is coarser than asyncio's own 1e-9 s,
and a timer that can never be reached would spin the loop for ever."""

SELECT_MAX_S = 0.25 if sys.platform == "win32" else 1.0
"""A wait is cut into pieces: Windows does not interrupt select() on Ctrl-C, and a POSIX one that comes in the moment
before select() begins is otherwise heard when something else happens."""

DEADLOCK_AFTER_S = 30.0
"""A jump clock whose every task waits, with nothing that could wake one, gives up after this much wall
time."""


class ClockMode(StrEnum):
    """How plant time moves."""

    REAL = "real"
    FREE = "free"
    LOCKSTEP = "lockstep"
    JUMP = "jump"


@dataclass(frozen=True, slots=True)
class ClockSpec:
    """Which clock to run on.

    ``admin`` is the bench's ``host:port`` (needed in lockstep, optional in free). ``speed`` is plant seconds
    per wall second: the pace in free (None = what the bench says, else 1), an upper bound in lockstep (None =
    no bound). ``on_loss`` says what the bench does in lockstep when this process is gone. ``start_s`` is the
    first plant moment of a jump clock, and of a free one without a bench.
    """

    mode: ClockMode = ClockMode.REAL
    admin: str | None = None
    speed: float | None = None
    on_loss: Literal["freeze", "run"] = "freeze"
    start_s: float = 0.0


class PlantTime(Protocol):
    """The time of cells, chambers and protocols, in seconds since ``epoch_unix_s``."""

    @property
    def virtual(self) -> bool: ...
    @property
    def epoch_unix_s(self) -> float: ...
    def now_s(self) -> float:
        """Return the present plant moment; never goes back, does not depend on the wall clock (I13)."""

    async def sleep(self, duration_s: float) -> None: ...
    async def sleep_until(self, t_s: float) -> None:
        """Wait until ``now_s() >= t_s``. Raises LinkClosed when the bench that keeps the time is gone."""

    def utc(self) -> datetime:
        """Return the present moment for records and journals; aware, UTC."""


class Timer(Protocol):
    """A call to come."""

    def cancel(self) -> None: ...


class LinkTime(Protocol):
    """The time of sockets, disks and people, in seconds from an arbitrary moment."""

    def now_s(self) -> float: ...
    async def sleep(self, duration_s: float) -> None: ...
    def timeout(self, duration_s: float | None) -> AbstractAsyncContextManager[object]:
        """Limit a block: raises TimeoutError out of it after ``duration_s``. None = no limit."""

    def call_at(self, t_s: float, call: Callable[[], None]) -> Timer:
        """Call ``call`` once when ``now_s() >= t_s``."""

    def utc(self) -> datetime: ...


class Clock(Protocol):
    """Both times of one process."""

    @property
    def mode(self) -> ClockMode: ...
    @property
    def pace(self) -> Pace: ...
    @property
    def plant(self) -> PlantTime: ...
    @property
    def link(self) -> LinkTime: ...
    def busy(self, *, thread: bool = False) -> AbstractContextManager[None]:
        """Hold plant time: an exchange or a commit is under way. Nests; may be held by many tasks.

        In jump mode link time is plant time, so a reply time-out must still be able to pass while an
        in-memory exchange hangs: then, and only when a link deadline is pending, time goes on as it would in
        reality. ``thread`` says that a thread works outside the loop: then nothing moves at all.
        """

    def asleep_s(self) -> float:
        """Return for how long in all this computer has been suspended since it booted; neither time counts that."""


class SupportsAdvance(Protocol):
    """A virtual bench in this process."""

    def advance_to(self, plant_s: float) -> None: ...


class _IdleSelector(selectors.DefaultSelector):
    """A selector that says when the loop would block. ``on_idle(timeout_s)`` True: something is ready now."""

    on_idle: Callable[[float | None], bool] | None = None

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if self.on_idle is not None and (timeout is None or timeout > 0):
            found = super().select(0)
            if found or self.on_idle(timeout):
                return found
        if timeout is None or timeout > SELECT_MAX_S:
            timeout = SELECT_MAX_S
        return super().select(timeout)

    def wait_for_anything(self, timeout_s: float) -> bool:
        """Block for file events only; tell whether one came."""
        return bool(super().select(timeout_s))

    def close(self) -> None:
        self.on_idle = None
        super().close()


class _Loop(asyncio.SelectorEventLoop):
    """An event loop on wall time, or on a virtual time that only ``virtual_s`` moves."""

    def __init__(self, virtual_s: float | None) -> None:
        self.virtual_s = virtual_s
        self.idle_selector = _IdleSelector()
        super().__init__(self.idle_selector)
        if virtual_s is None:
            self.time = time.monotonic  # type: ignore[method-assign]  # asked twice a turn: no detour
        else:
            self._clock_resolution = TIMER_RESOLUTION_S

    def time(self) -> float:
        return super().time() if self.virtual_s is None else self.virtual_s


def _checked(t_s: float) -> float:
    if math.isnan(t_s):
        raise ValueError("a moment to wait for must be a number, not NaN")
    return t_s


class _LoopLink:
    """Link time as the event loop counts it: wall, or in jump mode the virtual time."""

    def __init__(self, loop: _Loop, epoch_unix_s: float) -> None:
        self._loop = loop
        self._epoch_unix_s = epoch_unix_s
        self.now_s = loop.time

    async def sleep(self, duration_s: float) -> None:
        await asyncio.sleep(_checked(duration_s))

    def timeout(self, duration_s: float | None) -> AbstractAsyncContextManager[object]:
        return asyncio.timeout(duration_s)

    def call_at(self, t_s: float, call: Callable[[], None]) -> Timer:
        return self._loop.call_at(_checked(t_s), call)

    def utc(self) -> datetime:
        if self._loop.virtual_s is None:
            return datetime.now(UTC)
        return datetime.fromtimestamp(self._epoch_unix_s + self._loop.virtual_s, UTC)


class _ScaledPlant:
    """Plant time that runs with the wall: speed 1 on hardware, any speed in free mode."""

    def __init__(self, virtual: bool, epoch_unix_s: float, start_s: float, speed: float) -> None:
        self.virtual = virtual
        self.epoch_unix_s = epoch_unix_s
        self._start_s = start_s
        self._speed = speed
        self._origin_s = time.monotonic()

    def now_s(self) -> float:
        return self._start_s + (time.monotonic() - self._origin_s) * self._speed

    async def sleep(self, duration_s: float) -> None:
        await self.sleep_until(self.now_s() + duration_s)

    async def sleep_until(self, t_s: float) -> None:
        await asyncio.sleep(0)
        while (left_s := _checked(t_s) - self.now_s()) > 0:
            await asyncio.sleep(left_s / self._speed)

    def utc(self) -> datetime:
        if not self.virtual:
            return datetime.now(UTC)
        return datetime.fromtimestamp(self.epoch_unix_s + self.now_s(), UTC)


class _SteppedPlant:
    """Plant time that stands still until ``move_to``."""

    virtual = True

    def __init__(self, loop: asyncio.AbstractEventLoop, epoch_unix_s: float, start_s: float) -> None:
        self.epoch_unix_s = epoch_unix_s
        self.sleepers = Sleepers(loop)
        self._now_s = start_s
        self._broken: Exception | None = None

    def now_s(self) -> float:
        return self._now_s

    async def sleep(self, duration_s: float) -> None:
        await self.sleep_until(self._now_s + duration_s)

    async def sleep_until(self, t_s: float) -> None:
        if self._broken is not None:
            raise self._broken
        if _checked(t_s) <= self._now_s:
            await asyncio.sleep(0)
        else:
            await self.sleepers.wait(t_s)

    def utc(self) -> datetime:
        return datetime.fromtimestamp(self.epoch_unix_s + self._now_s, UTC)

    def move_to(self, t_s: float) -> bool:
        """Move time forward and wake who is due; tell whether anybody was."""
        self._now_s = max(self._now_s, t_s)
        return self.sleepers.wake(self._now_s)

    def break_off(self, error: Exception) -> None:
        """Say that time will never move again: all sleepers, present and future, raise ``error``."""
        self._broken = error
        self.sleepers.fail(error)


class _Clock:
    """Both times together with the hold on the plant."""

    def __init__(self, mode: ClockMode, plant: PlantTime, link: LinkTime, busy: Busy, pace: Pace) -> None:
        self.mode = mode
        self.pace = pace
        self.plant = plant
        self.link = link
        self._busy = busy

    def asleep_s(self) -> float:
        return 0.0 if self.mode is ClockMode.JUMP else computer_asleep_s()

    def busy(self, *, thread: bool = False) -> AbstractContextManager[None]:
        return self._busy.threaded if thread else self._busy


class _Jumper:
    """Moves a jump clock: when nothing is ready, time leaps to the next deadline of either kind."""

    def __init__(self, loop: _Loop, plant: _SteppedPlant, busy: Busy, bench: SupportsAdvance | None) -> None:
        self._loop = loop
        self._plant = plant
        self._busy = busy
        self._bench = bench

    def idle(self, timeout_s: float | None) -> bool:
        plant_s = self._plant.sleepers.next_s()
        link_s = None if timeout_s is None else self._loop.time() + timeout_s
        if self._busy.threads:
            return False
        if link_s is None and (plant_s is None or self._busy.holders):
            return self._nobody_left()
        target_s = min(moment for moment in (plant_s, link_s) if moment is not None)
        if self._bench is not None:
            self._bench.advance_to(target_s)
        self._loop.virtual_s = target_s
        self._plant.move_to(target_s)
        return True

    def _nobody_left(self) -> bool:
        """Wait for a signal or a stranger's thread; then give up, because a hang tells nothing."""
        if not self._loop.idle_selector.wait_for_anything(DEADLOCK_AFTER_S):
            raise RuntimeError("jump clock: every task waits for what can never come")
        return True


class _Leader:
    """Moves a lockstep clock: when nothing is ready, asks the bench for time up to the earliest sleeper."""

    def __init__(
        self, loop: _Loop, plant: _SteppedPlant, busy: Busy, admin: AdminLink, speed: float | None, pace: Pace
    ) -> None:
        self._loop = loop
        self._plant = plant
        self._busy = busy
        self._admin = admin
        self._speed = speed
        self._next_grant_s = 0.0
        self._until_s: float | None = None
        self._pacing: asyncio.TimerHandle | None = None
        admin.on_lost = self._lost
        pace.on_change = self._take_pace

    def idle(self, timeout_s: float | None) -> bool:
        until_s = self._plant.sleepers.next_s()
        if until_s is None or self._busy.holders or self._until_s is not None or not self._admin.is_open:
            return False
        if self._speed is not None:
            now_s = self._loop.time()
            if now_s < self._next_grant_s:
                return self._come_back_later(now_s)
            # the pace: a grant of d plant seconds takes at least d / speed seconds of wall
            self._next_grant_s = now_s + (until_s - self._plant.now_s()) / self._speed
        self._until_s = until_s
        self._admin.post("grant", until_s=until_s).add_done_callback(self._granted)
        return False

    def _take_pace(self, speed: float | None) -> None:
        """Go at another pace from this moment on."""
        self._speed, self._next_grant_s = speed, self._loop.time()
        if self._pacing is not None:
            self._pacing.cancel()
            self._pacing = None

    def _come_back_later(self, now_s: float) -> bool:
        """Set a timer; True when it is new, so that the loop looks at its timers again before it blocks."""
        if self._pacing is not None and self._pacing.when() > now_s:
            return False
        self._pacing = self._loop.call_at(self._next_grant_s, lambda: None)
        return True

    def _granted(self, reply: asyncio.Future[dict[str, Any]]) -> None:
        until_s, self._until_s = self._until_s, None
        assert until_s is not None
        error = None if reply.cancelled() else reply.exception()
        if error is not None:
            self._plant.break_off(error if isinstance(error, Exception) else LinkClosed(str(error)))
            return
        plant_s = reply.result().get("plant_s", until_s)
        if not isinstance(plant_s, int | float) or plant_s < until_s - TIMER_RESOLUTION_S:
            problem = f"the bench answered a grant up to {until_s!r} s with plant_s {plant_s!r}"
            self._plant.break_off(WireError(problem, rule="virtual-time 3"))
            return
        self._plant.move_to(max(until_s, float(plant_s)))

    def _lost(self, error: LinkClosed) -> None:
        self._plant.break_off(error)


def _speed_of(spec: ClockSpec, hello: dict[str, Any]) -> float:
    """Return the pace of free mode: the station's word, else the bench's, else 1."""
    speed = spec.speed if spec.speed is not None else hello.get("speed")
    return float(speed) if isinstance(speed, int | float) and speed > 0 else 1.0


async def _open_clock(spec: ClockSpec, loop: _Loop, bench: SupportsAdvance | None, admin: AdminLink) -> Clock:
    busy = Busy()
    link = _LoopLink(loop, VIRTUAL_EPOCH_UNIX_S)
    if spec.mode is ClockMode.REAL:
        pace = Pace(1.0, "A real bench has the wall's time.")
        return _Clock(spec.mode, _ScaledPlant(False, time.time(), 0.0, 1.0), link, busy, pace)
    if spec.mode is ClockMode.JUMP:
        stepped = _SteppedPlant(loop, VIRTUAL_EPOCH_UNIX_S, spec.start_s)
        loop.idle_selector.on_idle = _Jumper(loop, stepped, busy, bench).idle
        return _Clock(spec.mode, stepped, link, busy, Pace(None, "Jump mode goes as fast as it can."))
    hello: dict[str, Any] = {}
    if spec.admin is not None:
        await admin.open(spec.admin)
        hello = await admin.request("hello")
    epoch_unix_s = float(hello.get("epoch_unix_s", VIRTUAL_EPOCH_UNIX_S))
    start_s = float(hello.get("plant_s", spec.start_s))
    if spec.mode is ClockMode.FREE:
        speed = _speed_of(spec, hello)
        scaled = _ScaledPlant(True, epoch_unix_s, start_s, speed)
        fixed = "Mode free: bench and station go by the same wall, so the speed stays as it began."
        return _Clock(spec.mode, scaled, link, busy, Pace(speed, fixed))
    lead = await admin.request("lead", on_loss=spec.on_loss)
    stepped = _SteppedPlant(loop, epoch_unix_s, float(lead.get("plant_s", start_s)))
    pace = Pace(slower(spec.speed, hello.get("speed")), "", spec.admin or "", spec.speed)
    loop.idle_selector.on_idle = _Leader(loop, stepped, busy, admin, spec.speed, pace).idle
    return _Clock(spec.mode, stepped, link, busy, pace)


def _check(spec: ClockSpec) -> None:
    if spec.mode is ClockMode.LOCKSTEP and spec.admin is None:
        raise UserInputError(
            "clock mode lockstep needs the bench's admin address, for example admin: 127.0.0.1:40001"
        )
    if spec.speed is not None and not 0 < spec.speed < math.inf:
        raise UserInputError(f"clock speed must be a number above 0, not {spec.speed!r}")


def link_now_s() -> float:
    """Return link time for a client that lives in other people's programs and has no clock of its own."""
    return time.monotonic()


def utc_now() -> datetime:
    """Return the wall's time for a client that has no clock of its own: what a person reads on the wall."""
    return datetime.now(UTC)


def link_pause(duration_s: float) -> None:
    """Let link time pass for this thread: clients alone, never the station."""
    time.sleep(duration_s)


async def link_pause_async(duration_s: float) -> None:
    """Let link time pass for this task, on whatever event loop a client runs."""
    await asyncio.sleep(duration_s)


def run_with_clock(
    spec: ClockSpec,
    main: Callable[[Clock], Coroutine[Any, Any, T]],
    *,
    bench: SupportsAdvance | None = None,
) -> T:
    """Run ``main`` on an event loop that keeps the two times, and return its result.

    ``bench.advance_to(plant_s)`` is called in jump mode before time leaps to a moment. The first Ctrl-C
    cancels ``main`` (which may clean up and return normally); when it lets the cancel through, or on a second
    one, KeyboardInterrupt is raised.

    Raises: UserInputError for a spec that cannot be; LinkClosed, LinkTimeout, RefusedError from the admin
    link.
    """
    _check(spec)
    loop = _Loop(spec.start_s if spec.mode is ClockMode.JUMP else None)

    async def opened() -> T:
        admin = AdminLink()
        try:
            return await main(await _open_clock(spec, loop, bench, admin))
        finally:
            await admin.close()

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        return runner.run(opened())
