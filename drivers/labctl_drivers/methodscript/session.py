"""Who may speak when with a MethodSCRIPT device. Pure.

Outside scripts one command has one answer that begins with the command's first letter, or with that letter, ``!`` and
a code. While a script runs its output comes by itself; only ``Z`` (abort) may be said then, and its answer stands
somewhere in between. What fits neither was asked for by nobody and is passed over (F06).
"""

from __future__ import annotations

from collections.abc import Sequence

from labctl.errors import UsageError, WireError
from labctl_drivers.methodscript.codec import LINE_MAX, LineDecoder, Nesting, read_fault, read_output
from labctl_drivers.methodscript.messages import Answered, Broken, Ended, Event, Fault, Refused

ABORT = "Z"
EXECUTE = "e"
LINES_OF = {"t": 2}
"""How many lines an answer has, where not one."""


class Session:
    """One line to one device."""

    def __init__(self) -> None:
        self._decoder = LineDecoder()
        self._nesting = Nesting()
        self._asked: list[str] = []
        self._lines: list[str] = []
        self._running = False

    @property
    def running(self) -> bool:
        """Tell whether the device has accepted a script and has not said that it is over."""
        return self._running

    def command(self, command: str) -> bytes:
        """Return the bytes of a command. Raises: UsageError for a second one before the first is answered."""
        if command != ABORT and (self._asked or self._running):
            raise UsageError(f"{command} cannot be said now: the device is busy", operation=command)
        self._asked.append(command)
        return f"{command}\n".encode("ascii")

    def script(self, lines: Sequence[str]) -> bytes:
        """Return the bytes that execute a script. Raises: UsageError for lines that the wire cannot carry."""
        for line in lines:
            if not line or "\n" in line or len(line) > LINE_MAX or not line.isascii():
                raise UsageError(f"no line of a script: {line!r}", operation="script")
        return self.command(EXECUTE) + "".join(f"{line}\n" for line in lines).encode("ascii") + b"\n"

    def feed(self, data: bytes) -> list[Event]:
        """Return what the bytes say, in order."""
        events: list[Event] = []
        for line in self._decoder.feed(data):
            event = line if isinstance(line, Broken) else self._read(line)
            if event is not None:
                events.append(event)
        return events

    def reset(self) -> None:
        """Forget everything: what comes from now on answers what is asked from now on."""
        self._decoder.reset()
        self._nesting = Nesting()
        self._asked.clear()
        self._lines.clear()
        self._running = False

    def _read(self, line: str) -> Event | None:
        if self._asked and line[:1] == self._asked[0][0] and not (self._running and line[:1] != ABORT):
            return self._answer(line)
        if self._lines:  # the second line of an answer begins as it likes
            return self._answer(line)
        if not self._running:
            return None
        try:
            output = self._nesting.place(read_output(line))
        except WireError as error:
            return Broken(error)
        if isinstance(output, Ended | Fault):
            self._running = False
        return output

    def _answer(self, line: str) -> Event | None:
        command = self._asked[0]
        fault = read_fault(line[1:])
        if fault is not None and not self._lines:
            self._asked.pop(0)
            return Refused(command, fault)
        self._lines.append(line)
        if len(self._lines) < LINES_OF.get(command, 1):
            return None
        text, self._lines = "\n".join(self._lines), []
        self._asked.pop(0)
        # an abort that is not refused says that a script was running: its end is still to come
        self._running = self._running or command in (EXECUTE, ABORT)
        return Answered(command, text)
