"""The models: what they can reach and which ranges they have, as data.

Source: potentiostat.md 2.1.2 (device codes) and 2.1.5. The readable current of the Pico's low-speed ranges is that of
public notes; in its high-speed mode the same share (0.6) of the name is taken [our choice]. How high the EIS of
EmStat4 and Nexus goes was not found in public: 200 kHz as in the public scripts, or what the bench file says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from labctl_simulators.world.potentiostat import CurrentRange

AMPLITUDE_MIN_V, AMPLITUDE_MAX_V = 1e-3, 0.25
EIS_MIN_Hz = 1e-5
"""[our choice] Nobody waits days for a point."""
PICO_READS = 0.6
LOW_SPEED, HIGH_SPEED, MAX_RANGE, SECOND_WE, GALVANOSTAT = 2, 3, 4, 5, 6


@dataclass(frozen=True, slots=True)
class ModeLimits:
    """What one PGStat mode allows."""

    low_V: float
    high_V: float
    span_V: float
    eis_max_Hz: float
    ladder: tuple[CurrentRange, ...]


@dataclass(frozen=True, slots=True)
class Model:
    """One model; ``potential_ranges`` are (index, V), largest first, empty where the wire has none."""

    code: str
    version: str
    build: str
    release: str
    modes: Mapping[int, ModeLimits]
    potential_ranges: tuple[tuple[int, float], ...] = ()
    features: int = 0

    @property
    def current_max_A(self) -> float:
        """Return the largest range's name: more than that is never driven."""
        return max(limits.ladder[-1].nominal_A for limits in self.modes.values())

    @property
    def potential_max_V(self) -> float:
        """Return the largest potential of any mode."""
        return max(limits.high_V for limits in self.modes.values())

    def potential_index(self, potential_V: float) -> int | None:
        """Return the potential range that holds a value; the largest where none does."""
        fitting = [index for index, full_V in self.potential_ranges if full_V >= abs(potential_V)]
        return fitting[-1] if fitting else (self.potential_ranges[0][0] if self.potential_ranges else None)


def _ranges(table: Mapping[int, float], share: float = 1.0) -> tuple[CurrentRange, ...]:
    return tuple(CurrentRange(index, full_A, full_A * share) for index, full_A in table.items())


def _pico_low() -> tuple[CurrentRange, ...]:
    names_A = (100e-9, 2e-6, 4e-6, 8e-6, 16e-6, 32e-6, 63e-6, 125e-6, 250e-6, 500e-6, 1e-3, 5e-3)
    readable_A = (60e-9, *(600e-6 / 2 ** (10 - index) for index in range(1, 11)), 3e-3)
    return tuple(
        CurrentRange(index, *pair) for index, pair in enumerate(zip(names_A, readable_A, strict=True))
    )


_PICO_HIGH = _ranges(
    {128: 100e-9, 129: 1e-6, 130: 6e-6, 131: 13e-6, 132: 25e-6, 133: 50e-6, 134: 100e-6, 135: 200e-6, 136: 1e-3,
     137: 5e-3},
    PICO_READS,
)  # fmt: skip
_NEXUS_A = (1e-9, 10e-9, 100e-9, 1e-6, 10e-6, 100e-6, 1e-3, 10e-3, 1e-3, 10e-3, 100e-3, 1.0)
_NEXUS_LADDER = (0, 1, 2, 3, 4, 5, 8, 9, 10, 11)
"""The autoranger's way; 6 and 7 are the tia twins of 8 and 9."""
_FEATURES = sum(1 << bit for bit in (24, 28, 30, 31, 65, 66))
_GALVANOSTATIC_FEATURES = sum(1 << bit for bit in (67, 68, 69, 70))


def _pico() -> Model:
    low = _pico_low()
    return Model(
        "espico", "1304", "Jul 18 2022 14:16:00", "R",
        {
            LOW_SPEED: ModeLimits(-1.25, 2.0, 2.2, 100.0, low),
            HIGH_SPEED: ModeLimits(-1.7, 2.0, 1.214, 200e3, _PICO_HIGH),
            MAX_RANGE: ModeLimits(-1.7, 2.0, 2.6, 100.0, low),
        },
        features=_FEATURES,
    )  # fmt: skip


def _emstat4(
    code: str, limit_V: float, first: int, last: int, ranges: tuple[tuple[int, float], ...]
) -> Model:
    ladder = _ranges({index: 1e-9 * 10.0 ** (index // 3 - 1) for index in range(first, last + 1, 3)})
    limits = ModeLimits(-limit_V, limit_V, 2.0 * limit_V, 200e3, ladder)
    modes = dict.fromkeys((LOW_SPEED, HIGH_SPEED, MAX_RANGE, GALVANOSTAT), limits)
    return Model(
        code, "1304", "Jun 02 2024 10:00:00", "R", modes, ranges, _FEATURES | _GALVANOSTATIC_FEATURES
    )


def _nexus() -> Model:
    ladder = (CurrentRange(16, 100e-12, 100e-12), *(_nexus_range(index, 0) for index in _NEXUS_LADDER))
    potentiostat = ModeLimits(-10.0, 10.0, 20.0, 200e3, ladder)
    galvanostat = ModeLimits(
        -10.0, 10.0, 20.0, 200e3, tuple(_nexus_range(index, 32) for index in _NEXUS_LADDER)
    )
    modes = {**dict.fromkeys((LOW_SPEED, HIGH_SPEED, MAX_RANGE), potentiostat), GALVANOSTAT: galvanostat}
    volts = ((0, 1.0), (1, 0.1), (2, 0.01), (3, 0.001))
    return Model(
        "nexus1", "1105", "Feb 10 2025 09:30:00", "R", modes, volts, _FEATURES | _GALVANOSTATIC_FEATURES
    )


def _nexus_range(index: int, shift: int) -> CurrentRange:
    return CurrentRange(index + shift, _NEXUS_A[index], _NEXUS_A[index])


MODELS: Mapping[str, Model] = {
    "espico": _pico(),
    "es4_lr": _emstat4("es4_lr", 3.0, 3, 24, ()),
    "es4_hr": _emstat4("es4_hr", 6.0, 9, 27, ((6, 1.0), (5, 0.5), (4, 0.2), (3, 0.1), (2, 0.05))),
    "nexus1": _nexus(),
}
