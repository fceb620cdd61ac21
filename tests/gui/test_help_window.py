"""F1 shows the section of the view in a window of the house; links turn its pages, also backwards."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from PySide6.QtCore import Qt, QUrl

from labctl.gui import helping


@pytest.fixture
def shown(look: Any, qtbot: Any) -> Iterator[Any]:
    def open_at(name: str) -> helping.HelpWindow:
        assert helping.open_help(name)
        return helping._open[0]

    yield open_at
    for window in helping._open:
        window.close()
        window.deleteLater()
    helping._open.clear()


def test_a_page_opens_at_the_section_of_the_view(shown: Any, qtbot: Any) -> None:
    window = shown("gui.md#station")
    assert window.isVisible() and window.name.text() == "gui.md"
    below = window.browser.verticalScrollBar().value()
    assert below > 0
    window = shown("gui.md#compare")
    assert window.browser.verticalScrollBar().value() > below
    window.go_back()
    assert window.browser.verticalScrollBar().value() == below


def test_links_between_pages_are_followed_and_the_outside_is_the_browsers(
    shown: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    outside: list[str] = []
    monkeypatch.setattr(helping.QDesktopServices, "openUrl", lambda url: outside.append(url.toString()))
    window = shown("gui.md")
    window._follow(QUrl("queue.md#a-campaign"))
    assert window.name.text() == "queue.md"
    window._follow(QUrl("https://doi.org/10.1002/batt.202000125"))
    assert outside == ["https://doi.org/10.1002/batt.202000125"] and window.name.text() == "queue.md"


def test_the_help_window_carries_stop_all_and_closes_with_escape(shown: Any, qtbot: Any) -> None:
    window = shown("gui.md")
    assert window.findChild(object, "stop-all") is not None
    qtbot.keyClick(window, Qt.Key.Key_Escape)
    assert not window.isVisible()


def test_headings_become_the_anchors_that_links_use() -> None:
    assert helping.slug("How it *works*, in short") == "how-it-works-in-short"
    assert helping.slug("station") == "station"


def test_docs_that_were_not_installed_open_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> None:
    monkeypatch.setattr(helping, "PLACES", (tmp_path,))
    assert helping.help_page("gui.md") is None and not helping.open_help("gui.md")
