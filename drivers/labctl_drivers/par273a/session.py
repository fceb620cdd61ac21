"""Who may speak when: on a GPIB bus behind a Prologix box, and on the RS-232 line of a 273A. Pure.

The box is one for all devices on the bus and for all who are connected to it: what is written, polled or read depends
on the address that anybody has said last. So each line to a device is preceded by its address, in the same piece: a
stop on another connection may come in between at any moment, and ``TC 10`` is a time constant here and a curve there.
On RS-232 each command is answered by ``*``, or by ``?`` where it was in error (2.4.2).
"""

from __future__ import annotations

from labctl.errors import UsageError, WireError
from labctl_drivers.par273a.codec import REPLY_MAX_BYTES, prologix_data
from labctl_drivers.par273a.messages import Prompted

BOX_SETTINGS = (
    "++savecfg 0",
    "++mode 1",
    "++auto 0",
    "++eos 3",
    "++eoi 1",
    "++eot_enable 0",
    "++read_tmo_ms 3000",
)
"""Controller; never reads by itself; adds no terminator, asserts EOI; a read may take 3 s, its most (2.4.8)."""

ADDRESS_MAX = 30


class PrologixBus:
    """Makes the lines to a box and its devices, and keeps what comes until somebody can read it."""

    def __init__(self) -> None:
        self._come = b""

    def settings(self) -> bytes:
        """Return what is said first on a new link."""
        return "".join(f"{line}\n" for line in BOX_SETTINGS).encode("ascii")

    def write(self, address: int, data: bytes) -> bytes:
        """Return the bytes that send data to a device."""
        return self._to(address) + prologix_data(data)

    def poll(self, address: int) -> bytes:
        """Return the bytes that ask for a device's status byte."""
        return self._to(address) + b"++spoll\n"

    def read(self, address: int) -> bytes:
        """Return the bytes that ask for a device's reply."""
        return self._to(address) + b"++read eoi\n"

    def feed(self, data: bytes) -> bytes:
        """Take what has come; return all that nobody has read. Raises WireError when it is too much."""
        self._come += data
        if len(self._come) > REPLY_MAX_BYTES:
            self.taken()
            raise WireError("bytes without an end", data=data, rule="reply length")
        return self._come

    def taken(self) -> None:
        """Say that what has come has been read, or that nobody wants it."""
        self._come = b""

    @staticmethod
    def _to(address: int) -> bytes:
        if not 0 <= address <= ADDRESS_MAX:
            raise UsageError(f"GPIB addresses are 0 to {ADDRESS_MAX}, not {address}", operation="address")
        return f"++addr {address}\n".encode("ascii")


class PromptLine:
    """One RS-232 line to a 273A: a command, then whatever it replies, then its prompt."""

    def __init__(self) -> None:
        self._come = b""
        self._waiting = False

    def command(self, data: bytes) -> bytes:
        """Return the bytes of a command. Raises: UsageError while the last one has no prompt yet."""
        if self._waiting:
            raise UsageError("the last command has no prompt yet", operation="command")
        self._waiting = True
        self._come = b""
        return data

    def feed(self, data: bytes) -> Prompted | None:
        """Return reply and prompt once the prompt has come. Raises WireError for more than a reply can be."""
        if not self._waiting:
            return None
        self._come += data
        for at, byte in enumerate(self._come):
            if byte in b"*?":
                text, self._come, self._waiting = self._come[:at], b"", False
                return Prompted(text, accepted=byte == ord("*"))
        if len(self._come) > REPLY_MAX_BYTES:
            self.forget()
            raise WireError("bytes without a prompt", data=data, rule="2.4.2: RS-232")
        return None

    def forget(self) -> None:
        """Forget what was asked and what has come."""
        self._come = b""
        self._waiting = False
