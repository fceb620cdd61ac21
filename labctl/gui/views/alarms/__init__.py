"""Alarms and events: what a person must do now, what it was like at that moment, and what happened around it (U12)."""

from __future__ import annotations

from labctl.gui.i18n.translating import mark
from labctl.gui.parts.view import Context, View, ViewSpec


def _make(context: Context) -> View:
    from labctl.gui.views.alarms.view import AlarmsView

    return AlarmsView(context, VIEW)


VIEW = ViewSpec("alarms", mark("views", "Alarms"), "bell-outline", 8, _make, key=8, help="gui.md#alarms")
