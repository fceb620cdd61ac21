"""Reads decoded replies as the driver needs them: of the kind that was asked for, acknowledged, without gaps."""

from __future__ import annotations

from typing import TypeVar

from labctl.errors import RefusedError, WireError
from labctl.interfaces.cycler import LiveReading, Place
from labctl.model.record import DeviceBlock
from labctl_drivers.neware import messages as m
from labctl_drivers.neware.session import SEE_CLIENT_LOG
from labctl_drivers.neware.words import state_of

_Reply = TypeVar("_Reply")


def expect(kind: type[_Reply], reply: m.Reply) -> _Reply:
    """Narrow a reply to the kind its request has. Raises: WireError."""
    if not isinstance(reply, kind):
        raise WireError(f"a {type(reply).__name__} where a {kind.__name__} belongs", rule="2 reply layout")
    return reply


def up_to_gap(block: DeviceBlock) -> DeviceBlock:
    """Return the rows before the first missing record number."""
    sequence = block["device_sequence"]
    breaks = (sequence[1:] != sequence[:-1] + 1).nonzero()[0]
    return block.rows(0, int(breaks[0]) + 1) if len(breaks) else block


def insist_on_ok(instrument: str, request: m.ListRequest, reply: m.Reply) -> None:
    """Raise RefusedError unless the one asked channel answered ``ok``."""
    (row,) = expect(m.AcknowledgeReply, reply).rows
    if (error := refusal(instrument, request.command, request.addresses[0].place, row)) is not None:
        raise error


def refusal(instrument: str, command: str, place: Place, row: m.AcknowledgeRow) -> RefusedError | None:
    """Return what a row says against a write command, None for ``ok``."""
    if row.word == m.OK:
        return None
    return RefusedError(
        f"channel {place} answered {row.word!r}; {SEE_CLIENT_LOG}",
        vendor_text=row.word,
        instrument=instrument,
        operation=command,
    )


def live_reading(place: Place, row: m.InquireRow) -> LiveReading:
    """Translate a live row; its 0.1 mA and 0.1 mV make every value coarse (2.4)."""
    return LiveReading(
        place=place,
        state=state_of(row.word),
        voltage_V=row.voltage_V,
        current_A=row.current_A,
        device_step=row.step,
        device_cycle=row.cycle,
        step_time_s=row.step_time_s,
        test_time_s=row.test_time_s,
        barcode=row.barcode,
        coarse=True,
    )
