"""Tells which limits bind a channel now and whose they are.

The binding values of a run are read from what judges its rows (``LimitChecker``) and its chamber; the layers only
explain them. A bound program holds L1, L3 and L4 merged: a value that none of the layers above it gives is the
protocol's own, or that of a layer as it was when the program was bound.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import fields

from labctl.engine.machines.limits import DEVICE_QUANTITIES, HOST_QUANTITIES, tightest
from labctl.engine.run import Run
from labctl.engine.station import Station
from labctl.engine.stepping import step_now
from labctl.model.bench import ChannelStatus
from labctl.model.cell import Cell
from labctl.model.ids import ChannelId, RunId
from labctl.model.layers import HostLimits, LimitLayer, LimitOverride, tightest_host
from labctl.model.limitsnow import Layer, LayerLimit, LimitNow, LimitsNow
from labctl.model.program import Limits, Step
from labctl.protocol.limits import cell_limits, device_limits

TEMPERATURE, STEP_TIME = "temperature_max_degC", "step_time_max_s"
UNITS: Mapping[str, str] = {
    **{item.field: item.unit for item in (*DEVICE_QUANTITIES, *HOST_QUANTITIES)}, TEMPERATURE: "degC",
}  # fmt: skip
"""What is limited, in the order in which it is told."""
LOWER = frozenset(item.field for item in DEVICE_QUANTITIES if item.sign < 0)
TOLERANCE = 1e-9
"""Relative; two spellings of one number are one value."""


class _Layers:
    """What each layer says of each quantity, outer layers first."""

    def __init__(self) -> None:
        self._found: dict[str, list[LayerLimit]] = {field: [] for field in UNITS}

    def add(
        self, layer: Layer, name: str, *limits: Limits | HostLimits, override: LimitOverride | None = None
    ) -> None:
        """Take the limits of a layer."""
        for field, value in _given(limits).items():
            loosened = override is not None and field in _given((override.trip, override.host))
            by = override.by if override is not None and loosened else ""
            self._found[field].append(LayerLimit(layer, name, value, by))

    def add_own(self, layer: Layer, name: str, limits: Limits) -> None:
        """Take what an inner layer adds to the outer ones: values that are tighter than all of them."""
        for field, value in _given((limits,)).items():
            outer = self.tightest(field)
            if outer is None or _is_tighter(field, value, outer.limit):
                self._found[field].append(LayerLimit(layer, name, value))

    def tightest(self, field: str) -> LayerLimit | None:
        """Return the tightest of a quantity; of equals the outermost."""
        sign = -1.0 if field in LOWER else 1.0
        return min(self._found[field], key=lambda item: sign * item.limit, default=None)

    def line(self, field: str, limit: float | None, warn: float, now: float) -> LimitNow | None:
        """Return a quantity with the limit that binds; None = the tightest of the layers. None without any."""
        layers = tuple(self._found[field])
        tight = self.tightest(field)
        if tight is None:
            return None
        if limit is None:
            limit = tight.limit
        same = [item for item in layers if math.isclose(item.limit, limit, rel_tol=TOLERANCE)]
        layer = same[0].layer if same else Layer.PROTOCOL
        return LimitNow(field, UNITS[field], limit, layer, layers, warn, now, field in LOWER)


def _given(limits: Iterable[Limits | HostLimits]) -> dict[str, float]:
    found = {item.name: getattr(each, item.name) for each in limits for item in fields(each)}
    return {name: value for name, value in found.items() if name in UNITS and value is not None}


def _is_tighter(field: str, value: float, than: float) -> bool:
    slack = TOLERANCE * max(abs(value), abs(than))
    return value > than + slack if field in LOWER else value < than - slack


def _outer(station: Station, channel: ChannelId, cell: Cell | None, layers: Iterable[LimitLayer]) -> _Layers:
    """Return what device, channel, class and cell say; ``layers`` are those of the station file (L2, L3)."""
    found = _Layers()
    found.add(Layer.DEVICE, "device", device_limits(station.capabilities(channel)))
    known = station.limits.get(channel)
    override = None if known is None else known.override
    if override is not None and not override.in_force(station.clock.link.utc()):
        override = None
    for layer in layers:
        level = Layer.CHANNEL if layer.name.startswith("channel") else Layer.CELL
        found.add(level, layer.name, layer.trip, layer.host, override=override)
    if cell is not None:
        found.add(Layer.CELL, f"cell {cell.cell_id}", cell_limits(cell))
    return found


def limits_of_run(station: Station, run: Run) -> LimitsNow:
    """Return what judges the rows of a run, in the step of its newest row."""
    machines, program = run.machines, run.program
    checker, step_id, step = machines.limits, machines.step_id, machines.step
    layers = _outer(station, program.channel, run.job.cell, machines.applied)
    layers.add_own(Layer.PROTOCOL, f"protocol {program.protocol_name}", program.limits)
    step_at = step_now(run, station.clock.plant.now_s())
    if step is not None:
        _add_step(layers, step, f"step {step_at.number}")
    binding, warned = checker.binding(step_id), checker.warning(step_id)
    warm = _temperature_limit(station, run, layers)
    if warm is not None:
        binding[TEMPERATURE] = warm
    if step is not None:
        binding[STEP_TIME] = min(binding.get(STEP_TIME, math.inf), step.end_time_s)
    now = {
        **checker.values(step_id), STEP_TIME: step_at.time_s, "voltage_max_V": machines.last_V,
        "voltage_min_V": machines.last_V, "current_max_A": abs(machines.last_A),
        TEMPERATURE: run.values()["temperature"],
    }  # fmt: skip
    lines = [
        layers.line(field, binding[field], warned.get(field, math.nan), now.get(field, math.nan))
        for field in UNITS
        if field in binding
    ]
    return LimitsNow(
        program.channel, RunId(run.run_id), step_at.number, tuple(line for line in lines if line is not None)
    )


def _add_step(layers: _Layers, step: Step, name: str) -> None:
    if step.limits is not None:
        layers.add_own(Layer.STEP, name, step.limits)
    layers.add(Layer.STEP, name, HostLimits(step_time_max_s=step.end_time_s))


def _temperature_limit(station: Station, run: Run, layers: _Layers) -> float | None:
    """Return the chamber's temperature that stops the run: its limit, or too far above the set point it wants."""
    if station.chamber_of(run.program.channel) is None:
        return None
    demand, limit = run.program.temperature, run.program.limits.temperature_max_degC
    if demand is None:
        return limit
    warmest_degC = sum((demand.setpoint_degC, demand.trip_K))  # a temperature and a difference
    warmest = Limits(temperature_max_degC=warmest_degC)
    layers.add(Layer.PROTOCOL, f"{demand.trip_K:g} K above the set point", warmest)
    return warmest_degC if limit is None else min(limit, warmest_degC)


def limits_of_idle(station: Station, status: ChannelStatus, cell: Cell | None) -> LimitsNow:
    """Return what a start on a channel would meet."""
    channel = status.channel
    kind, area_cm2, nominal_Ah = "", None, None
    if cell is not None:
        nominal_mAh = cell.effective_capacity_mAh
        kind, area_cm2 = cell.kind.value, cell.effective_area_cm2
        nominal_Ah = None if nominal_mAh is None else nominal_mAh * 1e-3
    given = station.layers_of(channel, kind, area_cm2, nominal_Ah)
    layers = _outer(station, channel, cell, given)
    warns = tightest(layer.warn for layer in given)
    host = tightest_host(tuple(layer.host_warn for layer in given))
    warned = _given((warns, host))
    current_A = abs(status.current_A)
    now = {
        "voltage_max_V": status.voltage_V, "voltage_min_V": status.voltage_V, "current_max_A": current_A,
        "power_max_W": abs(status.voltage_V) * current_A, TEMPERATURE: status.temperature_degC,
    }  # fmt: skip
    lines = [
        layers.line(field, None, warned.get(field, math.nan), now.get(field, math.nan)) for field in UNITS
    ]
    return LimitsNow(channel, None, 0, tuple(line for line in lines if line is not None))
