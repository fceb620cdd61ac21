"""A spectrum point by point: the analyser reads the 273A's monitors, the host computes Z and keeps the range.

::

    I MONITOR = I / range x 1 V, reduction positive      E MONITOR = E
    Z = E / I = -(E MONITOR / I MONITOR) x 1 V / range    minus for the American sign of the current

Source: potentiostat.md 2.4.6, steps 1 to 6.
"""

from __future__ import annotations

import math
from collections.abc import AsyncIterator
from dataclasses import replace

import numpy as np

from labctl.errors import RefusedError
from labctl.interfaces.potentiostat import Block
from labctl.model.spectrum import PointFlag, Spectrum, SpectrumHead
from labctl.model.technique import Geis, Peis
from labctl_drivers.par273a.analyser import Analyser
from labctl_drivers.par273a.courses import energise, flags_of
from labctl_drivers.par273a.instrument import Par273A
from labctl_drivers.par273a.messages import AcReading, Overload
from labctl_drivers.par273a.models import (
    CONTOUR_MAX_HZ,
    CONTOUR_RANGE_A,
    MONITOR_HIGH,
    MONITOR_LOW,
    RANGE_CODES,
    RANGE_DEAD_S,
    START_RANGE,
    code_for,
    range_A,
)
from labctl_drivers.par273a.pacing import Pacer
from labctl_drivers.par273a.refusing import galvanostat_code

SQRT2 = math.sqrt(2.0)
DECADE = 10.0
"""From one current range to the next."""


