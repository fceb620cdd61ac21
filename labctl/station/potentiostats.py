"""What people do at potentiostats: confirm that leads were moved, give a spectrum up, switch a cell off.

The engine decides what is allowed; this journals who did it. What switches off leaves before the journal is written,
what may lead to a cell being switched on after it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from labctl.errors import StoreError, UserInputError
from labctl.model.handover import HandoverStatus, PotentiostatStatus, SpectrumEntry
from labctl.model.ids import RunId
from labctl.model.impedance import SpectrumTable
from labctl.model.person import Actor
from labctl.model.plain import to_plain
from labctl.model.spectrum import Spectrum
from labctl.model.technique import Geis, Peis
from labctl.station.audit import AuditJournal

UNDER_WAY = "under way"
"""The outcome of a spectrum whose points are still coming."""


class Engine(Protocol):
    """What is asked of the engine."""

    def potentiostats(self) -> tuple[PotentiostatStatus, ...]: ...
    def handovers(self) -> tuple[HandoverStatus, ...]: ...
    def live_spectrum(self, potentiostat: str) -> Spectrum | None: ...
    async def confirm_handover(self, run_id: RunId | str, by: str, reason: str = "") -> None: ...
    async def skip_spectrum(self, run_id: RunId | str, by: str, reason: str) -> None: ...
    async def cell_off(self, potentiostat: str, by: str) -> None: ...
    async def request_spectrum(
        self, run_id: RunId | str, technique: Peis | Geis, on: str, by: str
    ) -> None: ...


class Potentiostats:
    """The station's potentiostats and the cells that go to them. Used on the event loop."""

    def __init__(self, engine: Engine, audit: AuditJournal, store_failed: Callable[[str, str], None]) -> None:
        self._engine = engine
        self._audit = audit
        self._store_failed = store_failed

    def list(self) -> tuple[PotentiostatStatus, ...]:
        """Return every potentiostat as it stands."""
        return self._engine.potentiostats()

    def get(self, name: str) -> PotentiostatStatus:
        """Return one potentiostat. Raises: UserInputError naming what there is."""
        found = {status.name: status for status in self.list()}
        if name not in found:
            raise UserInputError(
                f"There is no potentiostat {name!r}. There are: {', '.join(found) or 'none'}."
            )
        return found[name]

    def handovers(self) -> tuple[HandoverStatus, ...]:
        """Return every cell that waits for, is at, or comes back from a potentiostat."""
        return self._engine.handovers()

    def handover(self, run_id: str) -> HandoverStatus:
        """Return the handover of a run. Raises: UserInputError where it has none."""
        for status in self.handovers():
            if status.run_id == run_id:
                return status
        raise UserInputError(f"The cell of run {run_id!r} is on no way to or from a potentiostat.")

    def live(self, name: str) -> SpectrumTable:
        """Return the points so far of the spectrum that is being taken. Raises: UserInputError as ``get``."""
        status = self.get(name)
        spectrum = self._engine.live_spectrum(name)
        entry = SpectrumEntry("", status.cell_id, status.run_id, instrument=name)
        if spectrum is not None:
            entry = SpectrumEntry(
                "", status.cell_id, status.run_id, instrument=name, points=len(spectrum), outcome=UNDER_WAY
            )
        return SpectrumTable.of(entry, spectrum)

    # -- acting -----------------------------------------------------------------------------------------------------

    async def confirm(self, actor: Actor, run_id: str, reason: str = "") -> None:
        """Say that the leads of a run's cell have been moved; a reason accepts an open circuit that does not fit.

        Raises: UserInputError where nothing is asked, StoreError.
        """
        status = self.handover(run_id)
        if not status.asked:
            raise UserInputError(
                f"Nobody is asked to move the leads of run {run_id} now: it is {status.stage.value}."
            )
        new = {"stage": status.stage.value, "potentiostat": status.potentiostat}
        await self._audit.write(actor, "handover.confirm", subject=run_id, new=new, reason=reason)
        await self._engine.confirm_handover(run_id, actor.name, reason)

    async def skip(self, actor: Actor, run_id: str, reason: str) -> None:
        """Give the spectrum of a run up: the cell goes back, the run goes on. Raises: UserInputError, StoreError."""
        status = self.handover(run_id)
        if not reason.strip():
            raise UserInputError("Say why there is no spectrum; the reason goes into the run's record.")
        new = {"stage": status.stage.value, "part": status.part}
        await self._audit.write(actor, "handover.skip", subject=run_id, new=new, reason=reason)
        await self._engine.skip_spectrum(run_id, actor.name, reason)

    async def cell_off(self, actor: Actor, name: str, reason: str = "") -> None:
        """Switch the cell off, read back. Raises: UserInputError, InstrumentError where it is not confirmed."""
        status = self.get(name)
        try:
            await self._engine.cell_off(name, actor.name)
        finally:  # an attempt that was not confirmed is as much worth knowing
            await self._note_done(actor, "potentiostat.cell-off", name, reason, {"run_id": status.run_id})

    async def request(
        self, actor: Actor, run_id: str, technique: Peis | Geis, on: str = "", reason: str = ""
    ) -> None:
        """Ask for a spectrum at the end of a run's present step. Raises: UserInputError, ProgramError, StoreError."""
        if on:
            self.get(on)
        elif not self.list():
            raise UserInputError("This station has no potentiostat.")
        new = {"on": on, **to_plain(technique)}
        await self._audit.write(actor, "run.eis", subject=run_id, new=new, reason=reason)
        await self._engine.request_spectrum(run_id, technique, on, actor.name)

    async def _note_done(
        self, actor: Actor, what: str, subject: str, reason: str, new: Mapping[str, Any]
    ) -> None:
        """Journal what has been sent already: a disk that refuses is an alarm, not the answer to the act."""
        try:
            await self._audit.write(actor, what, subject=subject, new=new, reason=reason)
        except StoreError as error:
            self._store_failed("audit", str(error))
