"""Raw frames: what passed the links of an instrument. Opened from a channel, or by the palette."""

from __future__ import annotations

from labctl.gui.i18n.translating import mark
from labctl.gui.parts.view import Context, View, ViewSpec


def _make(context: Context) -> View:
    from labctl.gui.views.frames.view import FramesView

    return FramesView(context, VIEW)


VIEW = ViewSpec(
    "frames", mark("views", "Raw frames"), "code-braces", 40, _make, help="gui.md#frames", rail=False
)