class SpectrumCourse:
    """Implements ``Course``. ``e_dc_V`` is the potential to hold, resolved; of no meaning in galvanostat mode."""

    def __init__(
        self,
        par: Par273A,
        analyser: Analyser,
        pacer: Pacer,
        technique: Peis | Geis,
        e_dc_V: float,
        head: SpectrumHead,
    ) -> None:
        self._par = par
        self._analyser = analyser
        self._pacer = pacer
        self._technique = technique
        self._e_dc_V = e_dc_V
        self._head = head
        self._i_dc_A = math.nan
        if isinstance(technique, Geis):
            self._code = galvanostat_code(technique)
        else:
            self._code = START_RANGE if technique.range_A is None else code_for(technique.range_A)

    async def prepare(self) -> None:
        """Silence the generator, set mode, range and the point of work, and switch the cell on."""
        par, technique = self._par, self._technique
        await self._analyser.quiet()
        await par.external_input(False)
        await par.auto_range(False)
        if isinstance(technique, Peis):
            await par.potentiostat(self._e_dc_V)
            await par.set_range(self._code)
        else:
            await par.galvanostat(0.0)
            await par.set_range(self._code)
            await par.set_current(technique.i_dc_A)
        await energise(par)

    async def run(self) -> AsyncIterator[Block]:
        """Settle, let the generator in, and yield one point after the other."""
        technique, pacer = self._technique, self._pacer
        pacer.begin()
        frequencies_Hz = technique.sweep.frequencies_Hz()
        await pacer.wait(technique.settle_s)
        self._i_dc_A = await self._par.read_current()
        if isinstance(technique, Peis) and technique.range_A is None:
            self._code = max(self._code, code_for(abs(self._i_dc_A), MONITOR_HIGH / 2))
        await self._par.set_range(self._code)  # reading a current may have changed it
        await self._analyser.excite(float(frequencies_Hz[0]), self._amplitude_V)
        await self._par.external_input(True)
        for frequency_Hz in frequencies_Hz:
            yield await self._point(float(frequency_Hz))

    @property
    def _amplitude_V(self) -> float:
        """Return what the generator puts out, in V rms: the potential's own, or full-scale current per volt."""
        if isinstance(self._technique, Peis):
            return self._technique.amplitude_rms_V
        return self._technique.amplitude_rms_A / range_A(self._code)

    @property
    def _ranges(self) -> bool:
        """Tell whether the host may change the current range: in galvanostat mode the current would change with it."""
        return isinstance(self._technique, Peis) and self._technique.range_A is None

    async def _point(self, frequency_Hz: float) -> Spectrum:
        pacer, flags, risen = self._pacer, PointFlag(0), False
        start_s = pacer.elapsed_s
        for _ in range(2 * len(RANGE_CODES)):
            pacer.check()
            await self._par.overload()
            reading = self._filled(await self._analyser.measure(frequency_Hz, pacer.wait))
            overload = await self._par.overload()
            step = self._range_step(reading, overload, risen=risen)
            if step == 0:
                break
            risen = risen or step > 0
            self._code += step
            flags |= PointFlag.RANGE_CHANGED
            await self._par.set_range(self._code)
            await pacer.wait(RANGE_DEAD_S)
        if reading.trouble:
            raise RefusedError(reading.trouble, vendor_text=reading.trouble)
        if self._too_high(reading, overload):
            flags |= PointFlag.OVERLOAD_I
        flags |= flags_of(overload) | self._contour(frequency_Hz)
        return self._row(reading, start_s, flags)

    def _filled(self, reading: AcReading) -> AcReading:
        """Return a reading with what an FRA does not tell: one amplitude is the one that was set, the other follows."""
        if math.isfinite(reading.monitor_V) and math.isfinite(reading.e_rms_V):
            return reading
        size = abs(reading.ratio)
        if isinstance(self._technique, Peis):
            monitor_V = self._amplitude_V / size if size else math.inf
            return replace(reading, e_rms_V=self._amplitude_V, monitor_V=monitor_V)
        return replace(reading, e_rms_V=self._amplitude_V * size, monitor_V=self._amplitude_V)

    def _level(self, reading: AcReading) -> float:
        """Return the peak at I MONITOR as part of full scale."""
        return SQRT2 * reading.monitor_V + abs(self._i_dc_A) / range_A(self._code)

    def _too_high(self, reading: AcReading, overload: Overload) -> bool:
        return (
            Overload.I in overload
            or reading.overload
            or self._level(reading) > MONITOR_HIGH
            or reading.monitor_V > self._analyser.limits.monitor_max_V
        )

    def _range_step(self, reading: AcReading, overload: Overload, *, risen: bool) -> int:
        """Return 1 for a larger range, -1 for a smaller one that still holds the current, 0 to stay.

        A point that has needed a larger range is not tried on a smaller one again.
        """
        if not self._ranges:
            return 0
        if self._too_high(reading, overload):
            return int(self._code < RANGE_CODES[0])
        level = self._level(reading)
        finer_fits = (
            level * DECADE <= MONITOR_HIGH
            and reading.monitor_V * DECADE <= self._analyser.limits.monitor_max_V
        )
        return -int(level < MONITOR_LOW and finer_fits and not risen and self._code > RANGE_CODES[-1])

    def _contour(self, frequency_Hz: float) -> PointFlag:
        outside = range_A(self._code) <= CONTOUR_RANGE_A and frequency_Hz > CONTOUR_MAX_HZ
        return PointFlag.OUTSIDE_CONTOUR if outside else PointFlag(0)

    def _row(self, reading: AcReading, start_s: float, flags: PointFlag) -> Spectrum:
        full_A = range_A(self._code)
        is_pstat = isinstance(self._technique, Peis)
        return Spectrum.of(
            [reading.frequency_Hz],
            [-reading.ratio / full_A],
            self._head,
            e_dc_V=np.array([self._e_dc_V if is_pstat else math.nan]),
            i_dc_A=np.array([self._i_dc_A]),
            e_ac_rms_V=np.array([reading.e_rms_V]),
            i_ac_rms_A=np.array([reading.monitor_V * full_A]),
            t_start_s=np.array([start_s]),
            t_end_s=np.array([self._pacer.elapsed_s]),
            range_A=np.array([full_A]),
            flags=np.array([flags], dtype=np.uint8),
        )
