"""What the host does step by step in a direct-current technique, and what all techniques have in common."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import AsyncIterator
from typing import Protocol

import numpy as np

from labctl.errors import RefusedError, UnknownStateError
from labctl.interfaces.potentiostat import Block, DcBlock
from labctl.model.spectrum import PointFlag
from labctl.model.technique import (
    Chronoamperometry,
    Chronopotentiometry,
    CyclicVoltammetry,
    LinearSweep,
    Ocv,
)
from labctl_drivers.par273a.instrument import Par273A
from labctl_drivers.par273a.messages import Overload
from labctl_drivers.par273a.models import RANGE_CODES, code_for
from labctl_drivers.par273a.pacing import Pacer
from labctl_drivers.par273a.plan import Step, steps_of

DcTechnique = Ocv | Chronoamperometry | Chronopotentiometry | LinearSweep | CyclicVoltammetry

DRIFT_POINTS = 10
"""Over so many points the drift of the open-circuit potential is judged."""


class Course(Protocol):
    """What is done, in two parts: ``prepare`` ends with the cell driven, ``run`` delivers the points."""

    async def prepare(self) -> None:
        """Set the instrument up with the cell off, and switch the cell on. Raises InstrumentError."""

    def run(self) -> AsyncIterator[Block]:
        """Yield the points. Raises Stopped, InstrumentError."""


async def energise(par: Par273A) -> None:
    """Switch the cell on, once the switch on the front panel lets it through, and read back that it is.

    Raises: RefusedError with the cell off; UnknownStateError where the read-back differs.
    """
    if not await par.cell_enabled():
        raise RefusedError("the switch CELL ENABLE on the front panel is off", vendor_text="CS 0")
    await par.cell(True)
    if not await par.cell_is_on():
        raise UnknownStateError("the cell was switched on and reads as off")
    if not await par.cell_enabled():
        raise RefusedError("the switch CELL ENABLE went off as the cell was switched on", vendor_text="CS 0")


def flags_of(overload: Overload) -> PointFlag:
    """Return what a point suffered from by what the instrument says was overloaded."""
    flags = PointFlag(0)
    if Overload.I in overload:
        flags |= PointFlag.OVERLOAD_I
    if Overload.E in overload:
        flags |= PointFlag.OVERLOAD_E
    return flags


class DcCourse:
    """Implements ``Course`` by steps of the host: set, wait, read."""

    def __init__(self, par: Par273A, pacer: Pacer, technique: DcTechnique) -> None:
        self._par = par
        self._pacer = pacer
        self._technique = technique
        self._steps = steps_of(technique)
        self._code: int | None = None
        self._drift = deque[tuple[float, float]](maxlen=DRIFT_POINTS)

    async def prepare(self) -> None:
        """Set mode, range and the first set point; switch the cell on, except for the open-circuit potential."""
        par, technique = self._par, self._technique
        await par.external_input(False)
        if isinstance(technique, Ocv):
            await par.cell(False)
            await par.confirm_off()
            return
        first = self._steps[0][0]
        if isinstance(technique, Chronopotentiometry):
            await par.auto_range(False)
            self._code = code_for(max(abs(i_A) for i_A, _ in technique.steps))
            await par.galvanostat(0.0)
            await par.set_range(self._code)
            await par.set_current(first)
        else:
            await par.potentiostat(first)
            await par.auto_range(technique.range_A is None)
            if technique.range_A is not None:
                self._code = code_for(technique.range_A)
                await par.set_range(self._code)
        await energise(par)

    async def run(self) -> AsyncIterator[Block]:
        """Yield one point after the other; ends early where a limit of the technique is passed."""
        self._pacer.begin()
        await self._par.overload()
        due_s, last = 0.0, self._steps[0][0]
        for step in self._steps:
            value, interval_s, _ = step
            if value != last and not math.isnan(value):
                await self._set(value)
                last = value
            due_s += interval_s
            await self._pacer.wait_until(due_s)
            late = self._pacer.elapsed_s > due_s + interval_s
            block = await self._point(step, late=late)
            yield block
            if self._limit_reached(block):
                return

    async def _set(self, value: float) -> None:
        if isinstance(self._technique, Chronopotentiometry):
            await self._par.set_current(value)
        else:
            await self._par.set_potential(value)

    async def _point(self, step: Step, *, late: bool) -> DcBlock:
        flags = PointFlag.TIMING if late else PointFlag(0)
        e_V, i_A = await self._par.read_potential(), 0.0
        elapsed_s = self._pacer.elapsed_s
        if isinstance(self._technique, Ocv):
            flags |= flags_of(await self._par.overload() & Overload.E)
        else:
            i_A, of_current = await self._current()
            flags |= of_current
        return DcBlock(
            elapsed_s=np.array([elapsed_s]),
            e_V=np.array([e_V]),
            i_A=np.array([i_A]),
            scan=np.array([step[2]], dtype=np.int32),
            flags=np.array([flags], dtype=np.uint8),
        )

    async def _current(self) -> tuple[float, PointFlag]:
        """Read the current. Where the instrument ranges, read until the range stays: it moves one at a time (2.4.1)."""
        par, fixed, flags = self._par, self._fixed, PointFlag(0)
        for _ in RANGE_CODES:
            i_A = await par.read_current()
            code = await par.range_code()
            overload = await self._par.overload()
            same = code == self._code
            flags |= PointFlag(0) if same or self._code is None else PointFlag.RANGE_CHANGED
            if fixed and not same:
                assert self._code is not None
                await par.set_range(self._code)
            if not fixed:
                self._code = code
            if fixed or (same and (Overload.I not in overload or code == RANGE_CODES[0])):
                break
        return i_A, flags | flags_of(overload)

    @property
    def _fixed(self) -> bool:
        technique = self._technique
        return isinstance(technique, Chronopotentiometry) or getattr(technique, "range_A", None) is not None

    def _limit_reached(self, block: DcBlock) -> bool:
        e_V, i_A = float(block.e_V[0]), float(block.i_A[0])
        match self._technique:
            case Chronoamperometry(i_limit_A=limit_A) if limit_A is not None:
                return abs(i_A) > limit_A
            case Chronopotentiometry(e_limits_V=limits_V) if limits_V is not None:
                return not min(limits_V) <= e_V <= max(limits_V)
            case Ocv(stop_below_V_per_s=drift) if drift is not None:
                self._drift.append((float(block.elapsed_s[0]), e_V))
                return len(self._drift) == DRIFT_POINTS and abs(_slope(self._drift)) < drift
        return False


def _slope(points: deque[tuple[float, float]]) -> float:
    """Return the slope of a straight line through (s, V), in V/s; infinite where time stands still."""
    time_s, e_V = np.array(points).T
    centred_s = time_s - time_s.mean()
    spread = float(centred_s @ centred_s)
    return float(centred_s @ e_V) / spread if spread > 0 else math.inf
