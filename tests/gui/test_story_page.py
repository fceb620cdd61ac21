"""The page of the user stories names each story of this window, and only tests that exist."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "gui-stories.md"
LATER = {15}
"""The story that comes with its instrument: the coater."""
NOTHING_TO_REFUSE = {18}


def sections() -> dict[int, str]:
    parts = re.split(r"^## U(\d\d)$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {int(number): text for number, text in zip(parts[1::2], parts[2::2], strict=True)}


def test_every_story_whose_instrument_is_there_has_a_happy_and_a_refused_path() -> None:
    found = sections()
    assert set(found) == set(range(1, 23)) - LATER
    for number, text in found.items():
        assert re.search(r"^- `test_", text, re.MULTILINE), number
        assert number in NOTHING_TO_REFUSE or "- refused: `test_" in text, number


def test_each_test_that_the_page_names_exists() -> None:
    named = re.findall(r"`(test_\w+\.py)::(\w+)`", PAGE.read_text(encoding="utf-8"))
    assert len(named) > 40
    texts = {file: (HERE / file).read_text(encoding="utf-8") for file, _ in named}
    missing = [f"{file}::{name}" for file, name in named if f"\ndef {name}(" not in texts[file]]
    assert missing == []
