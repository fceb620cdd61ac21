"""Merge the limit layers L1 device, L2 channel, L3 cell, L4 protocol, L5 step: the tightest wins.

A protocol or step limit that is looser than what stands above it is an error, so that nobody believes in a limit that
does not hold. Source: safety-and-faults, section 4.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace

from labctl.interfaces.cycler import CyclerCapabilities
from labctl.model.cell import Cell
from labctl.model.layers import CellClass, LimitLayer, LimitOverride, class_of
from labctl.model.program import Limits
from labctl.model.protocol import SafetyIntent
from labctl.protocol.quantities import base_value, readable
from labctl.protocol.resolve import Resolver

_TOLERANCE = 1e-9
"""Relative; two spellings of one number are not looser than each other."""
_UNITS = {"voltage": "V", "current": "A", "capacity": "Ah", "temperature": "degC"}
_LOWER = ("voltage_min_V", "temperature_min_degC")
_NAMES = tuple(field.name for field in fields(Limits) if field.name != "delay_s")


def _number(limits: Limits, name: str) -> float | None:
    value = getattr(limits, name)
    return None if value is None else float(value)


def device_limits(capabilities: CyclerCapabilities) -> Limits:
    """Return the rating of the device (L1)."""
    return Limits(
        voltage_min_V=capabilities.voltage_min_V,
        voltage_max_V=capabilities.voltage_max_V,
        current_max_A=max((item.full_scale_A for item in capabilities.ranges), default=None),
    )


def cell_limits(cell: Cell) -> Limits:
    """Return what the cell may see (L3)."""
    return Limits(
        voltage_min_V=cell.voltage_min_V,
        voltage_max_V=cell.voltage_max_V,
        current_max_A=cell.current_max_A,
        temperature_max_degC=cell.temperature_max_degC,
    )


def class_limits(cell: Cell, classes: Mapping[str, CellClass] | None) -> Limits:
    """Return what cells of this kind and size may see (L3); without a station's classes, nothing is said of them."""
    if classes is None:
        return Limits()
    nominal_mAh = cell.effective_capacity_mAh
    nominal_Ah = None if nominal_mAh is None else nominal_mAh / 1000.0
    return class_of(cell.kind.value, classes).limits_for(cell.effective_area_cm2, nominal_Ah).trip


def parents_of(
    cell: Cell,
    capabilities: CyclerCapabilities,
    channel_limits: Limits | None,
    classes: Mapping[str, CellClass] | None,
    override: LimitOverride | None,
) -> list[tuple[str, Limits]]:
    """Return the layers above a protocol by name, L1 first. An override loosens all but the rating of the device."""
    loosened = [
        ("channel", channel_limits or Limits()),
        ("cell class", class_limits(cell, classes)),
        ("cell", cell_limits(cell)),
    ]
    if override is not None:
        loosened = [(name, override.over(LimitLayer(name, limits)).trip) for name, limits in loosened]
    return [("device", device_limits(capabilities)), *loosened]


def intent_limits(safety: SafetyIntent, resolver: Resolver, where: str) -> Limits:
    """Return the limits of a protocol or step (L4, L5) in absolute numbers."""

    def base(name: str) -> float | None:
        quantity = getattr(safety, name)
        return None if quantity is None else base_value(quantity)

    current, capacity = safety.current_max, safety.capacity_max
    return Limits(
        voltage_min_V=base("voltage_min"),
        voltage_max_V=base("voltage_max"),
        current_max_A=None if current is None else resolver.current_A(current, where),
        capacity_max_Ah=None if capacity is None else resolver.capacity_Ah(capacity, where),
        temperature_min_degC=base("temperature_min"),
        temperature_max_degC=base("temperature_max"),
        delay_s=Limits().delay_s if safety.delay is None else base_value(safety.delay),
    )


def warn_limits(
    safety: SafetyIntent, trip: Limits, resolver: Resolver, where: str, findings: list[str]
) -> Limits | None:
    """Return the limits that only tell. Findings grow where one of them lies beyond what stops the run anyway."""
    if safety.warn is None:
        return None
    own = intent_limits(safety.warn, resolver, where)
    for phrase in looser(own, trip):
        findings.append(f"{where}warn: {phrase}, which stops the run; warn earlier, or remove it.")
    return own


def tightest(layers: Sequence[Limits]) -> Limits:
    """Return the tightest of several layers; the delay is that of the last one."""
    merged: dict[str, float | None] = {}
    for name in _NAMES:
        values = [value for layer in layers if (value := _number(layer, name)) is not None]
        merged[name] = (max(values) if name in _LOWER else min(values)) if values else None
    return replace(Limits(**merged), delay_s=layers[-1].delay_s)  # type: ignore[arg-type]  # delay_s is not in merged


def looser(inner: Limits, outer: Limits) -> list[str]:
    """Return one phrase for each limit of ``inner`` that is looser than ``outer``."""
    phrases = []
    for name in _NAMES:
        low = name in _LOWER
        own, parent = _number(inner, name), _number(outer, name)
        if own is None or parent is None:
            continue
        slack = _TOLERANCE * max(abs(own), abs(parent))
        if (own < parent - slack) if low else (own > parent + slack):
            what, unit = name.split("_")[0], _UNITS[name.split("_")[0]]
            side = "lowest" if low else "highest"
            phrases.append(f"{side} {what} {readable(own, unit)} is looser than {readable(parent, unit)}")
    return phrases
