"""Switch oddities and faults of a BTS installation on and off (neware-bts 1.4, 7.2.16; faults F01 to F14).

Two kinds: **switches** change what the device says or stores and last until they are switched off; **wire
faults** hit the next replies and are link-time matters of the server shell.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from labctl.errors import UserInputError


class WireFaultKind(StrEnum):
    """What happens to a reply on its way (F01 to F07)."""

    DROP = "drop"  # the connection is closed after `bytes` bytes of the reply
    HANG = "hang"  # no reply; the connection stays open
    LATE = "late"  # the reply comes `delay_s` of link time later
    GARBLE = "garble"  # one byte is changed, at `bytes`
    SPLIT = "split"  # the reply comes in pieces of `bytes` bytes
    DUPLICATE = "duplicate"  # the reply comes twice
    MERGE = "merge"  # the reply waits and comes glued to the next one
    NOISE = "noise"  # `bytes` bytes of garbage come first


@dataclass(slots=True)
class WireFault:
    """One armed wire fault: it hits the next ``count`` replies to ``command`` (empty: to any)."""

    kind: WireFaultKind
    count: int = 1
    command: str = ""
    bytes: int = 10
    delay_s: float = 1.0


@dataclass(frozen=True, slots=True)
class Outgoing:
    """What the server shell shall do with one reply."""

    pieces: tuple[bytes, ...]
    delay_s: float = 0.0
    close: bool = False


class WireFaults:
    """Armed wire faults of one instrument, applied in the order of arming. ``commands`` are those that it answers."""

    def __init__(self, commands: Collection[str], owner: str = "Neware server") -> None:
        self._commands = commands
        self._owner = owner
        self._armed: list[WireFault] = []

    def arm(self, request: Mapping[str, object]) -> None:
        """Arm a wire fault from an admin request: kind, count, command, bytes, delay_s.

        Raises: UserInputError for values that are no numbers, and for a command that the instrument does not have.
        """
        command = str(request.get("command", ""))
        if command and command not in self._commands:
            known = ", ".join(sorted(self._commands))
            raise UserInputError(f"A {self._owner} has no command {command!r}; known are {known}.")
        try:
            fault = WireFault(
                WireFaultKind(str(request["kind"])),
                int(str(request.get("count", 1))),
                command,
                int(str(request.get("bytes", 10))),
                float(str(request.get("delay_s", 1.0))),
            )
        except ValueError as error:
            raise UserInputError(f"This is not a wire fault: {error}.") from error
        self._armed.append(fault)

    def disarm(self, kind: WireFaultKind) -> None:
        """Forget the armed faults of a kind."""
        self._armed = [fault for fault in self._armed if fault.kind is not kind]

    def clear(self) -> None:
        """Forget all armed faults."""
        self._armed.clear()

    def on(self, command: str, reply: bytes) -> tuple[Outgoing, bool]:
        """Return what to do with a reply, and whether it is to be glued to the next one."""
        for fault in self._armed:
            if fault.command in ("", command):
                fault.count -= 1
                if fault.count <= 0:
                    self._armed.remove(fault)
                return _spoil(fault, reply), fault.kind is WireFaultKind.MERGE
        return Outgoing((reply,)), False


def _spoil(fault: WireFault, reply: bytes) -> Outgoing:
    size = max(1, fault.bytes)
    if fault.kind is WireFaultKind.DROP:
        return Outgoing((reply[: fault.bytes],), close=True)
    if fault.kind is WireFaultKind.HANG:
        return Outgoing(())
    if fault.kind is WireFaultKind.LATE:
        return Outgoing((reply,), delay_s=fault.delay_s)
    if fault.kind is WireFaultKind.GARBLE:
        place = min(fault.bytes, len(reply) - 1)
        return Outgoing((reply[:place] + bytes([reply[place] ^ 0x15]) + reply[place + 1 :],))
    if fault.kind is WireFaultKind.SPLIT:
        return Outgoing(tuple(reply[at : at + size] for at in range(0, len(reply), size)))
    if fault.kind is WireFaultKind.DUPLICATE:
        return Outgoing((reply, reply))
    if fault.kind is WireFaultKind.NOISE:
        return Outgoing((b"\xff\x00<#" * (size // 4 + 1) + reply,))
    return Outgoing((reply,))


@dataclass(slots=True)
class Switches:
    """What the installation does differently from the default; each is a setting or an injected fault."""

    wrong_subdevid: bool = False
    modern_client: bool = False
    extra_attributes: bool = False
    right_spelling: bool = False
    login_required: bool = False
    username: str | None = None
    password: str | None = None
    upload_lag_ticks: int = 0
    late_count: int = 0
    new_channel_word: str = "finish"
    unknown_command_result: str = "false"
    extra: dict[str, str] = field(default_factory=dict)


DEVICE_FAULTS: Sequence[str] = (
    "reboot", "open_contact", "freeze", "clamp", "bad_value", "counter_reset", "cap_reset", "cap_wrap",
    "cap_forget", "overrun", "clock_jump", "upload_lag", "late_count", "wrong_subdevid", "extra_attributes",
    "modern_client", "right_spelling", "protect", "clear",
)  # fmt: skip
"""Fault kinds of the admin link's ``fault`` that change the device itself."""


def known_kind(kind: str) -> str:
    """Return the kind.

    Raises: UserInputError naming the known kinds.
    """
    wire = [item.value for item in WireFaultKind]
    if kind not in DEVICE_FAULTS and kind not in wire:
        known = ", ".join(sorted([*DEVICE_FAULTS, *wire]))
        raise UserInputError(f"A Neware server has no fault {kind!r}; known are {known}.")
    return kind
