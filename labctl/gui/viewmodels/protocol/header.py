"""The protocol's head: name, cells it is for, temperature, record, limits, and the variables with their notes."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from labctl.gui.viewmodels.protocol.celltexts import (
    BAR,
    limits_text,
    read_limits,
    read_record,
    record_text,
)
from labctl.gui.viewmodels.protocol.rows import raw, variables_of
from labctl.gui.viewmodels.protocol.splices import Value, flow_text, line_end_of, spliced, update_keys
from labctl.gui.viewmodels.protocol.typed import Family, Option, Told, narrowed, read_typed
from labctl.gui.viewmodels.protocol.yamltree import Table, plain, real
from labctl.gui.viewmodels.words import mark, tr
from labctl.model.cell import CellKind
from labctl.protocol.parse import HEADER, TOP_KEYS

FIELDS = ("name", "description", "for", "temperature", "record", "safety", "warn")
"""What the head's form shows, in order."""
TITLES: Mapping[str, str] = {
    "name": mark("protocolheader", "Name"), "description": mark("protocolheader", "Description"),
    "for": mark("protocolheader", "For cells"), "temperature": mark("protocolheader", "Temperature"),
    "record": mark("protocolheader", "Record"), "safety": mark("protocolheader", "Safety limits"),
    "warn": mark("protocolheader", "Warn at"),
}  # fmt: skip
HINTS: Mapping[str, str] = {
    "name": mark("protocolheader", "Formation of LFP|Li cells"), "description": "",
    "for": mark("protocolheader", "any cell; else for example symmetric, lfp_li"),
    "temperature": mark("protocolheader", "25 °C | tolerance 1 K | soak 30 min | trip 5 K"),
    "record": mark("protocolheader", "10 s or 5 mV"), "safety": mark("protocolheader", "V 2.5 V … 4.5 V | I 2 mA"),
    "warn": mark("protocolheader", "V 2.6 V … 4.4 V"),
}  # fmt: skip
_MORE: Mapping[str, Family] = {
    "tolerance": Family.DIFFERENCE, "soak": Family.TIME, "give_up": Family.TIME, "warn": Family.DIFFERENCE,
    "warn_after": Family.TIME, "trip": Family.DIFFERENCE,
}  # fmt: skip
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def new_text(name: str) -> str:
    """Return a new protocol: one rest, and the head that every protocol should have."""
    return (
        f"labctl: {HEADER}\nname: {flow_text(name)}\nrecord: {{every: 10 s, or_change: 5 mV}}\n"
        "safety: {voltage: [-5 V, 5 V]}\nsteps:\n  - rest: 6 h\n"
    )


def head_text(root: Table, field: str) -> str:
    """Return what the form shows of a field."""
    if field == "warn":
        safety = plain(root.get("safety"))
        inner = safety.get("warn") if isinstance(safety, Mapping) else None
        return limits_text(inner, raw) if isinstance(inner, Mapping) else ""
    value = plain(root.get(field))
    if not value:
        return ""
    if field == "for":
        return ", ".join(value) if isinstance(value, list) else str(value)
    if field == "temperature" and isinstance(value, Mapping):
        more = [f"{key.replace('_', ' ')} {raw(str(value[key]))}" for key in _MORE if key in value]
        return BAR.join([raw(str(value.get("setpoint", ""))), *more])
    if isinstance(value, Mapping):
        return record_text(value, raw) if field == "record" else limits_text(value, raw)
    return raw(str(value)) if field == "temperature" else str(value)


def read_field(root: Table, field: str, typed: str) -> Told[dict[str, Value | None]]:
    """Return what a typed text means for the protocol's keys; an empty text removes the key."""
    names = tuple(variables_of(root))
    written = typed.strip()
    if field == "name":
        if not written:
            return Told(problem=tr("protocolheader", "A protocol needs a name."))
        return Told(value={"name": " ".join(written.split())})
    if field == "description":
        return Told(value={"description": written or None})
    if field == "for":
        return _read_for(written)
    if field == "temperature":
        return _read_temperature(written, names)
    if field == "record":
        told = read_record(typed, names)
        return Told(value={"record": told.value or None}) if told.ok else _passed(told)
    told = read_limits(typed, names)
    if not told.ok:
        return _passed(told)
    old = plain(root.get("safety"))
    old = dict(old) if isinstance(old, Mapping) else {}
    limits: dict[str, Value] = dict(told.value or {})
    if field == "safety":
        new = {**limits, **({"warn": old["warn"]} if "warn" in old else {})}
    else:
        old.pop("warn", None)
        new = {**old, **({"warn": limits} if limits else {})}
    return Told(value={"safety": new or None})


