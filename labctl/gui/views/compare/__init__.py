"""Compare: groups of cells side by side in the same colours (U07)."""

from __future__ import annotations

from labctl.gui.i18n.translating import mark
from labctl.gui.parts.view import Context, View, ViewSpec


def make(context: Context) -> View:
    """Make the view."""
    from labctl.gui.views.compare.page import CompareView

    return CompareView(context, VIEW)


VIEW = ViewSpec("compare", mark("views", "Compare"), "chart-multiline", 3, make, key=3, help="gui.md#compare")
