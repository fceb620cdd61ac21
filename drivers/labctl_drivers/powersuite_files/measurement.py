"""One spectrum that a person takes in PowerSuite: asked for, waited for, taken over from its export.

Whoever iterates over ``blocks`` watches the folder. Nothing here switches anything: that the cell is off is what a
person has confirmed, and where nobody has, the state is unknown.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from labctl.clock import Clock
from labctl.errors import (
    InstrumentError,
    LinkClosed,
    LinkTimeout,
    UnknownStateError,
    UsageError,
    UserFileError,
)
from labctl.interfaces.potentiostat import Block, MeasurementState, PersonAct, PersonAsked
from labctl.interfaces.spectrumfile import SpectrumContent, SpectrumFormat
from labctl.model.spectrum import Spectrum, SpectrumHead
from labctl.model.technique import Peis
from labctl.worker import Worker
from labctl_drivers.powersuite_files.folder import Folder, Stamp
from labctl_drivers.powersuite_files.options import PowerSuiteOptions
from labctl_drivers.powersuite_files.taking import Watch, as_asked, misfits, read

log = logging.getLogger(__name__)

BEGIN = (
    "Connect the cell, set the experiment in PowerSuite as the sheet {sheet} says, start it, then confirm."
)
END = "The export has come. See that the experiment has ended and that the cell is off, then confirm."
STOP = "Stop the experiment in PowerSuite now, see that the cell is off, then confirm."
LOOK_S = 0.5
"""Link seconds between two looks at whether a person has confirmed: people are not faster."""


@dataclass(frozen=True, slots=True, eq=False)
class Export:
    """An export that has been read: which file in which state, what it holds, how it differs from the plan."""

    name: str
    stamp: Stamp
    data: bytes
    content: SpectrumContent
    differs: tuple[str, ...]


class Desk(Protocol):
    """What a measurement needs of its driver."""

    @property
    def name(self) -> str: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def worker(self) -> Worker: ...
    @property
    def folder(self) -> Folder: ...
    @property
    def options(self) -> PowerSuiteOptions: ...
    @property
    def formats(self) -> tuple[SpectrumFormat, ...]: ...


class ExportMeasurement:
    """Implements ``labctl.interfaces.potentiostat.AttendedMeasurement``."""

    def __init__(
        self,
        desk: Desk,
        technique: Peis,
        stem: str,
        sheet: Path,
        watch: Watch,
        head: SpectrumHead,
        usual_s: float,
    ) -> None:
        self._desk = desk
        self._technique = technique
        self._stem = stem
        self._sheet = sheet
        self._watch = watch
        self._head = head
        self._usual_s = usual_s
        self._state = MeasurementState.ARMED
        self._asked: PersonAsked | None = None
        self._begun_s: float | None = None
        self._ready: list[Spectrum] = []
        self._got = 0
        self._error: InstrumentError | None = None
        self._over = False
        self._export: Export | None = None
        self._turn = asyncio.Lock()
        self._ask(PersonAct.BEGIN, BEGIN.format(sheet=sheet.name))

    @property
    def state(self) -> MeasurementState:
        """Return where it stands: armed until a person has confirmed the begin, running until the export has come."""
        return self._state

    @property
    def points_expected(self) -> int:
        """Return how many points were asked for."""
        return self._technique.sweep.points

    @property
    def points_got(self) -> int:
        """Return how many points have come: all at once."""
        return self._got

    @property
    def remaining_s(self) -> float | None:
        """Return the plant seconds that it usually takes still; None before it has begun or when it is late."""
        if self._over:
            return 0.0
        if self._begun_s is None:
            return None
        left_s = self._begun_s + self._usual_s - self._desk.clock.plant.now_s()
        return left_s if left_s > 0 else None

    @property
    def head(self) -> SpectrumHead:
        """Return what is true for the whole spectrum, with who confirmed what among the notes."""
        return self._head

    @property
    def is_over(self) -> bool:
        """Tell whether it has ended."""
        return self._over

    @property
    def has_begun(self) -> bool:
        """Tell whether a person has confirmed the begin."""
        return self._begun_s is not None

    @property
    def asked(self) -> PersonAsked | None:
        """Return what a person must do and confirm now; None while nobody is waited for."""
        return self._asked

    async def next_asked(self, before: PersonAsked | None = None) -> PersonAsked:
        """Wait until something else than ``before`` is asked, and return it."""
        while self._asked is None or self._asked is before:
            await self._desk.clock.link.sleep(LOOK_S)
        return self._asked

    def confirm(self, by: str) -> None:
        """Take a person's word. Raises UsageError where nothing is asked, or nobody says it."""
        if self._asked is None or not by.strip():
            problem = "nothing is asked" if self._asked is None else "a confirmation needs a name"
            raise UsageError(problem, instrument=self._desk.name, operation="confirm")
        act, self._asked = self._asked.act, None
        utc = self._desk.clock.plant.utc().isoformat()
        self._head = replace(
            self._head, notes=(*self._head.notes, f"{act.value} confirmed by {by.strip()} at {utc}")
        )
        log.info("confirmed instrument=%s act=%s by=%s", self._desk.name, act.value, by)
        if act is PersonAct.BEGIN:
            self._begun_s = self._desk.clock.plant.now_s()
            self._head = replace(self._head, taken_utc=utc)
            self._state = MeasurementState.RUNNING
        elif act is PersonAct.STOP and not self._over:
            self._state, self._over = MeasurementState.ABORTED, True

    @property
    def is_unsure(self) -> bool:
        """Tell whether it has ended and nobody has confirmed yet that it was stopped."""
        return self._over and self._asked is not None

    async def blocks(self) -> AsyncIterator[Block]:
        """Yield the spectrum and end, once its export has come and a person has confirmed that the cell is off."""
        try:
            while (block := await self._next()) is not None:
                yield block
        finally:
            if not self._over:
                await self._left()
        if self._error is not None:
            raise self._error

    async def abort(self) -> None:
        """Have a person stop it. Raises UnknownStateError where nobody confirms that in time; it stays asked then."""
        if self._over:
            return
        if self._begun_s is None:
            # nobody has said that anything was started: the plan is taken back
            self._asked, self._state, self._over = None, MeasurementState.ABORTED, True
            try:
                await self._desk.worker.call(self._desk.folder.withdraw_sheet, self._stem)
            except OSError as error:
                log.warning(
                    "sheet not withdrawn instrument=%s sheet=%s: %s", self._desk.name, self._sheet, error
                )
            return
        self._state = MeasurementState.FINISHING
        self._ask(PersonAct.STOP, STOP)
        link = self._desk.clock.link
        until_s = link.now_s() + self._desk.options.abort_wait_s
        while not self._over and link.now_s() < until_s:
            await link.sleep(LOOK_S)
        if not self._over:
            self._fail("nobody has confirmed that the experiment was stopped")
        if isinstance(self._error, UnknownStateError):
            raise self._error

    async def _left(self) -> None:
        """Abort because nobody listens any more."""
        try:
            await self.abort()
        except InstrumentError as error:
            log.error("measurement left instrument=%s error=%s", self._desk.name, error)

    def _ask(self, act: PersonAct, text: str) -> None:
        self._asked = PersonAsked(act, text, str(self._sheet))

    async def _next(self) -> Spectrum | None:
        async with self._turn:
            while not self._ready and not self._over:
                try:
                    await self._step()
                except OSError as error:
                    self._fail(f"the folder of exports cannot be read: {error}", LinkClosed(str(error)))
        return self._ready.pop() if self._ready else None

    async def _step(self) -> None:
        """Look into the folder, or wait for a person. Raises: OSError where the folder cannot be read."""
        if self._state is MeasurementState.RUNNING:
            await self._look()
        elif self._export is not None and self._asked is None:
            await self._finish(self._export)
        else:
            await self._desk.clock.link.sleep(LOOK_S)

    async def _look(self) -> None:
        """Look into the folder once, then let time pass. Ends in failure where nothing comes. Raises: OSError."""
        desk, plant = self._desk, self._desk.clock.plant
        assert self._begun_s is not None
        listing = await desk.worker.call(desk.folder.listing)
        for name, still_s in self._watch.look(listing, plant.now_s()).items():
            is_late = still_s >= desk.options.short_wait_s
            export = await self._read(name, listing[name])
            if isinstance(export, UserFileError):
                if is_late:
                    log.warning("export cannot be read, export it again instrument=%s: %s", desk.name, export)
                    self._watch.ignore(name)
                continue
            if export.differs and not is_late:
                continue  # perhaps half of one that fits
            if self._state is MeasurementState.RUNNING:  # not aborted while it was read
                self._export, self._got = export, len(export.content.spectra[-1])
                self._state = MeasurementState.FINISHING
                self._ask(PersonAct.END, END)
            return
        if plant.now_s() - self._begun_s > self._usual_s + desk.options.wait_max_s:
            self._fail("no export has come", LinkTimeout("no export has come"))
            return
        await plant.sleep(desk.options.poll_s)

    async def _read(self, name: str, stamp: Stamp) -> Export | UserFileError:
        """Read an export, or return why no reader can. Raises: OSError."""
        desk = self._desk
        data = await desk.worker.call(desk.folder.read, name)
        try:
            content = await desk.worker.call(read, data, name, desk.formats)
        except UserFileError as error:
            return error
        return Export(name, stamp, data, content, misfits(content, data, self._technique))

    async def _finish(self, export: Export) -> None:
        """Take the export over as it stands now that a person has confirmed the end. Raises: OSError."""
        desk = self._desk
        now = (await desk.worker.call(desk.folder.listing)).get(export.name)
        if now is not None and now != export.stamp:
            newer = await self._read(export.name, now)
            if isinstance(newer, UserFileError):
                self._note(f"export {export.name} was written anew and cannot be read: {newer.problem}")
            else:
                self._note(f"export {export.name} was written anew before the end was confirmed")
                export = newer
        kept = await desk.worker.call(desk.folder.keep_raw, self._stem, export.name, export.data)
        self._note(f"export {export.name}, kept unchanged as {kept.name}", *export.differs)
        for difference in export.differs:
            log.warning(
                "export differs from the plan instrument=%s file=%s: %s", desk.name, export.name, difference
            )
        spectrum = as_asked(export.content, self._technique, self._head)
        self._head, self._got = spectrum.head, len(spectrum)
        self._ready.append(spectrum)
        self._state, self._over = MeasurementState.DONE, True

    def _note(self, *notes: str) -> None:
        self._head = replace(self._head, notes=(*self._head.notes, *notes))

    def _fail(self, why: str, cause: InstrumentError | None = None) -> None:
        """End without knowing the cell; a person stays asked."""
        self._error = UnknownStateError(
            f"{why}; nobody knows whether the cell is off: look at the instrument, or unplug the cell",
            instrument=self._desk.name,
            operation="Peis",
        )
        self._error.__cause__ = cause
        self._ask(PersonAct.STOP, STOP)
        self._state, self._over = MeasurementState.FAILED, True
