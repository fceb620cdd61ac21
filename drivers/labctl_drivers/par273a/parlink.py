"""The two ways to a 273A: behind a Prologix box with serial polls, or on RS-232 with prompts. One shape for both.

A command that the instrument refuses is ``ParRefusal`` with the code of ``ERR``; the link is in order afterwards.
Waiting for an instrument that is not ready is plant time, its deadline link time.
"""

from __future__ import annotations

import logging
from typing import Protocol

from labctl.clock import Clock
from labctl.errors import LinkTimeout, RefusedError, UsageError
from labctl.transport.base import Transport
from labctl_drivers.par273a.bus import DRAIN_S, DRAINS_MAX, Bus
from labctl_drivers.par273a.codec import read_integers
from labctl_drivers.par273a.messages import Prompted, Status, error_text
from labctl_drivers.par273a.session import PromptLine

log = logging.getLogger(__name__)

POLLS_AT_ONCE = 3
POLL_S = 0.01
"""After some polls in a row so long is waited between two."""


class ParRefusal(RefusedError):
    """The instrument has refused a command; ``code`` as in 2.4.4, 0 where it has not said which."""

    def __init__(self, command: str, code: int) -> None:
        self.code = code
        super().__init__(f"it refused {command}: {error_text(code)}", vendor_text=str(code))


class ParLink(Protocol):
    """Talks to one 273A. One task at a time may call anything but ``shout``."""

    @property
    def is_open(self) -> bool: ...
    async def open(self) -> None:
        """Connect. Raises LinkError."""

    async def close(self) -> None: ...
    async def recover(self) -> None:
        """Bring an unclear link in order: drop what was said, forget errors, end a shout. Raises LinkError."""

    async def status(self) -> Status:
        """Return the status byte; the cheapest way to see that it is there. Raises: LinkError, WireError."""

    async def tell(self, command: str) -> None:
        """Give a command that has no reply. Raises: ParRefusal, LinkError, WireError."""

    async def ask(self, command: str, count: int = 1) -> tuple[int, ...]:
        """Return the numbers of a reply. Raises: ParRefusal, LinkError, WireError."""

    async def shout(self, command: str) -> None:
        """Send a command at once, whatever is under way; others are UsageError until ``recover``. Raises LinkError."""


class GpibParLink:
    """A 273A behind a box: polled before each write and each read (2.4.2)."""

    def __init__(self, bus: Bus, address: int, terminator: bytes, delimiter: int) -> None:
        self._bus = bus
        self._address = address
        self._terminator = terminator
        self._delimiter = delimiter

    @property
    def is_open(self) -> bool:
        """Tell whether the box is connected."""
        return self._bus.is_open

    async def open(self) -> None:
        """Connect to the box. Raises LinkError."""
        await self._bus.open()

    async def close(self) -> None:
        """Disconnect from the box."""
        await self._bus.close()

    async def recover(self) -> None:
        """Read away what the instrument still has to say, and its last error. Raises LinkError."""
        await self._bus.recover()
        for _ in range(DRAINS_MAX):
            status = await self.status()
            if Status.OUTPUT in status:
                await self._bus.read(self._address, lambda data: data or None, self._bus.reply_timeout_s)
            elif Status.ERROR in status:
                await self._error_code()
            else:
                return

    async def status(self) -> Status:
        """Return the status byte by serial poll. Raises LinkError, WireError."""
        return Status(await self._bus.poll(self._address))

    async def tell(self, command: str) -> None:
        """Give a command, and wait until it is done. Raises as the interface says."""
        await self._write(command)
        if Status.ERROR in await self._until(Status.DONE, command):
            raise ParRefusal(command, await self._error_code())

    async def ask(self, command: str, count: int = 1) -> tuple[int, ...]:
        """Give a command, wait for its reply, and read it. Raises as the interface says."""
        await self._write(command)
        status = await self._until(Status.OUTPUT, command)
        if Status.OUTPUT not in status:
            raise ParRefusal(command, await self._error_code())
        return await self._numbers(count)

    async def shout(self, command: str) -> None:
        """Send a command on every lane. Raises LinkError."""
        await self._bus.shout(self._address, command.encode("ascii") + self._terminator)

    async def _write(self, command: str) -> None:
        status = await self._until(Status.DONE, command)
        if Status.ERROR in status:
            raise ParRefusal(f"what came before {command}", await self._error_code())
        await self._bus.write(self._address, command.encode("ascii") + self._terminator)

    async def _until(self, wanted: Status, command: str) -> Status:
        """Poll until a bit is set, or an error is told with nothing more to come. Raises LinkTimeout."""
        clock = self._bus.clock
        deadline_s = clock.link.now_s() + self._bus.reply_timeout_s
        polls = 0
        while True:
            status = await self.status()
            polls += 1
            if wanted in status or Status.ERROR | Status.DONE in status:
                return status
            if clock.link.now_s() >= deadline_s:
                raise LinkTimeout(
                    f"it is not ready for {command}: status {status.value}",
                    elapsed_s=self._bus.reply_timeout_s,
                )
            if polls >= POLLS_AT_ONCE:
                await clock.plant.sleep(POLL_S)

    async def _error_code(self) -> int:
        await self._bus.write(self._address, b"ERR" + self._terminator)
        await self._until_output()
        return (await self._numbers(1))[0]

    async def _until_output(self) -> None:
        """Poll until the error's code can be read, though the error bit is still set. Raises LinkTimeout."""
        clock = self._bus.clock
        deadline_s = clock.link.now_s() + self._bus.reply_timeout_s
        while Status.OUTPUT not in await self.status():
            if clock.link.now_s() >= deadline_s:
                raise LinkTimeout("it does not tell its error", elapsed_s=self._bus.reply_timeout_s)
            await clock.plant.sleep(POLL_S)

    async def _numbers(self, count: int) -> tuple[int, ...]:
        def whole(data: bytes) -> tuple[int, ...] | None:
            return read_integers(data, self._delimiter, count)

        return await self._bus.read(self._address, whole, self._bus.reply_timeout_s)


