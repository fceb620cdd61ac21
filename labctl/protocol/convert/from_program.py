"""Write a bound program as a protocol again: in absolute units, for whatever cell it is given to next.

Used for vendor step files, which a driver's converter reads as programs. Binding the result gives the same steps.
"""

from __future__ import annotations

from labctl.model.cell import CellKind
from labctl.model.program import (
    CHARGE_MODES,
    Detection,
    DetectionKind,
    HostNode,
    HostRepeat,
    Limits,
    Loop,
    Program,
    RecordRule,
    Segment,
    Spectroscopy,
    Step,
    StepMode,
    TemperatureDemand,
)
from labctl.model.protocol import (
    Branch,
    DetectIntent,
    Direction,
    Drive,
    Ends,
    Hold,
    Impedance,
    Protocol,
    ProtocolNode,
    Quantity,
    RecordIntent,
    Repeat,
    Rest,
    SafetyIntent,
    StepOptions,
    TemperatureIntent,
)
from labctl.model.technique import Peis
from labctl.protocol.convert.reduce import in_unit, plain_time
from labctl.protocol.quantities import quantity
from labctl.protocol.spectroscopy import SETTLE_S

_LIMIT_UNIT = {
    DetectionKind.SHORT: "ohm cm^2",
    DetectionKind.POLARISATION: "V",
    DetectionKind.CAPACITY: "",
    DetectionKind.EFFICIENCY: "",
}


def protocol_from_program(program: Program) -> Protocol:
    """Return a protocol with the program's absolute numbers (mA, mAh, V, s, min, h)."""
    kinds = [kind for kind in CellKind if kind.value == program.cell.kind and kind is not CellKind.OTHER]
    return Protocol(
        name=program.protocol_name,
        steps=tuple(item for node in program.flow for item in _host(node)),
        for_kinds=tuple(kinds),
        temperature=None if program.temperature is None else _temperature(program.temperature),
        record=_record(program.record),
        safety=_safety(program.limits, program.warn),
        detections=tuple(_detection(rule) for rule in program.detections),
    )


def _mA(current_A: float) -> Quantity:
    return in_unit(quantity(abs(current_A), "A"), "mA")


def _optional(value: float | None, unit: str, shown: str) -> Quantity | None:
    return None if value is None else in_unit(quantity(value, unit), shown)


def _host(node: HostNode) -> list[ProtocolNode]:
    if isinstance(node, Segment):
        return [_device(item) for item in node.body]
    if isinstance(node, HostRepeat):
        body = tuple(item for inner in node.body for item in _host(inner))
        plain = node.until == f"pass >= {node.at_most}"
        return [Repeat(node.at_most, (body,), "" if plain else node.until)]
    if isinstance(node, Spectroscopy):
        return [_impedance(node)]
    then = tuple(item for inner in node.then for item in _host(inner))
    otherwise = tuple(item for inner in node.otherwise for item in _host(inner))
    return [Branch(node.condition, then, otherwise)]


def _impedance(node: Spectroscopy) -> Impedance:
    """Return a spectrum as it is written; the station's choice of a potentiostat stays the station's."""
    technique = node.technique
    if isinstance(technique, Peis):
        amplitude = in_unit(quantity(technique.amplitude_rms_V, "V"), "mV")
    else:
        amplitude = _mA(technique.amplitude_rms_A)
    start, end = quantity(technique.sweep.f_start_Hz, "Hz"), quantity(technique.sweep.f_end_Hz, "Hz")
    settle = None if technique.settle_s == SETTLE_S else plain_time(quantity(technique.settle_s, "s"))
    return Impedance(start, end, technique.sweep.points_per_decade, amplitude, settle=settle)


def _device(node: Step | Loop) -> ProtocolNode:
    if isinstance(node, Loop):
        return Repeat(node.count, (tuple(_device(item) for item in node.body),))
    options = StepOptions(
        record=None if node.record is None else _record(node.record),
        safety=None if node.limits is None else _safety(node.limits, node.warn),
        range=None if node.range_A is None else _mA(node.range_A),
        range_auto=node.range_A is None and node.current_A is not None,
    )
    time = plain_time(quantity(node.end_time_s, "s"))
    if node.mode in (StepMode.REST, StepMode.PAUSE):
        return Rest(time, options)
    ends = Ends(
        voltage=_optional(node.end_voltage_V, "V", "V"),
        current=None if node.end_current_A is None else _mA(node.end_current_A),
        time=None if node.time_is_backstop else time,
        capacity=_optional(node.end_capacity_Ah, "Ah", "mAh"),
    )
    direction = Direction.CHARGE if node.mode in CHARGE_MODES else Direction.DISCHARGE
    voltage = _optional(node.voltage_V, "V", "V")
    current = None if node.current_A is None else _mA(node.current_A)
    if node.mode in (StepMode.CV_CHARGE, StepMode.CV_DISCHARGE):
        assert voltage is not None, "a CV step has a voltage"
        return Hold(direction, voltage, ends, current, options)
    assert current is not None, "a CC step has a current"
    return Drive(direction, current, ends, voltage, options)


def _record(rule: RecordRule) -> RecordIntent:
    return RecordIntent(
        _optional(rule.every_s, "s", "s"),
        _optional(rule.voltage_change_V, "V", "mV"),
        None if rule.current_change_A is None else _mA(rule.current_change_A),
    )


def _safety(limits: Limits, warn: Limits | None = None) -> SafetyIntent:
    return SafetyIntent(
        voltage_min=_optional(limits.voltage_min_V, "V", "V"),
        voltage_max=_optional(limits.voltage_max_V, "V", "V"),
        current_max=None if limits.current_max_A is None else _mA(limits.current_max_A),
        capacity_max=_optional(limits.capacity_max_Ah, "Ah", "mAh"),
        temperature_min=_optional(limits.temperature_min_degC, "degC", "degC"),
        temperature_max=_optional(limits.temperature_max_degC, "degC", "degC"),
        delay=quantity(limits.delay_s, "s") if limits.delay_s != Limits().delay_s else None,
        warn=None if warn is None else _safety(warn),
    )


def _temperature(demand: TemperatureDemand) -> TemperatureIntent:
    return TemperatureIntent(
        quantity(demand.setpoint_degC, "degC"),
        quantity(demand.tolerance_K, "K"),
        plain_time(quantity(demand.soak_s, "s")),
        plain_time(quantity(demand.give_up_s, "s")),
        quantity(demand.warn_K, "K"),
        plain_time(quantity(demand.warn_s, "s")),
        quantity(demand.trip_K, "K"),
    )


def _detection(rule: Detection) -> DetectIntent:
    return DetectIntent(
        rule.kind,
        quantity(rule.limit, _LIMIT_UNIT[rule.kind]),
        rule.in_a_row,
        rule.action,
        rule.reference_cycle,
    )
