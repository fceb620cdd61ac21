"""Tell whoever watches this process that it is ready and alive: systemd's socket, or the parent of ``--watched``.

Both take the same words in a datagram (``READY=1``, ``WATCHDOG=1``, ``STOPPING=1``). systemd names a Unix socket in
NOTIFY_SOCKET; the parent of ``labctl serve --watched`` names a port of this computer in LABCTL_HEARTBEAT, because
Windows has no Unix datagrams. Source: systemd's sd_notify(3), which is a protocol and needs no library.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import sys
from collections.abc import Mapping

from labctl.adminlink import split_host_port

NOTIFY_VARIABLE = "NOTIFY_SOCKET"
PERIOD_VARIABLE = "WATCHDOG_USEC"
PARENT_VARIABLE = "LABCTL_HEARTBEAT"
READY = "READY=1"
ALIVE = "WATCHDOG=1"
STOPPING = "STOPPING=1"
BEAT_S = 1.0
"""Link seconds between two beats; a watcher that wants them more often than that gets them twice a period."""
MESSAGE_MAX = 4096


class Heart:
    """Sends words to the watchers named in the environment; says nothing where there are none.

    A watcher that is gone never disturbs the station: what cannot be sent is left out.
    """

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        """Look who watches, and keep it from child processes."""
        known = os.environ if environment is None else environment
        self._notify = known.get(NOTIFY_VARIABLE, "")
        self._parent, _, self._secret = known.get(PARENT_VARIABLE, "").partition("/")
        period = known.get(PERIOD_VARIABLE, "")
        self.beat_s = min(BEAT_S, int(period) / 1e6 / 2) if period.isdecimal() and int(period) else BEAT_S
        if environment is None:
            for name in (NOTIFY_VARIABLE, PERIOD_VARIABLE, PARENT_VARIABLE):
                os.environ.pop(name, None)

    @property
    def watched(self) -> bool:
        """Tell whether somebody watches."""
        return bool(self._notify or self._parent)

    def say(self, *words: str) -> None:
        """Send words, one a line."""
        text = "\n".join(words)
        with contextlib.suppress(OSError):
            if self._notify:
                _to_unix(self._notify, text.encode())
        with contextlib.suppress(OSError):
            if self._parent:
                _to_port(self._parent, f"{self._secret}\n{text}".encode())


def _to_unix(name: str, data: bytes) -> None:
    if sys.platform == "win32":
        return
    address = "\0" + name[1:] if name.startswith("@") else name
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as out:
        out.sendto(data, address)


def _to_port(host_port: str, data: bytes) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:
        out.sendto(data, split_host_port(host_port))


class Ear:
    """The parent's end: a port of this computer that hears one child."""

    def __init__(self) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._secret = secrets.token_hex(16)

    def environment(self) -> dict[str, str]:
        """Return the child's environment: it beats here."""
        host, port = self._socket.getsockname()
        return {**os.environ, PARENT_VARIABLE: f"{host}:{port}/{self._secret}"}

    def hear(self, timeout_s: float) -> list[str] | None:
        """Wait for words of the child; None when none came in time. Other people's datagrams are nothing."""
        self._socket.settimeout(timeout_s)
        try:
            data = self._socket.recv(MESSAGE_MAX)
        except (TimeoutError, ConnectionError):
            return None
        secret, *words = data.decode("utf-8", "replace").split("\n")
        return words if secrets.compare_digest(secret.encode(), self._secret.encode()) else []

    def close(self) -> None:
        """Close the port."""
        self._socket.close()
