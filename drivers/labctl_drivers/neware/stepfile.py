"""Writing BTS step files (XML, version 17) from segments, exactly as neware-bts.md section 5 lays them out.

::

    root / config / Head_Info | Whole_Prt | Step_Info Num=n / Step1 .. Stepn (last is type 6) | SMBUS

Currents are magnitudes, the direction is the step type; protection limits are signed; a loop is a step of type 5 that
jumps back to Start_Step until its block has run Cycle_Count times in total. CV and CCCV steps always carry Curr, since
without it the tester may begin at its maximum (5.5, AU, KB). Reading is in ``stepreader``.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from labctl.errors import UsageError
from labctl.interfaces.cycler import CyclerCapabilities
from labctl.model.program import (
    CHARGE_MODES,
    DISCHARGE_MODES,
    DeviceNode,
    Limits,
    RecordRule,
    Step,
    StepMode,
    steps_of,
)
from labctl_drivers.neware import stepunits as units
from labctl_drivers.neware.xmltree import XmlWriter

TYPE_BY_MODE: dict[StepMode, int] = {
    StepMode.REST: 4,
    StepMode.CC_CHARGE: 1,
    StepMode.CC_DISCHARGE: 2,
    StepMode.CV_CHARGE: 3,
    StepMode.CV_DISCHARGE: 19,
    StepMode.CCCV_CHARGE: 7,
    StepMode.CCCV_DISCHARGE: 20,
    StepMode.PAUSE: 13,
}
TYPE_LOOP = 5
TYPE_END = 6
CC_MODES = frozenset({StepMode.CC_CHARGE, StepMode.CC_DISCHARGE})
CV_MODES = (CHARGE_MODES | DISCHARGE_MODES) - CC_MODES

CLIENT_VERSION = "BTS Client 8.0.0.478(2024.06.24)(R3)"
FILE_VERSION = "17"
DATE_UNKNOWN = "20260101000000"
_GUID_SPACE = uuid.UUID("6f1b6c0e-6d8e-4b52-9a7e-3f0d1f0c9a11")


@dataclass(frozen=True, slots=True)
class StepFileHead:
    """What stands in a step file beside steps. ``date`` is YYYYMMDDhhmmss; ``guid`` empty = from the content."""

    remark: str = ""
    creator: str = "labctl"
    date: str = DATE_UNKNOWN
    guid: str = ""
    client_version: str = CLIENT_VERSION
    nominal_capacity_Ah: float | None = None
    active_mass_mg: float | None = None


@dataclass(frozen=True, slots=True)
class StepFile:
    """A rendered file. ``step_ids[k - 1]`` is the program's step id of device step k, 0 for loop and end lines."""

    data: bytes
    step_ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Line:
    """One device step: a model step, a loop line (``start``, ``count``), or the end line."""

    step: Step | None = None
    start: int = 0
    count: int = 0


def write_step_file(
    body: Sequence[DeviceNode], record: RecordRule, limits: Limits, head: StepFileHead
) -> StepFile:
    """Render a device body. Raises: UsageError for steps that the format cannot say."""
    lines = [*_lines(body, 1), _Line()]
    inner = _config_body(lines, record, limits, head)
    guid = head.guid or str(uuid.uuid5(_GUID_SPACE, head.remark + inner))
    writer = XmlWriter('<?xml version="1.0" encoding="utf-8"?>\n')
    writer.begin("root")
    writer.begin(
        "config",
        {
            "type": "Step File",
            "version": FILE_VERSION,
            "client_version": head.client_version,
            "date": head.date,
            "Guid": guid,
        },
    )
    writer.raw(inner)
    text = writer.done() + "\n"
    return StepFile(text.encode(), tuple(0 if line.step is None else line.step.step_id for line in lines))


def _lines(body: Sequence[DeviceNode], first: int) -> list[_Line]:
    """Number the device steps of a body from ``first`` on; loops end in their own line."""
    lines: list[_Line] = []
    for node in body:
        number = first + len(lines)
        if isinstance(node, Step):
            lines.append(_Line(step=node))
            continue
        inner = _lines(node.body, number)
        if not inner:
            raise UsageError("a loop without steps cannot be written into a step file")
        lines += [*inner, _Line(start=number, count=node.count)]
    return lines


