"""The cells view: a batch from a spreadsheet, the questions it raises, the registry, the way to the start."""

from __future__ import annotations

from labctl.gui.i18n.translating import mark
from labctl.gui.parts.view import Context, View, ViewSpec


def _make(context: Context) -> View:
    from labctl.gui.views.cells.view import CellsView

    return CellsView(context, VIEW)


VIEW = ViewSpec("cells", mark("views", "Cells"), "battery-outline", 6, _make, key=6, help="gui.md#cells")
