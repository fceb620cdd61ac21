"""Tells the runs of an instrument, and whoever listens, what its link does."""

from __future__ import annotations

from collections.abc import Sequence

from labctl.engine.link import InstrumentLink
from labctl.engine.listening import EngineListener
from labctl.engine.machines.findings import Finding, Priority
from labctl.engine.machines.life import Phase
from labctl.engine.run import Run
from labctl.errors import InstrumentError
from labctl.model.bench import InstrumentStatus, LinkState


class Outages:
    """Hears the link of one instrument. ``state`` is what is known of it now."""

    def __init__(self, runs: Sequence[Run], listener: EngineListener, state: LinkState) -> None:
        self.state = state
        self.text = ""
        self._runs = runs
        self._listener = listener
        self._link: InstrumentLink | None = None

    def opening(self, link: InstrumentLink, text: str = "") -> None:
        """Say that the instrument is being opened; from then on each change of the link is told."""
        self._link = link
        self._tell(LinkState.HELD if text else LinkState.OPENING, text)

    def live(self) -> None:
        """Say that the instrument answers."""
        self._tell(LinkState.LIVE, "")

    def foreign(self, text: str) -> None:
        """Say that another instrument answers at this place: nothing is sent to it."""
        self._tell(LinkState.HELD, text)

    def status(self, link: InstrumentLink) -> InstrumentStatus:
        """Return how the instrument stands."""
        instrument = link.instrument
        silence = ""
        if instrument.places:
            try:
                silence = str(instrument.cycler.capabilities(instrument.places[0]).silence)
            except InstrumentError as error:  # its station file lines do not say what it can do
                silence = str(error)
        return InstrumentStatus(
            name=instrument.name,
            driver=instrument.driver,
            resource=instrument.resource,
            link=self.state,
            identity=instrument.identity,
            text=self.text or link.problem,
            channels=instrument.channels,
            poll_s=instrument.poll_s,
            silence=silence,
        )

    def _tell(self, state: LinkState, text: str) -> None:
        self.state, self.text = state, text
        if self._link is not None:
            self._listener.instrument(self.status(self._link))

    # -- what the link says -----------------------------------------------------------------------------------------

    async def link_lost(self, error: InstrumentError) -> None:
        """Mark the runs STALE: one event each, durable at once; the device goes on."""
        self._tell(LinkState.STALE, str(error))
        out_of = (Phase.RUNNING, Phase.PAUSED)
        await self._all_to(Phase.STALE, out_of, "link.lost", Priority.EVENT, f"link lost: {error}")

    async def link_unknown(self, lasted_s: float) -> None:
        """Mark the runs UNKNOWN: they have been out of sight for longer than I10 allows."""
        text = f"nothing known of the channel for {lasted_s:.0f} s"
        self._tell(LinkState.UNKNOWN, text)
        await self._all_to(Phase.UNKNOWN, (Phase.STALE,), "link.unknown", Priority.HIGH, text)

    async def link_back(self, lasted_s: float) -> None:
        """Go on where the device stands; what it did meanwhile is fetched next."""
        self._tell(LinkState.LIVE, "")
        text = f"link back after {lasted_s:.0f} s"
        await self._all_to(Phase.RUNNING, (Phase.STALE, Phase.UNKNOWN), "link.back", Priority.EVENT, text)

    async def link_garbled(self, error: InstrumentError) -> None:
        """Note that an answer could not be used and is asked for again (F05): no fault is swallowed (P8)."""
        for run in self._runs:
            if not run.over:
                run.event("reply.garbled", text=str(error))

    async def _all_to(
        self, phase: Phase, out_of: tuple[Phase, ...], kind: str, priority: Priority, text: str
    ) -> None:
        for run in list(self._runs):
            if run.over or run.test_id is None or run.is_away:
                continue
            run.note(Finding(kind, priority, text, None, ""))
            if run.phase in out_of:
                run.life.to(phase)  # the manifest's word stays "running"
            await run.commit()
            self._listener.progress(run.progress())
