"""Publish the protocol language as JSON Schema, for editors that complete and check while one types.

The schema knows structure, words and the shape of quantities; what only the reader knows (units that fit, ends that
are reached, variables that exist) is left to ``labctl protocols check``.
"""

from __future__ import annotations

import json
from typing import Any

from labctl.model.cell import CellKind
from labctl.model.handover import Via
from labctl.model.program import DetectionAction
from labctl.model.protocol import Direction, NoteKind, QuantityKind
from labctl.protocol.parse import DETECT_KEYS, HEADER
from labctl.protocol.quantities import NUMBER, UNITS
from labctl.protocol.reading import CAPACITIES, CURRENTS

Schema = dict[str, Any]
SCHEMA_ID = "urn:labctl:schema:protocol-1"
_VARIABLE = r"\$\{[A-Za-z_][A-Za-z0-9_]*\}"


def _unit_pattern(kinds: tuple[QuantityKind, ...]) -> str:
    """Return a pattern of the usual spellings of the units of ``kinds``; unusual ones pass if they hold a letter."""
    names = sorted(unit for unit, (kind, _) in UNITS.items() if kind in kinds and unit)
    escaped = [
        name.replace("/", r"\s*/\s*").replace("^2", r"(\^?2|²)").replace(" ", r"[ *·]") for name in names
    ]
    text = "|".join(escaped)
    text = (
        text.replace("uA", "[uµμ]A")
        .replace("uV", "[uµμ]V")
        .replace("degC", "(degC|°C)")
        .replace("ohm", "(ohm|Ω)")
    )
    return text


def _quantity(*kinds: QuantityKind) -> Schema:
    patterns = [rf"{NUMBER}\s*({_unit_pattern(kinds)})"] if _unit_pattern(kinds) else []
    if QuantityKind.C_RATE in kinds:
        patterns.append(rf"C\s*/\s*{NUMBER}")
    if QuantityKind.TIME in kinds:
        patterns.append(rf"{NUMBER}\s*(seconds?|sec|minutes?|mins?|hours?|hrs?|days?)")
    patterns.append(rf".*{_VARIABLE}.*")
    text: Schema = {"type": "string", "pattern": "^\\s*(" + "|".join(patterns) + ")\\s*$"}
    if kinds == (QuantityKind.FRACTION,):
        return {"anyOf": [{"type": "number"}, text]}
    return text


def _object(properties: Schema, required: tuple[str, ...] = (), description: str = "") -> Schema:
    schema: Schema = {"type": "object", "additionalProperties": False, "properties": properties}
    if required:
        schema["required"] = list(required)
    if description:
        schema["description"] = description
    return schema


