"""Who moves a cell's leads, and when that is allowed: both instruments at rest, as they have just said themselves."""

from __future__ import annotations

import logging
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from labctl.engine.station import PotentiostatPlace, SwitchPlace
from labctl.errors import InstrumentError, LinkError, UnknownStateError
from labctl.interfaces.cycler import LiveReading
from labctl.interfaces.switch import AtRest, Source, reasons_against
from labctl.model.handover import Via

if TYPE_CHECKING:
    from labctl.engine.run import Run

log = logging.getLogger(__name__)

Live = Callable[["Run"], Awaitable[LiveReading]]
"""Reads the cycler's channel of a run."""


class NotYet(Exception):
    """Something is not as it must be before leads are moved or a cell is driven; nothing was sent, ask again soon."""


class Busy(NotYet):
    """The potentiostat takes a spectrum of another cell: nothing of it is touched before that is over."""


class Unsure(Exception):
    """Nobody can say where a multiplexer has put the cell: everything is open and off, a person must look."""


@dataclass(slots=True)
class Leads:
    """Moves the cells of one potentiostat."""

    place: PotentiostatPlace
    is_measuring: Callable[[], bool] = lambda: False
    """Tells whether the potentiostat drives a cell as it should."""

    async def at_rest(self, run: Run, via: Via, live: Live) -> tuple[AtRest, float]:
        """Return what both read, and the cycler's voltage; the potentiostat's cell is switched off where it is on.

        Where a person moves the leads, a potentiostat that cannot tell its cell switch is for that person to look at.
        Raises: NotYet where they are not both at rest, Busy while a spectrum is taken; InstrumentError of the
        potentiostat.
        """
        if self.is_measuring():
            raise Busy(f"{self.place.name} takes a spectrum of another cell")
        cell_on = (await self.place.potentiostat.read()).cell_on
        if cell_on:
            await self.place.potentiostat.cell_off()
            cell_on = False
        if cell_on is None and via is Via.OPERATOR:
            cell_on = False
        reading = await read(run, live)
        rest = AtRest(reading.state, reading.current_A, cell_on)
        reasons = reasons_against(rest)
        if reasons:
            raise NotYet(" ".join(reasons))
        return rest, reading.voltage_V

    async def join(self, run: Run, source: Source, live: Live) -> None:
        """Let the multiplexer join a cell to one side, both being at rest and the paths read back.

        Raises: NotYet where it may not or cannot be now, Unsure where nobody knows what it has done.
        """
        rest, _ = await self.at_rest(run, Via.MULTIPLEXER, live)
        box, number = self._box(run)
        try:
            await box.ready()
            if source is Source.POTENTIOSTAT:
                await self._part_others(box, number, rest)
            await box.switch.join(number, source, rest)
        except InstrumentError as error:
            box.is_open = False  # where it was left in doubt, opening it again begins with all paths open
            if isinstance(error, UnknownStateError):
                raise Unsure(f"{box.name}: {error}") from error
            words = "does not answer" if isinstance(error, LinkError) else "refuses"
            raise NotYet(f"{box.name} {words}: {error}") from error

    async def _part_others(self, box: SwitchPlace, number: int, rest: AtRest) -> None:
        """Part a cell that was left at the potentiostat, as when its run was held: two there would drive each other.

        Raises: InstrumentError.
        """
        for other in self.place.switches:
            await other.ready()
            for path in await other.switch.closed():
                if path.source is Source.POTENTIOSTAT and (other is not box or path.place != number):
                    log.error(
                        "multiplexer=%s place=%d was left at the potentiostat: parted", other.name, path.place
                    )
                    await other.switch.part(path.place, rest)

    def _box(self, run: Run) -> tuple[SwitchPlace, int]:
        channel = run.program.channel
        box = self.place.switch_of(channel)
        if box is None:
            raise Unsure(f"no multiplexer of the station file moves {channel} any more")
        return box, box.places[channel]

    async def home(self, run: Run, live: Live) -> None:
        """Join a cell to its cycler before its run begins; where it is joined already, nothing is moved.

        Raises: as ``join``.
        """
        box, number = self._box(run)
        try:
            await box.ready()
            paths = [path.source for path in await box.switch.closed() if path.place == number]
        except UnknownStateError as error:
            raise Unsure(f"{box.name}: {error}") from error
        except InstrumentError as error:
            box.is_open = False
            raise NotYet(f"{box.name} does not answer: {error}") from error
        if paths != [Source.CYCLER]:
            await self.join(run, Source.CYCLER, live)

    async def open_all(self) -> str:
        """Open every path that leads to this potentiostat; return what is not sure, empty where all is open."""
        problems = []
        for box in self.place.switches:
            try:
                await box.switch.open_all()
            except InstrumentError as error:
                problems.append(f"{box.name} has not confirmed that it is open: {error}")
        log.error("all paths opened potentiostat=%s", self.place.name)
        return " ".join(problems)


async def read(run: Run, live: Live) -> LiveReading:
    """Read the cycler's channel of a run. Raises: NotYet where it does not answer soon."""
    try:
        return await live(run)
    except InstrumentError as error:
        raise NotYet(f"{run.program.channel} does not answer: {error}") from error


def told_V(voltage_V: float) -> float | None:
    """Return a voltage for the journal, None for one that nobody knows."""
    return voltage_V if math.isfinite(voltage_V) else None
