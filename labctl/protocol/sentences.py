"""Say protocols and programs in sentences that a person can check line by line."""

from __future__ import annotations

from labctl.model.program import (
    DetectionAction,
    HostIf,
    HostNode,
    HostRepeat,
    Loop,
    Program,
    Segment,
    Spectroscopy,
    Step,
)
from labctl.model.protocol import (
    Ask,
    Branch,
    DetectIntent,
    DeviceStep,
    Drive,
    Handover,
    Hold,
    Impedance,
    Parallel,
    Protocol,
    ProtocolNode,
    Quantity,
    RecordIntent,
    Repeat,
    Rest,
    SafetyIntent,
)
from labctl.protocol.quantities import base_value, format_quantity, readable, readable_time
from labctl.protocol.spectroscopy import impedance_sentence

INDENT = "  "


def sentences(subject: Program | Protocol) -> list[str]:
    """Return indented lines that describe a protocol (intent) or a program (absolute numbers, host decisions)."""
    if isinstance(subject, Program):
        return _program_lines(subject)
    return _protocol_lines(subject)


def _both(quantity: Quantity, value: float | None, unit: str) -> str:
    """Return intent and absolute value: ``1 mA/cm^2 (0.785398 mA)``; one of them where they are the same."""
    said = format_quantity(quantity)
    if value is None:
        return said
    absolute = readable(abs(value), unit)
    same = quantity.unit.lstrip("mun") == unit or said == absolute
    return said if same else f"{said} ({absolute})"


def step_sentence(step: DeviceStep, bound: Step | None = None) -> str:
    """Return one sentence for a step, with absolute numbers in brackets once it is bound."""
    label = f"{step.options.label}: " if step.options.label else ""
    if isinstance(step, Rest):
        return (
            f"{label}rest for {format_quantity(step.time)}"
            if label
            else f"Rest for {format_quantity(step.time)}."
        )
    set_A = None if bound is None else bound.current_A
    if isinstance(step, Hold):
        head = f"Hold {format_quantity(step.voltage)} ({step.direction.value})"
        if step.at_most is not None:
            head += f", at most {_both(step.at_most, set_A, 'A')}"
        elif set_A is not None:
            head += f", at most {readable(abs(set_A), 'A')}"
    else:
        head = f"{step.direction.value.capitalize()} at {_both(step.current, set_A, 'A')}"
        if step.then_hold is not None:
            head += f", then hold {format_quantity(step.then_hold)}"
    text = f"{label}{head}{_range_phrase(step, bound)}{_end_phrase(step, bound)}"
    if step.options.record is not None:
        text += f"; record {_record_phrase(step.options.record)}"
    return text + "."


def _range_phrase(step: DeviceStep, bound: Step | None) -> str:
    if bound is not None and bound.range_A is not None:
        return f" on the {readable(bound.range_A, 'A')} range"
    return " on a range the device chooses" if step.options.range_auto else ""


def _end_phrase(step: Drive | Hold, bound: Step | None) -> str:
    ends = step.until
    parts: list[str] = []
    if ends.voltage is not None:
        parts.append(f"{format_quantity(ends.voltage)} is reached")
    if ends.current is not None:
        parts.append(
            f"the current is {_both(ends.current, None if bound is None else bound.end_current_A, 'A')} or less"
        )
    if ends.capacity is not None:
        parts.append(
            f"{_both(ends.capacity, None if bound is None else bound.end_capacity_Ah, 'Ah')} has "
            f"passed{_duration(step, bound)}"
        )
    if ends.temperature_above is not None:
        parts.append(f"the temperature is above {format_quantity(ends.temperature_above)}")
    if ends.temperature_below is not None:
        parts.append(f"the temperature is below {format_quantity(ends.temperature_below)}")
    if ends.when:
        parts.append(f"{ends.when} (the host decides)")
    text = f" until {' or '.join(parts)}" if parts else ""
    if ends.time is not None:
        return text + (
            f", at the latest after {format_quantity(ends.time)}"
            if parts
            else f" for {format_quantity(ends.time)}"
        )
    if bound is not None and bound.time_is_backstop:
        text += f" (back-stop: {readable_time(bound.end_time_s)})"
    return text