def _passed(told: Told[Any]) -> Told[dict[str, Value | None]]:
    return Told(problem=told.problem, question=told.question, options=told.options)


def _read_for(written: str) -> Told[dict[str, Value | None]]:
    words = [word for word in re.split(r"[\s,，;]+", narrowed(written)) if word]
    known = [kind.value for kind in CellKind]
    for word in words:
        if word not in known:
            told = tr("protocolheader", "“{word}” is no kind of cell. Known: {known}.")
            return Told(problem=told.format(word=word, known=", ".join(known)))
    if not words:
        return Told(value={"for": None})
    return Told(value={"for": words[0] if len(words) == 1 else words})


def _read_temperature(written: str, names: Collection[str]) -> Told[dict[str, Value | None]]:
    if not written:
        return Told(value={"temperature": None})
    parts = [part.strip() for part in re.split(r"\s*[|;；]\s*", written) if part.strip()]
    told = read_typed(parts[0], Family.TEMPERATURE, names, signed=True)
    if told.value is None:
        return _passed(told)
    found: dict[str, Value] = {"setpoint": told.value}
    for part in parts[1:]:
        name = next((key for key in sorted(_MORE, key=len, reverse=True)
                     if part.lower().replace(" ", "_").startswith(key)), "")  # fmt: skip
        if not name:
            told_ = tr("protocolheader", "“{part}” is not known here; use {known}.")
            known = ", ".join(key.replace("_", " ") for key in _MORE)
            return Told(problem=told_.format(part=part, known=known))
        told = read_typed(part[len(name) :].strip(), _MORE[name], names)
        if told.value is None:
            missing = "" if told.question else tr("protocoltyped", "A value is missing.")
            options = tuple(Option(item.label, written.replace(part, f"{part[: len(name)]} {item.text}"))
                            for item in told.options)  # fmt: skip
            return Told(problem=told.problem or missing, question=told.question, options=options)
        found[name] = told.value
    return Told(value={"temperature": found if len(found) > 1 else told_first(found)})


def told_first(found: Mapping[str, Value]) -> Value:
    """Return the only value of a table of one."""
    return next(iter(found.values()))


def with_keys(text: str, root: Table, wanted: Mapping[str, Value | None]) -> str:
    """Return the text with top keys changed."""
    return spliced(text, update_keys(text, root, wanted, TOP_KEYS))


# -- variables -------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class VariableRow:
    """A variable, and in how many places the text uses it."""

    name: str
    default: str
    note: str
    uses: int


def variable_rows(text: str, root: Table) -> tuple[VariableRow, ...]:
    """Return the variables in the order of the text."""
    return tuple(VariableRow(name, raw(default), note, text.count(f"${{{name}}}"))
                 for name, (default, note) in variables_of(root).items())  # fmt: skip


def with_variable(text: str, root: Table, name: str, default: str, note: str) -> str:
    """Return the text with a variable set or added."""
    value: Value = {"default": default, "note": note} if note else default
    table = real(root.get("variables"))
    if isinstance(table, Table) and table.entries:
        return spliced(text, update_keys(text, table, {name: value}))
    mark_line = (
        "variables: NEW-BLOCK"  # the first variable opens a block in lines: the next ones stand below it
    )
    placed = with_keys(text, root, {"variables": "NEW-BLOCK"})
    return placed.replace(mark_line, f"variables:{line_end_of(text)}  {name}: {flow_text(value)}", 1)


def checked_name(name: str, root: Table) -> str:
    """Return why a name cannot be a new variable's; empty where it can."""
    if not _NAME.fullmatch(name):
        return tr("protocolheader", "A variable's name has letters, digits and “_”, a letter first.")
    if name in variables_of(root):
        return tr("protocolheader", "There is a variable “{name}” already.").format(name=name)
    return ""


def renamed_variable(text: str, root: Table, old: str, new: str) -> str:
    """Return the text with a variable's name changed, wherever it is used."""
    table = real(root.get("variables"))
    if not isinstance(table, Table):
        raise KeyError(old)
    text = spliced(text, update_keys(text, table, {}, renamed={old: new}))
    return text.replace(f"${{{old}}}", f"${{{new}}}")


def without_variable(text: str, root: Table, name: str) -> str:
    """Return the text without a variable; where it is used its value stands instead."""
    default = variables_of(root)[name][0]
    table = real(root.get("variables"))
    if not isinstance(table, Table):
        raise KeyError(name)
    if len(table.entries) == 1:
        text = with_keys(text, root, {"variables": None})
    else:
        text = spliced(text, update_keys(text, table, {name: None}))
    return text.replace(f"${{{name}}}", default)
