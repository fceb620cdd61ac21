"""The station at a glance: every channel as a tile in the cabinet's order, or as a table; what needs a person above."""

from __future__ import annotations

from labctl.gui.parts.view import Context, View, ViewSpec
from labctl.gui.viewmodels.words import mark


def _make(context: Context) -> View:
    from labctl.gui.views.station.view import StationView

    return StationView(context, VIEW)


VIEW = ViewSpec(
    "station", mark("views", "Station"), "view-grid-outline", 1, _make, key=1, help="gui.md#station"
)
