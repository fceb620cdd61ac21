"""Model profiles: what each Neware tester can do, as data. What is certain and what is inferred is said beside it.

Source: neware-bts.md section 6 (keys ND, KB, RS, LK, AN there) and 5.5 (which step types exist).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from labctl.errors import UserInputError
from labctl.interfaces.cycler import CurrentRange, CyclerCapabilities
from labctl.model.program import StepMode
from labctl.model.units import A_from_mA

SINGLE_RANGE_MODES = frozenset(
    {
        StepMode.REST,
        StepMode.CC_CHARGE,
        StepMode.CC_DISCHARGE,
        StepMode.CV_CHARGE,
        StepMode.CCCV_CHARGE,
        StepMode.PAUSE,
    }
)
"""Every model has these."""

MULTI_RANGE_MODES = SINGLE_RANGE_MODES | {StepMode.CV_DISCHARGE, StepMode.CCCV_DISCHARGE}
"""CV discharge exists only on multi-range models (KB B); CCCV discharge is inferred to go with it."""


@dataclass(frozen=True, slots=True)
class Profile:
    """One tester model. ``inferred`` names what no source states; the rest is measured or documented."""

    model: str
    ranges_mA: tuple[float, ...]
    modes: frozenset[StepMode]
    voltage_max_V: float = 5.0
    voltage_min_V: float = -5.0
    accuracy_of_full_scale: float = 5e-4
    aliases: tuple[str, ...] = ()
    certain: tuple[str, ...] = ()
    inferred: tuple[str, ...] = ()

    def capabilities(self) -> CyclerCapabilities:
        """Return the profile as the planner reads it."""
        ranges = tuple(
            CurrentRange(A_from_mA(full_scale_mA), self.accuracy_of_full_scale)
            for full_scale_mA in self.ranges_mA
        )
        return CyclerCapabilities(
            model=self.model,
            modes=self.modes,
            ranges=ranges,
            voltage_min_V=self.voltage_min_V,
            voltage_max_V=self.voltage_max_V,
        )


_NEGATIVE_VOLTAGE = (
    "voltage down to -5 V: limits of -1, -4 and -5 V occur in real step files (ND), sinking is assumed"
)

PROFILES: dict[str, Profile] = {
    profile.model: profile
    for profile in (
        Profile(
            "5V10mA",
            (1.0, 10.0),
            MULTI_RANGE_MODES,
            aliases=("BTS4000-5V10mA", "BTS-5V10mA"),
            certain=("5 V, 10 mA, two ranges, 0.05 % of full scale, 8 channels, CV discharge (KB)",),
            inferred=("range values 1 and 10 mA: only 'dual range' is stated", _NEGATIVE_VOLTAGE),
        ),
        Profile(
            "5V100mA-4R",
            (0.1, 1.0, 10.0, 100.0),
            MULTI_RANGE_MODES,
            aliases=("WHW-200L-160CH-B",),
            certain=("ranges 0.1, 1, 10, 100 mA switched automatically, devtype 27, 10 Hz (ND, AN)",),
            inferred=("CV discharge: a multi-range model", "0.05 % of full scale", _NEGATIVE_VOLTAGE),
        ),
        Profile(
            "5V20mA",
            (1.0, 10.0, 20.0),
            MULTI_RANGE_MODES,
            certain=("ranges 1, 10, 20 mA, devtype 27 (ND)", "CV discharge (KB)"),
            inferred=("0.05 % of full scale", _NEGATIVE_VOLTAGE),
        ),
        Profile(
            "5V50mA",
            (5.0, 50.0),
            MULTI_RANGE_MODES,
            certain=("50 mA, two ranges, 0.05 % of full scale, 8 channels, CV discharge (KB)",),
            inferred=("lower range 5 mA: only 'dual range' is stated", _NEGATIVE_VOLTAGE),
        ),
        Profile(
            "5V12A",
            (1000.0, 6000.0, 12000.0),
            MULTI_RANGE_MODES,
            certain=("ranges 1, 6, 12 A (ND, RS)", "CV discharge (KB)"),
            inferred=("0.05 % of full scale", _NEGATIVE_VOLTAGE),
        ),
    )
}

UNIT_KEYS = ("model", "ranges_mA", "voltage_V", "accuracy_of_full_scale")


def profile_of(description: object, *, where: str) -> Profile:
    """Find the profile of a unit: a model name, or a mapping that changes one.

    ``{"model": "5V10mA", "ranges_mA": [0.5, 10], "voltage_V": [0, 5]}``. Raises: UserInputError naming ``where``.
    """
    if isinstance(description, str):
        return _named(description, where)
    if not isinstance(description, Mapping) or not isinstance(description.get("model"), str):
        raise UserInputError(f"{where}: write a model ({', '.join(PROFILES)}) or a mapping with 'model'.")
    unknown = set(description) - set(UNIT_KEYS)
    if unknown:
        raise UserInputError(
            f"{where}: unknown {sorted(map(str, unknown))}; known are {', '.join(UNIT_KEYS)}."
        )
    base = _named(description["model"], where)
    ranges = _numbers(description.get("ranges_mA", base.ranges_mA), f"{where}.ranges_mA")
    voltages = _numbers(
        description.get("voltage_V", (base.voltage_min_V, base.voltage_max_V)), f"{where}.voltage_V"
    )
    accuracy = _numbers([description.get("accuracy_of_full_scale", base.accuracy_of_full_scale)], where)[0]
    if not ranges or min(ranges) <= 0.0:
        raise UserInputError(f"{where}.ranges_mA: give full scales above 0, for example [1, 10].")
    if len(voltages) != 2 or voltages[0] >= voltages[1]:
        raise UserInputError(f"{where}.voltage_V: give [lowest, highest], for example [-5, 5].")
    return Profile(
        model=base.model,
        ranges_mA=tuple(sorted(ranges)),
        modes=base.modes,
        voltage_min_V=voltages[0],
        voltage_max_V=voltages[1],
        accuracy_of_full_scale=accuracy,
        certain=base.certain,
        inferred=base.inferred,
    )


def _named(name: str, where: str) -> Profile:
    for profile in PROFILES.values():
        if name in (profile.model, *profile.aliases):
            return profile
    raise UserInputError(f"{where}: no profile {name!r}; known are {', '.join(PROFILES)}.")


def _numbers(values: object, where: str) -> tuple[float, ...]:
    if not isinstance(values, Sequence) or isinstance(values, str):
        raise UserInputError(f"{where}: give a list of numbers.")
    if not all(isinstance(value, int | float) and not isinstance(value, bool) for value in values):
        raise UserInputError(f"{where}: give a list of numbers.")
    return tuple(float(value) for value in values)
