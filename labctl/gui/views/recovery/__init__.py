"""The recovery page: after a restart it opens by itself where runs need a person."""

from __future__ import annotations

from labctl.gui.i18n.translating import mark
from labctl.gui.parts.view import Context, View, ViewSpec


def _make(context: Context) -> View:
    from labctl.gui.views.recovery.view import RecoveryView

    return RecoveryView(context, VIEW)


VIEW = ViewSpec(
    "recovery", mark("views", "Recovery"), "restore-alert", 62, _make, help="gui.md#recovery", rail=False
)
