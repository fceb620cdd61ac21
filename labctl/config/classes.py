"""Reads the limit parts of the station file: channels (L2) under ``limits:``, classes of cells (L3) under ``classes:``.

A channel's limits can be loosened for a time by a named person (``override``); nobody can loosen what the device is
rated for. All numbers are SI inside.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from typing import NoReturn

from labctl.model.layers import DEFAULT_CLASSES, CellClass, HostLimits, LimitLayer, LimitOverride
from labctl.model.program import Limits
from labctl.model.protocol import QuantityKind
from labctl.protocol.quantities import base_value, parse_quantity
from labctl.protocol.yamlfile import Fields, Node, Scalar, Sequence, refusal
from labctl.protocol.yamlfile import Mapping as YamlMapping

LIMIT_KEYS = ("voltage", "current", "capacity", "temperature")
HOST_KEYS = ("power", "voltage_rate", "half_cycle_capacity", "net_capacity", "step_time")
SET_KEYS = (*LIMIT_KEYS, *HOST_KEYS)
_CLASS_KEYS = (*SET_KEYS, "warn", "rest", "rest_drift", "current_density", "rate")
_OVERRIDE_KEYS = (*SET_KEYS, "by", "reason", "until")


@dataclass(frozen=True, slots=True)
class ChannelLimits:
    """Limits of one channel (layer L2): ``trip`` and ``host`` bind, the warn limits only tell."""

    trip: Limits = field(default_factory=Limits)
    warn: Limits | None = None
    host: HostLimits = field(default_factory=HostLimits)
    host_warn: HostLimits | None = None
    override: LimitOverride | None = None

    def layer(self, name: str = "") -> LimitLayer:
        """Return the layer as the file gives it, without any override."""
        return LimitLayer(name, self.trip, self.warn, self.host, self.host_warn)


class LimitReader:
    """Reads sets of limits. Raises: UserFileError with line and column from every method."""

    def __init__(self, source: str) -> None:
        self._source = source

    def channel(self, node: Node, channel: str) -> ChannelLimits:
        """Read the limits of one channel."""
        found = Fields(node, self._source, f"the limits of {channel}", (*SET_KEYS, "warn", "override"))
        warn, host_warn = self._warn(found.get("warn"), channel)
        override_node = found.get("override")
        return ChannelLimits(
            self.device(found),
            warn,
            self.host(found),
            host_warn,
            None if override_node is None else self._override(override_node, channel),
        )

    def classes(self, node: Node | None) -> dict[str, CellClass]:
        """Read the classes of cells; what is not named in the file is as shipped."""
        classes = dict(DEFAULT_CLASSES)
        if node is None:
            return classes
        if not isinstance(node, YamlMapping):
            self._refuse(
                node, "'classes' must be written as 'kind: {...}' lines.", "For example 'lfp_li: …'."
            )
        for key, value in node.entries:
            if key.text not in classes:
                known = ", ".join(classes)
                self._refuse(key, f"there is no kind of cell '{key.text}'.", f"Kinds: {known}.")
            classes[key.text] = self._class(value, classes[key.text])
        return classes

    def _class(self, node: Node, shipped: CellClass) -> CellClass:
        what = f"the class {shipped.kind}"
        found = Fields(node, self._source, what, _CLASS_KEYS)
        warn, host_warn = self._warn(found.get("warn"), what)
        own, layer = self.device(found), shipped.layer
        given = {
            item.name: value for item in fields(Limits) if (value := getattr(own, item.name)) is not None
        }
        given.pop("delay_s")
        rest = self._window(found.get("rest"), "'rest'", QuantityKind.VOLTAGE, "[2 V, 4.2 V]")
        drift = found.get("rest_drift")
        density, rate = found.get("current_density"), found.get("rate")
        return CellClass(
            shipped.kind,
            rest_min_V=shipped.rest_min_V if rest[0] is None else rest[0],
            rest_max_V=shipped.rest_max_V if rest[1] is None else rest[1],
            rest_drift_V=shipped.rest_drift_V
            if drift is None
            else self._size(drift, "'rest_drift'", QuantityKind.VOLTAGE, "200 mV"),
            current_density_max_mA_per_cm2=shipped.current_density_max_mA_per_cm2
            if density is None
            else self._density(density),
            rate_max_C=shipped.rate_max_C if rate is None else self._rate(rate),
            layer=LimitLayer(
                f"class {shipped.kind}", replace(layer.trip, **given), warn, self.host(found), host_warn
            ),
        )

    def _warn(self, node: Node | None, what: str) -> tuple[Limits | None, HostLimits | None]:
        if node is None:
            return None, None
        found = Fields(node, self._source, f"the warn limits of {what}", SET_KEYS)
        host = self.host(found)
        return self.device(found), None if host == HostLimits() else host

    def _override(self, node: Node, channel: str) -> LimitOverride:
        found = Fields(node, self._source, f"the override of {channel}", _OVERRIDE_KEYS)
        by = self._text(found.need("by", "Ann"), "'by'")
        reason = self._text(found.need("reason", "formation at 5.1 V, approved"), "'reason'")
        until_node = found.need("until", "2026-03-01T12:00:00+00:00")
        try:
            until = datetime.fromisoformat(self._text(until_node, "'until'"))
        except ValueError:
            self._refuse(until_node, "'until' is no moment.", "Write for example 2026-03-01T12:00:00+00:00.")
        if until.tzinfo is None:
            self._refuse(until_node, "'until' has no time zone.", "Add +00:00, or the offset of the lab.")
        return LimitOverride(
            self.device(found),
            self.host(found),
            by,
            reason,
            until.astimezone(UTC).isoformat(timespec="seconds"),
        )

    # -- one set ----------------------------------------------------------------------------------------------------

    def device(self, found: Fields) -> Limits:
        """Read the limits that an instrument can guard as well."""
        low_V, high_V = self._window(found.get("voltage"), "'voltage'", QuantityKind.VOLTAGE, "[-5 V, 5 V]")
        low_degC, high_degC = self._window(
            found.get("temperature"), "'temperature'", QuantityKind.TEMPERATURE, "[15 degC, 70 degC]"
        )
        return Limits(
            voltage_min_V=low_V,
            voltage_max_V=high_V,
            current_max_A=self._maybe(found, "current", QuantityKind.CURRENT, "10 mA"),
            capacity_max_Ah=self._maybe(found, "capacity", QuantityKind.CAPACITY, "5 mAh"),
            temperature_min_degC=low_degC,
            temperature_max_degC=high_degC,
        )

    def host(self, found: Fields) -> HostLimits:
        """Read the limits that labctl alone guards."""
        return HostLimits(
            power_max_W=self._scaled(found, "power", {"W": 1.0, "mW": 1e-3, "uW": 1e-6}, "50 mW"),
            voltage_rate_max_V_per_s=self._scaled(
                found, "voltage_rate", {"V/s": 1.0, "mV/s": 1e-3, "mV/min": 1e-3 / 60.0}, "50 mV/s"
            ),
            half_cycle_capacity_max_Ah=self._maybe(
                found, "half_cycle_capacity", QuantityKind.CAPACITY, "5 mAh"
            ),
            net_capacity_max_Ah=self._maybe(found, "net_capacity", QuantityKind.CAPACITY, "2 mAh"),
            step_time_max_s=self._maybe(found, "step_time", QuantityKind.TIME, "30 h"),
        )

    # -- scalars ----------------------------------------------------------------------------------------------------

    def _refuse(self, node: Node | None, problem: str, fix: str) -> NoReturn:
        raise refusal(self._source, node, problem, fix)

    def _text(self, node: Node, what: str) -> str:
        if not isinstance(node, Scalar) or not node.text.strip():
            self._refuse(node, f"{what} must be a single value.", "Write it behind the ':'.")
        return node.text.strip()

    def _quantity(self, node: Node, what: str, kind: QuantityKind, example: str) -> float:
        text = self._text(node, what)
        found = parse_quantity(text)
        if found is None or found.kind is not kind:
            self._refuse(
                node, f"{what} must be a {kind.value} with its unit, not '{text}'.", f"Write '{example}'."
            )
        return base_value(found)

    def _window(
        self, node: Node | None, what: str, kind: QuantityKind, example: str
    ) -> tuple[float | None, float | None]:
        if node is None:
            return None, None
        if not isinstance(node, Sequence) or len(node.items) != 2:
            self._refuse(node, f"{what} needs a lower and an upper limit.", f"Write for example {example}.")
        low, high = (
            self._quantity(item, what, kind, example.strip("[]").split(",")[0]) for item in node.items
        )
        if low >= high:
            self._refuse(
                node, f"{what}: the lower limit is not below the upper one.", f"Write for example {example}."
            )
        return low, high

    def _size(self, node: Node, what: str, kind: QuantityKind, example: str) -> float:
        value = self._quantity(node, what, kind, example)
        if value <= 0:
            self._refuse(node, f"{what} must be larger than zero.", f"Write for example '{example}'.")
        return value

    def _maybe(self, found: Fields, key: str, kind: QuantityKind, example: str) -> float | None:
        node = found.get(key)
        return None if node is None else self._size(node, f"'{key}'", kind, example)

    def _scaled(self, found: Fields, key: str, units: Mapping[str, float], example: str) -> float | None:
        """Read a size in units that protocols have no use for."""
        node = found.get(key)
        if node is None:
            return None
        number, _, unit = self._text(node, f"'{key}'").partition(" ")
        try:
            value = float(number) * units[unit.strip()]
        except (ValueError, KeyError):
            value = -1.0
        if not 0 < value < float("inf"):
            self._refuse(
                node, f"'{key}' must be a number and one of {', '.join(units)}.", f"Write '{example}'."
            )
        return value

    def _density(self, node: Node) -> float:
        number, _, unit = self._text(node, "'current_density'").partition(" ")
        try:
            value = float(number) if unit.strip() in ("mA/cm2", "mA/cm^2") else -1.0
        except ValueError:
            value = -1.0
        if not 0 < value < float("inf"):
            self._refuse(node, "'current_density' must be a number of mA/cm2.", "Write '5 mA/cm2'.")
        return value

    def _rate(self, node: Node) -> float:
        text = self._text(node, "'rate'")
        number, letter, hours = text.partition("C")
        try:
            value = 1.0 / float(hours.strip("/ ")) if hours.strip() else float(number)
        except (ValueError, ZeroDivisionError):
            value = -1.0
        if not letter or not 0 < value < float("inf"):
            self._refuse(node, "'rate' must be a C-rate.", "Write '5C' or 'C/2'.")
        return value
