# Made from labctl/api/client/aio/bench.py by `python -m labctl.api.client.generate`.
"""Instruments, channels and chambers of a station."""

from __future__ import annotations

from labctl.api.client import routes
from labctl.api.client.sync.link import Link
from labctl.api.messages import Confirmed, LoadCell, NewDevice, Reason, SetChamber, SetReady
from labctl.model.bench import ChamberStatus, ChannelStatus, InstrumentStatus, TriedDevice
from labctl.model.limitsnow import LimitsNow
from labctl.model.rawframe import FramePage


class Instruments:
    """The instruments with their links."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def list(self) -> tuple[InstrumentStatus, ...]:
        """Return every instrument as it stands."""
        return self._link.call(routes.INSTRUMENTS)

    def ping(self, name: str) -> str:
        """Ask an instrument who it is; returns its own words."""
        return (self._link.call(routes.INSTRUMENT_PING, name)).text

    def ask_new(self, lines: str) -> TriedDevice:
        """Ask an instrument that the station does not have yet who it is; drives nothing.

        ``lines`` are as they would stand in the station file: ``instruments:`` and one entry below it.
        """
        return self._link.call(routes.NEW_INSTRUMENT_ASK, body=NewDevice(lines))

    def add(self, lines: str, *, reason: str = "") -> str:
        """Write an instrument into the station file; returns what is to be done next. Lines as of ``ask_new``."""
        return (self._link.call(routes.NEW_INSTRUMENT_ADD, body=NewDevice(lines, reason))).text

    def frames(self, name: str, *, until: str = "", before: str = "", limit: int = 50) -> FramePage:
        """Return raw frames of an instrument's links, newest first.

        ``until`` is the latest moment (ISO 8601), ``before`` the ``earlier`` of a page: what came before it.
        """
        query = {"until": until or None, "before": before or None, "limit": limit}
        return self._link.call(routes.INSTRUMENT_FRAMES, name, query=query)


class Channels:
    """The places where cells sit."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def list(self) -> tuple[ChannelStatus, ...]:
        """Return every channel as it stands."""
        return self._link.call(routes.CHANNELS)

    def get(self, channel: str) -> ChannelStatus:
        """Return one channel."""
        return self._link.call(routes.CHANNEL, channel)

    def limits(self, channel: str) -> LimitsNow:
        """Return the limits that bind a channel now: of its run in the present step, or of a start."""
        return self._link.call(routes.CHANNEL_LIMITS, channel)

    def load(self, channel: str, cell_id: str, *, reason: str = "") -> ChannelStatus:
        """Say that a cell sits in the channel now."""
        return self._link.call(routes.CHANNEL_LOAD, channel, body=LoadCell(cell_id, reason))

    def eject(self, channel: str, *, reason: str = "") -> ChannelStatus:
        """Say that the channel is empty now."""
        return self._link.call(routes.CHANNEL_EJECT, channel, body=Reason(reason))

    def set_ready(self, channel: str, ready: bool = True) -> ChannelStatus:
        """Say whether the queue may start in the channel."""
        return self._link.call(routes.CHANNEL_READY, channel, body=SetReady(ready))

    def reset(self, channel: str, *, reason: str, confirm: str = "") -> ChannelStatus:
        """Reset what a failure left: the lane, and a trip, which needs the channel's name in ``confirm``."""
        return self._link.call(routes.CHANNEL_RESET, channel, body=Confirmed(reason, confirm))

    def frames(self, channel: str, *, until: str = "", before: str = "", limit: int = 50) -> FramePage:
        """Return raw frames of an instrument that name a channel, newest first.

        ``until`` is the latest moment (ISO 8601), ``before`` the ``earlier`` of a page: what came before it.
        """
        query = {"until": until or None, "before": before or None, "limit": limit}
        return self._link.call(routes.CHANNEL_FRAMES, channel, query=query)


class Chambers:
    """The temperature chambers."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def list(self) -> tuple[ChamberStatus, ...]:
        """Return every chamber as last read."""
        return self._link.call(routes.CHAMBERS)

    def set(self, name: str, setpoint_degC: float, *, ramp_K_per_min: float | None = None) -> str:
        """Give a chamber a set point; no ramp = the chamber's own. Returns the station's sentence.

        Raises: UserInputError while runs need it at another temperature, or where the chamber cannot do it.
        """
        body = SetChamber(setpoint_degC, ramp_K_per_min)
        return (self._link.call(routes.CHAMBER_SET, name, body=body)).text

    def off(self, name: str) -> str:
        """Switch a chamber off; returns the station's sentence."""
        return (self._link.call(routes.CHAMBER_OFF, name)).text

    def frames(self, name: str, *, until: str = "", before: str = "", limit: int = 50) -> FramePage:
        """Return raw frames of a chamber's links, newest first.

        ``until`` is the latest moment (ISO 8601), ``before`` the ``earlier`` of a page: what came before it.
        """
        query = {"until": until or None, "before": before or None, "limit": limit}
        return self._link.call(routes.CHAMBER_FRAMES, name, query=query)
