"""Read a protocol file: YAML text to ``Protocol``, with line, column and fix in every refusal."""

from __future__ import annotations

import json
from collections.abc import Mapping as MappingType
from pathlib import Path

from labctl.errors import UserFileError, UserInputError
from labctl.model.cell import CellKind
from labctl.model.program import DetectionAction, DetectionKind
from labctl.model.protocol import (
    DetectIntent,
    Note,
    NoteKind,
    Protocol,
    QuantityKind,
    RecordIntent,
    SafetyIntent,
    TemperatureIntent,
    Variable,
)
from labctl.protocol.check import Finding, check_protocol
from labctl.protocol.parse_steps import StepReader, read_record, read_safety
from labctl.protocol.reading import VARIABLE, WORD, Values
from labctl.protocol.yamlfile import (
    Fields,
    Mapping,
    Node,
    Scalar,
    Sequence,
    load_yaml,
    load_yaml_file,
    nearest,
    to_texts,
)

HEADER = "protocol/1"
TOP_KEYS = (
    "labctl", "name", "description", "for", "variables", "temperature", "record", "safety", "detect", "notes", "steps",
)  # fmt: skip
TEMPERATURE_KEYS = ("setpoint", "tolerance", "soak", "give_up", "warn", "warn_after", "trip")
DETECT_KEYS: dict[str, tuple[str, ...]] = {
    "short": ("below", "half_cycles", "then"),
    "polarisation": ("above", "half_cycles", "then"),
    "capacity": ("below", "cycles", "of_cycle", "then"),
    "efficiency": ("below", "cycles", "then"),
}
_LIMIT_KIND = {
    DetectionKind.SHORT: QuantityKind.AREA_RESISTANCE,
    DetectionKind.POLARISATION: QuantityKind.VOLTAGE,
    DetectionKind.CAPACITY: QuantityKind.FRACTION,
    DetectionKind.EFFICIENCY: QuantityKind.FRACTION,
}


def load_protocol(path: Path, variables: MappingType[str, str] | None = None) -> Protocol:
    """Read a protocol file. Raises: UserFileError with line, column and fix; UserInputError for unknown variables."""
    node = load_yaml_file(path)
    return _protocol(node, path.read_text(encoding="utf-8-sig"), str(path), variables or {})


def parse_protocol(
    text: str, source: str = "<text>", variables: MappingType[str, str] | None = None
) -> Protocol:
    """Read a protocol from text; ``source`` names it in errors, ``variables`` replace the defaults in the file."""
    return _protocol(load_yaml(text, source), text, source, variables or {})


def with_variables(protocol: Protocol, variables: MappingType[str, str]) -> Protocol:
    """Return the protocol read again with other values for its variables."""
    if not variables:
        return protocol
    text = protocol.text or protocol.template
    if not protocol.variables or not text:
        name = next(iter(variables))
        known = ", ".join(variable.name for variable in protocol.variables) or "none"
        raise UserInputError(f"the protocol '{protocol.name}' has no variable '{name}' (known: {known}).")
    return parse_protocol(text, protocol.source, variables)


def _protocol(node: Node, text: str, source: str, overrides: MappingType[str, str]) -> Protocol:
    protocol = read_protocol(node, text, source, overrides)
    for finding in check_protocol(protocol):
        if finding.is_error:
            raise _from_finding(finding, source)
    return protocol


def read_protocol(node: Node, text: str, source: str, overrides: MappingType[str, str]) -> Protocol:
    """Return a document as a protocol; whether it makes sense is for ``check_protocol`` to say.

    Raises: UserFileError with line, column and fix; UserInputError for unknown variables.
    """
    values = Values(source, {})
    _check_header(node, values)
    fields = Fields(node, source, "a protocol", TOP_KEYS)
    defined = _read_variables(fields.get("variables"), values)
    for name in overrides:
        if name not in {variable.name for variable in defined}:
            known = [variable.name for variable in defined]
            near = nearest(name, known)
            hint = f"Did you mean '{near}'? " if near else ""
            raise UserInputError(
                f"the protocol has no variable '{name}'. {hint}Known: {', '.join(known) or 'none'}."
            )
    values.variables.update({variable.name: variable.default for variable in defined})
    values.variables.update(overrides)
    steps = StepReader(values).steps(fields.need("steps", "[{rest: 6 h}]"), "steps")
    protocol = _assembled(fields, values, defined, steps, text, source)
    unused = [variable for variable in defined if variable.name not in values.used]
    if unused:
        raise values.refuse(
            fields.get("variables"),
            f"variable '{unused[0].name}' is never used.",
            f"Use it as ${{{unused[0].name}}} in a value, or remove it.",
        )
    return protocol


def _assembled(
    fields: Fields,
    values: Values,
    defined: tuple[Variable, ...],
    steps: tuple[object, ...],
    text: str,
    source: str,
) -> Protocol:
    description, for_node, temperature = (
        fields.get("description"),
        fields.get("for"),
        fields.get("temperature"),
    )
    record, safety, detect, notes = (fields.get(key) for key in ("record", "safety", "detect", "notes"))
    return Protocol(
        name=values.text(fields.need("name", "My protocol"), "name"),
        steps=steps,  # type: ignore[arg-type]  # StepReader.steps returns nodes only
        description="" if description is None else values.text(description, "description"),
        for_kinds=() if for_node is None else _read_for(for_node, values),
        temperature=None if temperature is None else _read_temperature(temperature, values),
        record=RecordIntent() if record is None else read_record(record, values),
        safety=SafetyIntent() if safety is None else read_safety(safety, values),
        detections=() if detect is None else _read_detect(detect, values),
        variables=defined,
        notes=() if notes is None else _read_notes(notes, values),
        template=_template(fields.node),
        text=text,
        source=source,
    )


