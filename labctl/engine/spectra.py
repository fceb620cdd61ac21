"""What people ask of the potentiostats of a station, and of the cells on their way: a part of the supervisor."""

from __future__ import annotations

from labctl.engine.away import Tasks
from labctl.engine.potentiostat import PotentiostatTask
from labctl.engine.station import Station
from labctl.engine.visit import Visit
from labctl.errors import UserInputError
from labctl.model.handover import HandoverStatus, PotentiostatFacts, PotentiostatStatus
from labctl.model.ids import RunId
from labctl.model.spectrum import Spectrum


class AsksForSpectra:
    """Answers for the potentiostats; ``Supervisor`` is one."""

    def __init__(self, station: Station, tasks: Tasks) -> None:
        self._bench = station
        self._potentiostats = tasks

    def potentiostats(self) -> tuple[PotentiostatStatus, ...]:
        """Return every potentiostat as it stands."""
        return tuple(task.status() for task in self._potentiostats.values())

    def potentiostat_facts(self) -> tuple[PotentiostatFacts, ...]:
        """Return what the binding of a protocol must know of the potentiostats."""
        return self._bench.potentiostat_facts()

    def handovers(self) -> tuple[HandoverStatus, ...]:
        """Return every cell that waits for, is at, or comes back from a potentiostat."""
        return tuple(status for task in self._potentiostats.values() for status in task.handovers())

    async def confirm_handover(self, run_id: RunId | str, by: str, reason: str = "") -> None:
        """Hear that the leads are moved; a reason accepts an open circuit that does not fit. Raises: UserInputError."""
        self._visit(run_id).confirm(by, reason)

    async def skip_spectrum(self, run_id: RunId | str, by: str, reason: str) -> None:
        """Give a spectrum up; the cell goes back and its run goes on. Raises: UserInputError, StoreError."""
        visit = self._visit(run_id)
        visit.give_up(by, reason)
        await visit.run.journal("eis.given_up", number=visit.number, reason=visit.given_up, by=by)

    async def cell_off(self, potentiostat: str, by: str) -> None:
        """Switch a potentiostat's cell off now. Raises: UserInputError, InstrumentError where it is not confirmed."""
        await self._task(potentiostat).cell_off(by)

    def live_spectrum(self, potentiostat: str) -> Spectrum | None:
        """Return the points so far of the spectrum that is being taken. Raises: UserInputError."""
        return self._task(potentiostat).points()

    def _visit(self, run_id: RunId | str) -> Visit:
        for task in self._potentiostats.values():
            if (visit := task.visit_of(run_id)) is not None:
                return visit
        raise UserInputError(f"The cell of run {run_id} is on no way to or from a potentiostat.")

    def _task(self, name: str) -> PotentiostatTask:
        found = self._potentiostats.get(name)
        if found is None:
            known = ", ".join(self._potentiostats) or "none"
            raise UserInputError(f"There is no potentiostat {name!r}. There are: {known}.")
        return found
