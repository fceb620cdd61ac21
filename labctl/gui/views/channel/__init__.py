"""Channel: one cell in detail, live: read-outs, plots of its whole run, steps, limits, events, acts."""

from __future__ import annotations

from labctl.gui.i18n.translating import mark
from labctl.gui.parts.view import Context, View, ViewSpec


def _make(context: Context) -> View:
    from labctl.gui.views.channel.view import ChannelView

    return ChannelView(context, VIEW)


VIEW = ViewSpec("channel", mark("views", "Channel"), "chart-line", 2, _make, key=2, help="gui.md#channel")
