"""Leads one cell to a potentiostat and back, stage by stage; each is journalled before it is entered.

What goes wrong leaves the cell in its stage, with everything off, and is tried again or asked of a person: a stage
begins with looking at what is there, so doing it twice is harmless. Only a multiplexer that nobody is sure of, or a
channel that somebody else uses, ends that: the run is held.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial, reduce

from labctl.clock import Clock
from labctl.engine import hooks
from labctl.engine.attended import Taken, measured
from labctl.engine.commands import stop_fields
from labctl.engine.gate import Gate
from labctl.engine.jobs import StopSignal
from labctl.engine.leads import Leads, Live, NotYet, read, told_V
from labctl.engine.link import Detached
from labctl.engine.machines.findings import EndDecision, Finding, Outcome, Priority
from labctl.engine.machines.handover import difference
from labctl.engine.station import PotentiostatPlace
from labctl.engine.stoprequest import requested_stop
from labctl.engine.visit import Visit
from labctl.errors import InstrumentError, StoreError, UnknownStateError
from labctl.interfaces.potentiostat import Measurement, PersonAsked, PotentiostatIdentity
from labctl.interfaces.switch import Source
from labctl.model.handover import SpectrumEntry, Stage, Via
from labctl.model.spectrum import Spectrum
from labctl.store.disk import Disk
from labctl.store.runspectra import BROKEN_OFF, FAILED, WHOLE, RunFacts, store_spectrum
from labctl.worker import Worker

log = logging.getLogger(__name__)

TRIES = 2
"""A spectrum that fails is begun once more, after a new link and a new look at the open circuit."""
WAITS_TOLD = 12
"""So many looks in a row at something that is not as it must be, a minute, and a person is told."""
SETTLE_S = 5.0
"""Link seconds before a voltage that does not fit is read once more: live values are no fresher (bts 1.3)."""
PERSON_S = 1.0
"""Link seconds between two looks at whether a person has confirmed their part at an instrument."""
NOBODY = PotentiostatIdentity("", "", "")
Pause = Callable[[Visit, float], Awaitable[None]]
"""Waits so many link seconds, or until something has happened to the visit."""


class Visiting:
    """Serves the visits of one potentiostat, one at a time."""

    def __init__(
        self,
        place: PotentiostatPlace,
        clock: Clock,
        stop: StopSignal,
        gate: Gate,
        worker: Worker,
        disk: Disk,
        live: Live,
        pause: Pause,
        tell: Callable[[Visit], None],
    ) -> None:
        self.leads = Leads(place)
        self._live = live
        self.measurement: Measurement | None = None
        self.points: list[Spectrum] = []
        self.leave = asyncio.Event()
        """Ends the measurement under way."""
        self.at_rest = asyncio.Event()
        """Set while the potentiostat is known to drive nothing; nobody knows that before it has been opened."""
        self.on_stored: Callable[[SpectrumEntry], None] = lambda entry: None
        self._place = place
        self._clock = clock
        self._stop = stop
        self._gate = gate
        self._worker = worker
        self._disk = disk
        self._pause = pause
        self._tell = tell
        self._stages: dict[Stage, Callable[[Visit], Awaitable[None]]] = {
            Stage.QUEUED: self._queued,
            Stage.TO_POTENTIOSTAT: self._to_potentiostat,
            Stage.CHECKING: self._checking,
            Stage.MEASURING: self._measuring,
            Stage.TO_CYCLER: self._to_cycler,
            Stage.CHECKING_BACK: self._checking_back,
        }

    async def lead(self, visit: Visit) -> None:
        """Do the present stage of a visit. Raises: InstrumentError of the potentiostat, Unsure, InvariantError."""
        self._hear(visit)
        try:
            if visit.run.decision is not None and not visit.stop_told:
                await visit.run.journal("stop.intent", **_without_utc(stop_fields(visit.run)))
                visit.stop_told = True
            await self._stages[visit.stage](visit)
        except NotYet as error:
            visit.waits += 1
            if visit.waits == WAITS_TOLD:
                what = "Look at the channel, the potentiostat and what is between them."
                visit.run.note(Finding("state.differs", Priority.HIGH, str(error), None, what))
            self._trouble(visit, str(error))
            await self._pause(visit, SETTLE_S)
        except StoreError as error:
            if visit.told != str(error):
                visit.run.note(Finding("store.failed", Priority.CRITICAL, str(error)))
            visit.told = str(error)
            self._trouble(visit, str(error))
            await self._pause(visit, SETTLE_S)

    def _hear(self, visit: Visit) -> None:
        """Hear a stop that a person, here or in another process, has asked for."""
        run = visit.run
        if run.decision is None and (reason := self._stop.stop_reason or requested_stop(run.writer.folder)):
            run.request_end(EndDecision(Outcome.STOPPED, reason, None))

    def _trouble(self, visit: Visit, text: str) -> None:
        visit.trouble = text
        self._tell(visit)

    def _to(self, visit: Visit, stage: Stage) -> None:
        visit.machine.to(stage)
        visit.since_utc, visit.trouble, visit.text, visit.waits = visit.run.utc(), "", "", 0
        visit.run.event("eis.stage", number=visit.number, stage=stage.value)
        self._tell(visit)

    # -- there ------------------------------------------------------------------------------------------------------

    async def _queued(self, visit: Visit) -> None:
        """Look whether the spectrum can be taken at all, and whether both sides are at rest."""
        if visit.unwanted:
            await self._end(visit, self._untaken(visit.why_unwanted))
            await self._give_back(visit)
            return
        refusals = self._place.potentiostat.refusals(visit.part.technique)
        if refusals:
            await self._end(visit, replace(self._untaken(*refusals), told_to_end=False))
            await self._give_back(visit)
            return
        _, visit.expected_V = await self.leads.at_rest(visit.run, visit.via, self._live)
        await visit.run.journal(
            "eis.leads", to="potentiostat", expected_V=told_V(visit.expected_V), **visit.fields()
        )
        hooks.point("eis.leads")
        self._to(visit, Stage.TO_POTENTIOSTAT)

    async def _to_potentiostat(self, visit: Visit) -> None:
        if visit.unwanted:
            await self._turn_back(visit)
            return
        run = visit.run
        if visit.via is Via.OPERATOR or visit.trouble_asked:
            text = f"Move the leads of {run.label} from channel {run.program.channel} to {self._place.name}, "
            if not await self._person(visit, f"{text}then confirm."):
                return
        visit.trouble_asked = False
        if visit.via is Via.MULTIPLEXER:
            await self.leads.join(visit.run, Source.POTENTIOSTAT, self._live)
            hooks.point("eis.joined")
        self._to(visit, Stage.CHECKING)

    async def _checking(self, visit: Visit) -> None:
        """Compare the open circuit here with that at the cycler: another cell is not measured (I08)."""
        if visit.unwanted:
            await self._turn_back(visit)
            return
        visit.measured_V = (await self._place.potentiostat.read()).e_V
        attended = self._place.potentiostat.capabilities().attended
        if not (attended and math.isnan(visit.measured_V)) and not self._fits(visit, visit.expected_V):
            self._asked_again(visit, Stage.TO_POTENTIOSTAT)
            return
        visit.accepted = ""
        await visit.run.journal("eis.begin", **visit.fields())
        hooks.point("eis.begin")
        self._to(visit, Stage.MEASURING)

    def _fits(self, visit: Visit, expected_V: float) -> bool:
        place = self._place
        wrong = difference(expected_V, visit.measured_V, place.ocv_tolerance_V, place.ocv_tolerance_fraction)
        if wrong and visit.accepted:
            text = f"a person accepts it: {visit.accepted}: {wrong}"
            visit.run.event("eis.ocv_accepted", number=visit.number, text=text)
            wrong, visit.is_another = "", True
        visit.wrong = wrong
        return not wrong

    def _asked_again(self, visit: Visit, stage: Stage) -> None:
        """Ask a person to look at the leads: the voltage is not that of this cell."""
        text = f"the open circuit does not fit: {visit.wrong}"
        what = "Compare cell, channel and leads, then confirm."
        visit.run.note(Finding("eis.ocv_differs", Priority.MEDIUM, text, None, what))
        self._to(visit, stage)
        visit.trouble_asked = True
        self._trouble(visit, text)

    async def _person(self, visit: Visit, text: str) -> bool:
        """Ask a person and wait; False where the cell is wanted elsewhere meanwhile, or there is no answer yet."""
        if not visit.asked:
            visit.ask(text)
            self._tell(visit)
        elif visit.text != text:  # the potentiostat answers again: nobody need switch it off by hand any more
            visit.text = text
            self._tell(visit)
        if not visit.confirmed:
            await self._pause(visit, SETTLE_S)
            return False
        visit.answered()
        return True

    async def _at_instrument(self, visit: Visit, asked: PersonAsked) -> str:
        """Have a person do their part at an instrument that labctl cannot drive; return who has done it."""
        visit.ask(f"{self._place.name}: {asked.text}")
        self._tell(visit)
        while not visit.confirmed:
            await self._clock.link.sleep(PERSON_S)
            self._hear(visit)
            if visit.unwanted:
                self.leave.set()  # ends it, or has a person end it
        visit.answered()
        self._tell(visit)
        return visit.by

    # -- the spectrum -----------------------------------------------------------------------------------------------

    async def _measuring(self, visit: Visit) -> None:
        if visit.taken is None:
            visit.taken = await self._measured(visit)
            if isinstance(visit.taken.error, UnknownStateError):
                raise visit.taken.error  # a new link begins with the cell off; what came is stored behind that
        await self._end(visit, visit.taken)
        await self._leads_back(visit)
        visit.taken = None

    async def _measured(self, visit: Visit) -> Taken:
        """Measure, unless the cell is wanted elsewhere by now. Raises: InstrumentError where it is to be done again."""
        visit.machine.allow_measuring()
        problem = self._gate.refusal(self._place.name)
        if visit.unwanted or problem:
            return self._untaken(visit.why_unwanted or problem)
        potentiostat, technique = self._place.potentiostat, visit.part.technique
        visit.tries += 1
        self.points.clear()
        self.leave.clear()
        self.at_rest.clear()
        begun = replace(self._untaken(), expected=technique.sweep.points, told_to_end=False)
        taken = await measured(
            potentiostat,
            technique,
            self.leave,
            self._shown(visit),
            begun,
            partial(self._at_instrument, visit),
        )
        self.measurement = None
        if self._stop.detached:
            raise Detached  # whoever goes on takes it anew
        hooks.point("eis.measured")
        if not isinstance(taken.error, UnknownStateError):
            self.at_rest.set()
        if taken.error is not None and not visit.unwanted and visit.tries < TRIES:
            visit.run.event("eis.again", number=visit.number, text=str(taken.error))
            self._to(visit, Stage.CHECKING)
            raise taken.error
        return await self._with_after(taken)

    def _untaken(self, *why: str) -> Taken:
        return Taken(self._place.identity or NOBODY, refused=why, told_to_end=True)

    def _shown(self, visit: Visit) -> Callable[[Measurement, Spectrum], None]:
        def show(measurement: Measurement, points: Spectrum) -> None:
            self.measurement = measurement
            self.points.append(points)
            self._hear(visit)
            if visit.unwanted:
                self.leave.set()
            self._tell(visit)

        return show

    async def _with_after(self, taken: Taken) -> Taken:
        """Add the open circuit behind a spectrum where its driver has not read it."""
        spectrum = taken.spectrum
        if spectrum is None or taken.error is not None or math.isfinite(spectrum.head.ocv_after_V):
            return taken
        try:
            after_V = (await self._place.potentiostat.read()).e_V
        except InstrumentError:
            return taken  # the points are there; the link is looked at in the next stage
        return replace(taken, spectrum=replace(spectrum, head=replace(spectrum.head, ocv_after_V=after_V)))

    async def _end(self, visit: Visit, taken: Taken) -> None:
        """Store what there is of a spectrum, and say how it ended. Raises: StoreError; may be done again then."""
        run, text = visit.run, _why(visit, taken)
        outcome = WHOLE if taken.is_whole else BROKEN_OFF if taken.points else FAILED
        facts = RunFacts(run.run_id, visit.part.index, visit.number, run.position.test_time_s, outcome, text)
        spectrum = taken.spectrum
        if spectrum is not None:
            head = replace(
                spectrum.head,
                name=spectrum.head.name or f"{run.label}, spectrum {visit.number}",
                instrument=spectrum.head.instrument or self._place.name,
                cell_id=run.program.cell.cell_id,
                cycle=run.full_cycles,
                area_cm2=run.program.cell.area_cm2 or math.nan,
                taken_utc=spectrum.head.taken_utc or run.utc(),
            )
            spectrum = replace(spectrum, head=head)
            await self._worker.call(store_spectrum, self._disk, run.writer.folder, facts, spectrum)
            hooks.point("eis.stored")
        fields = {**visit.fields(), "outcome": outcome, "points": taken.points, "text": text}
        after_V = math.nan if spectrum is None else spectrum.head.ocv_after_V
        if math.isfinite(after_V) and not visit.is_another:
            visit.expected_V = after_V
        name = "" if spectrum is None else facts.spectrum_id
        await run.journal("eis.end", spectrum=name, expected_V=told_V(visit.expected_V), **fields)
        hooks.point("eis.end")
        made_by = {"driver": self._place.driver, "driver_version": self._place.driver_version}
        wire = None if self._place.wire is None else self._place.wire.place
        run.event("eis.end", spectrum=name, **fields, **made_by, wire=wire)
        if outcome != WHOLE and not taken.told_to_end:
            what = "Look at the potentiostat and the leads; the run goes on without this spectrum."
            run.note(Finding("eis.failed", Priority.HIGH, f"spectrum {visit.number}: {text}", None, what))
        self.on_stored(_entry(visit, facts, taken, spectrum))

    # -- back -------------------------------------------------------------------------------------------------------

    async def _turn_back(self, visit: Visit) -> None:
        """Take the cell back without a spectrum: nobody knows how far the leads have been moved."""
        await self._end(visit, self._untaken(visit.why_unwanted))
        await self._leads_back(visit)

    async def _leads_back(self, visit: Visit) -> None:
        visit.answered()
        visit.accepted = visit.wrong = ""
        await visit.run.journal(
            "eis.leads",
            to="cycler",
            expected_V=told_V(visit.expected_V),
            given_up=visit.given_up,
            **visit.fields(),
        )
        hooks.point("eis.leads")
        self._to(visit, Stage.TO_CYCLER)

    async def _to_cycler(self, visit: Visit) -> None:
        run = visit.run
        if visit.via is Via.OPERATOR or visit.trouble_asked:
            text = f"Move the leads of {run.label} back from {self._place.name} to channel {run.program.channel}, then "
            if not self.at_rest.is_set():
                text = f"{self._place.name} does not say that its cell is off: switch it off by hand. {text}"
            if not await self._person(visit, f"{text}confirm."):
                return
        visit.trouble_asked = False
        if visit.via is Via.MULTIPLEXER:
            await self.leads.join(visit.run, Source.CYCLER, self._live)
            hooks.point("eis.joined")
        self._to(visit, Stage.CHECKING_BACK)

    async def _checking_back(self, visit: Visit) -> None:
        """Compare the open circuit at the cycler with that at the potentiostat: no other cell is cycled (I08)."""
        visit.measured_V = (await read(visit.run, self._live)).voltage_V
        if not self._fits(visit, visit.expected_V):
            await self._pause(visit, SETTLE_S)
            visit.measured_V = (await read(visit.run, self._live)).voltage_V
            if not self._fits(visit, visit.expected_V):
                self._asked_again(visit, Stage.TO_CYCLER)
                return
        await self._give_back(visit)

    async def _give_back(self, visit: Visit) -> None:
        await visit.run.journal("eis.returned", measured_V=told_V(visit.measured_V), **visit.fields())
        hooks.point("eis.returned")
        visit.machine.give_back()

    async def make_safe(self, visit: Visit) -> str:
        """Switch the cell off; return what is not sure about that, empty where it is off."""
        try:
            await self._place.potentiostat.cell_off()
        except Exception as error:  # whatever broke: a person is told, and looks
            visit.run.event("eis.not_safe", number=visit.number, text=str(error))
            return f"{self._place.name} has not confirmed that its cell is off: {error}"
        self.at_rest.set()
        return ""

    async def open_all(self, visit: Visit, reason: str) -> None:
        """Open every path of a multiplexer that nobody is sure of, and switch the cell off; a person must look."""
        problems = (reason, await self.leads.open_all(), await self.make_safe(visit))
        what = "Look at the multiplexer: nothing may be joined. Join the cell to its channel, then take the run up."
        text = " ".join(filter(None, problems))
        visit.run.note(Finding("switch.unsure", Priority.CRITICAL, text, None, what))


def spectrum_so_far(points: list[Spectrum]) -> Spectrum | None:
    """Return the points that have come, None before the first."""
    return reduce(Spectrum.then, points) if points else None


def _without_utc(fields: dict[str, object]) -> dict[str, object]:
    return {key: value for key, value in fields.items() if key != "utc"}


def _why(visit: Visit, taken: Taken) -> str:
    """Return why a spectrum is not whole, empty where it is."""
    if taken.is_whole:
        return ""
    if taken.refused:
        return " ".join(taken.refused)
    if taken.told_to_end:
        return visit.why_unwanted or "ended by the station"
    return str(taken.error) if taken.error is not None else f"{taken.points} of {taken.expected} points came"


def _entry(visit: Visit, facts: RunFacts, taken: Taken, spectrum: Spectrum | None) -> SpectrumEntry:
    run = visit.run
    frequency_Hz = () if spectrum is None else spectrum.frequency_Hz
    return SpectrumEntry(
        "" if spectrum is None else facts.spectrum_id,
        run.program.cell.cell_id,
        run.run_id,
        visit.part.index,
        run.full_cycles,
        run.utc() if spectrum is None else spectrum.head.taken_utc,
        facts.test_time_s,
        visit.potentiostat,
        taken.points,
        float(max(frequency_Hz, default=math.nan)),
        float(min(frequency_Hz, default=math.nan)),
        facts.outcome,
        facts.text,
    )
