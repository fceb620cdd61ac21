"""What the engine tells while it works. All calls are cheap, on the event loop, and never wait."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from labctl.engine.jobs import Observer, Progress, RunResult
from labctl.engine.machines.findings import Finding
from labctl.model.bench import ChamberStatus, ChannelStatus, InstrumentStatus
from labctl.model.handover import HandoverStatus, PotentiostatStatus, SpectrumEntry
from labctl.model.record import RecordBlock


class EngineListener(Protocol):
    """Hears what happens on the bench."""

    def progress(self, progress: Progress) -> None:
        """Hear how a run stands: at each poll and change of phase."""

    def finding(self, run_id: str, channel: str, finding: Finding) -> None:
        """Hear a finding of a run, once."""

    def rows(self, run_id: str, block: RecordBlock, *, backfilled: bool = False) -> None:
        """Hear rows: durable ones only, in order, each once in this process; ``backfilled``: after an outage."""

    def ended(self, result: RunResult) -> None:
        """Hear that a run has ended, or is followed no more (``outcome`` None: held, or store trouble)."""

    def instrument(self, status: InstrumentStatus) -> None:
        """Hear that an instrument's link has changed."""

    def channels(self, statuses: Sequence[ChannelStatus]) -> None:
        """Hear what channels without a run read, and what the instrument says of them."""

    def chamber(self, status: ChamberStatus) -> None:
        """Hear a chamber's reading."""

    def potentiostat(self, status: PotentiostatStatus) -> None:
        """Hear how a potentiostat stands: its link, its readings while nobody uses it, each point of a spectrum."""

    def handover(self, status: HandoverStatus | None, run_id: str) -> None:
        """Hear where a run's cell is on its way to a potentiostat and back; None: the cycler has it again."""

    def spectrum(self, entry: SpectrumEntry) -> None:
        """Hear how a spectrum of a run has ended; an empty id: there is nothing of it."""


class Silent:
    """Listens to nothing; a base for listeners that hear only some things."""

    def progress(self, progress: Progress) -> None:
        """Ignore it."""

    def finding(self, run_id: str, channel: str, finding: Finding) -> None:
        """Ignore it."""

    def rows(self, run_id: str, block: RecordBlock, *, backfilled: bool = False) -> None:
        """Ignore them."""

    def ended(self, result: RunResult) -> None:
        """Ignore it."""

    def instrument(self, status: InstrumentStatus) -> None:
        """Ignore it."""

    def channels(self, statuses: Sequence[ChannelStatus]) -> None:
        """Ignore them."""

    def chamber(self, status: ChamberStatus) -> None:
        """Ignore it."""

    def potentiostat(self, status: PotentiostatStatus) -> None:
        """Ignore it."""

    def handover(self, status: HandoverStatus | None, run_id: str) -> None:
        """Ignore it."""

    def spectrum(self, entry: SpectrumEntry) -> None:
        """Ignore it."""


class ProgressOnly(Silent):
    """Hands progress to an observer; the rest is nobody's business."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer

    def progress(self, progress: Progress) -> None:
        """Hand it on."""
        self._observer(progress)
