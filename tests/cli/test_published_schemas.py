"""The JSON Schemas under docs/schemas are those of the code; editors use them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from labctl.cli.app import main

ROOT = Path(__file__).parents[2]
PUBLISHED = ROOT / "docs" / "schemas" / "bench-1.json"


def test_the_bench_schema_in_docs_is_current(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["sim", "--schema"]) == 0
    current = json.loads(capsys.readouterr().out)
    assert json.loads(PUBLISHED.read_text(encoding="utf-8")) == current, (
        "docs/schemas/bench-1.json is old: labctl sim --schema > docs/schemas/bench-1.json"
    )
