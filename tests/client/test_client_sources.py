"""The plain client is made from the one for event loops, and is current."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest

from labctl.api.client import routes
from labctl.api.client.answers import Route
from labctl.api.client.generate import HERE, made_from, sources, target_of


@pytest.mark.parametrize("source", sources(), ids=lambda path: path.name)
def test_the_plain_client_is_current(source: Path) -> None:
    hint = "run: python -m labctl.api.client.generate"
    assert target_of(source).read_text(encoding="utf-8") == made_from(source), hint


def test_the_plain_client_has_no_file_of_its_own() -> None:
    made = {path.name for path in (HERE / "sync").glob("*.py")}
    assert made == {path.name for path in sources()} | {"__init__.py"}


def test_every_operation_has_a_method_that_uses_it() -> None:
    used = set()
    for source in sources():
        for node in ast.walk(ast.parse(source.read_text(encoding="utf-8"))):
            if (
                isinstance(node, ast.Attribute)
                and isinstance(node.value, ast.Name)
                and node.value.id == "routes"
            ):
                used.add(node.attr)
    known = {name for name, value in inspect.getmembers(routes) if isinstance(value, Route)}
    assert used == known
