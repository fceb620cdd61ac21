"""Sends cells to potentiostats, and takes up those that a dead process has left on their way."""

from __future__ import annotations

from collections.abc import Mapping

from labctl.engine import hooks
from labctl.engine.leads import Live
from labctl.engine.machines.handover import Handover, stage_again
from labctl.engine.machines.life import Phase
from labctl.engine.potentiostat import PotentiostatTask
from labctl.engine.run import Run
from labctl.engine.station import PotentiostatPlace, Station
from labctl.engine.visit import EarlierVisit, Visit
from labctl.model.handover import Via
from labctl.model.program import Spectroscopy, spectra_of, spectroscopy_to_plain

Tasks = Mapping[str, PotentiostatTask]


def _via(place: PotentiostatPlace, part: Spectroscopy, run: Run) -> Via:
    """Return who moves the leads: as the program says, else a multiplexer where there is one."""
    if part.via:
        return Via(part.via)
    return Via.OPERATOR if place.switch_of(run.program.channel) is None else Via.MULTIPLEXER


async def send(station: Station, tasks: Tasks, run: Run, part: Spectroscopy) -> bool:
    """Send a run's cell to the potentiostat of ``part``; False where the station has none for it.

    Journalled first. Raises: StoreError; then nothing has changed.
    """
    place = station.potentiostat_of(run.program.channel, part.on)
    if place is None:
        return False
    visit = Visit(run, part, place.name, _via(place, part, run), run.spectra + 1)
    visit.queued_utc = visit.since_utc = run.utc()
    asked = {} if part.index else {"spectrum": spectroscopy_to_plain(part)}
    await run.journal("eis.queued", **visit.fields(), **asked)
    run.wanted = [other for other in run.wanted if other is not part]
    run.spectra = visit.number
    hooks.point("eis.queued")
    await run.to(Phase.AWAY, f"spectrum {visit.number} on {place.name}")
    run.visit = visit
    tasks[place.name].add(visit)
    return True


def take_up(station: Station, tasks: Tasks, run: Run, earlier: EarlierVisit) -> str:
    """Take up a spectrum that a dead process has left; returns why that cannot be, empty where it is done."""
    part = earlier.asked or run.walker.spectroscopy
    place = None if part is None else station.potentiostat_of(run.program.channel, earlier.on)
    if part is None or place is None:
        return "its cell was handed over to a potentiostat that the station file does not have any more"
    via = _via(place, part, run)
    visit = Visit(run, part, place.name, via, earlier.number, Handover(stage_again(earlier.stage, via)))
    visit.expected_V, visit.given_up = earlier.expected_V, earlier.given_up
    visit.queued_utc, visit.since_utc = earlier.queued_utc, run.utc()
    run.visit = visit
    tasks[place.name].add(visit)
    return ""


async def home(station: Station, tasks: Tasks, run: Run, live: Live) -> str:
    """Make sure that a cell is joined to its channel before its run begins; returns why that cannot be."""
    channel = run.program.channel
    for place in station.potentiostats.values():
        if place.switch_of(channel) is not None:
            return await tasks[place.name].home(run, live)
    return ""


def needed(station: Station, run: Run) -> tuple[str, ...]:
    """Return the potentiostats that a run may need: those of its spectra, that at which an earlier process has left
    its cell, and that whose multiplexer joins it.
    """
    channel, earlier = run.program.channel, run.earlier_visit
    names = [part.on for part in (*spectra_of(run.program.flow), *run.wanted)]
    names += [] if earlier is None else [earlier.on]
    named = [station.potentiostat_of(channel, name) for name in names]
    switched = [place for place in station.potentiostats.values() if place.switch_of(channel) is not None]
    return tuple(dict.fromkeys(place.name for place in (*named, *switched) if place is not None))
