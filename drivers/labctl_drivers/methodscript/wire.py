"""Lines to and from one device over a byte pipe: waits, deadlines, the quiet time after an error, the abort.

Waiting for a measurement is plant time, waiting for an answer is link time (virtual-time.md 1). A point is late when
**both** its plant time and 2 s of link time have passed. Where plant time stands still between grants, it is let go on
in slices while nothing has come.
"""

from __future__ import annotations

import logging
from collections import deque

from labctl.clock import Clock, ClockMode
from labctl.errors import InstrumentError, LinkTimeout, RefusedError
from labctl.transport.base import Transport
from labctl_drivers.methodscript.faults import told
from labctl_drivers.methodscript.messages import Answered, Broken, Ended, Event, Fault, Package, Refused
from labctl_drivers.methodscript.session import ABORT, EXECUTE, Session

log = logging.getLogger(__name__)

GRACE_S = 2.0
"""What a line may be late by, in link seconds and in plant seconds, beyond what it takes (2.1.7, 5)."""

QUIET_S = 0.15
"""After any ``!`` the device drops input for 50 to 100 ms (2.1.2)."""

SLICE_S = 0.5
"""Longest wait at a stretch, so that an abort is noticed soon."""

PLANT_SLICE_S = 1.0
DRAINS_MAX = 64
STEPPED = (ClockMode.LOCKSTEP, ClockMode.JUMP)


class DeviceRefusal(RefusedError):
    """The device answered with an error code."""

    def __init__(self, fault: Fault, script: tuple[str, ...] = ()) -> None:
        self.fault = fault
        super().__init__(told(fault, script), vendor_text=fault.said)


class Wire:
    """One device on one pipe. One task at a time may call anything but ``shout_abort``."""

    def __init__(self, pipe: Transport, clock: Clock, reply_timeout_s: float) -> None:
        self._pipe = pipe
        self._clock = clock
        self._reply_timeout_s = reply_timeout_s
        self._session = Session()
        self._events: deque[Event] = deque()
        self._late_plant_s = self._late_link_s = 0.0

    @property
    def is_open(self) -> bool:
        """Tell whether the pipe is open."""
        return self._pipe.is_open

    async def open(self) -> None:
        """Open the pipe; what came before is forgotten. Raises LinkError."""
        await self._pipe.open()
        self._forget()

    async def close(self) -> None:
        """Close the pipe."""
        await self._pipe.close()
        self._forget()

    async def ask(self, command: str) -> str:
        """Return the answer to a command. Raises: DeviceRefusal, LinkError, WireError."""
        return await self._exchange(command, self._session.command(command), ())

    async def start(self, lines: tuple[str, ...]) -> None:
        """Let the device execute a script, and return once it has accepted it. Raises as ``ask``."""
        await self._exchange(EXECUTE, self._session.script(lines), lines)

    async def run(self, lines: tuple[str, ...], takes_s: float = 0.0) -> list[Package]:
        """Execute a short script to its end and return its packages. Raises as ``ask``."""
        await self.start(lines)
        packages: list[Package] = []
        while True:
            for event in await self.hear(takes_s):
                match event:
                    case Package():
                        packages.append(event)
                    case Fault():
                        await self.quiet()
                        raise DeviceRefusal(event, lines)
                    case Broken(error):
                        raise error
                    case Ended():
                        return packages

    async def hear(self, takes_s: float) -> list[Event]:
        """Return what comes next, where the device may take ``takes_s`` of plant time for it.

        Raises: LinkTimeout, and the pipe stays open; LinkClosed.
        """
        plant, link = self._clock.plant, self._clock.link
        self._late_plant_s = plant.now_s() + takes_s + GRACE_S
        begun_s = link.now_s()
        self._late_link_s = begun_s + GRACE_S
        while not self._events:
            plant_left_s, link_left_s = self._late_plant_s - plant.now_s(), self._late_link_s - link.now_s()
            if plant_left_s <= 0 and link_left_s <= 0:
                problem = "the device has fallen silent while it measures"
                raise LinkTimeout(problem, elapsed_s=link.now_s() - begun_s)
            if self._clock.mode in STEPPED and plant_left_s > 0:
                await self._listen(0.0)
                if not self._events:
                    await plant.sleep(min(PLANT_SLICE_S, plant_left_s))
            else:
                await self._listen(min(SLICE_S, max(plant_left_s, link_left_s)))
        events = list(self._events)
        self._events.clear()
        return events

    async def shout_abort(self) -> None:
        """Send ``Z`` at once, whoever listens; from now on the device has 2 s to end. Raises LinkError."""
        plant_s, link_s = self._clock.plant.now_s() + GRACE_S, self._clock.link.now_s() + GRACE_S
        self._late_plant_s, self._late_link_s = (
            min(self._late_plant_s, plant_s),
            min(self._late_link_s, link_s),
        )
        await self._pipe.write(self._session.command(ABORT), self._reply_timeout_s)

    async def halt(self) -> None:
        """End whatever script runs, also one of which only half was sent. Raises LinkError.

        ``Z`` as a line of a half-sent script makes that invalid, and the empty line then ends it unexecuted.
        """
        try:
            await self._halt_once()
        except LinkTimeout:
            log.info("no answer to an abort: ending a script that may be half sent")
            await self._pipe.write(b"\n", self._reply_timeout_s)
            await self.quiet()
            await self._halt_once()

    async def quiet(self) -> None:
        """Wait until the device listens again after an error, and throw away what it still said."""
        begun_s = self._clock.plant.now_s()
        await self._clock.link.sleep(QUIET_S)
        await self._clock.plant.sleep_until(begun_s + QUIET_S)
        for _ in range(DRAINS_MAX):
            if not await self._pipe.listen(0.0):
                break
        self._forget()

    async def _halt_once(self) -> None:
        self._forget()
        try:
            await self.ask(ABORT)
        except DeviceRefusal as nothing_to_abort:
            log.debug("the device is idle: %s", nothing_to_abort)
            return
        try:
            while not any(isinstance(event, Ended | Fault) for event in await self.hear(0.0)):
                pass
        except LinkTimeout:
            log.warning("a script that was aborted did not say that it has ended")
        await self.quiet()

    async def _exchange(self, command: str, data: bytes, script: tuple[str, ...]) -> str:
        with self._clock.busy():
            await self._pipe.write(data, self._reply_timeout_s)
            deadline_s = self._clock.link.now_s() + self._reply_timeout_s
            answer = self._found(command)
            while answer is None:
                left_s = deadline_s - self._clock.link.now_s()
                if left_s <= 0:
                    self._forget()
                    raise LinkTimeout(f"no answer to {command}", elapsed_s=self._reply_timeout_s)
                await self._listen(left_s)
                answer = self._found(command)
        if isinstance(answer, Answered):
            return answer.text
        await self.quiet()
        raise DeviceRefusal(answer.fault, script)

    def _found(self, command: str) -> Answered | Refused | None:
        """Take the answer out of what has come; what came before it belongs to nobody."""
        while self._events:
            match self._events.popleft():
                case (Answered(said) | Refused(said)) as answer if said == command:
                    return answer
                case Broken(error):
                    raise error
        return None

    async def _listen(self, timeout_s: float) -> None:
        data = await self._pipe.listen(timeout_s)
        if data:
            self._events.extend(self._session.feed(data))

    def _forget(self) -> None:
        self._session.reset()
        self._events.clear()


def named(error: InstrumentError, instrument: str, operation: str) -> InstrumentError:
    """Return the error with the name of the instrument and of what was being done."""
    error.instrument, error.operation = instrument, operation
    return error
