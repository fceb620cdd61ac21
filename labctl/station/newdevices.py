"""Instruments that the station file does not name yet: asked who they are, then written into it.

Asking connects, logs in and reads; it drives no output, and it never speaks to an address that the station has already.
What is written is taken up when the station is started anew: nothing that runs is touched.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from labctl.clock import Clock
from labctl.config.station import StationFile, parse_station
from labctl.config.stationedit import Added, with_device
from labctl.engine.station import build_chamber, build_cycler
from labctl.errors import ConflictError, InstrumentError, StoreError, UserInputError
from labctl.model.bench import TriedDevice
from labctl.model.person import Actor
from labctl.station.audit import AuditJournal
from labctl.store.disk import Disk, replace_file
from labctl.transport.base import Transport
from labctl.worker import Worker

ANSWER_WITHIN_S = 20.0
"""Link seconds for connecting, logging in and reading; a box that needs longer is of no use to an operator."""
KEPT = ".before"
"""Behind the name of the station file: as it was before the last entry was added here."""


class NewDevices:
    """What may be asked and added. ``connect`` replaces the transports (in-memory benches)."""

    def __init__(
        self,
        file: StationFile,
        disk: Disk,
        worker: Worker,
        audit: AuditJournal,
        clock: Clock,
        connect: Callable[[str], Transport] | None = None,
    ) -> None:
        self._file, self._disk, self._worker = file, disk, worker
        self._audit, self._clock, self._connect = audit, clock, connect

    async def ask(self, actor: Actor, lines: str) -> TriedDevice:
        """Ask what lines of a station file describe who it is and what it has. Drives nothing.

        Raises: UserInputError, UserFileError for the lines, and where it does not answer as they describe;
        ConflictError for an address that the station has.
        """
        added = self._checked(await self._worker.call(self._read), lines)
        entry = added.entry
        await self._audit.write(actor, "instrument.ask", subject=entry.name, new={"resource": entry.resource})
        try:
            async with self._clock.link.timeout(ANSWER_WITHIN_S):
                return await (self._cycler(added) if added.kind == "instruments" else self._chamber(added))
        except TimeoutError as error:
            raise UserInputError(f"{entry.resource} did not answer within {ANSWER_WITHIN_S:g} s.") from error
        except InstrumentError as error:  # told as a refusal: only reading was tried, nothing is left unknown
            raise UserInputError(f"{entry.resource} is not what these lines describe: {error}") from error

    async def _cycler(self, added: Added) -> TriedDevice:
        cycler = build_cycler(added.entry, self._clock, self._connect)
        try:
            await cycler.open()
            identity, places = await cycler.identify(), await cycler.places()
            for (
                place
            ) in places:  # what the lines must say of each unit is found out now, not at the first start
                cycler.capabilities(place)
        finally:
            await cycler.close()
        return TriedDevice(added.entry.name, added.entry.resource, identity, tuple(places))

    async def _chamber(self, added: Added) -> TriedDevice:
        chamber = build_chamber(added.entry, self._clock, self._connect)
        try:
            await chamber.open()
            read = await chamber.read()
        finally:
            await chamber.close()
        told = f"{read.state.value}, {read.temperature_degC:.2f} °C, set to {read.setpoint_degC:.1f} °C"
        return TriedDevice(added.entry.name, added.entry.resource, told)

    async def add(self, actor: Actor, lines: str, reason: str = "") -> str:
        """Write an entry into the station file; returns what is to be done next, as a sentence.

        It is asked first: what does not answer as described is not written.
        Raises: as ``ask``; StoreError: the file stands as it was.
        """
        await self.ask(actor, lines)
        path = self._path()
        text = await self._worker.call(self._read)
        added = self._checked(text, lines)
        entry = added.entry
        new = {"resource": entry.resource, "driver": entry.driver, "file": str(path)}
        await self._audit.write(actor, "instrument.add", subject=entry.name, new=new, reason=reason)
        await self._worker.call(self._write, text, added.text)
        return (
            f"{entry.name} is in {path.name}; the file as it was is {path.name}{KEPT}. "
            "Start the station anew to take it up: running tests go on meanwhile."
        )

    def _path(self) -> Path:
        if self._file.path is None:
            raise UserInputError(
                "This station was started without a station file: there is none to write into."
            )
        return self._file.path.resolve()

    def _read(self) -> str:
        path = self._path()
        try:
            return self._disk.read(path).decode("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise StoreError(f"the station file {path} cannot be read: {error}") from error

    def _write(self, seen: str, text: str) -> None:
        path = self._path()
        if self._read() != seen:
            raise ConflictError(
                f"{path.name} was changed meanwhile; look at it, then add the instrument again."
            )
        try:
            replace_file(self._disk, path, text.encode("utf-8"), keep=path.with_name(path.name + KEPT))
        except OSError as error:
            raise StoreError(f"the station file {path} cannot be written: {error}") from error

    def _checked(self, text: str, lines: str) -> Added:
        """Return the file with the lines in it. Raises where the station has that address, now or after its restart."""
        path = self._path()
        added = with_device(text, lines, f"{path.name} with these lines")
        written = parse_station(text, path.name)
        for file in (self._file, written):
            for entry in (*file.instruments, *file.chambers):
                if entry.resource.casefold() == added.entry.resource.casefold():
                    when = "" if file is self._file else ", and is taken up when the station is started anew"
                    raise ConflictError(f"{entry.name} has the address {entry.resource} already{when}.")
        return added
