"""One place of the multiplexer: two contacts, what hangs there, and which instrument it is connected to.

What hangs in a place and is connected to nothing drifts at open circuit. The cell object itself goes from instrument
to instrument, so it takes its age, charge and temperature along. Source: potentiostat.md 2.7.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from labctl_simulators.builder import CellRecord, Parts, surroundings
from labctl_simulators.multiplexer.ends import End, Thing
from labctl_simulators.world.loads import NEVER_TICK, CellLoad

CYCLER, POTENTIOSTAT = 1, 2
"""The two sides of a place: path 1nn and path 2nn."""
SIDES = (CYCLER, POTENTIOSTAT)
Violation = tuple[str, str]
"""Kind and detail."""


@dataclass(slots=True)
class Contact:
    """One relay: what its coil is told, and whether its contact is closed. A stuck or welded one stays as it is."""

    coil: bool = False
    closed: bool = False
    stuck: bool = False
    welded: bool = False
    changed_s: float = float("-inf")

    def follow(self) -> bool:
        """Let the contact follow its coil; tell whether it moved."""
        if self.stuck or self.welded or self.closed is self.coil:
            return False
        self.closed = self.coil
        return True


class Place:
    """Place nn of a multiplexer, ``name`` is ``multiplexer:nn``."""

    def __init__(self, parts: Parts, name: str, number: int, ends: Mapping[int, End]) -> None:
        self.name = name
        self.number = number
        self.ends = ends
        self.contacts = {side: Contact() for side in SIDES}
        self.thing: Thing | None = None
        self.reached: End | None = None
        self._parts = parts
        self._idle: CellLoad | None = None

    # -- what hangs here -----------------------------------------------------------------------------------

    @property
    def record(self) -> CellRecord | None:
        """Return the cell that hangs here, if it is one."""
        return self.thing if isinstance(self.thing, CellRecord) else None

    @property
    def thing_name(self) -> str | None:
        """Return the name of what hangs here."""
        if self.thing is None:
            return None
        return str(self.thing.entry["cell_id"]) if isinstance(self.thing, CellRecord) else self.thing.name

    def put(self, thing: Thing, tick: int) -> list[Violation]:
        """Hang something into the empty place; where a contact is closed, it is connected at once."""
        self.thing = thing
        self._rest(tick)
        return list(self._attach_closed(tick))

    def take_out(self, tick: int) -> None:
        """Take what hangs here out of the place."""
        self._detach(tick)
        if self._idle is not None:
            self._idle.cut(tick)
        if self.record is not None:
            self.record.slot = None
            self._parts.chamber_of.pop(self.name, None)
        self.thing, self._idle = None, None

    # -- the contacts --------------------------------------------------------------------------------------

    def moved(self, side: int, tick: int) -> Iterator[Violation]:
        """Do what follows from a contact that has moved, and yield what should never have been done."""
        closed, end = self.contacts[side].closed, self.ends.get(side)
        if self.thing is not None and end is not None:
            yield from self._unwise(side, end, closed)
        if closed and all(contact.closed for contact in self.contacts.values()):
            for contact in self.contacts.values():
                contact.welded = True
            yield (
                "two_holders",
                f"paths 1{self.number:02d} and 2{self.number:02d} are closed together; both weld",
            )
        elif closed and end is not None:
            yield from self._attach(end, tick)
        elif not closed and self.reached is end:
            self._detach(tick)
            self._rest(tick)
            yield from self._attach_closed(tick)

    def _unwise(self, side: int, end: End, closed: bool) -> Iterator[Violation]:
        what = f"path {side}{self.number:02d} {'closed' if closed else 'opened'}"
        if end.driven:
            yield "switched_under_current", f"{what} while {end.name} drives"
            return
        cycler = self.ends.get(CYCLER)
        for other in (end, cycler) if cycler is not end and cycler is not None else (end,):
            if other.in_test:
                yield "switched_in_test", f"{what} while a test or a measurement stands at {other.name}"

    def _attach(self, end: End, tick: int) -> Iterator[Violation]:
        if self.thing is None:
            return
        if not end.vacant:
            yield "two_cells", f"{self.thing_name} of {self.name} is connected to {end.name}, which has one"
            return
        if self._idle is not None:
            self._idle.cut(tick)
            self._idle = None
            self._parts.chamber_of.pop(self.name, None)
        self.reached = end
        end.take(self.thing, tick)

    def _attach_closed(self, tick: int) -> Iterator[Violation]:
        """Connect what hangs here through the contact that is closed, if one is."""
        closed = [self.ends[side] for side in SIDES if self.contacts[side].closed and side in self.ends]
        if closed:
            yield from self._attach(closed[0], tick)

    def _detach(self, tick: int) -> None:
        if self.reached is not None:
            self.reached.let_go(tick)
            self.reached = None

    def _rest(self, tick: int) -> None:
        """Let a cell that is connected to nothing drift at open circuit from here on."""
        record = self.record
        if record is None or self.reached is not None or self._idle is not None:
            return
        chamber, air = surroundings(self._parts, record)
        if chamber is not None:
            self._parts.chamber_of[self.name] = chamber
        record.slot = self.name
        self._idle = CellLoad(record.cell, air, tick)

    def truth(self) -> dict[str, Any]:
        """Return what hangs here and the instrument that it is connected to."""
        reaches = None if self.reached is None else self.reached.name
        return {"place": self.number, "holds": self.thing_name, "reaches": reaches}

    # -- time ----------------------------------------------------------------------------------------------

    @property
    def idle(self) -> CellLoad | None:
        """Return the cell that hangs here connected to nothing."""
        return self._idle

    def next_tick(self) -> int:
        """Return the tick of the resting cell's next event."""
        return NEVER_TICK if self._idle is None else self._idle.next_tick()

    def cut(self, tick: int) -> None:
        """Commit the resting cell, because the air around it changes; :meth:`replan` follows."""
        if self._idle is not None:
            self._idle.cut(tick)

    def replan(self, tick: int) -> None:
        """Plan the resting cell anew."""
        if self._idle is not None:
            self._idle.replan()