def _config_body(lines: Sequence[_Line], record: RecordRule, limits: Limits, head: StepFileHead) -> str:
    writer = XmlWriter()
    writer.begin("Head_Info")
    _value(writer, "Operate", "66")
    _value(writer, "Scale", "1")
    writer.leaf("Start_Step", {"Value": "1", "Hide_Ctrl_Step": "0"})
    _value(writer, "Creator", head.creator)
    _value(writer, "Remark", head.remark)
    _value(writer, "RateType", "103")
    if head.active_mass_mg is not None:
        _value(writer, "SCQ", units.MASS_MG.text(head.active_mass_mg))
        _value(writer, "SCQ_F", units.SCQ_F.text(head.active_mass_mg))
    if head.nominal_capacity_Ah is not None:
        _value(writer, "MultCap", units.CAPACITY.text(head.nominal_capacity_Ah))
    writer.end()
    writer.begin("Whole_Prt")
    _protect(writer, limits)
    _record(writer, record)
    writer.end()
    writer.begin("Step_Info", {"Num": len(lines)})
    for number, line in enumerate(lines, start=1):
        _step(writer, number, line)
    writer.end()
    writer.begin("SMBUS")
    writer.leaf("SMBUS_Info", {"Num": "0", "AdjacentInterval": "0"})
    return writer.done()


def _value(writer: XmlWriter, tag: str, value: str) -> None:
    writer.leaf(tag, {"Value": value})


def _step(writer: XmlWriter, number: int, line: _Line) -> None:
    tag = f"Step{number}"
    step = line.step
    if step is None and line.count == 0:
        writer.leaf(tag, {"Step_ID": number, "Step_Type": TYPE_END})
        return
    kind = TYPE_LOOP if step is None else TYPE_BY_MODE[step.mode]
    writer.begin(tag, {"Step_ID": number, "Step_Type": kind})
    if step is None:
        writer.begin("Limit")
        writer.begin("Other")
        _value(writer, "Start_Step", str(line.start))
        _value(writer, "Cycle_Count", str(line.count))
        writer.end()
        writer.end()
    else:
        _limit(writer, step)
        if step.record is not None:
            _record(writer, step.record)
        if step.limits is not None:
            _protect(writer, step.limits)
    writer.end()


def _limit(writer: XmlWriter, step: Step) -> None:
    """Write set values and end conditions; the first end condition met ends the step."""
    if step.mode is StepMode.PAUSE:
        return
    writer.begin("Limit")
    writer.begin("Main")
    if step.mode is not StepMode.REST:
        _value(writer, "Curr", units.CURRENT.text(_magnitude_A(step)))
    if step.mode in CV_MODES:
        if step.voltage_V is None:
            raise UsageError(f"step {step.step_id}: {step.mode} without a voltage")
        _value(writer, "Volt", units.VOLTAGE.text(step.voltage_V))
    _value(writer, "Time", units.TIME.text(step.end_time_s))
    if step.end_voltage_V is not None and step.mode in CC_MODES:
        _value(writer, "Stop_Volt", units.VOLTAGE.text(step.end_voltage_V))
    if step.end_current_A is not None and step.mode in CV_MODES:
        _value(writer, "Stop_Curr", units.CURRENT.text(step.end_current_A))
    if step.end_capacity_Ah is not None and step.mode is not StepMode.REST:
        _value(writer, "Cap", units.CAPACITY.text(step.end_capacity_Ah))
    writer.end()
    if step.range_A is not None:
        writer.begin("Other")
        _value(writer, "Step_Range", units.CURRENT.text(step.range_A))
        writer.end()
    writer.end()


def _magnitude_A(step: Step) -> float:
    """Return the current as the file wants it: without sign, which must agree with the step's direction."""
    current_A = step.current_A
    if current_A is None or current_A == 0.0:
        raise UsageError(f"step {step.step_id}: {step.mode} without a current")
    if (current_A > 0.0) is not (step.mode in CHARGE_MODES):
        raise UsageError(f"step {step.step_id}: {step.mode} with a current of {current_A} A")
    return abs(current_A)


def _protect(writer: XmlWriter, limits: Limits) -> None:
    pairs = [
        ("Volt", units.VOLTAGE, limits.voltage_max_V, limits.voltage_min_V),
        (
            "Curr",
            units.CURRENT,
            limits.current_max_A,
            None if limits.current_max_A is None else -limits.current_max_A,
        ),
    ]
    if limits == Limits():
        return
    writer.begin("Protect")
    writer.begin("Main")
    for tag, unit, upper, lower in pairs:
        if upper is None and lower is None:
            continue
        writer.begin(tag)
        if upper is not None:
            _value(writer, "Upper", unit.text(upper))
        if lower is not None:
            _value(writer, "Lower", unit.text(lower))
        writer.end()
    _value(writer, "Delay_Time", units.TIME.text(limits.delay_s))
    if limits.capacity_max_Ah is not None:
        writer.begin("Cap")
        _value(writer, "Upper", units.CAPACITY.text(limits.capacity_max_Ah))
        writer.end()
    writer.end()
    if limits.temperature_max_degC is not None:
        writer.begin("Aux")
        writer.begin("Temp")
        _value(writer, "Upper", units.TEMPERATURE.text(limits.temperature_max_degC))
        writer.end()
        writer.end()
    writer.end()


