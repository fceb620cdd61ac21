"""Read ``labctl: bench/1`` files: what stands on a virtual bench, strictly, naming line and column of errors.

The tables below are the one description of the format: the reader checks against them and the published JSON
schema is generated from them (:func:`json_schema`).
"""

from __future__ import annotations

import difflib
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib import resources
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from labctl.errors import UserFileError
from labctl_simulators.leadkinds import KINDS
from labctl_simulators.par273a.lockin import LOCKINS
from labctl_simulators.world.eiseffects import Effects
from labctl_simulators.world.network import DUMMIES

SCHEMA = "bench/1"
FILE_MAX_BYTES = 1_000_000
NESTING_MAX = 16
Path_ = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Key:
    """One key of a table: ``kind`` is text, number, integer, flag, numbers, free, or a table's name."""

    kind: str
    required: bool = False
    many: bool = False
    values: tuple[str, ...] = ()
    help: str = ""


_RANGE = {
    "gain_error": Key("number", help="relative gain error g"),
    "offset": Key("number", help="offset o in V or A"),
    "noise": Key("number", help="standard deviation of a record in V or A"),
}
_PROFILES = ("ideal", "calibrated", "worst")

TABLES: Mapping[str, Mapping[str, Key]] = {
    "bench": {
        "labctl": Key("text", required=True, values=(SCHEMA,)),
        "name": Key("text", help="name of the bench"),
        "seed": Key("integer", help="seed of noise, channel errors and life numbers"),
        "epoch_unix_s": Key("number", help="wall clock at plant time 0; default 2026-01-01T00:00:00Z"),
        "instruments": Key("instrument", required=True, many=True),
        "chambers": Key("chamber", many=True),
        "cells": Key("cell", many=True),
        "potentiostats": Key("potentiostat", many=True),
        "multiplexers": Key("multiplexer", many=True),
        "history": Key("history", many=True),
    },
    "instrument": {
        "name": Key("text", required=True),
        "kind": Key("text", values=("neware-bts",)),
        "ip": Key("text"),
        "devid": Key("integer"),
        "devtype": Key("integer"),
        "profile": Key("text", values=_PROFILES, help="measurement chain of all its channels"),
        "first_test_id": Key("integer"),
        "units": Key("unit", required=True, many=True),
        "options": Key("options"),
    },
    "unit": {
        "unit": Key("integer", required=True, help="subdevid, from 1"),
        "model": Key("text", required=True, help="for example 5V10mA or 5V100mA-4R"),
        "channels": Key("integer"),
        "ranges_mA": Key("numbers", help="full scales of the current ranges; default by model"),
        "voltage_V": Key("number", help="rail of the channel, default 5"),
    },
    "options": {
        "utc_offset_s": Key("number", help="time zone of the BTS PC"),
        "wrong_subdevid": Key("flag"),
        "modern_client": Key("flag"),
        "extra_attributes": Key("flag"),
        "right_spelling": Key("flag"),
        "login_required": Key("flag"),
        "username": Key("text"),
        "password": Key("text"),
        "upload_lag_s": Key("number"),
        "late_count": Key("integer"),
        "new_channel_word": Key("text"),
        "unknown_command_result": Key("text"),
    },
    "chamber": {
        "name": Key("text", required=True),
        "link": Key("text", values=("tcp", "rtu")),
        "air_degC": Key("number", help="air temperature at the start"),
        "setpoint_degC": Key("number"),
        "on": Key("flag"),
        "profile": Key("text", values=_PROFILES),
    },
    "cell": {
        "cell_id": Key("text", required=True),
        "name": Key("text"),
        "slot": Key("text", help="instrument:unit-channel, for example neware:1-1"),
        "variant": Key("text", required=True, help="LIQ-P, LIQ-Z, PEO-P, PEO-Z, LTO-P, LTO-Z, LFP-P, LFP-Z"),
        "diameter_mm": Key("number"),
        "film_nm": Key("number", help="blends pristine and coated by film thickness"),
        "electrode": Key("text", help="electrode that electrode.coat can give a film"),
        "seed": Key("integer", help="seed of this cell's own life numbers"),
        "x": Key("number", help="lithium fraction at assembly"),
        "precursor": Key("flag", help="soft-short precursor before the hard short"),
        "chamber": Key("text"),
        "temperature_degC": Key("number", help="cell temperature at the start; default: its chamber's air"),
        "overrides": Key("free", help="any parameter of cell-models section 4"),
        "chain": Key("chain", help="measurement chain of the channel it stands in"),
    },
    "chain": {
        "profile": Key("text", values=_PROFILES),
        "voltage": Key("range"),
        "current": Key("ranges", help="by full scale in mA"),
        "ranges_mA": Key(
            "numbers", help="full scales of this channel's ranges; a single one fixes the range"
        ),
        "voltage_V": Key("number", help="rail of this channel"),
    },
    "range": _RANGE,
    "potentiostat": {
        "name": Key("text", required=True),
        "kind": Key("text", values=tuple(KINDS), help="default methodscript"),
        "model": Key("text", required=True, values=tuple(m for kind in KINDS.values() for m in kind.models)),
        "link": Key("text", values=("tcp", "pty")),
        "cell": Key("text", help="cell_id of the cell that hangs on its leads at the start"),
        "dummy": Key("text", values=(*DUMMIES, "resistor"), help="dummy cell on its leads at the start"),
        "resistance_ohm": Key("number", help="of the dummy 'resistor'"),
        "serial": Key("text", help="serial number that it tells"),
        "bridge": Key(
            "text", values=("labctl", "public"), help="of a versastat: labctl's own, or the public one"
        ),
        "token": Key("text", help="of a versastat: what its bridge wants in every call; default none"),
        "lockin": Key("text", values=tuple(LOCKINS), help="of a par273a: the lock-in beside it"),
        "fra": Key("text", values=("1260",), help="of a par273a: the frequency response analyser beside it"),
        "terminator": Key(
            "text", values=("crlf", "cr"), help="of a par273a: what ends its lines; default crlf"
        ),
        "address": Key("integer", help="of a par273a: its GPIB address, default 14"),
        "folder": Key("text", help="of a powersuite: where its exports appear, from the bench file's folder"),
        "eis_max_Hz": Key("number", help="highest frequency of its spectra; default by model and mode"),
        "profile": Key("text", values=_PROFILES, help="which of its errors are on; default calibrated"),
        "effects": Key("effects", help="single errors, on top of the profile"),
    },
    "multiplexer": {
        "name": Key("text", required=True),
        "link": Key("text", values=("tcp", "pty")),
        "potentiostat": Key("text", required=True, help="name of the one that paths 2nn lead to"),
        "serial": Key("text", help="serial number that it tells"),
        "places": Key("wired", required=True, many=True),
    },
    "wired": {
        "place": Key("integer", required=True, help="nn of the paths 1nn and 2nn, 1 to 99"),
        "slot": Key("text", help="instrument:unit-channel that path 1nn leads to"),
        "cell": Key("text", help="cell_id of the cell that hangs in the place at the start"),
        "dummy": Key("text", values=tuple(DUMMIES), help="dummy cell in the place, for checks"),
    },
    "effects": {
        effect.name: Key("flag" if isinstance(effect.default, bool) else "number")
        for effect in fields(Effects)
    },
    "history": {
        "slot": Key("text", required=True),
        "start_s": Key("number", required=True, help="plant time of the start, at most 0"),
        "steps": Key("text", required=True, help="step file beside the bench file or shipped with the bench"),
        "barcode": Key("text"),
    },
}


