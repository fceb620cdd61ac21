"""What view-models ask is what the station's client can do: every verb has its method."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

import labctl.gui.viewmodels as package
from labctl.testing.guilab import FakeAsks, method_of

VERB = re.compile(
    r"(station|queue|runs|cells|electrodes|batches|channels|chambers|instruments|protocols|alarms|people|notify)\.[a-z_]+\Z"
)


def verbs() -> set[str]:
    found = set()
    for path in Path(package.__path__[0]).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and VERB.match(node.value):
                found.add(node.value)
    return found


def test_every_verb_that_a_view_model_names_is_a_method_of_the_client() -> None:
    named = verbs()
    assert {"runs.stop", "queue.submit", "station.stop_all", "alarms.acknowledge"} <= named
    assert [verb for verb in sorted(named) if not callable(method_of(verb))] == []


def test_the_fake_takes_only_what_the_client_takes() -> None:
    asks = FakeAsks()
    asks.ask("runs.stop", "r1", reason="by hand")
    with pytest.raises(TypeError):
        asks.ask("runs.stop", "r1", hurry=True)
    with pytest.raises(AttributeError):
        asks.ask("runs.dance", "r1")
