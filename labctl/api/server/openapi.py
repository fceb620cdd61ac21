"""The published description of the API: roles, nulls for unknown numbers, the stream, the token."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from fastapi.routing import APIRoute

from labctl.api.server.needs import role_of
from labctl.model.person import Role


def described(app: FastAPI, routes: Iterable[APIRoute]) -> dict[str, Any]:
    """Return the OpenAPI document of the application, made once."""
    if app.openapi_schema is None:
        document = get_openapi(
            title=app.title,
            version=app.version,
            routes=app.routes,
            description=(
                "Every call needs 'Authorization: Bearer <token>', also on loopback. Changes are POST with a JSON "
                "body; an 'Idempotency-Key' makes a repeated POST harmless. Refusals answer {error, findings, fix}. "
                "Numbers that nobody knows are null. Live data: WebSocket /api/v1/stream, see docs/api.md."
            ),
            separate_input_output_schemas=False,
        )
        for route in routes:
            _complete(document["paths"][route.path_format], route)
        document["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        document["security"] = [{"token": []}]
        for schema in document["components"]["schemas"].values():
            _allow_unknown(schema)
        app.openapi_schema = document
    return app.openapi_schema


def role_needed(route: APIRoute) -> Role:
    """Return the role that a route asks for. Raises: LookupError for a route that asks for none."""
    found = [role_of(dependency.call) for dependency in route.dependant.dependencies]
    roles = [role for role in found if role is not None]
    if not roles:
        raise LookupError(f"{route.path} asks for no role")
    return max(roles, key=list(Role).index)


def _complete(operations: dict[str, Any], route: APIRoute) -> None:
    for method in route.methods or ():
        operation = operations[method.lower()]
        operation["x-role"] = role_needed(route).value
        operation.pop("summary", None)
        if method == "POST":
            key = {"name": "Idempotency-Key", "in": "header", "required": False, "schema": {"type": "string"}}
            operation.setdefault("parameters", []).append(key)


def _allow_unknown(schema: dict[str, Any]) -> None:
    """Say that a number may be null, in columns too: NaN has no other form in JSON."""
    for name, known in schema.get("properties", {}).items():
        schema["properties"][name] = _with_null(known)


def _with_null(known: dict[str, Any]) -> dict[str, Any]:
    if known.get("type") == "number":
        return {**known, "type": ["number", "null"]}
    inner = {
        part: _with_null(known[part])
        for part in ("items", "additionalProperties")
        if isinstance(known.get(part), dict)
    }
    return {**known, **inner}