class BenchFile:
    """A checked bench file: plain values, and the place of each for later errors."""

    def __init__(self, text: str, source: str, folder: Path | None = None) -> None:
        self.text = text
        self.source = source
        self.folder = folder
        self._places: dict[Path_, tuple[int, int]] = {}
        root = self._compose(text)
        self.values: dict[str, Any] = self._table(root, "bench", ())

    def error(self, path: Path_, problem: str, fix: str = "") -> UserFileError:
        """Return an error that names the place of a value."""
        while path and path not in self._places:
            path = path[:-1]
        line, column = self._places.get(path, (1, 1))
        return UserFileError(problem, path=self.source, line=line, column=column, fix=fix)

    def _compose(self, text: str) -> Node:
        if len(text.encode()) > FILE_MAX_BYTES:
            raise UserFileError("The bench file is larger than 1 MB.", path=self.source)
        try:
            node = YAML(typ="safe", pure=True).compose(text)
        except MarkedYAMLError as error:
            mark = error.problem_mark
            raise UserFileError(
                f"This is not YAML: {error.problem}.",
                path=self.source,
                line=None if mark is None else mark.line + 1,
                column=None if mark is None else mark.column + 1,
                fix="Check indentation, colons and quotes here.",
            ) from error
        except YAMLError as error:
            raise UserFileError(f"This is not YAML: {error}.", path=self.source) from error
        if not isinstance(node, MappingNode):
            raise UserFileError(
                "A bench file is a mapping of keys.", path=self.source, line=1, column=1,
                fix=f"Begin with 'labctl: {SCHEMA}'.",
            )  # fmt: skip
        return node

    def _note(self, node: Node, path: Path_) -> None:
        self._places[path] = (node.start_mark.line + 1, node.start_mark.column + 1)
        if len(path) > NESTING_MAX:
            raise self.error(path, "The file is nested too deeply.")

    def _table(self, node: Node, name: str, path: Path_) -> dict[str, Any]:
        self._note(node, path)
        table = TABLES[name]
        if not isinstance(node, MappingNode):
            raise self.error(path, f"A {name} is a mapping.", f"Its keys are {', '.join(table)}.")
        values: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = str(key_node.value)
            self._note(key_node, (*path, key))
            if key not in table:
                near = difflib.get_close_matches(key, table, 1)
                fix = f"Did you mean '{near[0]}'?" if near else f"Known keys are {', '.join(table)}."
                raise self.error((*path, key), f"A {name} has no key '{key}'.", fix)
            if key in values:
                raise self.error((*path, key), f"The key '{key}' is there twice.", "Remove one of them.")
            values[key] = self._value(value_node, table[key], (*path, key))
        for key, description in table.items():
            if description.required and key not in values:
                raise self.error(path, f"A {name} needs '{key}'.", f"Add '{key}:' here.")
        return values

    def _value(self, node: Node, key: Key, path: Path_) -> Any:
        self._note(node, path)
        if key.many:
            if not isinstance(node, SequenceNode):
                raise self.error(path, f"'{path[-1]}' is a list.", "Begin each entry with '- '.")
            return [self._table(item, key.kind, (*path, index)) for index, item in enumerate(node.value)]
        if key.kind in TABLES:
            return self._table(node, key.kind, path)
        if key.kind == "ranges":
            return self._ranges(node, path)
        if key.kind == "free":
            return self._free(node, path)
        if key.kind == "numbers":
            if not isinstance(node, SequenceNode):
                raise self.error(path, f"'{path[-1]}' is a list of numbers.", "For example [1, 10].")
            return [self._scalar(item, Key("number"), (*path, n)) for n, item in enumerate(node.value)]
        return self._scalar(node, key, path)

    def _ranges(self, node: Node, path: Path_) -> dict[str, Any]:
        if not isinstance(node, MappingNode):
            raise self.error(
                path, "'current' is a mapping by full scale in mA.", "For example 10: {offset: 0}."
            )
        found = {}
        for key_node, value_node in node.value:
            scale_mA = self._scalar(key_node, Key("number"), (*path, str(key_node.value)))
            found[repr(scale_mA / 1e3)] = self._table(value_node, "range", (*path, str(key_node.value)))
        return found

    def _free(self, node: Node, path: Path_) -> Any:
        self._note(node, path)
        if isinstance(node, MappingNode):
            return {str(k.value): self._free(v, (*path, str(k.value))) for k, v in node.value}
        if isinstance(node, SequenceNode):
            return [self._free(item, (*path, index)) for index, item in enumerate(node.value)]
        text = str(node.value)
        try:
            return float(text.replace(".inf", "inf"))
        except ValueError:
            return text

    def _scalar(self, node: Node, key: Key, path: Path_) -> Any:
        self._note(node, path)
        if not isinstance(node, ScalarNode):
            raise self.error(path, f"'{path[-1]}' is a single {key.kind}.", "Write it on one line.")
        text = str(node.value)
        if key.kind == "text":
            if key.values and text not in key.values:
                near = difflib.get_close_matches(text, key.values, 1)
                fix = f"Did you mean '{near[0]}'?" if near else f"Known are {', '.join(key.values)}."
                raise self.error(path, f"'{path[-1]}' cannot be '{text}'.", fix)
            return text
        if key.kind == "flag":
            if text not in ("true", "false"):
                raise self.error(
                    path, f"'{path[-1]}' is true or false, not '{text}'.", "Write true or false."
                )
            return text == "true"
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not math.isfinite(number) or (key.kind == "integer" and number != int(number)):
            raise self.error(path, f"'{path[-1]}' is a {key.kind}, not '{text}'.", "Write it without a unit.")
        return int(number) if key.kind == "integer" else number


