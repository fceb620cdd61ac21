"""One technique under way: the host drives it step by step, and makes sure of the cell however it ends.

Whoever iterates over ``blocks`` drives it; there is no task of its own. ``abort`` sends ``CELL 0`` at once from any
task, on every lane there is, and then sees it through.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Protocol

from labctl.errors import InstrumentError, LinkClosed, UnknownStateError, UsageError
from labctl.interfaces.potentiostat import Block, MeasurementState
from labctl.model.spectrum import SpectrumHead
from labctl.model.technique import Technique
from labctl_drivers.par273a.courses import Course
from labctl_drivers.par273a.pacing import Pacer, Stopped
from labctl_drivers.par273a.plan import Plan

log = logging.getLogger(__name__)


class Bench(Protocol):
    """What a measurement needs of its driver."""

    @property
    def name(self) -> str: ...
    @property
    def turn(self) -> asyncio.Lock: ...
    async def make_safe(self) -> float:
        """Switch the cell off, read it back, return the open-circuit potential. Raises UnknownStateError, LinkError."""

    async def shout_off(self) -> None:
        """Send the cell's switching off at once, whatever is under way. Raises LinkError."""

    async def hang_up(self) -> None:
        """Close every link."""


class HostMeasurement:
    """Implements ``labctl.interfaces.potentiostat.Measurement``."""

    def __init__(self, bench: Bench, course: Course, pacer: Pacer, plan: Plan, head: SpectrumHead) -> None:
        self._bench = bench
        self._course = course
        self._pacer = pacer
        self._plan = plan
        self._head = head
        self._blocks: AsyncIterator[Block] | None = None
        self._got = 0
        self._state = MeasurementState.ARMED
        self._sent = self._over = False
        self._error: InstrumentError | None = None
        self.last: Block | None = None

    @property
    def state(self) -> MeasurementState:
        """Return where it stands."""
        return self._state

    @property
    def points_expected(self) -> int | None:
        """Return how many points it will have; None where the drift decides."""
        ends_early = getattr(self._plan.technique, "stop_below_V_per_s", None)
        return None if ends_early is not None else self._plan.points

    @property
    def points_got(self) -> int:
        """Return how many points have come."""
        return self._got

    @property
    def remaining_s(self) -> float | None:
        """Return the plant seconds that it usually still takes."""
        return 0.0 if self._over else self._plan.remaining_s(self._got)

    @property
    def technique(self) -> Technique:
        """Return what is measured."""
        return self._plan.technique

    @property
    def is_over(self) -> bool:
        """Tell whether it has ended, and what could be made sure of the cell has been."""
        return self._over

    @property
    def head(self) -> SpectrumHead:
        """Return what is true for a whole spectrum; the open-circuit potential after it is there once it has ended."""
        return self._head

    async def begin(self) -> None:
        """Set up, switch the cell on. Raises InstrumentError; then it is over and the cell is off or unknown."""
        try:
            async with self._bench.turn:
                await self._begin()
        except asyncio.CancelledError:
            # nobody has got this measurement, so nobody else would end it
            await self._left()
            raise

    async def _begin(self) -> None:
        if self._over:
            raise UsageError("aborted before it began", instrument=self._bench.name, operation=self._what())
        self._sent = True
        try:
            await self._course.prepare()
        except InstrumentError as error:
            await self._fail(error)
            if self._error is None:
                what = "aborted while it began"
                raise UsageError(what, instrument=self._bench.name, operation=self._what()) from error
            if self._error is error:
                raise
            raise self._error from error
        self._blocks = self._course.run()
        settles = getattr(self._plan.technique, "settle_s", 0.0) > 0
        self._state = MeasurementState.SETTLING if settles else MeasurementState.RUNNING

    async def blocks(self) -> AsyncIterator[Block]:
        """Yield blocks as they come; then raise what went wrong. Whoever leaves early aborts it."""
        try:
            while (block := await self._next()) is not None:
                yield block
        finally:
            if not self._over:
                await self._left()
        if self._error is not None:
            raise self._error

    async def abort(self) -> None:
        """End it now and switch the cell off. Raises UnknownStateError where that could not be made sure of."""
        if not self._sent:
            self._state, self._over = MeasurementState.ABORTED, True
        if not self._over and not self._pacer.stopping and self._state is not MeasurementState.FINISHING:
            self._pacer.stopping = True
            await self._shout()
        async with self._bench.turn:
            if not self._over:
                await self._settle(MeasurementState.ABORTED, None)
        if isinstance(self._error, UnknownStateError):
            raise self._error

    async def _next(self) -> Block | None:
        async with self._bench.turn:
            if self._over or self._blocks is None:
                return None
            try:
                block = await anext(self._blocks)
            except StopAsyncIteration:
                await self._settle(MeasurementState.DONE, None)
                return None
            except Stopped:
                await self._settle(MeasurementState.ABORTED, None)
                return None
            except InstrumentError as error:
                await self._fail(error)
                return None
            self.last = block
            self._got += len(block.flags)
            self._state = MeasurementState.RUNNING
            return block

    async def _left(self) -> None:
        """Abort because nobody listens any more: an exception, a cancelled task, a closed window (EI-7)."""
        try:
            await self.abort()
        except InstrumentError as error:
            log.error("measurement left instrument=%s error=%s", self._bench.name, error)

    async def _fail(self, error: InstrumentError) -> None:
        """End after an error; one that an abort has provoked is none, if the cell can be made safe."""
        if self._pacer.stopping and not isinstance(error, LinkClosed):
            log.debug("broken off instrument=%s error=%s", self._bench.name, error)
            await self._settle(MeasurementState.ABORTED, None)
        else:
            await self._settle(MeasurementState.FAILED, error)

    async def _settle(self, state: MeasurementState, error: InstrumentError | None) -> None:
        """Make sure of the cell, then say how it ended."""
        self._state = MeasurementState.FINISHING
        if error is not None:
            await self._shout()  # before the link is brought in order, which takes its time
        try:
            self._head = replace(self._head, ocv_after_V=await self._bench.make_safe())
        except InstrumentError as unsure:
            why = f"{error.problem}; " if error is not None else ""
            state, error = MeasurementState.FAILED, self._unknown(f"{why}{unsure.problem}", unsure)
            # once more, and the next link begins with it too
            await self._shout()
            await self._bench.hang_up()
        if error is not None:
            error.instrument, error.operation = self._bench.name, self._what()
        self._error, self._state, self._over = error, state, True

    async def _shout(self) -> None:
        """Send the switching off at once, without waiting for an answer."""
        try:
            await self._bench.shout_off()
        except InstrumentError as error:
            # the link is gone: whoever says the next word finds that out
            log.warning("cell off not sent instrument=%s error=%s", self._bench.name, error)

    def _unknown(self, why: str, cause: InstrumentError) -> UnknownStateError:
        error = UnknownStateError(
            f"{why}; nobody knows whether the cell is off. The instrument holds it for ever: press CELL ENABLE on its "
            "front panel, or unplug the cell"
        )
        error.__cause__ = cause
        return error

    def _what(self) -> str:
        return type(self._plan.technique).__name__
