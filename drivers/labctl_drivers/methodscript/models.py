"""What each model can do, as data. Source: potentiostat.md 2.1.2 (codes), 2.1.4 (modes), 2.1.5 (ranges), 1.2 (EIS).

What nobody has found in public stands under ``unknown`` with the value that labctl assumes; the station file may put
another in its place (options ``eis_min_Hz``, ``eis_max_Hz``, ``current_max_A``). Known limits can only be tightened.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType

from labctl.errors import RefusedError

BOOTLOADER = "espbl"

EIS_MAX_Hz = 200_000.0
EIS_MIN_ASSUMED_Hz = 0.01
AMPLITUDE_MIN_V, AMPLITUDE_MAX_V = 1e-3, 0.25

LOW_SPEED, HIGH_SPEED, MAX_RANGE, GALVANOSTAT = 2, 3, 4, 6
"""Numbers of ``set_pgstat_mode``."""


@dataclass(frozen=True, slots=True)
class Mode:
    """One way to run the potentiostat: its number, what it reaches, and its current ranges by index.

    ``readable_A`` holds the largest current that a range can really read, where that is known to differ from its name.
    """

    number: int
    name: str
    potential_min_V: float
    potential_max_V: float
    ranges_A: Mapping[int, float]
    span_max_V: float = math.inf
    bandwidth_max_Hz: float = EIS_MAX_Hz
    readable_A: Mapping[int, float] = field(default_factory=dict)

    def readable(self) -> tuple[tuple[float, float], ...]:
        """Return (name of the range, largest readable current) in ampere, smallest range first."""
        return tuple(
            sorted((full_A, self.readable_A.get(index, full_A)) for index, full_A in self.ranges_A.items())
        )


@dataclass(frozen=True, slots=True)
class Model:
    """One model. ``unknown`` maps the name of a limit to why its value is only assumed."""

    name: str
    dc: tuple[Mode, ...]
    eis: Mode
    galvanostat: Mode | None
    potential_ranges_V: Mapping[int, float]
    current_max_A: float
    eis_min_Hz: float = EIS_MIN_ASSUMED_Hz
    eis_max_Hz: float = EIS_MAX_Hz
    amplitude_min_V: float = AMPLITUDE_MIN_V
    amplitude_max_V: float = AMPLITUDE_MAX_V
    unknown: Mapping[str, str] = field(default_factory=dict)

    def full_scale_A(self, index: int | None) -> float:
        """Return the name of a current range by its index; NaN where the model has none such."""
        for mode in (*self.dc, self.eis, *([self.galvanostat] if self.galvanostat else [])):
            if index is not None and index in mode.ranges_A:
                return mode.ranges_A[index]
        return math.nan

    def with_limits(self, wanted: Mapping[str, float]) -> Model:
        """Return the model with limits from the station file.

        Raises: RefusedError for one that loosens what is known of the model.
        """
        for name, value in wanted.items():
            known: float = getattr(self, name)
            looser = value < known if "_min_" in name else value > known
            if looser and name not in self.unknown:
                raise RefusedError(
                    f"option {name}: {value:g} is beyond the {self.name}, which ends at {known:g}; only tighten it"
                )
        return replace(self, **wanted)  # type: ignore[arg-type]  # names of number fields, checked by the options


def _ladder(*pairs: tuple[int, float]) -> Mapping[int, float]:
    return MappingProxyType(dict(pairs))


PICO_LOW_RANGES = _ladder(
    (0, 100e-9), (1, 2e-6), (2, 4e-6), (3, 8e-6), (4, 16e-6), (5, 32e-6), (6, 63e-6), (7, 125e-6), (8, 250e-6),
    (9, 500e-6), (10, 1e-3), (11, 5e-3),
)  # fmt: skip
PICO_LOW_READABLE = _ladder(
    (0, 60e-9), *((index, 600e-6 / 2 ** (10 - index)) for index in range(1, 11)), (11, 3e-3)
)
"""The name of a range is not what it can read: 600 uA on index 10, half of that on each one below. [S]"""

PICO_HIGH_RANGES = _ladder(
    (128, 100e-9), (129, 1e-6), (130, 6e-6), (131, 13e-6), (132, 25e-6), (133, 50e-6), (134, 100e-6), (135, 200e-6),
    (136, 1e-3), (137, 5e-3),
)  # fmt: skip
LR_RANGES = _ladder(
    (3, 1e-9), (6, 10e-9), (9, 100e-9), (12, 1e-6), (15, 10e-6), (18, 100e-6), (21, 1e-3), (24, 10e-3)
)
HR_RANGES = _ladder((9, 100e-9), (12, 1e-6), (15, 10e-6), (18, 100e-6), (21, 1e-3), (24, 10e-3), (27, 100e-3))
HR_POTENTIAL_RANGES = _ladder((2, 0.05), (3, 0.1), (4, 0.2), (5, 0.5), (6, 1.0))
NEXUS_RANGES = _ladder(
    (16, 100e-12), (0, 1e-9), (1, 10e-9), (2, 100e-9), (3, 1e-6), (4, 10e-6), (5, 100e-6), (6, 1e-3), (7, 10e-3),
    (8, 1e-3), (9, 10e-3), (10, 100e-3), (11, 1.0),
)  # fmt: skip
NEXUS_GALVANOSTAT_RANGES = _ladder(
    *((32 + index, full_A) for index, full_A in NEXUS_RANGES.items() if index <= 11)
)
NEXUS_POTENTIAL_RANGES = _ladder((0, 1.0), (1, 0.1), (2, 0.01), (3, 0.001))

_EIS_MIN_UNKNOWN = {"eis_min_Hz": "no public source names the lowest frequency; labctl assumes 0.01 Hz"}
_ES4_UNKNOWN = {
    **_EIS_MIN_UNKNOWN,
    "eis_max_Hz": "no public source names the highest frequency; the vendor's examples go to 200 kHz",
    "current_max_A": "no public source names the largest current; labctl assumes the largest range",
}


def _emstat4(
    name: str, limit_V: float, ranges: Mapping[int, float], potentials: Mapping[int, float]
) -> Model:
    low, high, galvanostat = (
        Mode(number, words, -limit_V, limit_V, ranges)
        for number, words in (
            (LOW_SPEED, "low speed"),
            (HIGH_SPEED, "high speed"),
            (GALVANOSTAT, "galvanostat"),
        )
    )
    return Model(
        name,
        dc=(low, high),
        eis=high,
        galvanostat=galvanostat,
        potential_ranges_V=potentials,
        current_max_A=max(ranges.values()),
        unknown=_ES4_UNKNOWN,
    )


def _pico(name: str) -> Model:
    high = Mode(HIGH_SPEED, "high speed", -1.7, 2.0, PICO_HIGH_RANGES, 1.214)
    return Model(
        name,
        dc=(
            Mode(LOW_SPEED, "low speed", -1.25, 2.0, PICO_LOW_RANGES, 2.2, 100.0, PICO_LOW_READABLE),
            Mode(MAX_RANGE, "max range", -1.7, 2.0, PICO_LOW_RANGES, 2.6, 100.0, PICO_LOW_READABLE),
            high,
        ),
        eis=high,
        galvanostat=None,
        potential_ranges_V=MappingProxyType({}),
        current_max_A=3e-3,
        unknown=_EIS_MIN_UNKNOWN,
    )


def _nexus() -> Model:
    low, high = (
        Mode(number, words, -10.0, 10.0, NEXUS_RANGES)
        for number, words in ((LOW_SPEED, "low speed"), (HIGH_SPEED, "high speed"))
    )
    return Model(
        "Nexus",
        dc=(low, high),
        eis=high,
        galvanostat=Mode(GALVANOSTAT, "galvanostat", -10.0, 10.0, NEXUS_GALVANOSTAT_RANGES),
        potential_ranges_V=NEXUS_POTENTIAL_RANGES,
        current_max_A=1.0,
        unknown=_ES4_UNKNOWN,
    )


EMSTAT4_LR = _emstat4("EmStat4 LR", 3.0, LR_RANGES, {})
EMSTAT4_HR = _emstat4("EmStat4 HR", 6.0, HR_RANGES, HR_POTENTIAL_RANGES)

MODELS: Mapping[str, Model] = MappingProxyType(
    {
        "espico": _pico("EmStat Pico"),
        "senswb": _pico("Sensit Wearable"),
        "es4_lr": EMSTAT4_LR,
        "es4_hr": EMSTAT4_HR,
        "mes4lr": replace(EMSTAT4_LR, name="MultiEmStat4 LR"),
        "mes4hr": replace(EMSTAT4_HR, name="MultiEmStat4 HR"),
        "nexus1": _nexus(),
    }
)
"""Models by the six characters that the answer to ``t`` begins with."""


def model_of(code: str) -> Model:
    """Return the model with a device code. Raises: RefusedError for the bootloader and for unknown codes."""
    if code.startswith(BOOTLOADER):
        raise RefusedError(
            "it is in its bootloader and cannot measure; load its firmware, or switch it off and on",
            vendor_text=code,
        )
    if code not in MODELS:
        known = ", ".join(sorted(MODELS))
        raise RefusedError(
            f"device code {code!r} is not a model that labctl knows ({known})", vendor_text=code
        )
    return MODELS[code]