def read_bench_file(name: str) -> BenchFile:
    """Read a shipped bench by name (``default``, ``demo``) or a bench file by path.

    Raises: UserFileError with line, column and fix.
    """
    shipped = resources.files("labctl_simulators") / "benches"
    if "/" not in name and "\\" not in name and not name.endswith((".yaml", ".yml")):
        file = shipped / f"{name}.yaml"
        if file.is_file():
            return BenchFile(file.read_text("utf-8"), f"bench {name}")
    path = Path(name)
    try:
        text = path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        known = sorted(item.name.removesuffix(".yaml") for item in shipped.iterdir())
        raise UserFileError(
            f"The bench file cannot be read: {error}.",
            path=name,
            fix=f"Give a path, or one of {', '.join(n for n in known if not n.startswith('_'))}.",
        ) from error
    return BenchFile(text, str(path), path.resolve().parent)


def bench_from_mapping(values: Mapping[str, Any]) -> BenchFile:
    """Check a bench given as a mapping. Raises: UserFileError."""
    return BenchFile(json.dumps(dict(values), indent=1), "<bench mapping>")


def checked_cell(values: Mapping[str, Any]) -> dict[str, Any]:
    """Check a cell given as a mapping against the table of bench files. Raises: UserFileError."""
    whole = {"labctl": SCHEMA, "instruments": [], "cells": [dict(values)]}
    cell: dict[str, Any] = BenchFile(json.dumps(whole, default=str), "<cell>").values["cells"][0]
    return cell