class SerialParLink:
    """A 273A on RS-232: each command ends with its prompt (2.4.2)."""

    def __init__(
        self, pipe: Transport, clock: Clock, terminator: bytes, delimiter: int, reply_timeout_s: float
    ) -> None:
        self._pipe = pipe
        self._clock = clock
        self._terminator = terminator
        self._delimiter = delimiter
        self._reply_timeout_s = reply_timeout_s
        self._line = PromptLine()
        self._shouted = False

    @property
    def is_open(self) -> bool:
        """Tell whether the port is open."""
        return self._pipe.is_open

    async def open(self) -> None:
        """Open the port. Raises LinkError."""
        await self._pipe.open()
        self._line.forget()

    async def close(self) -> None:
        """Close the port."""
        await self._pipe.close()

    async def recover(self) -> None:
        """End a command that may be half sent, and drop what comes. Raises LinkError.

        An empty line is no command: whether it is answered is not known [U], so that its answer is not waited for long.
        """
        self._line.forget()
        self._shouted = False
        await self._pipe.write(self._terminator, self._reply_timeout_s)
        for _ in range(DRAINS_MAX):
            if not await self._pipe.listen(DRAIN_S):
                break

    async def status(self) -> Status:
        """Return the status byte, which has to be asked for here. Raises as ``ask``."""
        return Status((await self.ask("ST"))[0] & 0xFF)

    async def tell(self, command: str) -> None:
        """Give a command, and wait for its prompt. Raises as the interface says."""
        await self._prompted(command)

    async def ask(self, command: str, count: int = 1) -> tuple[int, ...]:
        """Give a command and return its reply. Raises as the interface says."""
        text = (await self._prompted(command)).text
        numbers = read_integers(text + b"\n", self._delimiter, count)
        if numbers is None:
            raise ParRefusal(command, 0)
        return numbers

    async def shout(self, command: str) -> None:
        """Send a command between any two bytes of a conversation. Raises LinkError."""
        self._shouted = True
        await self._pipe.write(command.encode("ascii") + self._terminator, self._reply_timeout_s)

    async def _prompted(self, command: str) -> Prompted:
        answer = await self._exchange(command)
        if answer.accepted:
            return answer
        told = await self._exchange("ERR")
        codes = read_integers(told.text + b"\n", self._delimiter, 1) if told.accepted else None
        raise ParRefusal(command, codes[0] if codes else 0)

    async def _exchange(self, command: str) -> Prompted:
        with self._clock.busy():
            while self._pipe.has_unread:
                await self._pipe.listen(0.0)
            if self._shouted:
                raise UsageError("it has been told to stop", operation=command)
            line = self._line.command(command.encode("ascii") + self._terminator)
            await self._pipe.write(line, self._reply_timeout_s)
            deadline_s = self._clock.link.now_s() + self._reply_timeout_s
            answer: Prompted | None = None
            while answer is None:
                left_s = deadline_s - self._clock.link.now_s()
                if left_s <= 0:
                    self._line.forget()
                    raise LinkTimeout(f"no prompt after {command}", elapsed_s=self._reply_timeout_s)
                answer = self._line.feed(await self._pipe.listen(left_s))
        return answer
