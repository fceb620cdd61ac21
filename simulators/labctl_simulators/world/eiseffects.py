"""What a real potentiostat adds to a true impedance: one field per effect, zero is off, all numbers seeded.

Source: potentiostat.md 3.3, where each law is stated with the public file that shows it. What a profile switches on
beyond the noise is our choice: ``calibrated`` is a shielded, compensated instrument, ``worst`` has every effect.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from labctl.errors import UserInputError
from labctl_simulators.world.noise import record_noise, stream_key

MAINS_DEPTH = 0.2
COLLAPSE_ohm = 0.4
COLLAPSE_AT_Hz = 10e3
COLLAPSE_POWER = 1.75
"""Output impedance of the control loop: 0.4 ohm at 10 kHz makes 5 mV into 0.2 mV on a 16 mohm cell, 0.9 mV at 4 kHz."""
POLE_AT_10_uA_Hz = 75e3
POLE_AT_1_mA_Hz = 2e6
AMPLITUDE_STEP_Hz = 1e3


@dataclass(frozen=True, slots=True)
class Effects:
    """Every effect with its size; see the table of potentiostat.md 3.3.

    ``voltage_noise`` and ``current_noise`` are densities in V s^0.5 and A s^0.5, ``drift`` is the growth of the
    polarisation resistances over one sweep, ``drift_series`` that of the series resistance.
    """

    noise: float = 0.0
    voltage_noise: float = 0.0
    current_noise: float = 0.0
    range_floor: float = 0.0
    range_gain: float = 0.0
    amplitude_error: float = 0.0
    amplitude_collapse: bool = False
    lead_inductance_H: float = 0.0
    stray_capacitance_F: float = 0.0
    roll_off: bool = False
    mains_Hz: float = 0.0
    drift: float = 0.0
    drift_series: float = 0.0
    non_linear: bool = False
    potential_error: float = 0.0
    potential_offset_V: float = 0.0
    current_error: float = 0.0


PROFILES: Mapping[str, Effects] = {
    "ideal": Effects(),
    "calibrated": Effects(
        noise=1e-3, voltage_noise=1e-6, current_noise=1e-10, range_floor=1e-4, range_gain=1e-3,
        stray_capacitance_F=30e-12, non_linear=True,
    ),
    "worst": Effects(
        noise=3e-3, voltage_noise=2e-6, current_noise=2e-10, range_floor=1e-4, range_gain=5e-3,
        amplitude_error=0.05, amplitude_collapse=True, lead_inductance_H=0.3e-6, stray_capacitance_F=30e-12,
        roll_off=True, mains_Hz=50.0, drift=0.02, drift_series=0.02, non_linear=True,
        potential_error=2e-3, potential_offset_V=5e-3, current_error=2e-3,
    ),
}  # fmt: skip


def effects_of(profile: str, overrides: Mapping[str, Any]) -> Effects:
    """Return a profile with single effects set. Raises: UserInputError naming the known effects."""
    if profile not in PROFILES:
        raise UserInputError(f"A potentiostat has no profile {profile!r}; known are {', '.join(PROFILES)}.")
    known = {field.name: field for field in fields(Effects)}
    values: dict[str, Any] = {}
    for name, value in overrides.items():
        if name not in known:
            raise UserInputError(f"A potentiostat has no effect {name!r}; known are {', '.join(known)}.")
        flag = isinstance(getattr(PROFILES[profile], name), bool)
        if isinstance(value, bool) is not flag or (not flag and not _finite(value)):
            raise UserInputError(
                f"Effect {name} is {'true or false' if flag else 'a number'}, not {value!r}."
            )
        values[name] = value if flag else float(value)
    return replace(PROFILES[profile], **values)


def _finite(value: object) -> bool:
    return isinstance(value, int | float) and math.isfinite(value)


class Chance:
    """The seeded numbers of one instrument: fixed errors by name, noise by (measurement, point)."""

    def __init__(self, seed: int, instrument: str) -> None:
        self._seed = seed
        self._instrument = instrument

    def normals(self, purpose: str, measurement: int, point: int) -> tuple[float, float]:
        """Return two standard normals that depend on nothing but what is named."""
        key = stream_key(self._seed, self._instrument, purpose, measurement)
        pair = record_noise(key, point, 1)
        return float(pair[0, 0]), float(pair[1, 0])

    def within(self, purpose: str, item: int = 0) -> float:
        """Return a fixed number within -1 ... 1 of one item (a range, a potential)."""
        first, second = self.normals(f"fixed {purpose}", 0, item)
        return math.atan2(first, second) / math.pi

    def range_gain(self, size: float, index: int) -> float:
        """Return the gain of a range: its error is 0.2 to 1 times ``size``, of either sign."""
        part = self.within("range gain", index)
        return 1.0 + math.copysign(size * (0.2 + 0.8 * abs(part)), part) if size else 1.0


def collapsed(amplitude: float, load_ohm: float, frequency_Hz: float) -> float:
    """Return the amplitude that the control loop can hold on a load."""
    loop_ohm = COLLAPSE_ohm * math.pow(frequency_Hz / COLLAPSE_AT_Hz, COLLAPSE_POWER)
    return amplitude * load_ohm / (load_ohm + loop_ohm)


def pole_Hz(range_A: float) -> float:
    """Return the -3 dB point of a current range: 2 MHz at 1 mA and above, 75 kHz at 10 uA, by decades between."""
    slope = math.log10(POLE_AT_1_mA_Hz / POLE_AT_10_uA_Hz) / 2.0
    return min(POLE_AT_1_mA_Hz, POLE_AT_10_uA_Hz * math.pow(range_A / 10e-6, slope))


def mains_near(frequency_Hz: float, mains_Hz: float, integrated_s: float) -> bool:
    """Tell whether a point lies within 3 / T_int of the mains or of its second harmonic."""
    return mains_Hz > 0.0 and any(
        abs(frequency_Hz - line_Hz) <= 3.0 / integrated_s for line_Hz in (mains_Hz, 2.0 * mains_Hz)
    )
