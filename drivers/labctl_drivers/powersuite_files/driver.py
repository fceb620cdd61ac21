"""A PARSTAT 2263/2273 behind PowerSuite: labctl plans and takes over, a person measures.

The instrument's link is not public, so nothing here talks to it, and nothing here pretends to switch its cell. Readers
of exports are found through entry point group ``labctl.spectrumfiles``.
"""

from __future__ import annotations

import logging
import math
from importlib.metadata import entry_points
from pathlib import Path

import numpy as np

from labctl.clock import Clock
from labctl.errors import InstrumentError, LinkClosed, UnknownStateError, UsageError
from labctl.interfaces.cycler import SilencePolicy
from labctl.interfaces.potentiostat import (
    Measurement,
    PotentiostatCapabilities,
    PotentiostatIdentity,
    PotentiostatReading,
)
from labctl.interfaces.spectrumfile import SpectrumFormat
from labctl.model.spectrum import AmplitudeKind, FloatArray, SpectrumHead
from labctl.model.technique import Peis, Technique
from labctl.worker import Worker
from labctl_drivers.powersuite_files import sheet
from labctl_drivers.powersuite_files.folder import Folder
from labctl_drivers.powersuite_files.measurement import ExportMeasurement
from labctl_drivers.powersuite_files.options import PowerSuiteOptions
from labctl_drivers.powersuite_files.taking import Watch

log = logging.getLogger(__name__)

MAKER = "Princeton Applied Research"
READERS = "labctl.spectrumfiles"
POINTS_MAX = 10_000


