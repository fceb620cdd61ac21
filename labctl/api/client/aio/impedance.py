"""Potentiostats, cells that are handed over to them, and the spectra that they have taken."""

from __future__ import annotations

from labctl.api.client import routes
from labctl.api.client.aio.link import AsyncLink
from labctl.api.messages import Reason
from labctl.model.handover import HandoverStatus, PotentiostatStatus, SpectrumEntry
from labctl.model.impedance import SpectrumFit, SpectrumTable


class AsyncPotentiostats:
    """The potentiostats that cells of runs come to."""

    def __init__(self, link: AsyncLink) -> None:
        self._link = link

    async def list(self) -> tuple[PotentiostatStatus, ...]:
        """Return every potentiostat as it stands."""
        return await self._link.call(routes.POTENTIOSTATS)

    async def spectrum(self, name: str) -> SpectrumTable:
        """Return the points so far of the spectrum that is being taken; none where nothing is."""
        return await self._link.call(routes.POTENTIOSTAT_SPECTRUM, name)

    async def cell_off(self, name: str, *, reason: str = "") -> str:
        """Switch its cell off at once and read that back; a spectrum under way ends. Returns the station's sentence.

        Raises: UnconfirmedError where nobody knows whether it is off: look at it, and unplug the cell if in doubt.
        """
        return (await self._link.call(routes.POTENTIOSTAT_CELL_OFF, name, body=Reason(reason))).text


class AsyncHandovers:
    """Cells that wait for, are at, or come back from a potentiostat; the id of its run names each."""

    def __init__(self, link: AsyncLink) -> None:
        self._link = link

    async def list(self) -> tuple[HandoverStatus, ...]:
        """Return every handover, in the order of the potentiostats' queues."""
        return await self._link.call(routes.HANDOVERS)

    async def confirm(self, run_id: str, *, reason: str = "") -> str:
        """Say that the leads have been moved as ``text`` asks; returns the station's sentence.

        The open circuit is then compared with the one before. A ``reason`` accepts one that does not fit.
        Raises: UserInputError where nothing is asked for this run now.
        """
        return (await self._link.call(routes.HANDOVER_CONFIRM, run_id, body=Reason(reason))).text

    async def skip(self, run_id: str, *, reason: str) -> str:
        """Give this spectrum up: the cell goes back to its cycler and the run goes on behind it."""
        return (await self._link.call(routes.HANDOVER_SKIP, run_id, body=Reason(reason))).text


class AsyncSpectra:
    """The stored spectra of the station's data root: of runs, and imported ones."""

    def __init__(self, link: AsyncLink) -> None:
        self._link = link

    async def list(self, *, cell_id: str = "", run_id: str = "") -> tuple[SpectrumEntry, ...]:
        """Return the stored spectra in the order of the cells' lives, optionally of one cell or one run."""
        query = {"cell_id": cell_id or None, "run_id": run_id or None}
        return await self._link.call(routes.SPECTRA, query=query)

    async def get(self, spectrum_id: str) -> SpectrumTable:
        """Return a spectrum with its head; ``.spectrum()`` gives it as arrays."""
        return await self._link.call(routes.SPECTRUM, spectrum_id)

    async def fit(self, spectrum_id: str, *, circuit: str = "") -> SpectrumFit:
        """Return validity and fit of a spectrum; no ``circuit`` = the cell's own. The station keeps the answer.

        Raises: UserInputError for a circuit that cannot be read.
        """
        query = {"circuit": circuit or None}
        return await self._link.call(routes.SPECTRUM_FIT, spectrum_id, query=query)