def shipped_text(name: str) -> str | None:
    """Return a text file shipped with the benches (a step file), or None."""
    file = resources.files("labctl_simulators") / "benches" / name
    return file.read_text("utf-8") if "/" not in name and file.is_file() else None


def json_schema() -> dict[str, Any]:
    """Return the JSON schema of bench files, generated from the tables that the reader uses."""
    definitions: dict[str, Any] = {}
    for name, table in TABLES.items():
        definitions[name] = {
            "type": "object",
            "additionalProperties": False,
            "required": [key for key, value in table.items() if value.required],
            "properties": {key: _schema_of(value) for key, value in table.items()},
        }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "labctl bench/1",
        "$defs": definitions,
        "$ref": "#/$defs/bench",
    }


def _schema_of(key: Key) -> dict[str, Any]:
    simple: dict[str, dict[str, Any]] = {
        "text": {"type": ["string", "number"]} if not key.values else {"type": "string"},
        "number": {"type": "number"},
        "integer": {"type": "integer"},
        "flag": {"type": "boolean"},
        "numbers": {"type": "array", "items": {"type": "number"}},
        "free": {"type": "object"},
        "ranges": {"type": "object", "additionalProperties": {"$ref": "#/$defs/range"}},
    }
    shape = dict(simple.get(key.kind, {"$ref": f"#/$defs/{key.kind}"}))
    if key.values:
        shape["enum"] = list(key.values)
    if key.many:
        shape = {"type": "array", "items": shape}
    if key.help:
        shape["description"] = key.help
    return shape
