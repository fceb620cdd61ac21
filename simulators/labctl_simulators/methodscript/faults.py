"""Faults of a MethodSCRIPT potentiostat and of its link, injected by name through the admin link.

**Link faults** hit the next lines that the instrument says, after ``after`` lines that pass unharmed, so that a fault
can fall into the middle of a sweep. **Device faults** change the instrument itself. Source: safety-and-faults.md F01 to
F08, potentiostat.md 2.1.6 and section 5.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from labctl.errors import UserInputError
from labctl_simulators.neware.faults import Outgoing

FLOW_NOISE = b"\x11\r\x13"


class LinkFaultKind(StrEnum):
    """What happens to a line on its way."""

    DROP = "drop"  # the link ends after `bytes` bytes of the line
    SILENT = "silent"  # the line is lost
    LATE = "late"  # it comes `delay_s` of link time later, and all that follows behind it
    GARBLE = "garble"  # one byte is changed, at `bytes`
    SPLIT = "split"  # it comes in pieces of `bytes` bytes
    MERGE = "merge"  # it waits and comes glued to the next one
    DUPLICATE = "duplicate"  # it comes twice
    FLOW = "flow"  # XON, CR and XOFF stand in the middle of it


class DeviceFault(StrEnum):
    """What is wrong with the instrument."""

    CRITICAL_OVERLOAD = "critical_overload"  # 0032 at the next point; the cell opens by itself
    OSCILLATING = "oscillating"  # 0080 at the next point; the cell stays on
    TIMING = "timing"  # the timing flag on the next `count` points
    BOOTLOADER = "bootloader"  # it has come up as a bootloader
    WELDED = "welded"  # the cell relay no longer opens
    OPEN_LEAD = "open_lead"
    SHORT_LEAD = "short_lead"
    POWER_CUT = "power_cut"  # it restarts: script gone, cell off


@dataclass(slots=True)
class LinkFault:
    """One armed link fault: it hits ``count`` lines once ``after`` lines have passed."""

    kind: LinkFaultKind
    after: int = 0
    count: int = 1
    bytes: int = 5
    delay_s: float = 1.0


def known_kind(kind: str) -> LinkFaultKind | DeviceFault:
    """Return the fault of a name. Raises: UserInputError naming the known ones."""
    for group in (LinkFaultKind, DeviceFault):
        if kind in group.__members__.values():
            return group(kind)
    known = ", ".join(sorted([*LinkFaultKind, *DeviceFault, "clear"]))
    raise UserInputError(f"A MethodSCRIPT potentiostat has no fault {kind!r}; known are {known}.")


class LinkFaults:
    """Armed link faults of one instrument, applied in the order of arming."""

    def __init__(self) -> None:
        self._armed: list[LinkFault] = []
        self._held = b""

    def arm(self, kind: LinkFaultKind, request: Mapping[str, object]) -> None:
        """Arm a link fault from an admin request: after, count, bytes, delay_s. Raises: UserInputError."""
        try:
            fault = LinkFault(
                kind,
                int(str(request.get("after", 0))),
                int(str(request.get("count", 1))),
                int(str(request.get("bytes", 5))),
                float(str(request.get("delay_s", 1.0))),
            )
        except ValueError as error:
            raise UserInputError(f"This is not a link fault: {error}.") from error
        self._armed.append(fault)

    def disarm(self, kind: LinkFaultKind) -> None:
        """Forget the armed faults of a kind."""
        self._armed = [fault for fault in self._armed if fault.kind is not kind]

    def clear(self) -> None:
        """Forget all armed faults; a line that waits goes out with the next one."""
        self._armed.clear()

    def on(self, line: bytes) -> Outgoing | None:
        """Return what goes out instead of a line; None when nothing does."""
        out: Outgoing | None = Outgoing((line,))
        for fault in list(self._armed):
            if fault.after > 0:
                fault.after -= 1
                continue
            fault.count -= 1
            if fault.count <= 0:
                self._armed.remove(fault)
            if fault.kind is LinkFaultKind.MERGE:
                self._held += line
                return None
            out = _spoiled(fault, line)
            break
        if out is not None and self._held:
            first, *rest = out.pieces or (b"",)
            out = Outgoing((self._held + first, *rest), out.delay_s, out.close)
            self._held = b""
        return out


def _spoiled(fault: LinkFault, line: bytes) -> Outgoing | None:
    size = max(1, fault.bytes)
    middle = len(line) // 2
    if fault.kind is LinkFaultKind.DROP:
        return Outgoing((line[: fault.bytes],), close=True)
    if fault.kind is LinkFaultKind.SILENT:
        return None
    if fault.kind is LinkFaultKind.LATE:
        return Outgoing((line,), delay_s=fault.delay_s)
    if fault.kind is LinkFaultKind.GARBLE:
        place = min(fault.bytes, max(0, len(line) - 2))
        return Outgoing((line[:place] + bytes([line[place] ^ 0x15]) + line[place + 1 :],))
    if fault.kind is LinkFaultKind.SPLIT:
        return Outgoing(tuple(line[at : at + size] for at in range(0, len(line), size)))
    if fault.kind is LinkFaultKind.DUPLICATE:
        return Outgoing((line, line))
    return Outgoing((line[:middle] + FLOW_NOISE + line[middle:],))
