"""Settings: the look, the station's facts, people, notifications, and the keyboard map."""

from __future__ import annotations

from labctl.gui.i18n.translating import mark
from labctl.gui.parts.view import Context, View, ViewSpec


def _make(context: Context) -> View:
    from labctl.gui.views.settings.view import SettingsView

    return SettingsView(context, VIEW)


VIEW = ViewSpec(
    "settings", mark("views", "Settings"), "cog-outline", 90, _make, help="gui.md#settings", rail=False
)
