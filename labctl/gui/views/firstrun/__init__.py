"""The first run: three ways on from an empty station, the path with six steps, and the wizard."""

from __future__ import annotations

from labctl.gui.i18n.translating import mark
from labctl.gui.parts.view import Context, View, ViewSpec


def _make(context: Context) -> View:
    from labctl.gui.views.firstrun.view import FirstRunView

    return FirstRunView(context, VIEW)


VIEW = ViewSpec(
    "firstrun", mark("views", "First steps"), "flag-outline", 63, _make, help="gui.md#firstrun", rail=False
)
