"""Write a protocol as a plain document, as YAML text, and as the content hash by which it is versioned.

``parse_protocol(to_yaml(p)) == p`` for every protocol that can be read.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any

from labctl.model.protocol import (
    Ask,
    Branch,
    DetectIntent,
    Drive,
    Ends,
    Handover,
    Hold,
    Impedance,
    Note,
    NoteKind,
    Parallel,
    Protocol,
    ProtocolNode,
    Quantity,
    RecordIntent,
    Repeat,
    Rest,
    SafetyIntent,
    StepOptions,
    TemperatureIntent,
    Vary,
)
from labctl.protocol.quantities import format_quantity, parse_quantity
from labctl.protocol.yamlfile import load_yaml, to_texts

Document = dict[str, Any]
_PLAIN = re.compile(r"(?:[A-Za-z0-9_+./(]|-\d)[A-Za-z0-9 _+./%^()|<>=*$-]*")
_WORDS = frozenset({"true", "false", "null", "yes", "no", "on", "off", "~"})
_FLOW_LENGTH_MAX = 90


def protocol_hash(protocol: Protocol) -> str:
    """Return the SHA-256 of the canonical document: spelling of units, comments and layout do not count."""
    document = _normal(to_document(protocol))
    canonical = json.dumps(document, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _normal(value: Any) -> Any:
    """Return a document with every quantity in its canonical spelling (``1mA/cm2`` is ``1 mA/cm^2``)."""
    if isinstance(value, dict):
        return {key: _normal(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_normal(item) for item in value]
    quantity = parse_quantity(value)
    return value.strip() if quantity is None else format_quantity(quantity)


def to_document(protocol: Protocol) -> Document:
    """Return the protocol as dicts, lists and texts, variables still in place."""
    if protocol.template:
        document = to_texts(load_yaml(protocol.template, protocol.source))
        assert isinstance(document, dict)
        return document
    document = {"labctl": "protocol/1", "name": protocol.name}
    if protocol.description:
        document["description"] = protocol.description
    if protocol.for_kinds:
        kinds = [kind.value for kind in protocol.for_kinds]
        document["for"] = kinds[0] if len(kinds) == 1 else kinds
    if protocol.variables:
        document["variables"] = {
            item.name: {"default": item.default, "note": item.note} if item.note else item.default
            for item in protocol.variables
        }
    if protocol.temperature is not None:
        document["temperature"] = _temperature(protocol.temperature)
    if protocol.record != RecordIntent():
        document["record"] = _record(protocol.record)
    if protocol.safety != SafetyIntent():
        document["safety"] = _safety(protocol.safety)
    if protocol.detections:
        document["detect"] = _detections(protocol.detections)
    if protocol.notes:
        document["notes"] = [_note(note) for note in protocol.notes]
    document["steps"] = [_step(node) for node in protocol.steps]
    return document


def to_yaml(protocol: Protocol) -> str:
    """Return the protocol as a YAML file that reads back as the same protocol."""
    return "\n".join(_block(to_document(protocol), 0)) + "\n"


def _filled(**values: Quantity | str | None) -> Document:
    return {
        key: format_quantity(value) if isinstance(value, Quantity) else value
        for key, value in values.items()
        if value
    }


def _temperature(demand: TemperatureIntent) -> Document | str:
    document = _filled(
        setpoint=demand.setpoint, tolerance=demand.tolerance, soak=demand.soak, give_up=demand.give_up,
        warn=demand.warn, warn_after=demand.warn_after, trip=demand.trip,
    )  # fmt: skip
    return document if len(document) > 1 else format_quantity(demand.setpoint)


def _record(record: RecordIntent) -> Document:
    return _filled(
        every=record.every, or_change=record.voltage_change, or_current_change=record.current_change
    )


def _pair(name: str, low: Quantity | None, high: Quantity | None) -> Document:
    if low is None and high is None:
        return {}
    return {name: ["none" if value is None else format_quantity(value) for value in (low, high)]}


def _safety(safety: SafetyIntent) -> Document:
    return {
        **_pair("voltage", safety.voltage_min, safety.voltage_max),
        **_filled(current=safety.current_max, capacity=safety.capacity_max),
        **_pair("temperature", safety.temperature_min, safety.temperature_max),
        **_filled(delay=safety.delay),
        **({} if safety.warn is None else {"warn": _safety(safety.warn)}),
    }


def _detections(rules: tuple[DetectIntent, ...]) -> Document:
    document: dict[str, list[Document]] = {}
    for rule in rules:
        side, per = ("above", "half_cycles") if rule.kind.value == "polarisation" else ("below", "cycles")
        per = "half_cycles" if rule.kind.value == "short" else per
        entry: Document = {side: format_quantity(rule.limit)}
        if rule.in_a_row != 1:
            entry[per] = str(rule.in_a_row)
        if rule.of_cycle != 1:
            entry["of_cycle"] = str(rule.of_cycle)
        entry["then"] = rule.action.value
        document.setdefault(rule.kind.value, []).append(entry)
    return {kind: entries[0] if len(entries) == 1 else entries for kind, entries in document.items()}


def _note(note: Note) -> Document | str:
    if note.kind is NoteKind.NOTE and not note.about:
        return note.text
    return {note.kind.value: note.text, **({"about": note.about} if note.about else {})}


def _options(options: StepOptions) -> Document:
    document: Document = {"name": options.label} if options.label else {}
    if options.record is not None:
        document["record"] = _record(options.record)
    if options.safety is not None:
        document["safety"] = _safety(options.safety)
    if options.range_auto or options.range is not None:
        document["range"] = "auto" if options.range is None else format_quantity(options.range)
    return document


def _ends(ends: Ends) -> Document:
    document = _filled(voltage=ends.voltage, current=ends.current, time=ends.time, capacity=ends.capacity)
    temperature = _filled(above=ends.temperature_above, below=ends.temperature_below)
    if temperature:
        document["temperature"] = temperature
    if ends.when:
        document["when"] = ends.when
    return {"until": document} if document else {}


def _vary(vary: Vary) -> Document | list[str]:
    if vary.add is None:
        return [format_quantity(value) for value in vary.values]
    return {"start": format_quantity(vary.values[0]), "add": format_quantity(vary.add)}


def _step(node: ProtocolNode) -> Document:
    match node:
        case Rest():
            return {"rest": format_quantity(node.time), **_options(node.options)}
        case Drive():
            hold = {} if node.then_hold is None else {"then_hold": format_quantity(node.then_hold)}
            current = {node.direction.value: format_quantity(node.current)}
            return {**current, **hold, **_ends(node.until), **_options(node.options)}
        case Hold():
            head = {"hold": format_quantity(node.voltage), "direction": node.direction.value}
            return {**head, **_filled(at_most=node.at_most), **_ends(node.until), **_options(node.options)}
        case Repeat():
            document: Document = {"repeat": str(node.count)}
            if node.until:
                document["until"] = node.until
            if node.vary:
                document["vary"] = {item.name: _vary(item) for item in node.vary}
            return {**document, "steps": [_step(item) for item in node.bodies[0]]}
        case Branch():
            otherwise = {"else": [_step(item) for item in node.otherwise]} if node.otherwise else {}
            return {"if": node.condition, "then": [_step(item) for item in node.then], **otherwise}
        case Impedance():
            return {"eis": _eis(node)}
        case Ask():
            return {"ask": node.text}
        case Handover():
            return {"handover": node.to}
        case Parallel():
            return {"parallel": [[_step(item) for item in branch] for branch in node.branches]}


def _eis(node: Impedance) -> Document:
    suffix = "peak" if node.peak else "rms"
    return {
        "from": format_quantity(node.start),
        "to": format_quantity(node.end),
        "points_per_decade": str(node.points_per_decade),
        "amplitude": f"{format_quantity(node.amplitude)} {suffix}",
        **_filled(on=node.on, via=node.via, settle=node.settle),
    }


def _scalar(text: str) -> str:
    """Return a text as a YAML scalar, quoted (JSON style) unless it is certainly plain."""
    if _PLAIN.fullmatch(text) and text.lower() not in _WORDS and not text.endswith(" ") and " #" not in text:
        return text
    return json.dumps(text, ensure_ascii=True)


def _flow(value: Any) -> str:
    """Return a value on one line; inside brackets every text with a comma or bracket is quoted by ``_scalar``."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_flow(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(_flow(item) for item in value) + "]"
    return _scalar(value)


def _fits(key: str, value: Any) -> bool:
    if key in ("steps", "then", "else", "notes", "parallel", "variables"):
        return False
    return not isinstance(value, dict | list) or len(_flow(value)) <= _FLOW_LENGTH_MAX


def _block(value: Any, indent: int) -> list[str]:
    """Return a mapping or list as indented lines."""
    pad = " " * indent
    lines: list[str] = []
    if isinstance(value, dict):
        for key, item in value.items():
            if _fits(key, item):
                lines.append(f"{pad}{key}: {_flow(item)}")
            else:
                lines.append(f"{pad}{key}:")
                lines.extend(_block(item, indent + 2))
        return lines
    for item in value:
        inner = _block(item, indent + 2) if isinstance(item, dict | list) else [f"{pad}  {_scalar(item)}"]
        lines.append(f"{pad}- {inner[0].lstrip()}" if inner else f"{pad}- []")
        lines.extend(inner[1:])
    return lines
