"""What a cycler channel adds to the truth: gain, offset, noise, quantisation, rail.

Limits, triggers and ends look at the **reading** (gain and offset, unsaturated, without noise); stored
records add noise, quantisation and the rail. The set point goes through the same gain and offset, so the
true current differs from the displayed one by the channel's error.

Source: cell-models.md section 7; virtual-time.md 4.3 and 4.4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from labctl.errors import UserInputError
from labctl_simulators.world.elements import FloatArray
from labctl_simulators.world.noise import record_noise, stream_key

SET_RESOLUTION_A = 1e-9
"""A step file has six decimals of mA."""
FIRST_RECORD_FACTOR = 1.0 - 1e-3
"""The first record of a CC step reads 0.1 % low."""
GAIN_SIGMA = 2e-4
OFFSET_SIGMA = 5e-5
WORST_ERROR = 5e-4
VOLTAGE_NOISE_V = 1e-4
CURRENT_NOISE_A = {1e-4: 1e-9, 1e-3: 5e-9, 1e-2: 31e-9, 1e-1: 0.2e-6}
NOISE_PER_FULL_SCALE = 3e-6
"""For ranges that nobody measured [M]."""
CONVERTER_STEPS = 2.0**16
COUNT_SHARE = 64.0


class ChainProfile(StrEnum):
    """How good the channel is."""

    IDEAL = "ideal"
    CALIBRATED = "calibrated"
    WORST = "worst"


@dataclass(frozen=True, slots=True)
class Scale:
    """Gain and offset errors, noise and quantum of one range; ``full_scale`` in V or A as all else here."""

    full_scale: float
    gain_error: float = 0.0
    offset: float = 0.0
    noise: float = 0.0
    quantum: float = 0.0

    def reading(self, true: FloatArray) -> FloatArray:
        """Return the reading: gain and offset only."""
        return true * (1.0 + self.gain_error) + self.offset

    def reading_of(self, true: float) -> float:
        """Return the reading of one value, with the bits of ``reading``."""
        return true * (1.0 + self.gain_error) + self.offset

    def true_for(self, reading: float) -> float:
        """Return the true value that reads as ``reading``."""
        return (reading - self.offset) / (1.0 + self.gain_error)

    def stored(self, reading: FloatArray, normals: FloatArray) -> FloatArray:
        """Return what a record holds: noise added, quantised, saturated at full scale."""
        value = reading + self.noise * normals
        if self.quantum:
            value = np.rint(value / self.quantum) * self.quantum
            value = np.minimum(np.maximum(value, -self.full_scale), self.full_scale)
        return value


class MeasurementChain:
    """One channel's chain. ``ranges_A`` are the full scales of its current ranges.

    ``overrides`` may fix ``gain_error``, ``offset`` and ``noise`` per place: ``voltage`` or a range in A,
    for example
    ``{"voltage": {"offset": 1e-3}, 1e-3: {"gain_error": 0.0}}``.
    """

    def __init__(
        self,
        profile: ChainProfile | str,
        seed: int,
        instrument: str,
        channel: str,
        ranges_A: Sequence[float],
        voltage_range_V: float = 5.0,
        overrides: Mapping[object, Mapping[str, float]] | None = None,
    ) -> None:
        if not ranges_A:
            raise UserInputError(f"Channel {channel} of {instrument} has no current range.")
        self.profile = ChainProfile(profile)
        self.ranges_A = tuple(sorted(ranges_A))
        self.voltage_range_V = voltage_range_V
        self._place = (seed, instrument, channel)
        given = {str(key): dict(value) for key, value in (overrides or {}).items()}
        self.voltage = self._scale(voltage_range_V, VOLTAGE_NOISE_V, "voltage", given.get("voltage", {}))
        self.current = {
            full_scale_A: self._scale(
                full_scale_A,
                CURRENT_NOISE_A.get(full_scale_A, NOISE_PER_FULL_SCALE * full_scale_A),
                f"current {full_scale_A:g}",
                given.get(f"{full_scale_A}", {}),
            )
            for full_scale_A in self.ranges_A
        }

    def _scale(self, full_scale: float, noise: float, name: str, given: Mapping[str, float]) -> Scale:
        if self.profile is ChainProfile.IDEAL:
            values = {"gain_error": 0.0, "offset": 0.0, "noise": 0.0}
            quantum = 0.0
        else:
            gain_error, offset = self._errors(name)
            values = {"gain_error": gain_error, "offset": offset * full_scale, "noise": noise}
            quantum = 2.0 * full_scale / CONVERTER_STEPS / COUNT_SHARE
        unknown = set(given) - set(values)
        if unknown:
            raise UserInputError(
                f"A measurement chain has {', '.join(values)}; not {', '.join(sorted(unknown))}."
            )
        return Scale(full_scale, quantum=quantum, **{**values, **given})

    def _errors(self, name: str) -> tuple[float, float]:
        generator = np.random.Generator(np.random.Philox(key=stream_key(*self._place, name)))
        if self.profile is ChainProfile.CALIBRATED:
            return float(generator.normal(0.0, GAIN_SIGMA)), float(generator.normal(0.0, OFFSET_SIGMA))
        total, share = WORST_ERROR * float(generator.uniform()), float(generator.uniform())
        gain_sign, offset_sign = (float(sign) for sign in generator.choice([-1.0, 1.0], size=2))
        return gain_sign * total * share, offset_sign * total * (1.0 - share)

    # -- set points ----------------------------------------------------------------------------------------

    def range_for(self, current_A: float, fixed_A: float | None = None) -> float:
        """Return the smallest range that holds |I|, or the fixed one. Raises UserInputError if none."""
        for full_scale_A in self.ranges_A if fixed_A is None else (fixed_A,):
            if full_scale_A in self.current and abs(current_A) <= full_scale_A * (1.0 + 1e-9):
                return full_scale_A
        wanted = f"{current_A:g} A" + ("" if fixed_A is None else f" in the {fixed_A:g} A range")
        raise UserInputError(
            f"{wanted} does not fit the ranges {', '.join(f'{r:g} A' for r in self.ranges_A)}."
        )

    @staticmethod
    def settable_A(current_A: float) -> float:
        """Round a set current to the resolution of a step file."""
        return round(current_A * 1e9) / 1e9

    def true_current_A(self, set_current_A: float, range_A: float) -> float:
        """Return the current that really flows when the channel displays ``set_current_A``; 0 stays 0."""
        return 0.0 if set_current_A == 0.0 else self.current[range_A].true_for(set_current_A)

    def true_voltage_V(self, set_voltage_V: float) -> float:
        """Return the voltage that really stands when the channel displays ``set_voltage_V``."""
        return self.voltage.true_for(set_voltage_V)

    def noise_key(self, test_id: int) -> int:
        """Return the key of a test's record noise."""
        return stream_key(*self._place, test_id)

    # -- readings ------------------------------------------------------------------------------------------

    def read_voltage_V(self, true_V: FloatArray) -> FloatArray:
        """Return readings for limits and triggers: gain and offset, unsaturated, without noise."""
        return self.voltage.reading(true_V)

    def read_current_A(self, true_A: FloatArray, range_A: float) -> FloatArray:
        """Return readings for limits and triggers: gain and offset, unsaturated, without noise."""
        return self.current[range_A].reading(true_A)

    def records(
        self,
        test_id: int,
        first_sequence: int,
        true_V: FloatArray,
        true_A: FloatArray,
        range_A: float,
        *,
        first_reads_low: bool = False,
    ) -> tuple[FloatArray, FloatArray]:
        """Return stored (voltage_V, current_A) of consecutive records. Shapes: (n,).

        ``first_reads_low`` marks the first one as the first record of a CC step. The noise of a record
        depends on (seed, instrument, channel, test_id, sequence) alone.
        """
        voltage_V, current_A = self.voltage.reading(true_V), self.current[range_A].reading(true_A)
        if self.profile is ChainProfile.IDEAL:
            normals = np.zeros((2, len(true_V)))
        else:
            normals = record_noise(self.noise_key(test_id), first_sequence, len(true_V))
            if first_reads_low and len(current_A):
                current_A = current_A.copy()
                current_A[0] *= FIRST_RECORD_FACTOR
        return (
            self.voltage.stored(voltage_V, normals[0]),
            self.current[range_A].stored(current_A, normals[1]),
        )
