"""One technique under way: reads what comes, and makes sure of the cell however it ends.

Whoever iterates over ``blocks`` reads the wire; ``abort`` says ``Z`` at once from any task and then sees it through.
There is no task of its own: what nobody reads waits in the pipe, and the script in the device ends by itself.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import replace
from enum import Enum
from typing import Protocol

import numpy as np

from labctl.clock import Clock
from labctl.errors import InstrumentError, LinkTimeout, UnknownStateError, UsageError, WireError
from labctl.interfaces.potentiostat import Block, DcBlock, MeasurementState
from labctl.model.spectrum import SpectrumHead
from labctl.model.technique import Chronoamperometry, Chronopotentiometry, Ocv, Technique
from labctl_drivers.methodscript.collecting import collector_for
from labctl_drivers.methodscript.messages import Broken, Ended, Event, Fault, Package
from labctl_drivers.methodscript.models import Model
from labctl_drivers.methodscript.plan import Plan
from labctl_drivers.methodscript.wire import DeviceRefusal, Wire, named

log = logging.getLogger(__name__)

DRIFT_POINTS = 10
"""Over so many points the drift of the open-circuit potential is judged."""


class After(Enum):
    """What comes before the cell is made sure of."""

    END = "the script has switched the cell off by itself"
    QUIET = "the device drops what it hears for a while"
    HALT = "a script may still run"


class Bench(Protocol):
    """What a measurement needs of its driver."""

    @property
    def name(self) -> str: ...
    @property
    def wire(self) -> Wire: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def turn(self) -> asyncio.Lock: ...
    async def confirm_off(self) -> float:
        """Read back that the cell is off after a script that switched it off; return the open-circuit potential."""

    async def make_safe(self) -> float:
        """Switch the cell off, read it back, return the open-circuit potential. Raises UnknownStateError, LinkError."""


class ScriptMeasurement:
    """Implements ``labctl.interfaces.potentiostat.Measurement``."""

    def __init__(self, bench: Bench, plan: Plan, model: Model, head: SpectrumHead) -> None:
        self._bench = bench
        self._plan = plan
        self._head = head
        self._collector = collector_for(plan, model, head)
        self._ready: deque[Block] = deque()
        self._got = 0
        self._state = MeasurementState.ARMED
        self._sent = self._over = False
        self._stopping: MeasurementState | None = None
        self._error: InstrumentError | None = None
        self._drift = deque[tuple[float, float]](maxlen=DRIFT_POINTS)
        self.last: Block | None = None

    @property
    def state(self) -> MeasurementState:
        """Return where it stands."""
        return self._state

    @property
    def points_expected(self) -> int | None:
        """Return how many points it will have: exact for a spectrum; a loop may have one more or less elsewhere."""
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
        """Let the device execute the script. Raises InstrumentError; then it is over and the cell is off or unknown."""
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
            await self._bench.wire.start(self._plan.lines)
        except DeviceRefusal as error:
            # refused as a whole: nothing of it was executed
            self._state, self._over = MeasurementState.FAILED, True
            raise named(error, self._bench.name, self._what()) from None
        except InstrumentError as error:
            await self._fail(error)
            assert self._error is not None
            raise self._error from error
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
        if not self._over and self._stopping is None:
            await self._stop(MeasurementState.ABORTED)
        async with self._bench.turn:
            while not self._over:
                await self._hear()
        if isinstance(self._error, UnknownStateError):
            raise self._error

    async def _next(self) -> Block | None:
        async with self._bench.turn:
            while not self._ready and not self._over:
                await self._hear()
        return self._ready.popleft() if self._ready else None

    async def _left(self) -> None:
        """Abort because nobody listens any more: an exception, a cancelled task, a closed window (EI-7)."""
        try:
            await self.abort()
        except InstrumentError as error:
            log.error("measurement left instrument=%s error=%s", self._bench.name, error)

    async def _stop(self, then: MeasurementState) -> None:
        self._stopping = then
        try:
            await self._bench.wire.shout_abort()
        except InstrumentError as error:
            # the link is gone: whoever listens next finds that out and says so
            log.warning("abort not sent instrument=%s error=%s", self._bench.name, error)

    async def _hear(self) -> None:
        """Take what comes next. Ends the measurement when the device has ended it, or has failed."""
        try:
            takes_s = 0.0 if self._stopping is not None else self._plan.allowed_for(self._got)
            events = await self._bench.wire.hear(takes_s)
        except InstrumentError as error:
            await self._fail(error)
            return
        packages: list[Package] = []
        for event in events:
            if isinstance(event, Package):
                packages.append(event)
            elif isinstance(event, Ended | Fault | Broken):
                self._take(packages)
                await self._end(event)
                return
        self._take(packages)
        if packages and self._stopping is None and self._limit_reached():
            await self._stop(MeasurementState.DONE)

    def _take(self, packages: list[Package]) -> None:
        if not packages:
            return
        block = self._collector.block(packages)
        self.last = block
        self._got += len(packages)
        if self._state is MeasurementState.SETTLING:
            self._state = MeasurementState.RUNNING
        self._ready.append(block)

    async def _end(self, event: Event) -> None:
        if isinstance(event, Ended):
            missing = self._plan.points_exact and self._got < self._plan.points
            if self._stopping is not None:
                # where it ended by itself just before, the abort is still to be refused
                await self._settle(self._stopping, None, After.QUIET)
            elif missing:
                text = f"it ended after {self._got} of {self._plan.points} points"
                await self._settle(MeasurementState.FAILED, WireError(text, rule="2.1.7, 7"), After.END)
            else:
                await self._settle(MeasurementState.DONE, None, After.END)
        elif isinstance(event, Fault):
            refusal = DeviceRefusal(event, self._plan.lines)
            await self._settle(MeasurementState.FAILED, refusal, After.QUIET)
        else:
            assert isinstance(event, Broken)
            await self._fail(event.error)

    async def _fail(self, error: InstrumentError) -> None:
        """End after something that leaves the device in an unknown state: abort what runs, then make safe."""
        self._state = MeasurementState.FINISHING
        if self._stopping is not None and isinstance(error, LinkTimeout):
            # it did not end in time after an abort; once it has been made safe, that is an abort all the same
            await self._settle(self._stopping, None, After.HALT)
        else:
            await self._settle(MeasurementState.FAILED, error, After.HALT)

    async def _settle(self, state: MeasurementState, error: InstrumentError | None, after: After) -> None:
        """Make sure of the cell, then say how it ended."""
        self._state = MeasurementState.FINISHING
        bench = self._bench
        try:
            if after is After.HALT:
                await self._halt()
            elif after is After.QUIET:
                await bench.wire.quiet()
            ocv_V = await (bench.confirm_off() if after is After.END else bench.make_safe())
            self._head = replace(self._head, ocv_after_V=ocv_V)
        except InstrumentError as unsure:
            why = f"{error.problem}; " if error is not None else ""
            state, error = MeasurementState.FAILED, self._unknown(f"{why}{unsure.problem}", unsure)
            # the next open begins with an abort and a cell-off script
            await bench.wire.close()
        if error is not None:
            named(error, bench.name, self._what())
        self._error, self._state, self._over = error, state, True

    async def _halt(self) -> None:
        """Abort what runs; a device that does not answer is told to switch off all the same. Raises LinkClosed."""
        try:
            await self._bench.wire.halt()
        except LinkTimeout as error:
            log.warning("halt not answered instrument=%s error=%s", self._bench.name, error)

    def _unknown(self, why: str, cause: InstrumentError) -> UnknownStateError:
        bound_s = self._plan.energised_max_s
        error = UnknownStateError(
            f"{why}; nobody knows whether the cell is off. The script in the instrument ends by itself within "
            f"{bound_s:.0f} s; look at the instrument, or unplug the cell"
        )
        error.__cause__ = cause
        return error

    def _limit_reached(self) -> bool:
        """Tell whether an end condition holds that the host judges."""
        block, technique = self.last, self._plan.technique
        if not isinstance(block, DcBlock):
            return False
        match technique:
            case Chronoamperometry(i_limit_A=limit_A) if limit_A is not None:
                return bool(np.any(np.abs(block.i_A) > limit_A))
            case Chronopotentiometry(e_limits_V=limits_V) if limits_V is not None:
                return bool(np.any((block.e_V < min(limits_V)) | (block.e_V > max(limits_V))))
            case Ocv(stop_below_V_per_s=drift) if drift is not None:
                self._drift.extend(zip(block.elapsed_s.tolist(), block.e_V.tolist(), strict=True))
                return len(self._drift) == DRIFT_POINTS and abs(_slope(self._drift)) < drift
        return False

    def _what(self) -> str:
        return type(self._plan.technique).__name__


def _slope(points: deque[tuple[float, float]]) -> float:
    """Return the slope of a straight line through (s, V), in V/s; infinite where time stands still."""
    time_s, e_V = np.array(points).T
    centred_s = time_s - time_s.mean()
    spread = float(centred_s @ centred_s)
    return float(centred_s @ e_V) / spread if spread > 0 else float("inf")
