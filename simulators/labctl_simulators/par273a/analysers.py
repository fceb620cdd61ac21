"""Lock-in and frequency response analyser as instruments on the bus; the lock-in on its Ethernet ports too."""

from __future__ import annotations

from collections.abc import Callable

from labctl_simulators.methodscript.link import ScriptLink
from labctl_simulators.par273a.bus import BusDevice, LineCutter
from labctl_simulators.par273a.fra import Fra
from labctl_simulators.par273a.lockin import DONE, OUTPUT, LockIn
from labctl_simulators.voice import Voice

Accepted = Callable[[str], None]
"""Hears each line that changed something."""


class LockInOnBus(BusDevice):
    """A lock-in at its GPIB address. Replies end with CR LF and EOI; an old one has a NUL before them."""

    def __init__(self, lockin: LockIn, accepted: Accepted) -> None:
        self._lockin, self._accepted = lockin, accepted
        self._cutter = LineCutter()
        self._output = b""

    def listen(self, data: bytes, *, end: bool) -> None:
        for line in self._cutter.feed(data, end=end):
            text = self._lockin.answer(line)
            nul = b"\x00" if self._lockin.model.nul else b""
            self._output = b"" if text is None else text.encode() + nul + b"\r\n"
            if self._lockin.changes(line):
                self._accepted(line)

    @property
    def coming(self) -> bool:
        return bool(self._output)

    def talk(self) -> bytes | None:
        said, self._output = self._output, b""
        return said or None

    def asked_in_vain(self) -> None:
        """Keep silent: nothing tells of it."""

    def poll(self) -> int:
        """Return the status byte; done only when no reply waits, as the handshake has it."""
        return self._lockin.status & ~DONE | OUTPUT if self._output else self._lockin.status

    def clear(self) -> None:
        self._output = b""
        self._cutter.clear()


class LockInPort:
    """One Ethernet port of a lock-in: commands end in NUL, also those that say nothing are answered.

    ``tells_status``: the status byte and the overload byte follow each answer (port 50000).
    """

    def __init__(self, lockin: LockIn, voice: Voice, accepted: Accepted, *, tells_status: bool) -> None:
        self._lockin, self._voice, self._accepted = lockin, voice, accepted
        self.on_lost: Callable[[], None] = lambda: None
        self._cutter = LineCutter()
        self._tells_status = tells_status

    @property
    def voice(self) -> Voice:
        """Return what speaks here."""
        return self._voice

    def connect(self) -> ScriptLink:
        """Open a connection; one that stands ends."""
        self._cutter.clear()
        return self._voice.connect(self)

    def lost(self, link: ScriptLink) -> None:
        """Note that a connection has ended."""
        self._voice.lost(link)
        self.on_lost()

    def hear(self, link: ScriptLink, data: bytes) -> None:
        """Take bytes of the connection."""
        if link is not self._voice.link:
            return
        for line in self._cutter.feed(data):
            text = self._lockin.answer(line)
            if self._lockin.changes(line):
                self._accepted(line)
            said = b"" if text is None else text.encode() + b"\n"
            if self._tells_status:
                said += b"\x00" + bytes([self._lockin.status, self._lockin.overload_byte])
            else:
                said += self._lockin.model.ethernet_end
            self._voice.say(said)


class FraOnBus(BusDevice):
    """A 1260 at its GPIB address. Replies end with CR LF and EOI; the newest one waits to be taken."""

    def __init__(self, fra: Fra, accepted: Accepted) -> None:
        self.on_ready: Callable[[], None] | None = None
        self._fra, self._accepted = fra, accepted
        self._cutter = LineCutter()
        self._output = b""
        fra.on_reply = self._say

    def _say(self, text: str) -> None:
        self._output = text.encode() + b"\r\n"
        if self.on_ready is not None:
            self.on_ready()

    def listen(self, data: bytes, *, end: bool) -> None:
        for line in self._cutter.feed(data, end=end):
            self._fra.perform(line)
            if self._fra.changes(line):
                self._accepted(line)

    @property
    def coming(self) -> bool:
        return bool(self._output) or self._fra.measuring

    def talk(self) -> bytes | None:
        said, self._output = self._output, b""
        return said or None

    def asked_in_vain(self) -> None:
        """Keep silent: nothing tells of it."""

    def poll(self) -> int:
        return self._fra.status(waiting=bool(self._output))

    def clear(self) -> None:
        self._output = b""
        self._cutter.clear()