class PowerSuitePotentiostat:
    """Implements ``labctl.interfaces.potentiostat.Potentiostat``."""

    def __init__(self, name: str, folder: Path, options: PowerSuiteOptions, clock: Clock) -> None:
        self._name = name
        self.options = options
        self.clock = clock
        self.folder = Folder(folder, options.raw_folder)
        self.worker = Worker(f"powersuite-{name}", clock)
        self.formats: tuple[SpectrumFormat, ...] = ()
        self._is_open = False
        self._measurement: ExportMeasurement | None = None

    @property
    def name(self) -> str:
        """Return the name from the station file."""
        return self._name

    async def open(self) -> PotentiostatIdentity:
        """See that the folder is there and can be written to.

        Raises LinkClosed; UnknownStateError while nobody has confirmed that what was begun has been stopped.
        """
        self._insist_sure("open")
        if not self._is_open:
            self.formats = self.formats or readers()
            try:
                await self.worker.call(self.folder.check)
            except OSError as error:
                raise LinkClosed(
                    f"the folder of exports {self.folder.path} cannot be used: {error.strerror or error}",
                    instrument=self._name,
                    operation="open",
                ) from error
            self._is_open = True
        return PotentiostatIdentity(MAKER, self.options.model, self.options.serial_number, "PowerSuite files")

    async def close(self) -> None:
        """Have a person stop what runs; never raises: what nobody confirmed is logged."""
        try:
            await self._abort()
        except InstrumentError as error:
            log.error("cell off not confirmed at close instrument=%s error=%s", self._name, error)
        self._is_open = False

    def capabilities(self) -> PotentiostatCapabilities:
        """Return what can be asked of a person, and within which limits. Raises UsageError before ``open``."""
        self._insist_open()
        limits = self.options.limits
        return PotentiostatCapabilities(
            model=self.options.model,
            techniques=frozenset({Peis}),
            potential_min_V=-limits["potential_max_V"],
            potential_max_V=limits["potential_max_V"],
            ranges_A=(),
            readable_A=(),
            current_max_A=math.nan,
            eis_min_Hz=limits["eis_min_Hz"],
            eis_max_Hz=limits["eis_max_Hz"],
            amplitude_min_V=sheet.AMPLITUDE_MIN_V,
            amplitude_max_V=limits["amplitude_max_V"],
            points_max=POINTS_MAX,
            native_amplitude=AmplitudeKind.RMS,
            silence=SilencePolicy.DEVICE_GOES_ON,
            watchdog=False,
            attended=True,
            notes=(
                "a person sets, starts and ends every experiment in PowerSuite, and confirms both ends",
                "the limits are labctl's assumptions for the class: options set others",
            ),
        )

    def refusals(self, technique: Technique) -> tuple[str, ...]:
        """Return every reason why that cannot be asked for; writes nothing. Raises UsageError before ``open``."""
        self._insist_open()
        return sheet.refusals(technique, self.options)

    async def read(self) -> PotentiostatReading:
        """Return that nothing is known: the instrument tells labctl nothing. Raises LinkClosed without the folder."""
        self._insist_open()
        try:
            await self.worker.call(self.folder.listing)
        except OSError as error:
            self._is_open = False
            raise LinkClosed(
                f"the folder of exports cannot be read: {error}", instrument=self._name, operation="read"
            ) from error
        words = "PowerSuite tells nothing; a person has to look"
        return PotentiostatReading(math.nan, math.nan, None, math.nan, False, words)

    async def cell_off(self) -> None:
        """Have a person stop what runs. Raises UnknownStateError where nobody confirms it in time, or has yet.

        With nothing under way there is nothing to do: what labctl asked for has ended, and a person has said so.
        """
        await self._abort()
        self._insist_sure("cell off")

    async def measure(self, technique: Technique) -> Measurement:
        """Write the plan sheet and ask a person to begin. Raises UsageError with every reason first, LinkClosed."""
        self._insist_sure("measure")
        reasons = self.refusals(technique)
        if self._under_way() is not None:
            reasons = (*reasons, "a measurement is under way")
        if reasons or not isinstance(technique, Peis):
            raise UsageError(" ".join(reasons), instrument=self._name, operation="measure")
        folder = self.folder
        try:
            before = await self.worker.call(folder.listing)
            stem = await self.worker.call(folder.free_stem, self._name)
            text = sheet.sheet(technique, stem, str(folder.path), self.options)
            path = await self.worker.call(folder.write_sheet, stem, text)
        except OSError as error:
            raise LinkClosed(
                f"the plan sheet cannot be written: {error}", instrument=self._name, operation="measure"
            ) from error
        head = SpectrumHead(
            name="PEIS",
            instrument=self._name,
            model=self.options.model,
            amplitude_rms_V=technique.amplitude_rms_V,
            taken_utc=self.clock.plant.utc().isoformat(),
            notes=(f"plan {path.name}",),
        )
        usual_s = technique.settle_s + float(usual_point_s(technique.sweep.frequencies_Hz()).sum())
        self._measurement = ExportMeasurement(self, technique, stem, path, Watch(before), head, usual_s)
        return self._measurement

    def _under_way(self) -> ExportMeasurement | None:
        measurement = self._measurement
        return measurement if measurement is not None and not measurement.is_over else None

    async def _abort(self) -> None:
        measurement = self._under_way()
        if measurement is not None:
            await measurement.abort()

    def _insist_sure(self, operation: str) -> None:
        if self._measurement is not None and self._measurement.is_unsure:
            raise UnknownStateError(
                "nobody has confirmed that the last experiment was stopped and the cell switched off",
                instrument=self._name,
                operation=operation,
            )

    def _insist_open(self) -> None:
        if not self._is_open:
            raise UsageError("it is not open", instrument=self._name)


def readers() -> tuple[SpectrumFormat, ...]:
    """Return the readers of exports that installed packages offer. Raises: UsageError where there is none."""
    found = tuple(entry.load() for entry in entry_points(group=READERS))
    if not found:
        raise UsageError(f"no package offers a reader of exports (entry point group {READERS})")
    return found


def usual_point_s(frequency_Hz: FloatArray) -> FloatArray:
    """Return how long points usually take, in s, as read off a public file (potentiostat.md 3.2). Shapes (n,)."""
    slow_s = np.where(frequency_Hz >= 1.0, 0.29 + 3.5 / frequency_Hz, 7.8 / frequency_Hz)
    return np.where(frequency_Hz >= 100.0, 0.33, slow_s)