def _template(node: Node) -> str:
    """Return the document with its variables in place as canonical text, empty when it has none."""
    text = json.dumps(to_texts(node), ensure_ascii=False)
    return text if VARIABLE.search(text) else ""


def _from_finding(finding: Finding, source: str) -> UserFileError:
    line = finding.place.line or None
    return UserFileError(
        finding.problem, path=source, line=line, column=finding.place.column or None, fix=finding.fix
    )


def _check_header(node: Node, values: Values) -> None:
    if not isinstance(node, Mapping):
        raise values.refuse(
            node, "this is not a protocol file.", f"Begin with 'labctl: {HEADER}' and 'name: ...'."
        )
    found = {key.text: (key, value) for key, value in node.entries}
    if "labctl" not in found:
        raise values.refuse(
            node, "this file does not say what it is.", f"Add 'labctl: {HEADER}' as its first line."
        )
    value = found["labctl"][1]
    header = value.text if isinstance(value, Scalar) else "?"
    if header != HEADER:
        raise values.refuse(
            value,
            f"'labctl: {header}' is not a protocol that this version reads.",
            f"Write 'labctl: {HEADER}'; station and bench files belong to other commands.",
        )


def _read_variables(node: Node | None, values: Values) -> tuple[Variable, ...]:
    if node is None:
        return ()
    if not isinstance(node, Mapping):
        raise values.refuse(
            node, "'variables' must be 'name: value' lines.", "Write for example 'rest: 6 h'."
        )
    found = []
    for key, value in node.entries:
        if not WORD.fullmatch(key.text):
            raise values.refuse(
                key, f"'{key.text}' is not a variable name.", "Use letters, digits and '_', a letter first."
            )
        note = ""
        if isinstance(value, Mapping):
            inner = Fields(value, values.source, f"variable '{key.text}'", ("default", "note"))
            note_node = inner.get("note")
            note = "" if note_node is None else values.scalar(note_node, "note")
            value = inner.need("default", "6 h")
        default = values.text(value, f"variable '{key.text}'")
        found.append(Variable(key.text, default, note))
    return tuple(found)


def _read_for(node: Node, values: Values) -> tuple[CellKind, ...]:
    if isinstance(node, Sequence):
        return tuple(values.choice(item, "for", CellKind) for item in node.items)
    return (values.choice(node, "for", CellKind),)


def _read_temperature(node: Node, values: Values) -> TemperatureIntent:
    degrees, difference, time = (
        (QuantityKind.TEMPERATURE,),
        (QuantityKind.TEMPERATURE_DIFFERENCE,),
        (QuantityKind.TIME,),
    )
    if not isinstance(node, Mapping):
        return TemperatureIntent(values.quantity(node, "temperature", degrees, signed=True))
    fields = Fields(node, values.source, "'temperature'", TEMPERATURE_KEYS)
    setpoint = values.quantity(fields.need("setpoint", "60 degC"), "setpoint", degrees, signed=True)
    kinds = {
        "tolerance": difference,
        "soak": time,
        "give_up": time,
        "warn": difference,
        "warn_after": time,
        "trip": difference,
    }
    found = {
        key: values.quantity(value, key, kind)
        for key, kind in kinds.items()
        if (value := fields.get(key)) is not None
    }
    return TemperatureIntent(setpoint, **found, place=values.place(node))


def _read_detect(node: Node, values: Values) -> tuple[DetectIntent, ...]:
    fields = Fields(node, values.source, "'detect'", tuple(DETECT_KEYS))
    rules: list[DetectIntent] = []
    for key, value in fields.node.entries:
        items = value.items if isinstance(value, Sequence) else (value,)
        rules.extend(_read_rule(DetectionKind(key.text), item, values) for item in items)
    return tuple(rules)


def _read_rule(kind: DetectionKind, node: Node, values: Values) -> DetectIntent:
    keys = DETECT_KEYS[kind.value]
    fields = Fields(node, values.source, f"'{kind.value}' under 'detect'", keys)
    example = {"short": "10 ohm cm^2", "polarisation": "1 V"}.get(kind.value, "80 %")
    limit = values.quantity(fields.need(keys[0], example), keys[0], (_LIMIT_KIND[kind],))
    in_a_row, of_cycle = fields.get(keys[1]), fields.get("of_cycle")
    return DetectIntent(
        kind,
        limit,
        1 if in_a_row is None else values.count(in_a_row, keys[1]),
        values.choice(fields.need("then", "stop"), "then", DetectionAction),
        1 if of_cycle is None else values.count(of_cycle, "of_cycle"),
        values.place(fields.need(keys[0], example)),
    )


def _read_notes(node: Node, values: Values) -> tuple[Note, ...]:
    if not isinstance(node, Sequence):
        raise values.refuse(node, "'notes' must be a list.", "Write '- assumption: ...' lines.")
    found = []
    for item in node.items:
        if isinstance(item, Scalar):
            found.append(Note(NoteKind.NOTE, values.text(item, "a note")))
            continue
        fields = Fields(item, values.source, "a note", (*(kind.value for kind in NoteKind), "about"))
        kinds = [kind for kind in NoteKind if kind.value in fields]
        if len(kinds) != 1:
            raise values.refuse(
                item, "a note has one text.", "Write '- assumption: ...' or '- contradiction: ...'."
            )
        about = fields.get("about")
        text = values.text(fields.need(kinds[0].value, "..."), "a note")
        found.append(Note(kinds[0], text, "" if about is None else values.text(about, "about")))
    return tuple(found)