def _record(writer: XmlWriter, record: RecordRule) -> None:
    if record == RecordRule():
        return
    writer.begin("Record")
    writer.begin("Main")
    if record.every_s is not None:
        _value(writer, "Time", units.TIME.text(record.every_s))
    if record.voltage_change_V is not None:
        _value(writer, "Volt", units.VOLTAGE.text(record.voltage_change_V))
    if record.current_change_A is not None:
        _value(writer, "Curr", units.CURRENT.text(record.current_change_A))
    writer.end()
    writer.end()


# ------------------------------------------------------------------------------------- what the channel can hold


def check_fits(body: Sequence[DeviceNode], limits: Limits, capabilities: CyclerCapabilities) -> None:
    """Refuse a body that this channel cannot run as written; nothing is silently left out before a start.

    Raises: UsageError listing every finding.
    """
    findings: list[str] = []
    depth, lines = _extent(body, capabilities, findings)
    if lines + 1 > capabilities.steps_max:
        findings.append(f"{lines + 1} device steps, the tester holds {capabilities.steps_max}")
    if depth > capabilities.loop_depth_max:
        findings.append(f"loops nested {depth} deep, the tester nests {capabilities.loop_depth_max}")
    for step in steps_of(tuple(body)):
        findings += [f"step {step.step_id}: {finding}" for finding in _step_findings(step, capabilities)]
    full_scale_A = max(item.full_scale_A for item in capabilities.ranges)
    for name, voltage_V in (("upper", limits.voltage_max_V), ("lower", limits.voltage_min_V)):
        # Real files protect a 5 V tester at up to +-5 V; wider is no protection at all.
        if voltage_V is not None and not -20.0 <= voltage_V <= 20.0:
            findings.append(f"{name} voltage limit {voltage_V:g} V is not plausible")
    if limits.current_max_A is not None and limits.current_max_A > 2.0 * full_scale_A:
        findings.append(f"current limit {limits.current_max_A:g} A is beyond the tester")
    if findings:
        raise UsageError("; ".join(findings), operation="load")


def _extent(
    body: Sequence[DeviceNode], capabilities: CyclerCapabilities, findings: list[str]
) -> tuple[int, int]:
    """Return loop depth and device lines of a body; loop counts out of range are added to ``findings``."""
    depth, lines = 0, 0
    for node in body:
        lines += 1
        if isinstance(node, Step):
            continue
        if not 1 <= node.count <= capabilities.loop_count_max:
            findings.append(
                f"a loop of {node.count} passes, the tester counts to {capabilities.loop_count_max}"
            )
        inner_depth, inner_lines = _extent(node.body, capabilities, findings)
        depth, lines = max(depth, inner_depth + 1), lines + inner_lines
    return depth, lines


def _step_findings(step: Step, capabilities: CyclerCapabilities) -> list[str]:
    findings: list[str] = []
    if step.mode not in capabilities.modes:
        findings.append(f"{capabilities.model} has no {step.mode}")
    full_scale_A = max(item.full_scale_A for item in capabilities.ranges)
    currents_A = (step.current_A, step.end_current_A, step.range_A)
    if any(current_A is not None and abs(current_A) > full_scale_A * (1 + 1e-9) for current_A in currents_A):
        findings.append(f"current beyond the {full_scale_A * 1e3:g} mA of {capabilities.model}")
    for voltage_V in (step.voltage_V, step.end_voltage_V):
        if (
            voltage_V is not None
            and not capabilities.voltage_min_V <= voltage_V <= capabilities.voltage_max_V
        ):
            span = f"{capabilities.voltage_min_V:g} to {capabilities.voltage_max_V:g} V"
            findings.append(f"{voltage_V:g} V is outside {span}")
    if step.mode is not StepMode.PAUSE and not 0.0 < step.end_time_s <= capabilities.step_time_max_s:
        findings.append(f"end time {step.end_time_s:g} s is outside 0 to {capabilities.step_time_max_s:g} s")
    if step.end_voltage_V is not None and step.mode not in CC_MODES:
        findings.append("an end voltage makes sense in constant current only")
    if step.end_current_A is not None and step.mode not in CV_MODES:
        findings.append("an end current makes sense with constant voltage only")
    if step.end_capacity_Ah is not None and step.mode in (StepMode.REST, StepMode.PAUSE):
        findings.append(f"{step.mode} passes no charge and cannot end by capacity")
    every_s = None if step.record is None else step.record.every_s
    if every_s is not None and every_s < capabilities.record_interval_min_s:
        findings.append(
            f"a record each {every_s:g} s, the tester needs {capabilities.record_interval_min_s:g} s"
        )
    return findings
