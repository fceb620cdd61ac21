"""A spectrum that a person asks for while a run goes on: taken when the present device test is over (U08).

A test that is only paused keeps its channel: somebody at the tester may continue it, so leads are moved between two
tests alone. What was asked for lies in the journal until its turn comes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from labctl.engine.station import Station
from labctl.errors import UserInputError
from labctl.model.program import Spectroscopy, spectroscopy_from_plain, spectroscopy_to_plain
from labctl.model.technique import Geis, Peis
from labctl.protocol.spectroscopy import technique_sentence

if TYPE_CHECKING:
    from labctl.engine.instrument import InstrumentTask
    from labctl.engine.run import Run


async def request(
    station: Station, task: InstrumentTask, run: Run, technique: Peis | Geis, on: str, by: str
) -> None:
    """Ask for a spectrum; one that stands between two segments is taken at once.

    Raises: UserInputError where no potentiostat can take it or the run is about to end; StoreError.
    """
    place = station.potentiostat_of(run.program.channel, on)
    if place is None:
        raise UserInputError(
            f"No potentiostat {on!r} of the station takes the cell of {run.program.channel}."
        )
    refusals = () if place.identity is None else place.potentiostat.refusals(technique)
    if refusals:
        raise UserInputError(" ".join(refusals))
    part = Spectroscopy(0, technique, place.name, "", technique_sentence(technique))

    async def act() -> None:
        if run.decision is not None or run.over:
            raise UserInputError(f"Run {run.run_id} is about to end.")
        await run.journal("eis.requested", spectrum=spectroscopy_to_plain(part), by=by)
        run.wanted.append(part)
        text = f"{part.sentence[:-1]} on {place.name}, when the present device test is over"
        run.event("eis.requested", by=by, text=text)
        await run.commit()
        if run.at_boundary and run.wait_for_person:
            await task.acts.guarded(run, task.acts.next_segment(run), "its data could not be stored")
        run.listener.progress(run.progress())

    await task.ask(act)


def still_wanted(journal: Sequence[Mapping[str, Any]]) -> list[Spectroscopy]:
    """Return the spectra that were asked for and whose turn has not come."""
    found: list[Spectroscopy] = []
    for line in journal:
        if line.get("kind") == "eis.requested":
            found.append(spectroscopy_from_plain(line["spectrum"]))
        elif line.get("kind") == "eis.queued" and "spectrum" in line:
            found = found[1:]
    return found
