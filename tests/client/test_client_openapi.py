"""Every operation that the station publishes has a client method, which takes and gives the same types."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

import httpx
import pytest

from labctl.api.client import routes
from labctl.api.client.answers import Route
from labctl.api.client.generate import sources
from labctl.api.messages import PREFIX
from labctl.testing.fakestation import served_fake

ARROW = "application/vnd.apache.arrow.stream"


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], dict[str, Any]]:
    """The operations of a running station, by method and path."""
    data = tmp_path_factory.mktemp("openapi") / "data"
    with served_fake(data) as fake:
        token = (data / "station" / "owner.token").read_text(encoding="ascii").strip()
        headers = {"Authorization": f"Bearer {token}"}
        told = httpx.get(f"{fake.endpoint.url}{PREFIX}/openapi.json", headers=headers, timeout=60.0).json()
    return {
        (method.upper(), path.removeprefix(PREFIX)): operation
        for path, methods in told["paths"].items()
        for method, operation in methods.items()
    }


def known() -> dict[tuple[str, str], tuple[str, Route[Any]]]:
    """Return the client's table, by method and path."""
    found = inspect.getmembers(routes, lambda value: isinstance(value, Route))
    return {(route.method, route.path): (name, route) for name, route in found}


def published_name(schema: dict[str, Any]) -> str:
    """Return a schema's name; a list of it in brackets, anything else as its JSON type."""
    if "$ref" in schema:
        return str(schema["$ref"]).rsplit("/", 1)[-1]
    if schema.get("type") == "array":
        return f"[{published_name(schema['items'])}]"
    return str(schema.get("type"))


def our_name(kind: Any) -> str:
    """Return the same name for one of our types."""
    if get_origin(kind) is tuple:
        return f"[{our_name(get_args(kind)[0])}]"
    plain = {str: "string", bytes: ARROW}
    if get_origin(kind) is dict:
        return "object"
    return plain.get(kind) or str(kind.__name__)


def bodies_sent() -> Iterator[tuple[str, str]]:
    """Yield (route, body type) of each call in the client's source."""
    for source in sources():
        for function in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if not isinstance(function, ast.AsyncFunctionDef):
                continue
            named = {
                target.id: node.value
                for node in ast.walk(function)
                if isinstance(node, ast.Assign)
                for target in node.targets
                if isinstance(target, ast.Name)
            }
            for call in ast.walk(function):
                if not isinstance(call, ast.Call) or not call.args:
                    continue
                first = call.args[0]
                if not (isinstance(first, ast.Attribute) and ast.unparse(first.value) == "routes"):
                    continue
                for word in call.keywords:
                    value = named.get(word.value.id) if isinstance(word.value, ast.Name) else word.value
                    if word.arg == "body" and isinstance(value, ast.Call):
                        yield first.attr, ast.unparse(value.func)


def test_the_client_knows_every_operation_and_no_other(published: dict[Any, Any]) -> None:
    assert set(known()) == set(published)


def test_what_each_method_gives_is_what_the_station_says(published: dict[Any, Any]) -> None:
    odd = []
    for place, (name, route) in known().items():
        content = published[place]["responses"]["200"]["content"]
        said = ARROW if ARROW in content else published_name(content["application/json"]["schema"])
        if said != our_name(route.result):
            odd.append(f"{name}: the station says {said}, the client {our_name(route.result)}")
    assert odd == []


def test_what_each_method_sends_is_what_the_station_takes(published: dict[Any, Any]) -> None:
    sent = dict(bodies_sent())
    odd = []
    for place, (name, _) in known().items():
        content = published[place].get("requestBody", {}).get("content", {})
        wanted = published_name(content["application/json"]["schema"]) if content else ""
        if sent.get(name, "") not in (wanted, "" if wanted == "Reason" else wanted):
            odd.append(f"{name}: the station takes {wanted or 'nothing'}, the client sends {sent.get(name)}")
    assert odd == []


def test_each_query_word_of_the_client_is_one_of_the_station(published: dict[Any, Any]) -> None:
    by_name = {name: place for place, (name, _) in known().items()}
    for source in sources():
        tree = ast.parse(source.read_text(encoding="utf-8"))
        for function in ast.walk(tree):
            if not isinstance(function, ast.AsyncFunctionDef):
                continue
            used = {
                node.attr
                for node in ast.walk(function)
                if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "routes"
            }
            words = {
                key.value
                for node in ast.walk(function)
                if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "query"
                and isinstance(node.value, ast.Dict)
                for key in node.value.keys
                if isinstance(key, ast.Constant)
            }  # fmt: skip
            for name in used if words else ():
                said = {entry["name"] for entry in published[by_name[name]]["parameters"]}
                assert words <= said, f"{Path(source).name}: {name}"
