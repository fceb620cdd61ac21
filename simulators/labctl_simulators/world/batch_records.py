"""Records of a batch of channels: chain, noise, capacity and energy as arrays.

The numbers are those of ``MeasurementChain.records`` channel by channel: the same noise streams, the same quantum.

Source: cell-models.md section 7.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from labctl_simulators.world.chain import MeasurementChain, Scale
from labctl_simulators.world.elements import FloatArray
from labctl_simulators.world.modes import TICK_s
from labctl_simulators.world.noise import BLOCK, block_words, normals_from

CACHED_CHANNELS = 8


@dataclass(frozen=True, slots=True, eq=False)
class BatchRecords:
    """Stored records of many channels. Shapes: (records, channels)."""

    voltage_V: FloatArray
    current_A: FloatArray
    capacity_Ah: FloatArray
    energy_Wh: FloatArray


class _Scales:
    """The scales of many channels as rows."""

    def __init__(self, scales: Sequence[Scale]) -> None:
        self.gain = np.array([1.0 + scale.gain_error for scale in scales])
        self.offset = np.array([scale.offset for scale in scales])
        self.noise = np.array([scale.noise for scale in scales])
        self.quantum = np.array([scale.quantum for scale in scales])
        self.full_scale = np.array([scale.full_scale for scale in scales])
        self.exact = not self.quantum.any()

    def store(self, reading: FloatArray, normals: FloatArray) -> FloatArray:
        """Return noise added, quantised, saturated; as ``Scale.stored``."""
        if self.exact:
            return reading
        value: FloatArray = normals * self.noise
        value += reading
        value /= self.quantum
        np.rint(value, out=value)
        value *= self.quantum
        np.minimum(value, self.full_scale, out=value)
        np.maximum(value, -self.full_scale, out=value)
        return value


class BatchRecorder:
    """Channels that record on one grid: chain i belongs to column i, ``ranges_A[i]`` is its range."""

    def __init__(self, chains: Sequence[MeasurementChain], ranges_A: Sequence[float], test_id: int) -> None:
        self._keys = [chain.noise_key(test_id) for chain in chains]
        self._voltage = _Scales([chain.voltage for chain in chains])
        self._current = _Scales(
            [chain.current[range_A] for chain, range_A in zip(chains, ranges_A, strict=True)]
        )
        self._block_number = -1
        self._block = np.zeros((2, BLOCK, 0))

    def _normals(self, first: int, count: int) -> FloatArray:
        """Return the noise of ``count`` records from a sequence number on. Shape: (2, count, channels)."""
        parts = []
        while count > 0:
            number, start = divmod(first, BLOCK)
            if number != self._block_number:
                self._fill(number)
            taken = min(BLOCK - start, count)
            parts.append(self._block[:, start : start + taken])
            first, count = first + taken, count - taken
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=1)

    def _fill(self, number: int) -> None:
        """Make the noise of one aligned block, a few channels at a time so that it stays in the cache."""
        count = len(self._keys)
        self._block = np.empty((2, BLOCK, count))
        for start in range(0, count, CACHED_CHANNELS):
            keys = self._keys[start : start + CACHED_CHANNELS]
            words = np.stack([block_words(key, number) for key in keys])
            self._block[:, :, start : start + len(keys)] = normals_from(words).swapaxes(1, 2)
        self._block_number = number

    def records(
        self,
        first_sequence: int,
        step_ticks: FloatArray,
        true_V: FloatArray,
        true_A: FloatArray,
        start_Wh: FloatArray,
    ) -> BatchRecords:
        """Return the records at ticks of a constant-current step.

        Shapes: ``step_ticks`` (n,), ``true_V`` (n, channels), ``true_A`` (channels,), ``start_Wh`` (channels,) the
        energy of the step one record interval before the first.
        """
        normals = self._normals(first_sequence, len(step_ticks))
        reading_V = true_V * self._voltage.gain
        reading_V += self._voltage.offset
        reading_A = true_A * self._current.gain + self._current.offset
        hours = step_ticks * (TICK_s / 3600.0)
        interval_h = np.diff(hours, prepend=hours[0] - (hours[1] - hours[0] if len(hours) > 1 else hours[0]))
        energy_Wh = reading_V * np.abs(reading_A)
        energy_Wh *= interval_h[:, None]
        np.cumsum(energy_Wh, axis=0, out=energy_Wh)
        energy_Wh += start_Wh
        return BatchRecords(
            voltage_V=self._voltage.store(reading_V, normals[0]),
            current_A=self._current.store(np.broadcast_to(reading_A, true_V.shape), normals[1]),
            capacity_Ah=hours[:, None] * np.abs(reading_A),
            energy_Wh=energy_Wh,
        )
