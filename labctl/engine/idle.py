"""Reads channels that no run owns, every few seconds of link time: what a person sees of an idle bench.

It also notices that a link is gone when nothing else would ask, and brings it back.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Iterable

from labctl.clock import Clock
from labctl.engine.instrument import InstrumentTask
from labctl.engine.jobs import StopSignal
from labctl.engine.link import Detached
from labctl.engine.listening import EngineListener
from labctl.engine.waiting import Wake, until_or_event
from labctl.errors import InstrumentError, UnknownStateError
from labctl.interfaces.cycler import LiveReading
from labctl.model.bench import ChannelStatus, LinkState
from labctl.model.ids import ChannelId
from labctl.worker import Worker

log = logging.getLogger(__name__)

SILENT = "unknown"
"""The state of a channel that has not been read yet."""


class IdleWatch:
    """Watches the idle channels of one instrument."""

    def __init__(
        self,
        task: InstrumentTask,
        clock: Clock,
        stop: StopSignal,
        listener: EngineListener,
        is_used: Callable[[ChannelId], bool],
        every_s: float,
        worker: Worker,
    ) -> None:
        self._task = task
        self._clock = clock
        self._stop = stop
        self._listener = listener
        self._is_used = is_used
        self._every_s = every_s
        self._worker = worker
        self._wake = Wake()
        self._told = ""
        self._known: dict[ChannelId, ChannelStatus] = {}
        stop.attach(self._wake)

    def statuses(self, named: Iterable[ChannelId]) -> list[ChannelStatus]:
        """Return every channel of the instrument as last told; ``named`` are those that a file knows of."""
        name = f"{self._task.instrument.name}:"
        channels = [*self._task.instrument.channels, *(item for item in named if item.startswith(name))]
        known = self._known
        return [
            known[channel] if channel in known else ChannelStatus(channel, SILENT)
            for channel in dict.fromkeys(channels)
        ]

    async def serve(self) -> None:
        """Read every few seconds until the person leaves."""
        while not self._stop.detached:
            if self._task.outages.state is LinkState.LIVE:
                try:
                    await self._read()
                except Detached:
                    return
                except UnknownStateError:
                    self._task.wake.set()  # another instrument answers: the task hears the same and holds its runs
                except InstrumentError as error:
                    self._task.outages.text = str(error)
                except Exception as error:  # the channels with a run must not suffer for it (P7)
                    await self._broken(error)
                else:
                    self._told = ""
            if not self._stop.detached:
                self._wake.clear()
                await until_or_event(self._clock.link.sleep(self._every_s), self._wake)

    async def _broken(self, error: Exception) -> None:
        """Tell of a fault of ours once, and go on. Raises: what the clock says where plant time itself has ended."""
        await self._clock.plant.sleep(0.0)
        text = f"idle channels are not read: internal error, a bug in labctl: {type(error).__name__}: {error}"
        if text != self._told:
            self._told = self._task.outages.text = text
            log.exception("instrument=%s its idle channels are not read", self._task.instrument.name)
            self._listener.instrument(self._task.outages.status(self._task.link))

    async def _read(self) -> None:
        instrument = self._task.instrument
        idle = [
            (channel, place)
            for channel, place in zip(instrument.channels, instrument.places, strict=True)
            if not self._is_used(channel)
        ]
        if not idle:
            return
        places = [place for _, place in idle]
        readings = await self._task.link.read(lambda: instrument.cycler.live(places))
        utc = self._clock.plant.utc().isoformat(timespec="seconds")
        fresh = [_status(channel, live, utc) for (channel, _), live in zip(idle, readings, strict=True)]
        self._known.update({status.channel: status for status in fresh})
        self._listener.channels(fresh)
        if instrument.wire is not None:
            await instrument.wire.flush(self._worker)


def _status(channel: ChannelId, live: LiveReading, utc: str) -> ChannelStatus:
    return ChannelStatus(
        channel,
        live.state.value,
        voltage_V=live.voltage_V if math.isfinite(live.voltage_V) else math.nan,
        current_A=live.current_A,
        seen_utc=utc,
    )
