"""What an instrument with one line says: to whoever connected last, through the faults of the link, late if it must be.

A shell of sockets keeps a delay by link time (``ScriptLink.keeps_delays``); in a bench of one process plant time is
link time, so the voice itself keeps what is late until its moment has come, and what stands behind it waits with it.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import replace

from labctl_simulators.methodscript.faults import LinkFaults
from labctl_simulators.methodscript.link import Hears, ScriptLink
from labctl_simulators.neware.faults import Outgoing

CLOSING = Outgoing((), close=True)


class Voice:
    """The speaking side of an instrument's line. ``now_s`` tells plant time; several lines may share their faults."""

    def __init__(self, now_s: Callable[[], float], faults: LinkFaults | None = None) -> None:
        self.faults = LinkFaults() if faults is None else faults
        self.link: ScriptLink | None = None
        self._now_s = now_s
        self._late: deque[tuple[float, Outgoing]] = deque()

    def connect(self, device: Hears, *, permanent: bool = False) -> ScriptLink:
        """Open a connection; one that stands ends, and what was late for it is lost."""
        self.hang_up()
        self.link = ScriptLink(device, permanent=permanent)
        return self.link

    def hang_up(self) -> None:
        """End the connection from the instrument's side."""
        old, self.link = self.link, None
        self._late.clear()
        if old is not None:
            old.say(CLOSING)

    def lost(self, link: ScriptLink) -> None:
        """Note that a connection has ended."""
        if link is self.link:
            self.link = None
            self._late.clear()

    def say(self, data: bytes, delay_s: float = 0.0) -> None:
        """Say something, after a delay if wanted; nobody hears it where nobody is connected."""
        out = None if self.link is None else self.faults.on(data)
        if out is None or self.link is None:
            return
        wait_s = out.delay_s + delay_s
        if self._late or (wait_s > 0.0 and not self.link.keeps_delays):
            self._late.append((self._now_s() + wait_s, replace(out, delay_s=0.0)))
        else:
            self.link.say(replace(out, delay_s=wait_s))

    def due_s(self) -> float:
        """Return when the next late piece is said; infinite when none waits."""
        return self._late[0][0] if self._late else math.inf

    def say_late(self, now_s: float) -> None:
        """Say what has waited until now."""
        while self._late and self._late[0][0] <= now_s + 1e-6 and self.link is not None:
            self.link.say(self._late.popleft()[1])