def _duration(step: Drive | Hold, bound: Step | None) -> str:
    if bound is None or isinstance(step, Hold) or step.then_hold is not None:
        return ""
    if not bound.current_A or bound.end_capacity_Ah is None:
        return ""
    return f" after {readable_time(round(bound.end_capacity_Ah / abs(bound.current_A) * 3600.0, 1))}"


def _record_phrase(record: RecordIntent) -> str:
    parts = [f"every {format_quantity(record.every)}"] if record.every else []
    parts += [
        f"on {format_quantity(value)}" for value in (record.voltage_change, record.current_change) if value
    ]
    return " or ".join(parts) if parts else "at the ends of steps only"


def _outside(what: str, low: Quantity | None, high: Quantity | None) -> list[str]:
    if low is not None and high is not None:
        return [f"{what} outside {format_quantity(low)} to {format_quantity(high)}"]
    sides = (("below", low), ("above", high))
    return [f"{what} {side} {format_quantity(value)}" for side, value in sides if value is not None]


def _safety_phrase(safety: SafetyIntent) -> str:
    parts = _outside("voltage", safety.voltage_min, safety.voltage_max)
    if safety.current_max:
        parts.append(f"|current| above {format_quantity(safety.current_max)}")
    if safety.capacity_max:
        parts.append(f"more than {format_quantity(safety.capacity_max)} in a step")
    parts += _outside("temperature", safety.temperature_min, safety.temperature_max)
    return ", ".join(parts)


def detection_sentence(rule: DetectIntent) -> str:
    """Return what is looked for and what then happens."""
    limit, times = format_quantity(rule.limit), rule.in_a_row
    row = "" if times == 1 else f" {times} times in a row"
    action = (
        "the run is stopped" if rule.action is DetectionAction.STOP else "it is flagged and the run goes on"
    )
    what = {
        "short": f"the apparent area resistance at the end of a half-cycle is below {limit}",
        "polarisation": f"|V| at the end of a half-cycle is above {limit}",
        "capacity": f"the capacity of a cycle is below {limit} of cycle {rule.of_cycle}",
        "efficiency": f"the coulombic efficiency of a cycle is below {limit}",
    }[rule.kind.value]
    return f"If {what}{row}, {action} ({rule.kind.value})."


def _protocol_lines(protocol: Protocol) -> list[str]:
    lines: list[str] = []
    demand = protocol.temperature
    if demand is not None:
        tolerance = 1.0 if demand.tolerance is None else base_value(demand.tolerance)
        soak_s = 1800.0 if demand.soak is None else base_value(demand.soak)
        give_up_s = 14400.0 if demand.give_up is None else base_value(demand.give_up)
        lines.append(
            f"Chamber at {format_quantity(demand.setpoint)}; start when it has been within {tolerance:g} K for "
            f"{readable_time(soak_s)}, give up after {readable_time(give_up_s)}."
        )
    if protocol.record != RecordIntent():
        lines.append(f"Record {_record_phrase(protocol.record)}.")
    if phrase := _safety_phrase(protocol.safety):
        lines.append(f"Stop at once on {phrase}.")
    if protocol.safety.warn is not None and (phrase := _safety_phrase(protocol.safety.warn)):
        lines.append(f"Warn on {phrase}.")
    lines.extend(detection_sentence(rule) for rule in protocol.detections)
    for node in protocol.steps:
        lines.extend(_node_lines(node, 0))
    return lines


def lines_of(node: ProtocolNode) -> list[str]:
    """Return the lines of one node of a protocol and of what is inside it; the first is about the node itself."""
    return _node_lines(node, 0)