def _definitions() -> Schema:
    count = {
        "anyOf": [
            {"type": "integer", "minimum": 1},
            {"type": "string", "pattern": f"^({_VARIABLE}|[1-9][0-9]*)$"},
        ]
    }
    volts = _quantity(QuantityKind.VOLTAGE)
    degrees = _quantity(QuantityKind.TEMPERATURE)
    time = _quantity(QuantityKind.TIME)

    def pair(item: Schema) -> Schema:
        return {"type": "array", "items": {"anyOf": [{"const": "none"}, item]}, "minItems": 2, "maxItems": 2}

    return {
        "count": count,
        "condition": {"type": "string", "minLength": 1, "maxLength": 500},
        "voltage": volts,
        "time": time,
        "temperature_value": degrees,
        "difference": _quantity(QuantityKind.TEMPERATURE_DIFFERENCE),
        "current": _quantity(*CURRENTS),
        "capacity": _quantity(*CAPACITIES),
        "steps": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/step"}},
        "record": _object(
            {"every": _ref("time"), "or_change": _ref("voltage"), "or_current_change": _ref("current")},
            description="When a record is written.",
        ),
        "safety": _object(
            {
                "voltage": pair(_ref("voltage")),
                "current": _ref("current"),
                "capacity": _ref("capacity"),
                "temperature": pair(_ref("temperature_value")),
                "delay": _ref("time"),
                "warn": _object(
                    {
                        "voltage": pair(_ref("voltage")),
                        "current": _ref("current"),
                        "capacity": _ref("capacity"),
                        "delay": _ref("time"),
                    },
                    description="Limits that only tell.",
                ),
            },
            description="Limits that stop the run.",
        ),
        "until": _object(
            {
                "voltage": _ref("voltage"),
                "current": _ref("current"),
                "time": _ref("time"),
                "capacity": _ref("capacity"),
                "temperature": _object(
                    {"above": _ref("temperature_value"), "below": _ref("temperature_value")}
                ),
                "when": _ref("condition"),
            },
            description="What ends a step; the first one met does.",
        ),
        "step": {"oneOf": _steps()},
    }


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _steps() -> list[Schema]:
    common: Schema = {
        "name": {"type": ["string", "number"]},
        "record": _ref("record"),
        "safety": _ref("safety"),
    }
    ranged: Schema = {**common, "range": {"anyOf": [{"const": "auto"}, _quantity(QuantityKind.CURRENT)]}}
    ends: Schema = {"to": _ref("voltage"), "then_hold": _ref("voltage"), "until": _ref("until")}
    varied = {
        "anyOf": [
            {"type": "array", "minItems": 1, "items": {"type": ["string", "number"]}},
            _object(
                {"start": {"type": ["string", "number"]}, "add": {"type": ["string", "number"]}},
                ("start", "add"),
            ),
        ]
    }
    frequency = _quantity(QuantityKind.FREQUENCY)
    amplitude = {"type": "string", "pattern": rf"^\s*({NUMBER}\s*[mu]?[VA]( rms| peak)?|{_VARIABLE})\s*$"}
    hold: Schema = {
        "hold": _ref("voltage"),
        "direction": {"enum": [word.value for word in Direction]},
        "at_most": _ref("current"),
        "until": _ref("until"),
    }
    repeat: Schema = {
        "repeat": _ref("count"),
        "until": _ref("condition"),
        "vary": {"type": "object", "minProperties": 1, "additionalProperties": varied},
        "steps": _ref("steps"),
    }
    branch: Schema = {"if": _ref("condition"), "then": _ref("steps"), "else": _ref("steps")}
    eis: Schema = {
        "from": frequency,
        "to": frequency,
        "points_per_decade": _ref("count"),
        "amplitude": amplitude,
        "on": {"type": "string", "description": "Which potentiostat of the station."},
        "via": {"enum": [word.value for word in Via], "description": "Who moves the leads."},
        "settle": _ref("time"),
    }
    return [
        _object({"rest": _ref("time"), **common}, ("rest",), "Open circuit for a time."),
        _object(
            {"charge": _ref("current"), **ends, **ranged},
            ("charge",),
            "Constant current, then constant voltage.",
        ),
        _object(
            {"discharge": _ref("current"), **ends, **ranged},
            ("discharge",),
            "Constant current, then voltage.",
        ),
        _object({**hold, **ranged}, ("hold",), "Constant voltage."),
        _object(repeat, ("repeat", "steps"), "Passes in total, or fewer when 'until' becomes true."),
        _object(branch, ("if", "then"), "A decision of the host."),
        _object({"eis": _object(eis, ("from", "to", "amplitude"))}, ("eis",), "Impedance, from high to low."),
        _object({"ask": {"type": "string"}}, ("ask",), "A question to the operator."),
        _object({"handover": {"type": "string"}}, ("handover",), "The cell moves to another instrument."),
        _object(
            {"parallel": {"type": "array", "minItems": 2, "items": _ref("steps")}},
            ("parallel",),
            "At one time.",
        ),
    ]


def _detect() -> Schema:
    limits = {
        "short": _quantity(QuantityKind.AREA_RESISTANCE),
        "polarisation": _ref("voltage"),
        "capacity": _quantity(QuantityKind.FRACTION),
        "efficiency": _quantity(QuantityKind.FRACTION),
    }
    rules: Schema = {}
    for kind, keys in DETECT_KEYS.items():
        fields: Schema = {keys[0]: limits[kind], "then": {"enum": [word.value for word in DetectionAction]}}
        fields.update({key: _ref("count") for key in keys[1:] if key != "then"})
        rule = _object(fields, (keys[0], "then"))
        rules[kind] = {"anyOf": [rule, {"type": "array", "items": rule}]}
    return _object(rules, description="What is looked for while the cell is cycled, and what then happens.")


def _temperature() -> Schema:
    difference, time = _ref("difference"), _ref("time")
    fields: Schema = {
        "setpoint": _ref("temperature_value"),
        "tolerance": difference,
        "soak": time,
        "give_up": time,
    }
    fields.update({"warn": difference, "warn_after": time, "trip": difference})
    return {"anyOf": [_ref("temperature_value"), _object(fields, ("setpoint",))]}


def _notes() -> Schema:
    text = {"type": "string"}
    kinds = [_object({kind.value: text, "about": text}, (kind.value,)) for kind in NoteKind]
    return {"type": "array", "items": {"anyOf": [text, *kinds]}}


def json_schema() -> Schema:
    """Return the JSON Schema (draft 2020-12) of protocol files."""
    kind = {"enum": [word.value for word in CellKind]}
    value = {"type": ["string", "number", "boolean"]}
    variable = {"anyOf": [value, _object({"default": value, "note": {"type": "string"}}, ("default",))]}
    properties: Schema = {
        "labctl": {"const": HEADER},
        "name": {"type": ["string", "number"]},
        "description": {"type": "string"},
        "for": {"anyOf": [kind, {"type": "array", "items": kind, "minItems": 1}]},
        "variables": {"type": "object", "additionalProperties": variable},
        "temperature": _temperature(),
        "record": _ref("record"),
        "safety": _ref("safety"),
        "detect": _detect(),
        "notes": _notes(),
        "steps": _ref("steps"),
    }
    schema = _object(properties, ("labctl", "name", "steps"), "A labctl protocol.")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "labctl protocol",
        **schema,
        "$defs": _definitions(),
    }


def schema_text() -> str:
    """Return the schema as the text of the published file."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
