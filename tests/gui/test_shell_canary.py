"""Canaries of the libraries: what a careless upgrade would break first."""

from __future__ import annotations

import sys
from typing import Any


def test_void_calls_of_qt_do_not_lose_references_to_none(qapp: Any) -> None:
    """PySide6 6.12.0 on CPython 3.10 and 3.11 loses one per call, and aborts after some five thousand (contract 9)."""
    from PySide6.QtWidgets import QWidget

    widget = QWidget()
    calls = 3000
    before = sys.getrefcount(None)
    for _ in range(calls):
        widget.update()
    lost = before - sys.getrefcount(None)
    assert lost < calls // 10


def test_switches_of_theme_keep_the_memory(look: Any, qapp: Any) -> None:
    """A leak of a pixmap or a style per switch would show as hundreds of megabytes."""
    import tracemalloc

    from labctl.gui.theme.tokens import ThemeName

    look.put_on(ThemeName.DARK, 1.0)
    tracemalloc.start()
    try:
        first = tracemalloc.get_traced_memory()[0]
        for at in range(20):
            look.put_on(list(ThemeName)[at % 3], 1.0 + 0.1 * (at % 2))
        assert tracemalloc.get_traced_memory()[0] - first < 2_000_000
    finally:
        tracemalloc.stop()
