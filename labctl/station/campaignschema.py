"""Publish the campaign language as JSON Schema, for editors that complete and check while one types.

The schema knows structure and words; whether cells, protocols and steps exist tells ``labctl queue add --dry-run``.
"""

from __future__ import annotations

import json
from typing import Any

from labctl.station.campaign import HEADER, REPEAT_MAX
from labctl.station.campaignread import CHANNEL, LABEL_MAX, NAME, TEXT_MAX

Schema = dict[str, Any]
SCHEMA_ID = "urn:labctl:schema:campaign-1"


def _object(properties: Schema, required: tuple[str, ...] = (), description: str = "") -> Schema:
    schema: Schema = {"type": "object", "additionalProperties": False, "properties": properties}
    if required:
        schema["required"] = list(required)
    if description:
        schema["description"] = description
    return schema


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{name}"}


def _one_or_more(item: Schema) -> Schema:
    return {"anyOf": [item, {"type": "array", "minItems": 1, "items": item}]}


def _options() -> Schema:
    """Return what may be said for the whole campaign or for one step."""
    retry = _object({"times": {"type": "integer", "minimum": 0}, "pause": _ref("time")}, ("times",))
    return {
        "priority": {"type": "integer", "description": "Larger goes first."},
        "not_before": {
            "type": "string",
            "description": "Plant time, ISO 8601, for example 2026-01-31T08:00Z.",
        },
        "stagger": {**_ref("time"), "description": "Least time between two starts of this campaign."},
        "hold": {"type": "boolean", "description": "Jobs wait for a release."},
        "retry": {
            "anyOf": [{"type": "integer", "minimum": 0}, retry],
            "description": "For starts that were refused.",
        },
    }


def _step() -> Schema:
    name = {"type": "string", "pattern": f"^{NAME.pattern}$"}
    wait = _object(
        {"step": name, "when": {"enum": ["ok", "any"]}, "of": {"enum": ["cell", "all"]}},
        ("step",),
        "A dependency on the same cell's last job of a step, or on those of all its cells.",
    )
    condition = _object(
        {
            "name": {"type": ["string", "number"], "maxLength": LABEL_MAX},
            "variables": _ref("variables"),
            "channels": _one_or_more(_ref("channel")),
        },
        description="One value set; the conditions of a step follow each other on each cell.",
    )
    return _object(
        {
            "step": name,
            "protocol": _one_or_more(_ref("text")),
            "cells": _one_or_more(_ref("text")),
            "conditions": {"type": "array", "minItems": 1, "items": condition},
            "repeat": {"type": "integer", "minimum": 1, "maximum": REPEAT_MAX},
            "after": _one_or_more({"anyOf": [name, wait]}),
            "variables": _ref("variables"),
            "channels": _one_or_more(_ref("channel")),
            "notes": _ref("text"),
            **_options(),
        },
        ("step", "protocol"),
    )


def json_schema() -> Schema:
    """Return the JSON Schema (draft 2020-12) of campaign files."""
    placed = _object(
        {
            "cell": _ref("cell"),
            "channel": _ref("channel"),
            "channels": _one_or_more(_ref("channel")),
            "variables": _ref("variables"),
        },
        ("cell",),
    )
    member = {"anyOf": [_ref("cell"), placed, _object({"batch": _ref("text")}, ("batch",))]}
    group = {"type": "array", "minItems": 1, "items": member}
    used = _object({"use": _ref("text"), "variables": _ref("variables")}, ("use",))
    filed = _object({"file": _ref("text"), "variables": _ref("variables")}, ("file",))
    properties: Schema = {
        "labctl": {"const": HEADER},
        "name": _ref("text"),
        "notes": _ref("text"),
        "cells": {"anyOf": [group, {"type": "object", "minProperties": 1, "additionalProperties": group}]},
        "protocols": {"type": "object", "additionalProperties": {"anyOf": [_ref("text"), used, filed]}},
        "order": {"enum": ["by step", "by cell"]},
        "steps": {"type": "array", "minItems": 1, "items": _step()},
        **_options(),
    }
    number = r"[+]?[0-9]+([.][0-9]+)?"
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": SCHEMA_ID,
        "title": "labctl campaign",
        **_object(
            properties,
            ("labctl", "name", "cells", "steps"),
            "A scripted queue: cells x protocols x conditions.",
        ),
        "$defs": {
            "text": {"type": "string", "minLength": 1, "maxLength": TEXT_MAX},
            "cell": {"type": "string", "pattern": "^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$"},
            "channel": {"type": "string", "pattern": f"^{CHANNEL.pattern}$"},
            "time": {"type": "string", "pattern": rf"^\s*{number}\s*[A-Za-z]+\s*$"},
            "variables": {
                "type": "object",
                "additionalProperties": {"type": ["string", "number", "boolean"]},
            },
        },
    }


def schema_text() -> str:
    """Return the schema as the text of the published file."""
    return json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
