"""The 273/273A on its two links, which are both always live: GPIB with its handshake, RS-232 with its prompt.

GPIB: bit 0 of the status byte says that the last line is done and no reply waits, bit 7 that one does. RS-232: each
line is answered with ``*`` in the end, or with ``?`` where a command was in error. Source: potentiostat.md 2.4.2.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from labctl_simulators.par273a.bus import BusDevice, LineCutter
from labctl_simulators.par273a.instrument import Instrument
from labctl_simulators.par273a.timers import Timer, Timers
from labctl_simulators.par273a.words import Phrase, Slip, SlipError, Status, phrases

ASKING = frozenset({"ID", "VER", "ST", "CS", "DUMMY", "DP"})
"""Words that change nothing, whatever stands behind them."""
ACTING = frozenset({"ERR", "DCL", "AS", "READE", "READI", "OVER", "NC", "TC", "CLR", "CLEAR"})
"""Bare words that change something."""
MACRO_DEPTH = 3


class Interpreter:
    """Works off the lines of either link; ``on_accepted`` hears those that changed something."""

    def __init__(self, instrument: Instrument, terminator: bytes) -> None:
        self.instrument = instrument
        self.terminator = terminator
        self.on_accepted: Callable[[str], None] | None = None

    def answer(self, line: str) -> tuple[bytes, bool]:
        """Do a line; return all its replies, each with its terminator, and whether nothing was in error.

        What stands behind a command in error is not done.
        """
        replies: list[str] = []
        well, changed = True, self.instrument.curves.loading
        try:
            if changed:
                self.instrument.curves.load_line(line)
            else:
                changed = self._work_off(line, replies, MACRO_DEPTH)
        except SlipError as slip:
            self.instrument.error, well, changed = slip.code, False, True
        if changed and self.on_accepted is not None:
            self.on_accepted(line)
        return b"".join(text.encode("latin-1") + self.terminator for text in replies), well

    def _work_off(self, line: str, replies: list[str], depth: int) -> bool:
        changed = False
        for phrase in phrases(line):
            changed = changed or _changes(phrase)
            if phrase.word.startswith("USR"):
                text = self.instrument.macro(phrase)
                if text and depth == 0:
                    raise SlipError(Slip.OVERRUN)
                changed = self._work_off(text, replies, depth - 1) or changed
                continue
            reply = self.instrument.perform(phrase)
            if reply is not None:
                replies.append(reply)
        return changed


def _changes(phrase: Phrase) -> bool:
    if phrase.word in ASKING:
        return False
    return bool(phrase.rest) or phrase.word in ACTING


class BusWire(BusDevice):
    """The GPIB side. ``slow`` are delays in s of the replies to come, an injected fault."""

    def __init__(self, interpreter: Interpreter, timers: Timers) -> None:
        self.slow: list[float] = []
        self.on_ready: Callable[[], None] | None = None
        self._interpreter = interpreter
        self._instrument = interpreter.instrument
        self._timers = timers
        self._cutter = LineCutter()
        self._output = b""
        self._coming: Timer | None = None

    def listen(self, data: bytes, *, end: bool) -> None:
        """Take bytes of the bus. A line that comes while a reply waits is done, and the reply is lost (error 4)."""
        for line in self._cutter.feed(data, end=end):
            interrupted = self.coming
            self._forget()
            reply, _ = self._interpreter.answer(line)
            if interrupted:
                self._instrument.error = Slip.OVERRUN
            if reply and self.slow:
                self._coming = self._timers.start(self.slow.pop(0), partial(self._say, reply))
            elif reply:
                self._say(reply)
        if self._cutter.overrun:
            self._instrument.error, self._cutter.overrun = Slip.OVERRUN, False

    def _say(self, reply: bytes) -> None:
        self._output, self._coming = reply, None
        if self.on_ready is not None:
            self.on_ready()

    def _forget(self) -> None:
        if self._coming is not None:
            self._coming.over = True
        self._output, self._coming = b"", None

    @property
    def coming(self) -> bool:
        return bool(self._output) or self._coming is not None

    def talk(self) -> bytes | None:
        said, self._output = self._output, b""
        return said or None

    def asked_in_vain(self) -> None:
        self._instrument.error = Slip.NOTHING_TO_SAY

    def poll(self) -> int:
        status = self._instrument.status()
        if self._output:
            status |= Status.OUTPUT_READY
        elif self._coming is None:
            status |= Status.DONE
        if int(status) & self._instrument.values["MSK"]:
            status |= Status.SERVICE
        return int(status)

    def clear(self) -> None:
        self._forget()
        self._cutter.clear()


class SerialWire:
    """The RS-232 side: bytes in, bytes out."""

    def __init__(self, interpreter: Interpreter) -> None:
        self._interpreter = interpreter
        self._cutter = LineCutter()

    def feed(self, data: bytes) -> list[bytes]:
        """Take bytes and return what is said to each line."""
        said = []
        for line in self._cutter.feed(data):
            reply, well = self._interpreter.answer(line)
            said.append(reply + (b"*" if well else b"?"))
        if self._cutter.overrun:
            self._interpreter.instrument.error, self._cutter.overrun = Slip.OVERRUN, False
            said.append(b"?")
        return said

    def clear(self) -> None:
        """Forget an unfinished line."""
        self._cutter.clear()
