"""Serve a talking instrument on a pseudo terminal: what it says unasked waits until the line takes it (POSIX)."""

from __future__ import annotations

import asyncio
import os
import sys
from collections import deque
from collections.abc import Callable
from functools import partial

from labctl.errors import UserInputError
from labctl_simulators import wallclock
from labctl_simulators.methodscript.link import ScriptLink
from labctl_simulators.neware.faults import Outgoing
from labctl_simulators.pace import Pace

READ_BYTES = 65536


class PtyLine:
    """One pseudo terminal of one instrument. Late pieces hold back what comes behind them.

    ``on_end`` is called when the instrument has taken the line away, as a pulled plug or a restart does.
    """

    def __init__(self, link: ScriptLink, pace: Pace, name: str, on_end: Callable[[], None]) -> None:
        if sys.platform == "win32":
            raise UserInputError(
                f"{name}: Windows has no pseudo terminals; use 'link: tcp' in the bench file."
            )
        import pty
        import tty

        self._master, self._slave = pty.openpty()
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        self.path = os.ttyname(self._slave)
        self._link, self._pace = link, pace
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[bytes] = deque()
        self._late = False
        self._open = True
        self._on_end = on_end
        self._loop.add_reader(self._master, self._read)
        link.on_ready = self._send
        link.keeps_delays = True

    def close(self) -> None:
        """Take the line away; whoever has the other end open reads its end."""
        if self._open:
            self._open = False
            self._link.on_ready = None
            self._loop.remove_reader(self._master)
            self._loop.remove_writer(self._master)
            os.close(self._slave)
            os.close(self._master)

    def _read(self) -> None:
        try:
            data = os.read(self._master, READ_BYTES)
        except OSError:
            return
        self._pace.sync()
        self._link.push(data)
        self._send()

    def _send(self) -> None:
        while self._open and not self._late:
            out = self._link.pop()
            if out is None:
                break
            if out.delay_s > 0.0:
                self._late = True
                wallclock.call_later(out.delay_s, partial(self._deliver, out))
                return
            self._take(out)

    def _deliver(self, out: Outgoing) -> None:
        self._late = False
        self._take(out)
        self._send()

    def _take(self, out: Outgoing) -> None:
        self._waiting.extend(out.pieces)
        self._write()
        if out.close and self._open:
            self.close()
            self._on_end()

    def _write(self) -> None:
        """Write as much as the line takes and come back when it takes more."""
        while self._open and self._waiting:
            piece = self._waiting.popleft()
            try:
                written = os.write(self._master, piece)
            except BlockingIOError:
                written = 0
            if written < len(piece):
                self._waiting.appendleft(piece[written:])
                self._loop.add_writer(self._master, self._write)
                return
        if self._open:
            self._loop.remove_writer(self._master)
