"""The queue with the channel calendar: why each item waits, when it will be over; order, hold, repeat, insert (U14)."""

from __future__ import annotations

from labctl.gui.i18n.translating import mark
from labctl.gui.parts.view import Context, View, ViewSpec


def _make(context: Context) -> View:
    from labctl.gui.views.queue.view import QueueView

    return QueueView(context, VIEW)


VIEW = ViewSpec("queue", mark("views", "Queue"), "chart-gantt", 5, _make, key=5, help="gui.md#queue")
