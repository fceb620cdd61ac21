"""Reports: figures for a paper, at true size, as vectors with the data beside them (U10)."""

from __future__ import annotations

from labctl.gui.i18n.translating import mark
from labctl.gui.parts.view import Context, View, ViewSpec


def make(context: Context) -> View:
    """Make the view."""
    from labctl.gui.views.reports.page import ReportView

    return ReportView(context, VIEW)


VIEW = ViewSpec(
    "reports", mark("views", "Reports"), "file-chart-outline", 9, make, key=9, help="gui.md#reports"
)
