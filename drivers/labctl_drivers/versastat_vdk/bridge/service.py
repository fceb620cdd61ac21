"""What the bridge does with a call: lets it through, refuses it, or switches off because nobody has called in time.

The kit is called in threads of their own: one for everything, and one each for ``Stop`` and ``SetCellOff``, so that
neither waits for a call that hangs (VD-8). A lease that runs out stops the experiment and switches the cell off, once
(VD-6); and when a call comes back only after that, once more: it may have energised the cell.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from importlib.metadata import version

from labctl.clock import Clock, Timer
from labctl.worker import Worker
from labctl_drivers.versastat_vdk.bridge.calls import CALLS, ENDINGS, KitCall
from labctl_drivers.versastat_vdk.bridge.lease import Lease, Standing
from labctl_drivers.versastat_vdk.bridge.library import Library
from labctl_drivers.versastat_vdk.codec import Call, Fault, Value
from labctl_drivers.versastat_vdk.faults import FaultCode

log = logging.getLogger(__name__)

NAME = "labctl-vdk-bridge"
BUSY_AFTER_S = 10.0
"""So long a call waits for one before it."""

ENDING_WITHIN_S = 5.0
"""So long is waited for ``Stop`` before ``SetCellOff`` is called all the same."""


class Service:
    """One instrument, offered to one client at a time."""

    def __init__(self, library: Library, clock: Clock) -> None:
        self._library = library
        self._clock = clock
        self._lease = Lease()
        self._timer: Timer | None = None
        self._worker = Worker("vdk", clock)
        self._enders = {name: Worker(f"vdk-{name}", clock) for name in ENDINGS}
        self._turn = asyncio.Lock()
        self._connected: int | None = None
        self._group: asyncio.TaskGroup | None = None

    async def serve(self, until: asyncio.Event) -> None:
        """Watch over the lease until told to end; then make safe and close the kit."""
        try:
            async with asyncio.TaskGroup() as self._group:
                await until.wait()
        finally:
            self._group = None
            if self._timer is not None:
                self._timer.cancel()
            await self.make_safe("the bridge ends")
            if self._connected is not None:
                await self._within("Close", self._worker)
            for worker in (self._worker, *self._enders.values()):
                worker.abandon()

    async def answer(self, client: str, call: Call) -> Value | Fault:
        """Return what a call of ``client`` answers, or why it is refused."""
        if call.method == "BridgeInfo":
            return {"name": NAME, "version": version("labctl"), "has_experiment": True}
        if call.method == "BridgeLease":
            return await self._leased(client, call.parameters)
        known = CALLS.get(call.method)
        if known is None:
            return Fault(FaultCode.NO_SUCH_METHOD, f"no method {call.method[:60]}")
        parameters = _fitting(known, call.parameters)
        if parameters is None:
            wanted = ", ".join(kind.__name__ for kind in known.takes)
            return Fault(FaultCode.WRONG_PARAMETERS, f"{call.method} takes ({wanted})")
        refused = self._refused(client, call.method)
        if refused is not None:
            return refused
        if call.method in ENDINGS:
            return await self._passed_on(call.method, known, parameters, self._enders[call.method])
        return await self._in_turn(client, call.method, known, parameters)

    async def make_safe(self, why: str) -> None:
        """Stop the experiment and switch the cell off, each in its own thread, whatever becomes of the other."""
        if self._connected is None:
            return
        log.warning("stop and cell off: %s", why)
        for name in ENDINGS:
            await self._within(name, self._enders[name])

    async def _within(self, name: str, worker: Worker) -> None:
        try:
            async with self._clock.link.timeout(ENDING_WITHIN_S):
                answer = await self._passed_on(name, CALLS[name], (), worker)
        except TimeoutError:
            log.error("%s has not come back within %g s", name, ENDING_WITHIN_S)
        else:
            if isinstance(answer, Fault):
                log.error("%s failed: %s", name, answer.text)

    def _refused(self, client: str, method: str) -> Fault | None:
        match self._lease.standing(client, self._clock.link.now_s()):
            case Standing.HOLDS:
                return None
            case Standing.NOBODY_HOLDS if method in ENDINGS:
                return None
            case Standing.NOBODY_HOLDS:
                return Fault(FaultCode.NO_LEASE, "call BridgeLease first")
            case _:
                return Fault(FaultCode.HELD_BY_ANOTHER, f"held by {self._lease.holder}")

    async def _leased(self, client: str, parameters: Sequence[Value]) -> Value | Fault:
        seconds = parameters[0] if len(parameters) == 1 else None
        if isinstance(seconds, bool) or not isinstance(seconds, int | float):
            return Fault(FaultCode.WRONG_PARAMETERS, "BridgeLease takes (seconds)")
        now_s = self._clock.link.now_s()
        if self._lease.standing(client, now_s) is Standing.ANOTHER_HOLDS:
            return Fault(FaultCode.HELD_BY_ANOTHER, f"held by {self._lease.holder}")
        if seconds == 0:
            self._lease.end()
            await self.make_safe("the lease was given back")
            return True
        try:
            self._lease.take(client, float(seconds), now_s)
        except ValueError as error:
            return Fault(FaultCode.WRONG_PARAMETERS, str(error))
        self._watch()
        return True

    def _watch(self) -> None:
        """Look at the lease again when it would run out."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._clock.link.call_at(self._lease.ends_s, self._look)

    def _look(self) -> None:
        if self._lease.has_run_out(self._clock.link.now_s()) and self._group is not None:
            holder = self._lease.holder
            self._lease.end()
            self._group.create_task(self.make_safe(f"the lease of {holder} has run out"))

    async def _in_turn(
        self, client: str, method: str, known: KitCall, parameters: Sequence[Value]
    ) -> Value | Fault:
        try:
            async with self._clock.link.timeout(BUSY_AFTER_S):
                await self._turn.acquire()
        except TimeoutError:
            return Fault(FaultCode.BUSY, f"an earlier call has not come back for {BUSY_AFTER_S:g} s")
        try:
            # while it waited the lease may have run out, or gone to another
            refused = self._refused(client, method)
            if refused is not None:
                return refused
            if method == "Connect" and self._connected == parameters[0]:
                return True
            answer = await self._passed_on(method, known, parameters, self._worker)
            self._note(method, parameters, answer)
            if self._refused(client, method) is not None:
                await self.make_safe(f"{method} has come back after its lease")
            return answer
        finally:
            self._turn.release()

    def _note(self, method: str, parameters: Sequence[Value], answer: Value | Fault) -> None:
        if method == "Connect" and answer is True and isinstance(parameters[0], int):
            self._connected = parameters[0]
        elif method == "Close" and not isinstance(answer, Fault):
            self._connected = None

    async def _passed_on(
        self, name: str, known: KitCall, parameters: Sequence[Value], worker: Worker
    ) -> Value | Fault:
        try:
            return await worker.call(self._library.call, name, known, parameters)
        except Exception as error:  # the kit's own exceptions have no common type that Python knows
            log.warning("%s failed: %s", name, error)
            return Fault(FaultCode.LIBRARY, f"{name}: {error or type(error).__name__}")


def _fitting(known: KitCall, parameters: Sequence[Value]) -> tuple[Value, ...] | None:
    """Return the parameters in the kit's types; None where they do not fit. A whole number may stand for a double."""
    if len(parameters) != len(known.takes):
        return None
    fitting: list[Value] = []
    for kind, value in zip(known.takes, parameters, strict=True):
        if kind is float and isinstance(value, int) and not isinstance(value, bool):
            value = float(value)
        if type(value) is not kind:
            return None
        fitting.append(value)
    return tuple(fitting)
