"""What is published about the API is what the station does."""

from __future__ import annotations

import json
import re
from pathlib import Path

from labctl.api.messages import PREFIX
from labctl.api.server.app import api_routes
from labctl.api.server.publish import document_text

DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_the_published_openapi_document_is_current() -> None:
    published = (DOCS / "schemas" / "openapi.json").read_text(encoding="utf-8")
    assert published == document_text(), "run: python -m labctl.api.server.publish docs/schemas/openapi.json"


def test_every_operation_has_a_name_of_its_own_a_sentence_a_role_and_the_refusals() -> None:
    document = json.loads(document_text())
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    names = [operation["operationId"] for operation in operations]
    assert len(set(names)) == len(names) == len([route for route in api_routes() if route.include_in_schema])
    for operation in operations:
        assert operation["description"][0].isupper() and operation["x-role"]
        assert {"401", "403", "404", "409", "422", "429", "503"} <= set(operation["responses"])
        assert not any(int(status) >= 500 and status != "503" for status in operation["responses"])


def test_every_route_is_in_the_page_about_the_api() -> None:
    text = (DOCS / "api.md").read_text(encoding="utf-8")
    told = set(re.findall(r"`(/[a-z][^`? ]*)", text))
    for route in api_routes():
        if route.include_in_schema:
            assert route.path_format.removeprefix(PREFIX) in told, route.path_format
