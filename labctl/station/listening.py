"""Hears the engine and tells everyone else: feed, hub, pyramid, alarms, forecasts. Decides nothing.

Rows come here only after they are durable (P4). Every call returns at once; whatever needs a disk is left to
the keepers' own tasks.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from labctl.clock import Clock
from labctl.engine.api import Finding, Outcome, Phase, Progress, RunResult
from labctl.model.bench import ChamberStatus, ChannelStatus, InstrumentStatus, LinkState
from labctl.model.handover import HandoverStatus, PotentiostatStatus, SpectrumEntry, Stage
from labctl.model.ids import CellId, ChannelId, RunId
from labctl.model.plain import to_plain
from labctl.model.record import RecordBlock
from labctl.station.advice import Advice
from labctl.station.alarming import AlarmKeeper
from labctl.station.feed import Feed
from labctl.station.forecasts import Forecasts
from labctl.station.latches import Latches
from labctl.station.registry import Registry
from labctl.station.rowshub import RowsHub
from labctl.station.series import SeriesStore

LATCHING = frozenset({Outcome.TRIPPED, Outcome.HELD})
"""Ends after which a person must look before the channel is energised again (I05, section 5)."""

ENDED_KEPT = 500
"""Ended runs whose last state clients still get; older ones are asked for by name."""

SPECTRA_KEPT = 200
"""Newest spectra that clients get with the state; older ones are asked for by cell or run."""


class Listener:
    """What the engine says, turned into the station's state."""

    def __init__(
        self,
        clock: Clock,
        feed: Feed,
        hub: RowsHub,
        series: SeriesStore,
        alarms: AlarmKeeper,
        forecasts: Forecasts,
        registry: Registry,
        latches: Latches,
        advice: Advice,
    ) -> None:
        self._clock = clock
        self._feed = feed
        self._hub = hub
        self._series = series
        self._alarms = alarms
        self._forecasts = forecasts
        self._registry = registry
        self._latches = latches
        self._advice = advice
        self._idle: dict[ChannelId, ChannelStatus] = {}
        self._rooms: dict[ChannelId, ChamberStatus] = {}
        self._runs: dict[ChannelId, Progress] = {}
        self._channels: dict[str, ChannelId] = {}  # of the runs
        self._cells: dict[str, CellId] = {}
        self._ended: deque[str] = deque()
        self._spectra: deque[str] = deque()
        self._asked: dict[str, HandoverStatus] = {}  # by run: the person who moves leads is waited for
        self.lane: Callable[[ChannelId], str] = lambda channel: ""
        self.job_of: Callable[[str], Any] = lambda run_id: None
        self.on_ended: list[Callable[[RunResult], None]] = []
        self.on_progress: list[Callable[[Progress], None]] = []
        self.on_trip: list[Callable[[ChannelId, str], None]] = []
        self.on_dirty: Callable[[str], None] = lambda run_id: None

    # -- what the engine says ---------------------------------------------------------------------------------------

    def progress(self, progress: Progress) -> None:
        """Take how a run stands; when it ends its forecast says, which is better than the program's estimate."""
        if progress.phase is not Phase.ENDED:
            left_s = self._forecasts.left_s(progress.run_id, progress.test_time_s)
            progress = progress if left_s is None else replace(progress, eta_s=left_s)
        before = self._runs.get(progress.channel)
        self._runs[progress.channel] = progress
        self._channels[progress.run_id] = progress.channel
        if before is None or before.run_id != progress.run_id or before.phase is not progress.phase:
            self.on_dirty(progress.run_id)
        if progress.phase is Phase.ENDED:
            self._runs.pop(progress.channel, None)
        self._feed.publish("run", progress.run_id, to_plain(progress))
        self.refresh(progress.channel)
        for call in self.on_progress:
            call(progress)

    def finding(self, run_id: str, channel: str, finding: Finding) -> None:
        """Take a finding: an event for the feed, an alarm where a person must act."""
        cell = str(self._cells.get(run_id, ""))
        self._event(
            finding.kind, finding.text, finding.priority.value, run_id=run_id, channel=channel, cell=cell
        )
        self._alarms.finding(run_id, channel, cell, finding)  # events too: some end an alarm

    def rows(self, run_id: str, block: RecordBlock, *, backfilled: bool = False) -> None:
        """Take rows that are durable; the curve shows which of them were fetched after an outage."""
        self._series.append(run_id, block, backfilled=backfilled)
        self._hub.publish(run_id, block, backfilled=backfilled)
        found = self._forecasts.feed(run_id, block)
        if found:
            self.advise(run_id, self._channels.get(run_id, ChannelId("")), found)

    def advise(self, run_id: str, channel: ChannelId, findings: Sequence[Finding]) -> None:
        """Take early warnings, from live rows or from stored ones; what was told before is told no more."""
        for finding in self._advice.news(run_id, findings):
            self.finding(run_id, channel, finding)
            self.on_dirty(run_id)  # it is written down soon

    def ended(self, result: RunResult) -> None:
        """Take the end of a run, or that it is followed no more."""
        channel = result.channel
        self._runs.pop(channel, None)
        self._channels.pop(result.run_id, None)
        self._forget_old(result.run_id)
        if result.outcome in LATCHING or (result.outcome is None and result.reason.startswith("held")):
            self.latch(channel, f"run {result.run_id}: {result.reason}")
        self._forecasts.forget(result.run_id)
        self._advice.forget(result.run_id)
        self._series.ended(result.run_id)
        if result.outcome is not None:
            self._alarms.run_over(result.run_id)
        self._event(
            "run.ended", result.reason, "event", run_id=result.run_id, channel=channel, cell=result.cell
        )
        self.on_dirty(result.run_id)
        for call in self.on_ended:
            call(result)
        self.refresh(channel)

    def _forget_old(self, run_id: str) -> None:
        """Keep how the last ended runs stood for clients that were away, and not those of months (I14)."""
        self._cells.pop(run_id, None)
        self._ended.append(run_id)
        if len(self._ended) > ENDED_KEPT:
            oldest = self._ended.popleft()
            if self.progress_of(oldest) is None:
                self._feed.publish("run", oldest, None)

    def instrument(self, status: InstrumentStatus) -> None:
        """Take how an instrument's link stands."""
        self._feed.publish("instrument", status.name, to_plain(status))
        for definition, states in (
            ("instrument.unknown", (LinkState.UNKNOWN,)),
            ("instrument.held", (LinkState.HELD,)),
        ):
            if status.link in states:
                self._alarms.raise_alarm(definition, status.name, text=f"{status.name}: {status.text}")
            else:
                self._alarms.clear(definition, status.name)

    def channels(self, statuses: Sequence[ChannelStatus]) -> None:
        """Take what idle channels read."""
        for status in statuses:
            self._idle[status.channel] = status
            self.refresh(status.channel)

    def chamber(self, status: ChamberStatus) -> None:
        """Take what a chamber reads."""
        self._feed.publish("chamber", status.name, to_plain(status))
        self._rooms.update(dict.fromkeys(status.channels, status))
        self._latches.note_chamber(status.name, status.tripped)
        if status.state == "stale":
            self._alarms.raise_alarm("chamber.lost", status.name, text=f"{status.name}: {status.text}")
        elif status.state != "opening":
            self._alarms.clear("chamber.lost", status.name)

    def potentiostat(self, status: PotentiostatStatus) -> None:
        """Take how a potentiostat stands."""
        self._feed.publish("potentiostat", status.name, to_plain(status))
        if status.link is LinkState.LIVE:
            self._alarms.clear("potentiostat.lost", status.name)
        elif status.text:
            text = f"{status.name}: {status.text}"
            self._alarms.raise_alarm("potentiostat.lost", status.name, text=text)

    def handover(self, status: HandoverStatus | None, run_id: str) -> None:
        """Take where a run's cell is on its way to a potentiostat and back; None: its cycler has it again."""
        self._feed.publish("handover", run_id, None if status is None else to_plain(status))
        before = self._asked.pop(run_id, None)
        if before is not None and (status is None or not status.asked):
            self._alarms.clear("handover.asked", _way(before))
            self._alarms.clear("eis.ocv_differs", before.channel)
        if status is not None and status.asked:
            self._asked[run_id] = status
            self._alarms.raise_alarm(
                "handover.asked", _way(status), text=status.text, text_zh=_asked_zh(status), channel=status.channel,
                cell=status.cell_id, run_id=run_id,
            )  # fmt: skip

    def spectrum(self, entry: SpectrumEntry) -> None:
        """Take how a spectrum of a run has ended; one of which there is nothing is in the run's events alone."""
        if not entry.spectrum_id:
            return
        self._feed.publish("spectrum", entry.spectrum_id, to_plain(entry))
        if entry.spectrum_id in self._spectra:
            return
        self._spectra.append(entry.spectrum_id)
        if len(self._spectra) > SPECTRA_KEPT:
            self._feed.publish("spectrum", self._spectra.popleft(), None)

    # -- what others ask --------------------------------------------------------------------------------------------

    def begin(self, run_id: str, cell_id: CellId) -> None:
        """Know which cell a run belongs to before the engine speaks of it."""
        self._cells[run_id] = cell_id

    def store_failed(self, subject: str, text: str) -> None:
        """Alarm that something that was done could not be written down."""
        self._alarms.raise_alarm("store.failed", subject, text=text)

    def latch(self, channel: ChannelId, reason: str) -> None:
        """Latch a channel until a person has looked."""
        self._latches.latch_trip(channel, reason)
        for call in self.on_trip:
            call(channel, reason)

    def active(self) -> tuple[Progress, ...]:
        """Return how the live runs stand."""
        return tuple(self._runs.values())

    def progress_of(self, run_id: str) -> Progress | None:
        """Return how a live run stands, None where nobody follows it."""
        channel = self._channels.get(run_id)
        progress = None if channel is None else self._runs.get(channel)
        return progress if progress is not None and progress.run_id == run_id else None

    def busy(self, channel: ChannelId) -> str:
        """Say why the cell of a channel may not be changed now; empty where it may."""
        progress = self._runs.get(channel)
        return "" if progress is None else f"run {progress.run_id} is {progress.phase.value} there"

    def known_channels(self) -> tuple[ChannelId, ...]:
        """Return the channels of which anything is known."""
        return tuple(dict.fromkeys([*self._idle, *self._runs]))

    def status(self, channel: ChannelId) -> ChannelStatus:
        """Return everything about a channel in one place."""
        found = self._idle.get(channel) or ChannelStatus(channel, "unknown")
        progress = self._runs.get(channel)
        cell_id = self._registry.loaded(channel)
        found = replace(
            found,
            cell_id=cell_id or "",
            cell_name="" if cell_id is None else self._registry.cell(cell_id).name,
            ready=self._registry.ready(channel),
            lane=self.lane(channel),
            tripped=self._latches.tripped.get(channel, ""),
            temperature_degC=self._temperature_degC(channel),
        )
        if progress is None:
            return found
        return replace(
            found,
            state=progress.phase.value,
            run_id=progress.run_id,
            job_id=self.job_of(progress.run_id),
            protocol=progress.protocol,
            voltage_V=progress.voltage_V,
            current_A=progress.current_A,
            cycle=progress.cycle,
            cycles=progress.cycles,
            sentence=progress.note or progress.sentence,
            ends=self._forecasts.ends(progress.run_id, progress.test_time_s),
            rows=progress.rows,
            test_time_s=progress.test_time_s,
            seen_utc=self._clock.plant.utc().isoformat(timespec="seconds"),
            step_number=progress.step.number,
            steps=progress.step.count,
            step_kind=progress.step.kind,
            step_time_s=progress.step.time_s,
            step_left_s=progress.step.left_s,
            held_how=progress.hold.how,
            held_by=progress.hold.by,
            held_utc=progress.hold.utc,
        )

    def _temperature_degC(self, channel: ChannelId) -> float:
        """Return what the chamber around a channel last read; NaN where there is none, or it does not answer."""
        room = self._rooms.get(channel)
        return math.nan if room is None or room.state == "stale" else room.temperature_degC

    def refresh(self, channel: ChannelId) -> None:
        """Publish a channel anew."""
        self._feed.publish("channel", channel, to_plain(self.status(channel)))

    def tell(self, kind: str, text: str) -> None:
        """Tell everyone who listens of an event that is of no run and of no channel."""
        self._event(kind, text, "event", run_id="", channel="", cell="")

    def _event(
        self, kind: str, text: str, priority: str, *, run_id: RunId | str, channel: str, cell: str
    ) -> None:
        utc = self._clock.plant.utc().isoformat(timespec="milliseconds")
        self._feed.publish(
            "event",
            kind,
            {"kind": kind, "utc": utc, "text": text, "priority": priority, "run_id": run_id, "channel": channel,
             "cell": cell},
        )  # fmt: skip


def _way(status: HandoverStatus) -> str:
    """Return what the alarm is about: there and back are two, or a short spectrum would chatter."""
    return f"{status.channel}/back" if status.stage is Stage.TO_CYCLER else status.channel


def _asked_zh(status: HandoverStatus) -> str:
    """Return what the person who moves leads is asked, in Chinese."""
    there, back = f"通道 {status.channel}", f"恒电位仪 {status.potentiostat}"
    if status.stage is not Stage.TO_CYCLER:
        there, back = back, there
    text = f"请将 {status.cell_name} 的导线从{back}移到{there}，然后确认。"
    return f"{text}{status.trouble}" if status.trouble else text
