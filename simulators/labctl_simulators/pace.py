"""Decide how plant time moves: with the wall (free), by grants (lockstep), or alone after a lost leader."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from enum import StrEnum

from labctl.errors import UserInputError
from labctl_simulators import wallclock
from labctl_simulators.bench import Bench

TICKER_s = 0.02
"""How often a running bench is moved when nobody asks; only spreads the work, results do not depend on it."""
NOTE_EVERY_s = 1.0
"""How often the plant time of a running bench is written down."""
LEAP_s = 600.0
"""Step of a bench that runs on alone without a speed bound."""


class Mode(StrEnum):
    """Modes of virtual-time 2 that a bench process serves."""

    FREE = "free"
    LOCKSTEP = "lockstep"


class OnLoss(StrEnum):
    """What plant time does when its leader is gone."""

    FREEZE = "freeze"
    RUN = "run"


class Pace:
    """Moves a bench. ``speed`` None is as fast as it goes (lockstep only)."""

    def __init__(self, bench: Bench, mode: Mode, speed: float | None) -> None:
        if mode is Mode.FREE and speed is None:
            raise UserInputError("Mode free follows the wall: give --speed a number, for example 100.")
        self.bench = bench
        self.mode = mode
        self.speed = speed
        self._leader: object | None = None
        self._on_loss = OnLoss.FREEZE
        self._running = mode is Mode.FREE
        self._base_plant_s = bench.now_s
        self._base_wall_s = wallclock.now_s()
        self._noted_wall_s = self._base_wall_s
        self._held: tuple[asyncio.TimerHandle, Callable[[], None]] | None = None

    def set_speed(self, speed: float | None) -> None:
        """Go at another pace from now on; None is as fast as it goes. Raises: UserInputError in mode free."""
        if self.mode is not Mode.LOCKSTEP:
            raise UserInputError(
                "Mode free: the station goes by the same wall, so the speed stays as it began."
            )
        self.sync()
        before, self.speed = self.speed, speed
        self.bench.speed = speed
        self._rebase()
        if self._held is None:
            return
        # A grant whose reply is held back at the old pace, perhaps for hours, goes on at the new one.
        handle, reply = self._held
        left_s = handle.when() - asyncio.get_running_loop().time()
        handle.cancel()
        self._base_wall_s += 0.0 if before is None or speed is None else max(0.0, left_s) * before / speed
        self.hold_back(reply)

    def hold_back(self, reply: Callable[[], None]) -> None:
        """Send a grant's reply when the pace allows it: a wait of d plant seconds takes d / speed of the wall."""
        wait_s = self._wait_s()
        if wait_s <= 0:
            self._held = None
            reply()
            return

        def due() -> None:
            self._held = None
            reply()

        self._held = (wallclock.call_later(wait_s, due), reply)

    def sync(self) -> None:
        """Move a running bench to now and write the moment down, because somebody is about to see it."""
        if self._running:
            self._move()
            self.bench.note({"do": "grant"}, durable=False)

    def _move(self) -> None:
        if self.speed is not None:
            gone_s = wallclock.now_s() - self._base_wall_s
            self.bench.advance_to(self._base_plant_s + gone_s * self.speed)

    def _rebase(self) -> None:
        self._base_plant_s, self._base_wall_s = self.bench.now_s, wallclock.now_s()

    def tick(self) -> None:
        """Move a running bench and call again soon; started once by the server."""
        pause_s = TICKER_s
        if self._running and self.speed is None:
            if self.bench.busy:
                self.bench.advance_to(self.bench.now_s + LEAP_s)
                pause_s = 0.0
        elif self._running:
            self._move()
        if self._running and wallclock.now_s() - self._noted_wall_s >= NOTE_EVERY_s:
            self._noted_wall_s = wallclock.now_s()
            self.bench.note({"do": "grant"}, durable=False)
        wallclock.call_later(pause_s, self.tick)

    def lead(self, who: object, on_loss: OnLoss) -> None:
        """Make a connection the clock leader. Raises: UserInputError when there is one, or in mode free."""
        if self.mode is not Mode.LOCKSTEP:
            raise UserInputError("Mode free: plant time follows the wall, nobody leads it.")
        if self._leader is not None and self._leader is not who:
            raise UserInputError("This bench has a clock leader already.")
        self.sync()
        self._leader, self._on_loss, self._running = who, on_loss, False
        self._rebase()

    def is_leader(self, who: object) -> bool:
        """Return whether a connection is the leader."""
        return self._leader is who

    def leader_lost(self, who: object) -> None:
        """Freeze, or run on from here, when the leader's connection has ended."""
        if self._leader is not who:
            return
        self._leader = None
        self._running = self._on_loss is OnLoss.RUN
        self._rebase()

    def _wait_s(self) -> float:
        """Return how long a grant's reply is held back so that the pace stays at most ``speed``."""
        if self.speed is None:
            return 0.0
        due_wall_s = self._base_wall_s + (self.bench.now_s - self._base_plant_s) / self.speed
        wait_s = due_wall_s - wallclock.now_s()
        if wait_s <= 0:
            self._rebase()  # time lost by a slow client is not caught up
        return wait_s
