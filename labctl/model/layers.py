"""Limit layers beyond the program's own: what a channel (L2) and a class of cells (L3) may see.

A layer has *trip* limits, which stop the run, and *warn* limits, which only tell. ``Limits`` can be given to an
instrument; ``HostLimits`` are guarded by labctl alone, on every row. Source: safety-and-faults, section 4.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import datetime

from labctl.model.program import Limits


@dataclass(frozen=True, slots=True)
class HostLimits:
    """Limits that no cycler guards by itself; ``None`` = not limited here. All are magnitudes.

    ``net_capacity`` is the charge that has gone into the cell since the run began, less what has come out: a symmetric
    cell that is driven more one way than the other runs out of lithium on one side.
    """

    power_max_W: float | None = None
    voltage_rate_max_V_per_s: float | None = None
    half_cycle_capacity_max_Ah: float | None = None
    net_capacity_max_Ah: float | None = None
    step_time_max_s: float | None = None


@dataclass(frozen=True, slots=True)
class LimitLayer:
    """One layer: trip and warn limits of both kinds."""

    name: str = ""
    trip: Limits = field(default_factory=Limits)
    warn: Limits | None = None
    host: HostLimits = field(default_factory=HostLimits)
    host_warn: HostLimits | None = None


@dataclass(frozen=True, slots=True)
class LimitOverride:
    """Limits that a named person has loosened until a moment (ISO 8601, UTC). What it does not name stays as it is."""

    trip: Limits
    host: HostLimits
    by: str
    reason: str
    until_utc: str

    def in_force(self, utc: datetime) -> bool:
        """Tell whether it still holds."""
        return utc < datetime.fromisoformat(self.until_utc)

    def over(self, layer: LimitLayer) -> LimitLayer:
        """Return a layer with what the override names in place of its own."""
        trip = {
            item.name: value
            for item in fields(Limits)
            if (value := getattr(self.trip, item.name)) is not None
        }
        trip.pop("delay_s")
        host = {
            item.name: value
            for item in fields(HostLimits)
            if (value := getattr(self.host, item.name)) is not None
        }
        return replace(layer, trip=replace(layer.trip, **trip), host=replace(layer.host, **host))


def _given(limits: Limits | HostLimits) -> dict[str, float]:
    found = ((item.name, getattr(limits, item.name)) for item in fields(limits))
    return {name: value for name, value in found if value is not None}


@dataclass(frozen=True, slots=True)
class CellClass:
    """What cells of one kind may see, and what they show at rest. ``kind`` is a ``CellKind``.

    The window at rest decides whether the right cell sits in the holder, the right way round; ``rest_drift_V`` is how
    far a voltage may have moved from the registered one in a day of rest. ``current_density_max`` and ``rate_max`` are
    turned into a current with the area and the nominal capacity of the cell.
    """

    kind: str
    rest_min_V: float | None = None
    rest_max_V: float | None = None
    rest_drift_V: float = 0.050
    current_density_max_mA_per_cm2: float | None = None
    rate_max_C: float | None = None
    layer: LimitLayer = field(default_factory=LimitLayer)

    def limits_for(self, area_cm2: float | None, nominal_capacity_Ah: float | None) -> LimitLayer:
        """Return the layer for a cell of this size, with its currents in ampere."""
        currents = [self.layer.trip.current_max_A]
        if self.current_density_max_mA_per_cm2 is not None and area_cm2 is not None:
            currents.append(self.current_density_max_mA_per_cm2 * area_cm2 * 1e-3)
        if self.rate_max_C is not None and nominal_capacity_Ah is not None:
            currents.append(self.rate_max_C * nominal_capacity_Ah)
        smallest_A = min((current for current in currents if current is not None), default=None)
        return replace(self.layer, trip=replace(self.layer.trip, current_max_A=smallest_A))


DEFAULT_CLASSES: dict[str, CellClass] = {
    "symmetric": CellClass(
        "symmetric",
        rest_min_V=-0.5,  # 0 V at rest: no sign check, offsets and relaxation only
        rest_max_V=0.5,
        layer=LimitLayer("class symmetric", Limits(voltage_min_V=-5.0, voltage_max_V=5.0)),
    ),
    "lto_li": CellClass(
        "lto_li",
        rest_min_V=0.5,  # 0.78 V at x = 0.99, 3.0 V at x = 0.01
        rest_max_V=3.4,
        rest_drift_V=0.500,  # the single-phase tail moves by this much on 2 % of charge
        layer=LimitLayer("class lto_li", Limits(voltage_min_V=0.0, voltage_max_V=4.5)),
    ),
    "lfp_li": CellClass(
        "lfp_li",
        rest_min_V=2.0,  # 2.72 V at x = 0.99, 3.52 V at x = 0.01, a charged cell relaxes from above
        rest_max_V=4.2,
        rest_drift_V=0.200,
        layer=LimitLayer("class lfp_li", Limits(voltage_min_V=0.0, voltage_max_V=4.5)),
    ),
    "other": CellClass("other"),
}
"""Classes as shipped: open-circuit voltages from the OCV curves of the reference study, limits as its protocols set."""


def tightest_host(layers: tuple[HostLimits | None, ...]) -> HostLimits:
    """Merge: the smallest value of each wins."""
    merged: dict[str, float | None] = {}
    for item in fields(HostLimits):
        values = [
            value
            for layer in layers
            if layer is not None and (value := getattr(layer, item.name)) is not None
        ]
        merged[item.name] = min(values, default=None)
    return HostLimits(**merged)


def class_of(kind: str, classes: Mapping[str, CellClass] | None = None) -> CellClass:
    """Return the class of a kind of cell; what the station file does not describe is as shipped."""
    found = (classes or {}).get(kind) or DEFAULT_CLASSES.get(kind)
    return CellClass(kind) if found is None else found
