"""A PAR 273A with an external analyser: identifies, refuses what it cannot do, measures, and switches the cell off.

The first word on every opened link is ``CELL 0``, before anything is polled or read: after a lost link nobody knows
what the instrument still drives. The cell relay is read back by the bare word ``CELL``.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from statistics import fmean

from labctl.clock import Clock
from labctl.errors import InstrumentError, RefusedError, UnknownStateError, UsageError
from labctl.interfaces.cycler import SilencePolicy
from labctl.interfaces.frames import FrameText
from labctl.interfaces.potentiostat import (
    DcBlock,
    Measurement,
    PotentiostatCapabilities,
    PotentiostatIdentity,
    PotentiostatReading,
)
from labctl.model.spectrum import AmplitudeKind, PointFlag, SpectrumHead
from labctl.model.technique import Geis, Ocv, Peis, Technique
from labctl.transport.base import Transport
from labctl_drivers.par273a.building import links
from labctl_drivers.par273a.codec import MV_PER_V, mV_of
from labctl_drivers.par273a.courses import Course, DcCourse
from labctl_drivers.par273a.explain import explain
from labctl_drivers.par273a.instrument import CELL_OFF, Par273A
from labctl_drivers.par273a.measurement import HostMeasurement
from labctl_drivers.par273a.messages import Overload
from labctl_drivers.par273a.models import (
    AMPLITUDE_MIN_V,
    CURRENT_MAX_A,
    LIMITS,
    MODELS,
    OVERLOAD_OF_RANGE,
    POTENTIAL_MAX_V,
    RANGE_CODES,
    range_A,
)
from labctl_drivers.par273a.options import LinkKind, ParOptions
from labctl_drivers.par273a.pacing import Pacer
from labctl_drivers.par273a.parlink import ParRefusal
from labctl_drivers.par273a.plan import plan_for
from labctl_drivers.par273a.refusing import ALL_DC, POINTS_MAX, Reach, refusals, refusals_at
from labctl_drivers.par273a.spectra import SpectrumCourse

log = logging.getLogger(__name__)

OCV_INTERVAL_S = 0.1
OCV_MEAN_S = 1.0
"""The mean of the last second is the open-circuit potential of a spectrum."""

OCV_DECIMALS = 6
"""A mean of whole millivolts to 1 uV: less is noise of the number."""

UNSURE = (
    "no watchdog: the instrument holds the cell for ever when the host is gone; its switch CELL ENABLE overrides",
    "potentials are set and read in whole mV",
)


class Par273APotentiostat:
    """Implements ``labctl.interfaces.potentiostat.Potentiostat``."""

    def __init__(
        self,
        name: str,
        resource: str,
        options: ParOptions,
        clock: Clock,
        connect: Callable[[str], Transport],
    ) -> None:
        self._name = name
        self._options = options
        self._clock = clock
        self._link, self._bus, self._analyser = links(resource, options, clock, connect)
        self._par = Par273A(self._link, options.delimiter)
        self.turn = asyncio.Lock()
        self._identity: PotentiostatIdentity | None = None
        self._analysed_by = ""
        self._measurement: HostMeasurement | None = None

    @property
    def name(self) -> str:
        """Return the name from the station file."""
        return self._name

    def explain(self, data: bytes, *, sent: bool) -> FrameText:
        """Say in one line what raw bytes are."""
        return explain(data, sent=sent, boxed=self._options.link is LinkKind.PROLOGIX)

    async def open(self) -> PotentiostatIdentity:
        """Connect, switch the cell off and read that back, identify, set up the analyser.

        Raises: RefusedError for an instrument of another kind; UnknownStateError where the cell is still on; LinkError.
        The links are closed then.
        """
        if self._link.is_open and self._identity is not None:
            return self._identity
        async with self._talking("open"):
            try:
                await self._link.open()
                await self._link.shout(CELL_OFF)
                await self._link.recover()
                await self._par.cell(False)
                self._identity = await self._identified()
                await self._par.confirm_off()
                await self._par.external_input(False)
                if self._analyser is not None:
                    self._analysed_by = await self._analyser.open()
            except InstrumentError:
                await self.hang_up()
                raise
            return self._identity

    async def close(self) -> None:
        """Switch the cell off and disconnect. Never raises: what could not be done is logged."""
        measurement = self._measurement
        try:
            if measurement is not None and not measurement.is_over:
                await measurement.abort()
            elif self._link.is_open:
                async with self.turn:
                    await self.make_safe()
        except InstrumentError as error:
            log.error("cell off not confirmed at close instrument=%s error=%s", self._name, error)
        finally:
            await self.hang_up()

    def capabilities(self) -> PotentiostatCapabilities:
        """Return what instrument and analyser can do. Raises UsageError before ``open``."""
        reach = self._reach()
        limits = reach.analyser
        return PotentiostatCapabilities(
            model=reach.model,
            techniques=frozenset(ALL_DC if limits is None else (*ALL_DC, Peis, Geis)),
            potential_min_V=-POTENTIAL_MAX_V,
            potential_max_V=POTENTIAL_MAX_V,
            ranges_A=tuple(range_A(code) for code in reversed(RANGE_CODES)),
            readable_A=tuple(
                min(CURRENT_MAX_A, OVERLOAD_OF_RANGE * range_A(code)) for code in reversed(RANGE_CODES)
            ),
            current_max_A=CURRENT_MAX_A,
            eis_min_Hz=reach.eis_min_Hz,
            eis_max_Hz=reach.eis_max_Hz,
            amplitude_min_V=AMPLITUDE_MIN_V,
            amplitude_max_V=math.nan if limits is None else limits.amplitude_max_V,
            points_max=POINTS_MAX,
            native_amplitude=AmplitudeKind.RMS,
            wire_sign=-1,
            silence=SilencePolicy.DEVICE_GOES_ON,
            watchdog=False,
            notes=self._notes(),
        )

    def refusals(self, technique: Technique) -> tuple[str, ...]:
        """Return every reason why that cannot be done; sends nothing. Raises UsageError before ``open``."""
        return refusals(technique, self._reach())

    async def read(self) -> PotentiostatReading:
        """Read potential, current, range, overload, cell relay; while a measurement runs, return its latest point."""
        if self._measurement is not None and not self._measurement.is_over:
            return self._latest(self._measurement)
        async with self._talking("read"):
            par = self._par
            cell_on = await par.cell_is_on()
            e_V = await par.read_potential()
            i_A = await par.read_current() if cell_on else 0.0
            overload = await par.overload()
            full_A = await par.range_A()
            enabled = await par.cell_enabled()
        words = "" if enabled else "CELL ENABLE on the front panel is off"
        return PotentiostatReading(
            e_V, i_A, cell_on, full_A, bool(overload & (Overload.I | Overload.E)), words
        )

    async def cell_off(self) -> None:
        """Abort what runs or is about to begin, switch off, read back. Raises UnknownStateError, LinkError."""
        while True:
            if self._measurement is not None and not self._measurement.is_over:
                await self._measurement.abort()
            async with self._talking("cell off"):
                # one that was being prepared until now comes next: it must not begin behind this
                if self._measurement is None or self._measurement.is_over:
                    await self.make_safe()
                    return

    async def measure(self, technique: Technique) -> Measurement:
        """Begin a technique. Raises UsageError with every reason before a byte is sent, InstrumentError."""
        self._insist(self.refusals(technique))
        if self._measurement is not None and not self._measurement.is_over:
            raise UsageError("a measurement is under way", instrument=self._name, operation="measure")
        async with self._talking("measure"):
            measurement = self._measurement = await self._prepared(technique)
        await measurement.begin()
        return measurement

    async def make_safe(self) -> float:
        """Switch the cell off, read it back, silence the generator; return the potential. The caller has the turn."""
        await self._link.recover()
        await self._par.cell(False)
        await self._par.confirm_off()
        e_V = await self._par.read_potential()
        await self._par.external_input(False)
        if self._analyser is not None:
            try:
                await self._analyser.quiet()
            except InstrumentError as error:
                # the cell is off and the external input too: a sine that nobody hears harms nothing
                log.warning("generator not silenced instrument=%s error=%s", self._name, error)
        return e_V

    async def shout_off(self) -> None:
        """Send the cell's switching off at once, on every lane. Raises LinkError."""
        await self._link.shout(CELL_OFF)

    async def hang_up(self) -> None:
        """Close every link."""
        await self._link.close()
        if self._analyser is not None:
            await self._analyser.close()

    async def _identified(self) -> PotentiostatIdentity:
        number, firmware = await self._par.prepare()
        if number != self._options.id:
            raise RefusedError(
                f"it says that it is a model {number}, not {self._options.id}; option id takes another one of the "
                "same language",
                vendor_text=str(number),
            )
        model = MODELS.get(number, f"PAR {number}")
        return PotentiostatIdentity("EG&G Princeton Applied Research", model, "", str(firmware))

    async def _prepared(self, technique: Technique) -> HostMeasurement:
        """Return the measurement, armed; measures the open circuit before a spectrum. Raises as ``measure``."""
        if self._measurement is not None and not self._measurement.is_over:
            raise UsageError("a measurement is under way")
        pacer = Pacer(self._par, self._clock)
        plan = plan_for(technique, self._reach().point_s)
        head = SpectrumHead(instrument=self._name, model=self._reach().model)
        course: Course
        if isinstance(technique, Peis | Geis):
            assert self._analyser is not None
            ocv_V = await self._open_circuit_V(pacer)
            e_dc_V = 0.0
            if isinstance(technique, Peis):
                e_dc_V = technique.e_dc_V + (ocv_V if technique.e_dc_vs == "ocv" else 0.0)
                e_dc_V = mV_of(e_dc_V) / MV_PER_V  # what is sent is what is stored
                self._insist(refusals_at(technique, e_dc_V))
            head = self._head_of(technique, head, ocv_V)
            course = SpectrumCourse(self._par, self._analyser, pacer, technique, e_dc_V, head)
        else:
            course = DcCourse(self._par, pacer, technique)
        return HostMeasurement(self, course, pacer, plan, head)

    def _head_of(self, technique: Peis | Geis, head: SpectrumHead, ocv_V: float) -> SpectrumHead:
        if isinstance(technique, Peis):
            head = replace(head, name="PEIS", amplitude_rms_V=technique.amplitude_rms_V)
        else:
            head = replace(head, name="GEIS", amplitude_rms_A=technique.amplitude_rms_A)
        return replace(
            head,
            ocv_before_V=ocv_V,
            taken_utc=self._clock.plant.utc().isoformat(),
            notes=(f"measured by {self._analysed_by}", "the direct potential is as set, in whole mV"),
        )

    async def _open_circuit_V(self, pacer: Pacer) -> float:
        """Return the mean of the last second with the cell off. Raises RefusedError where it is beyond what is read."""
        await self._par.cell(False)
        await self._par.confirm_off()
        await self._par.overload()
        count = max(2, round(self._options.ocv_s / OCV_INTERVAL_S))
        values_V = []
        for _ in range(count):
            await pacer.wait(OCV_INTERVAL_S)
            values_V.append(await self._par.read_potential())
        if Overload.E in await self._par.overload():
            raise RefusedError("the open-circuit potential is beyond what it can read")
        return round(fmean(values_V[-round(OCV_MEAN_S / OCV_INTERVAL_S) :]), OCV_DECIMALS)

    def _reach(self) -> Reach:
        if self._identity is None:
            raise UsageError("nobody knows its model before it is open", instrument=self._name)
        analyser = self._analyser
        return Reach(
            model=self._identity.model,
            eis_max_Hz=self._options.eis_max_Hz,
            step_max_s=self._options.step_max_s,
            analyser=None if analyser is None else LIMITS[self._options.analyser],
            point_s=lambda frequency_Hz: 0.0 if analyser is None else analyser.seconds(frequency_Hz),
        )

    def _notes(self) -> tuple[str, ...]:
        allowed = f" (allowed by {self._options.step_max_by})" if self._options.step_max_by else ""
        notes = [*UNSURE, f"a cell is driven for at most {self._options.step_max_s:g} s{allowed}"]
        if self._analysed_by:
            notes.append(f"spectra by {self._analysed_by}, which nobody watches: its cables are not checked")
        if self._bus is not None and not self._bus.stop_lane:
            notes.append("no stop lane of its own: stops go over the normal one")
        return tuple(notes)

    def _latest(self, measurement: HostMeasurement) -> PotentiostatReading:
        block, words = measurement.last, "a measurement is under way"
        cell_on = not isinstance(measurement.technique, Ocv)
        if not isinstance(block, DcBlock):
            return PotentiostatReading(math.nan, math.nan, cell_on, math.nan, False, words)
        overload = bool(block.flags[-1] & (PointFlag.OVERLOAD_I | PointFlag.OVERLOAD_E))
        return PotentiostatReading(
            float(block.e_V[-1]), float(block.i_A[-1]), cell_on, math.nan, overload, words
        )

    def _insist(self, reasons: tuple[str, ...]) -> None:
        if reasons:
            raise UsageError(" ".join(reasons), instrument=self._name, operation="measure")

    @asynccontextmanager
    async def _talking(self, operation: str) -> AsyncIterator[None]:
        """Hold the turn; after anything that leaves the wire unclear close it, so that the next open makes safe."""
        async with self.turn:
            try:
                yield
            except (ParRefusal, RefusedError, UsageError) as error:
                error.instrument, error.operation = self._name, operation
                raise
            except UnknownStateError as error:
                error.instrument, error.operation = self._name, operation
                await self.hang_up()
                raise
            except InstrumentError as error:
                error.instrument, error.operation = self._name, operation
                await self.hang_up()
                raise
            except asyncio.CancelledError:
                await self.hang_up()
                raise
