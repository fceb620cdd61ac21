"""What the examiner of potentiostat drivers stands on: a driver with eyes from outside, and what hangs on it."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np

from labctl.clock import Clock, ClockMode, ClockSpec, SupportsAdvance
from labctl.interfaces.potentiostat import PersonAsked, Potentiostat
from labctl.model.spectrum import ComplexArray, FloatArray
from labctl.model.technique import FrequencySweep


class PotentiostatRig(Protocol):
    """A driver, closed, on an instrument with a dummy cell, and eyes that do not go through the driver."""

    @property
    def potentiostat(self) -> Potentiostat: ...
    def cell_on(self) -> bool:
        """Tell whether the instrument drives the cell, seen from outside."""

    def energisings(self) -> int:
        """Count how often the instrument has switched its cell on."""

    def sent(self) -> int:
        """Count the bytes (or calls) that the driver has sent."""

    def cut(self) -> None:
        """Let the link be lost now; a later ``open`` finds it again."""

    def hang(self, hung: bool) -> None:
        """Let the link carry nothing, or carry again what is sent from then on."""


@runtime_checkable
class AttendedRig(PotentiostatRig, Protocol):
    """A rig with the person that an attended instrument needs."""

    def act(self, asked: PersonAsked) -> bool:
        """Do what is asked; tell whether it is done, so that it may be confirmed."""


def d1_ohm(frequency_Hz: FloatArray) -> ComplexArray:
    """Return the impedance of the dummy cell D1 (potentiostat.md 3.1). Shapes: (n,)."""
    return np.asarray(10.0 + 1.0 / (1.0 / 100.0 + 2j * math.pi * frequency_Hz * 100e-6), dtype=np.complex128)


@dataclass(frozen=True, slots=True)
class PotentiostatSetup:
    """How to make a rig on a clock, and what hangs on it.

    ``drive_V`` is a potential at which the instrument can drive ``resistance_ohm``; ``tolerance`` is of |Z|, and of the
    direct current where nothing is charged.
    """

    rig: Callable[[Clock], PotentiostatRig]
    bench: SupportsAdvance | None = None
    clock: ClockSpec = field(default_factory=lambda: ClockSpec(mode=ClockMode.JUMP))
    z_ohm: Callable[[FloatArray], ComplexArray] = d1_ohm
    resistance_ohm: float = 110.0
    capacitance_F: float = 100e-6
    ocv_V: float = 0.0
    ocv_tolerance_V: float = 1e-3
    drive_V: float = 0.11
    drive_A: float = 1e-3
    tolerance: float = 1e-6
    sweep: FrequencySweep = field(default_factory=lambda: FrequencySweep(100e3, 1.0, 5))
    slow: FrequencySweep = field(default_factory=lambda: FrequencySweep(1.0, 0.1, 5))
    amplitude_rms_V: float = 0.01
    amplitude_rms_A: float = 1e-4