def _node_lines(node: ProtocolNode, depth: int) -> list[str]:
    pad = INDENT * depth
    match node:
        case Rest() | Drive() | Hold():
            return [pad + step_sentence(node)]
        case Repeat():
            return _repeat_lines(node, depth)
        case Branch():
            lines = [f"{pad}If {node.condition} (the host decides):"]
            lines += [line for item in node.then for line in _node_lines(item, depth + 1)]
            if node.otherwise:
                lines.append(f"{pad}Else:")
                lines += [line for item in node.otherwise for line in _node_lines(item, depth + 1)]
            return lines
        case Impedance():
            return [pad + impedance_sentence(node)]
        case Ask():
            return [f"{pad}Ask the operator: {node.text}"]
        case Handover():
            return [f"{pad}Hand the cell over to {node.to}."]
        case Parallel():
            lines = [f"{pad}At the same time:"]
            for number, branch in enumerate(node.branches, 1):
                lines.append(f"{pad}{INDENT}Branch {number}:")
                lines += [line for item in branch for line in _node_lines(item, depth + 2)]
            return lines


def _repeat_lines(node: Repeat, depth: int) -> list[str]:
    pad = INDENT * depth
    times = "once" if node.count == 1 else f"{node.count} times"
    head = (
        f"Repeat {times}:"
        if not node.until
        else f"Repeat until {node.until} (the host decides after each pass), at most {times}:"
    )
    lines = [pad + head]
    for item in node.vary:
        shown = [format_quantity(value) for value in item.values]
        text = ", ".join(shown) if len(shown) <= 6 else f"{shown[0]}, {shown[1]}, ... {shown[-1]}"
        lines.append(f"{pad}{INDENT}(with {item.name} = {text}; shown for the first pass)")
    return lines + [line for item in node.bodies[0] for line in _node_lines(item, depth + 1)]


def _program_lines(program: Program) -> list[str]:
    lines = []
    demand = program.temperature
    if demand is not None:
        lines.append(
            f"Chamber at {demand.setpoint_degC:g} degC; start when it has been within {demand.tolerance_K:g} K for "
            f"{readable_time(demand.soak_s)}, give up after {readable_time(demand.give_up_s)}."
        )
    segments = _count_segments(program.flow)
    for node in program.flow:
        lines.extend(_host_lines(node, 0, segments > 1))
    return lines


def _count_segments(nodes: tuple[HostNode, ...]) -> int:
    total = 0
    for node in nodes:
        if isinstance(node, Segment):
            total += 1
        elif isinstance(node, HostRepeat):
            total += _count_segments(node.body)
        elif isinstance(node, HostIf):
            total += _count_segments(node.then) + _count_segments(node.otherwise)
    return total


def _host_lines(node: HostNode, depth: int, many: bool) -> list[str]:
    pad = INDENT * depth
    if isinstance(node, Segment):
        if not many:
            return [line for item in node.body for line in _device_lines(item, depth)]
        head = (
            f"{pad}Device test {node.index} (the host starts it; the cell rests at open circuit until then):"
        )
        return [head] + [line for item in node.body for line in _device_lines(item, depth + 1)]
    if isinstance(node, Spectroscopy):
        return [f"{pad}Spectrum {node.index} on {node.on} (via {node.via}): {node.sentence}"]
    if isinstance(node, HostRepeat):
        if node.until == f"pass >= {node.at_most}":
            head = f"{pad}{node.at_most} passes in total, each begun by the host:"
        else:
            head = f"{pad}Repeat until {node.until} (the host decides after each pass), at most {node.at_most} passes:"
        return [head] + [line for item in node.body for line in _host_lines(item, depth + 1, many)]
    one_pass = node.condition.removeprefix("pass == ")
    if one_pass.isdigit() and not node.otherwise:
        lines = [f"{pad}Pass {int(one_pass) + 1}:"]
    else:
        lines = [f"{pad}If {node.condition} (the host decides):"]
    lines += [line for item in node.then for line in _host_lines(item, depth + 1, many)]
    if node.otherwise:
        lines.append(f"{pad}Else:")
        lines += [line for item in node.otherwise for line in _host_lines(item, depth + 1, many)]
    return lines


def _device_lines(node: Step | Loop, depth: int) -> list[str]:
    pad = INDENT * depth
    if isinstance(node, Step):
        return [f"{pad}{node.step_id}. {node.sentence}"]
    return [f"{pad}Repeat {node.count} times (in the device):"] + [
        line for item in node.body for line in _device_lines(item, depth + 1)
    ]
