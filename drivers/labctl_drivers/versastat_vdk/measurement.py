"""One technique under way: asks for what has come, and makes sure of the cell however it ends.

Whoever iterates over ``blocks`` asks the bridge, and renews its lease by that: what nobody reads any more is switched
off by the bridge. ``abort`` says ``Stop`` and ``SetCellOff`` at once on the lane of its own, from any task, and then
sees it through. A sequence is waited for in three parts, because ``Start`` may return before it runs (2.2.1): until it
runs, until it no longer runs, until every point has been fetched.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections import deque
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Protocol

import numpy as np

from labctl.clock import Clock
from labctl.errors import InstrumentError, LinkTimeout, RefusedError, UnknownStateError, UsageError, WireError
from labctl.interfaces.potentiostat import Block, DcBlock, MeasurementState
from labctl.model.spectrum import PointFlag, SpectrumHead
from labctl.model.technique import Chronoamperometry, Chronopotentiometry, Ocv, Technique
from labctl_drivers.versastat_vdk.collecting import OVERLOADS, Rows, collector_for, missing
from labctl_drivers.versastat_vdk.kit import ALL_FETCHED, SLICE_MAX, Kit
from labctl_drivers.versastat_vdk.lane import named
from labctl_drivers.versastat_vdk.options import VdkOptions
from labctl_drivers.versastat_vdk.plan import Plan
from labctl_drivers.versastat_vdk.waiting import Patience, until_running

log = logging.getLogger(__name__)

POLL_S = 0.5
"""Plant seconds between two looks at a sequence (2.2.3)."""

DRAIN_S = 10.0
"""How long points may still trickle in after the sequence has ended."""

DRIFT_POINTS = 10
"""Over so many points the drift of the open-circuit potential is judged."""


class Bench(Protocol):
    """What a measurement needs of its driver."""

    @property
    def name(self) -> str: ...
    @property
    def kit(self) -> Kit: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def options(self) -> VdkOptions: ...
    @property
    def turn(self) -> asyncio.Lock: ...
    async def make_safe(self) -> None:
        """Stop, switch the cell off, read it back; reopens a lost link. Raises UnknownStateError, LinkError."""

    async def open_circuit_V(self) -> float:
        """Measure the open-circuit potential; NaN where it cannot be read. Raises InstrumentError."""


class SequenceMeasurement:
    """Implements ``labctl.interfaces.potentiostat.Measurement``."""

    def __init__(self, bench: Bench, plan: Plan, head: SpectrumHead) -> None:
        self._bench = bench
        self._plan = plan
        self._head = head
        self._collector = collector_for(plan, head)
        self._ready: deque[Block] = deque()
        self._drift: deque[tuple[float, float]] = deque(maxlen=DRIFT_POINTS)
        self._patience = Patience(bench.clock)
        self._fetched = self._got = 0
        self._overload = PointFlag(0)
        self._running = True
        self._state = MeasurementState.ARMED
        self._stopping: MeasurementState | None = None
        self._error: InstrumentError | None = None
        self._sent = self._over = False
        self.last: Block | None = None

    @property
    def state(self) -> MeasurementState:
        """Return where it stands."""
        return self._state

    @property
    def points_expected(self) -> int:
        """Return how many points it will have, unless an end condition comes first."""
        return self._plan.points

    @property
    def points_got(self) -> int:
        """Return how many points have come."""
        return self._got

    @property
    def remaining_s(self) -> float | None:
        """Return the plant seconds that the rest usually takes."""
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
        """Start the sequence and see that it runs. Raises InstrumentError; then it is over, the cell off or unknown."""
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
        kit = self._bench.kit
        try:
            await kit.prepare(self._plan.actions)
            if self._stopping is None:
                await kit.call("Start")
                await until_running(kit, self._bench.clock, lambda: self._stopping is not None)
        except InstrumentError as error:
            await self._settle(MeasurementState.FAILED, error)
            assert self._error is not None or self._stopping is not None
            if self._error is not None:
                raise self._error from error
        if self._stopping is not None and not self._over:
            # told to stop while it began: the Stop may have come before the Start
            await self._settle(self._stopping, None)
        if self._over:
            return
        self._patience.begin()
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
            await self._bench.kit.stop_now()
        except InstrumentError as error:
            # whoever asks next finds out how things stand, and says so
            log.warning("stop not confirmed instrument=%s error=%s", self._bench.name, error)

    async def _hear(self) -> None:
        """Ask once what has come. Ends the measurement when the sequence has ended, or has failed."""
        try:
            over = await self._poll()
        except InstrumentError as error:
            await self._settle(MeasurementState.FAILED, error)
            return
        if over:
            await self._end()
        elif self._stopping is None and self._limit_reached():
            await self._stop(MeasurementState.DONE)
        elif not self._ready:
            await self._bench.clock.plant.sleep(POLL_S)

    async def _poll(self) -> bool:
        """Fetch what is new; tell whether everything has come. Raises InstrumentError."""
        kit = self._bench.kit
        # asked before the lease is renewed: where it has run out meanwhile, this is what says so
        self._running = await kit.truth("IsSequenceRunning")
        await kit.keep()
        if self._running and self._stopping is not None:
            await self._bench.make_safe()  # the Stop did not arrive, or came before the Start
        available = await kit.whole("GetNumPointsAvailable")
        if self._running:
            await self._look_for_overload(kit)
        if available > self._fetched:
            count = min(available - self._fetched, SLICE_MAX)
            self._take(await kit.rows(self._collector.columns, self._fetched, count), count)
            self._patience.begin()
            return False
        if self._running:
            if self._patience.is_over(self._plan.allowed_for(self._got)):
                raise LinkTimeout("the instrument measures and gives no points")
            return False
        return available == ALL_FETCHED or self._patience.is_over(DRAIN_S)

    async def _look_for_overload(self, kit: Kit) -> None:
        """Remember an overload for the points to come; end the run where the options say so (VD-5)."""
        found = OVERLOADS.get(await kit.overload(), PointFlag.OVERLOAD_E)
        self._overload |= found
        if found and self._bench.options.on_overload == "stop" and self._stopping is None:
            what = "current" if found & PointFlag.OVERLOAD_I else "potential, power amplifier or temperature"
            raise RefusedError(f"overload ({what}); stopped, as option on_overload says")

    def _take(self, rows: Rows, count: int) -> None:
        self._fetched += count
        block = self._collector.block(rows, self._overload)
        if block is None:
            return
        self._overload = PointFlag(0)
        self.last = block
        self._got += len(block.flags)
        if self._state is MeasurementState.SETTLING:
            self._state = MeasurementState.RUNNING
        self._ready.append(block)

    async def _end(self) -> None:
        if self._stopping is not None:
            await self._settle(self._stopping, None)
        elif missing(self._plan, self._collector) or not self._got:
            text = f"it ended after {self._got} of {self._plan.points} points"
            await self._settle(MeasurementState.FAILED, WireError(text, rule="2.2.3: all points"))
        else:
            await self._settle(MeasurementState.DONE, None)

    async def _settle(self, state: MeasurementState, error: InstrumentError | None) -> None:
        """Make sure of the cell, then say how it ended."""
        self._state = MeasurementState.FINISHING
        bench = self._bench
        ocv_V = math.nan
        try:
            await bench.make_safe()
            if not isinstance(self._plan.technique, Ocv) and error is None:
                ocv_V = await bench.open_circuit_V()
        except InstrumentError as unsure:
            why = f"{error.problem}; " if error is not None else ""
            state, error = MeasurementState.FAILED, self._unknown(f"{why}{unsure.problem}", unsure)
            # the next open begins with Stop and SetCellOff
            await bench.kit.close()
        if self._stopping is MeasurementState.ABORTED and not isinstance(error, UnknownStateError):
            # what an abort broke off is no failure once the cell has been seen to be off
            state, error = MeasurementState.ABORTED, None
        if error is not None:
            named(error, bench.name, self._what())
        self._head = replace(self._head, ocv_after_V=ocv_V)
        self._error, self._state, self._over = error, state, True

    def _unknown(self, why: str, cause: InstrumentError) -> UnknownStateError:
        error = UnknownStateError(
            f"{why}; nobody knows whether the cell is off. If the bridge still works it switches the cell off when its "
            f"lease ends, {self._bench.options.lease_s:.0f} s after the last call; look at the instrument, or unplug "
            "the cell"
        )
        error.__cause__ = cause
        return error

    def _limit_reached(self) -> bool:
        """Tell whether an end condition holds that the host judges as well; the instrument's own may come first."""
        block, technique = self.last, self._plan.technique
        if not self._ready or not isinstance(block, DcBlock):
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
